"""Mutated films: each is to end as a film or a RadiographError. `python -m tests.imaging.fuzzing`.

    python -m tests.imaging.fuzzing --minutes 60 --seed 7 [--files FOLDER] [--keep FOLDER]

Starts from films made in memory, and from those of a folder. What ends in anything else is kept.
"""

import argparse
import hashlib
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from tests.dicom_files import lut, make_dicom
from tests.imaging.pictures import encode, png16
from xraycore.imaging import RadiographError, read_radiograph

# What decoders take for lengths, counts and markers.
TELLING = [b"\0", b"\xff", b"\x7f", b"\x80", b"\xff\xff", b"\0\0", b"\xff\xff\xff\xff", b"\0\0\0\0"]
TELLING += [b"\x7f\xff\xff\xff", b"\xff\xd9", b"\xff\xda", b"\xfe\xff\x00\xe0", b"SQ", b"\0\1"]


def films() -> dict[str, bytes]:
    """A small film in every format and with every part of a header that is looked at."""
    rows, columns = np.mgrid[:40, :48]
    grey = (rows * 3 + columns * 2).astype(np.uint8)
    wide, colour = grey.astype(np.uint16) * 16, np.stack([grey, grey, 255 - grey], 2)
    made = {kind: encode(grey, kind) for kind in ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "AVIF")}
    made |= {kind: encode(colour, kind) for kind in ("HEIF", "JPEG2000")}
    made["progressive"] = encode(colour, "JPEG", progressive=True)
    made["TIFF-16"], made["PNG-16"] = encode(wide, "TIFF"), png16(np.repeat(wide[..., None], 3, 2))
    made["TIFF-LZW"] = encode(colour, "TIFF", compression="tiff_lzw")
    made["palette"] = encode(Image.fromarray(grey).convert("P"), transparency=3)
    made["DICOM"] = make_dicom(wide, BitsStored=12)
    for syntax in (RLELossless, JPEG2000Lossless):
        made[f"DICOM-{syntax.name}"] = make_dicom(wide, BitsStored=12, compress=syntax)
    for syntax in (ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian):
        made[f"DICOM-{syntax.name}"] = make_dicom(wide, BitsStored=12, syntax=syntax)
    made["DICOM-display"] = make_dicom(
        wide,
        BitsStored=12,
        RescaleSlope="2",
        RescaleIntercept="-100",
        WindowCenter=["2000", "10"],
        WindowWidth=["3000", "10"],
        VOILUTFunction="SIGMOID",
        PixelPaddingValue=0,
        PixelSpacing=[0.2, 0.3],
        ViewPosition="PA",
        PatientAge="050Y",
        PatientOrientation=["L", "F"],
        BodyPartExamined="CHEST",
    )
    made["DICOM-tables"] = make_dicom(
        wide,
        VOILUTSequence=lut(256, 0, 12, list(range(0, 4096, 16))),
        ModalityLUTSequence=lut(256, 0, 16, list(range(256))),
    )
    made["DICOM-colour"] = make_dicom(colour)
    return made


def mutate(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """A film with one to eight faults: bits, bytes, parts lost, doubled or of another film."""
    mutated = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        place = int(rng.integers(0, max(1, len(mutated))))
        # Most of what decides lies at the beginning.
        place = place if rng.random() < 0.5 else place % 512
        length = int(rng.integers(1, 64))
        kind = rng.integers(0, 8)
        if kind <= 2:
            mutated[place : place + 1] = bytes([rng.integers(0, 256)])
        elif kind == 3:
            telling = TELLING[rng.integers(len(TELLING))]
            mutated[place : place + len(telling)] = telling
        elif kind == 4:
            del mutated[place : place + length]
        elif kind == 5:
            mutated[place:place] = mutated[place : place + length] * int(rng.integers(1, 20))
        elif kind == 6:
            mutated[place : place + length] = other[place : place + length]
        elif rng.random() < 0.3:
            del mutated[place:]
    return bytes(mutated)


def ends_well(data: bytes) -> bool:
    """Whether the bytes are a film as it should be, or refused in one line."""
    try:
        xray = read_radiograph(data, name="film")
    except RadiographError as error:
        return "\n" not in str(error)
    pixels = xray.pixels
    shaped = pixels.dtype == np.float32 and pixels.shape == (xray.info.height, xray.info.width)
    return shaped and bool(np.isfinite(pixels).all()) and pixels.min() >= 0 and pixels.max() <= 1


def fuzz(starts: list[bytes], seed: int, seconds: float, most: int) -> tuple[int, list[bytes]]:
    """How many mutated films were tried, and those that ended in anything else."""
    rng, tried, found = np.random.default_rng(seed), 0, []
    until = time.monotonic() + seconds
    while time.monotonic() < until and tried < most:
        first, other = (starts[place] for place in rng.integers(0, len(starts), 2))
        mutated = mutate(first, other, rng)
        tried += 1
        try:
            well = ends_well(mutated)
        except Exception:
            well = False
        if not well:
            found.append(mutated)
    return tried, found


def main() -> int:
    """Fuzz for some minutes; the number of files found is the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--files", type=Path, help="start from these films too")
    parser.add_argument("--keep", type=Path, default=Path("found"))
    asked = parser.parse_args()
    starts = list(films().values())
    if asked.files:
        starts += [file.read_bytes() for file in sorted(asked.files.iterdir())]
    tried, found = fuzz(starts, asked.seed, asked.minutes * 60, sys.maxsize)
    for data in found:
        asked.keep.mkdir(exist_ok=True)
        (asked.keep / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    sys.stdout.write(f"seed {asked.seed}: {tried:,} files, {len(found)} in {asked.keep}/\n")
    return min(len(found), 100)


if __name__ == "__main__":
    sys.exit(main())
