"""Bytes of any accepted format to a `Radiograph`."""

import hashlib
import io
import os
import re
import stat
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from xraycore.errors import RadiographError
from xraycore.imaging.decoding import MAX_BYTES
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.imaging.worker import decode_film


@dataclass(frozen=True)
class RadiographInfo:
    """Where a radiograph came from and how it was stored; nothing that identifies a patient.

    `name` is the file's base name and `sha256` that of its bytes. `width` and `height` are those
    of the upright image. `bit_depth` counts the bits that a stored sample uses. The rest is known
    for DICOM only: `pixel_spacing` is (row, column) in millimetres, `spacing_on_patient` whether on
    the patient (PixelSpacing) or on the detector, where all is larger (ImagerPixelSpacing). `study`
    is a hash that films of one study have in common, `month` when it was made, as 2026-03, `device`
    maker and model of what made it: these go into no answer and no export of a film.
    """

    name: str
    sha256: str
    format: str
    width: int
    height: int
    bit_depth: int
    modality: str | None = None
    photometric_interpretation: str | None = None
    view_position: str | None = None
    pixel_spacing: tuple[float, float] | None = None
    spacing_on_patient: bool = False
    study: str | None = None
    month: str | None = None
    device: str | None = None


@dataclass(frozen=True, eq=False)
class Radiograph:
    """One film: read-only float32 (H, W) `pixels` in [0, 1] with air dark, `info`, `warnings`."""

    pixels: np.ndarray = field(repr=False)
    info: RadiographInfo
    warnings: tuple[FilmWarning, ...] = ()

    def __post_init__(self) -> None:
        pixels = np.asarray(self.pixels, dtype=np.float32).view()
        pixels.flags.writeable = False
        object.__setattr__(self, "pixels", pixels)


def read_radiograph(
    source: str | os.PathLike | bytes | BinaryIO, *, name: str | None = None
) -> Radiograph:
    """The radiograph in a JPEG, PNG, TIFF, BMP, WebP, HEIC, AVIF, JPEG 2000 or DICOM file.

    Files are told apart by content. Pixels that are not square are resampled to squares.

    Args:
        source: a path, the bytes themselves, or an open binary file, which is read from its start
            where it can be rewound.
        name: what messages call it; by default the file's own name, or `<bytes>`.

    Raises:
        RadiographError: it cannot be read, is no single grey or colour image of an accepted
            format, is damaged, is over 64 MiB or 64 megapixels (checked before decoding), or cannot
            be decoded within 4 s and 592 MiB of memory.
    """
    label = _label(source, name)
    data = _read(source, label)
    if not data:
        raise RadiographError.of(label, expected="an image", received="an empty file (0 bytes)")
    decoded = decode_film(data, label)
    height, width = decoded.pixels.shape
    info = RadiographInfo(
        name=label,
        sha256=hashlib.sha256(data).hexdigest(),
        width=width,
        height=height,
        **decoded.facts,
    )
    return Radiograph(decoded.pixels, info, tuple(decoded.warnings))


def read_bytes(path: str | os.PathLike) -> bytes:
    """The bytes of a film's file, refused as `read_radiograph` refuses them, not yet decoded.

    Raises:
        RadiographError: It is no file, cannot be read, or is over 64 MiB.
    """
    return _read(path, _label(path, None))


def _label(source: object, name: str | None) -> str:
    """A base name in one printable line."""
    if name is None:
        own: Any = (
            source if isinstance(source, str | os.PathLike) else getattr(source, "name", None)
        )
        try:
            name = os.fsdecode(own)
        except TypeError:
            name = "<bytes>" if isinstance(source, bytes | bytearray | memoryview) else "<stream>"
    base = re.split(r"[\\/]", name.rstrip("\\/"))[-1]
    return "".join(c if c.isprintable() else "?" for c in base) or "<unnamed>"


def _read(source: Any, name: str) -> bytes:
    """All bytes of the source, refused beyond `MAX_BYTES` before they fill the memory."""
    try:
        if isinstance(source, bytes | bytearray | memoryview):
            data = bytes(source) if len(source) <= MAX_BYTES else _refuse_length(name, len(source))
        elif isinstance(source, str | os.PathLike):
            data = _read_path(source, name)
        elif hasattr(source, "read"):
            data = _read_stream(source, name)
        else:
            raise RadiographError.of(
                name,
                expected="a path, bytes or an open binary file",
                received=f"a {type(source).__name__}",
            )
    except FileNotFoundError as error:
        raise RadiographError.of(
            name, expected="an existing file", received="a path where there is none"
        ) from error
    except RadiographError:
        raise
    except (OSError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RadiographError.of(
            name, expected="a readable file", received=f"an error ({reason})"
        ) from error
    return data


def _read_path(path: str | os.PathLike, name: str) -> bytes:
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a device or pipe"
        raise RadiographError.of(name, expected="a file", received=kind)
    if status.st_size > MAX_BYTES:
        _refuse_length(name, status.st_size)
    with open(path, "rb") as file:
        return _read_stream(file, name)


def _read_stream(stream: BinaryIO, name: str) -> bytes:
    if getattr(stream, "seekable", lambda: False)():
        stream.seek(0)
    buffer = io.BytesIO()
    while buffer.tell() <= MAX_BYTES:
        chunk: bytes | str = stream.read(MAX_BYTES + 1 - buffer.tell())
        if isinstance(chunk, str):
            raise RadiographError.of(name, expected="a file opened in binary mode", received="text")
        if not chunk:
            return buffer.getvalue()
        buffer.write(chunk)
    return _refuse_length(name, None)


def _refuse_length(name: str, length: int | None) -> bytes:
    raise RadiographError.of(
        name,
        expected=f"at most {MAX_BYTES // 2**20} MiB",
        received="more" if length is None else f"{length / 2**20:.1f} MiB",
    )
