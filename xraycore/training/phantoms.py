"""Generated films among the training films: chests that no hospital took, with known lesions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xraycore.anatomy.crop import crop_inputs
from xraycore.anatomy.segmenter import BATCH
from xraycore.datasets.labels import NORMAL, members
from xraycore.datasets.manifest import Record
from xraycore.datasets.synthetic.phantom import Phantom, make_phantom
from xraycore.errors import ArgumentError
from xraycore.imaging import read_radiograph
from xraycore.imaging.encode import encode_png
from xraycore.imaging.resample import resize
from xraycore.training.batches import MASK, ImageArray
from xraycore.utils.progress import Progress, ProgressCallback, ignore

SOURCE, ABNORMAL = "phantoms", "Opacity"
KINDS = ("focal", "lobar", "ground_glass")
# Seeds from here on are trained on; whoever asks a network about phantoms takes lower ones.
FIRST_SEED = 5_000_000
_SIZE = 512


def check_phantoms(classes: Sequence[str]) -> None:
    """Refuses classes of which no phantom is one.

    Raises:
        ArgumentError: If there is no Normal, or nothing that an opacity may be.
    """
    if NORMAL not in classes or not members(ABNORMAL, classes):
        raise ArgumentError(
            f"phantoms are {NORMAL} or an opacity of any kind; expected these classes. "
            f"Received: {', '.join(classes)}"
        )


def phantom_films(
    count: int, size: int, view: str = "lungs", report: ProgressCallback = ignore
) -> ImageArray:
    """What a network sees of generated chests, every second of them with an opacity.

    Args:
        count: How many.
        size: Height and width in pixels.
        view: "lungs" or "film", see `xraycore.anatomy.crop`.
        report: Called after every few films.
    """
    pixels, lungs, lesions, records = [], [], [], []
    for start in range(0, count, BATCH):
        made = [_phantom(number) for number in range(start, min(start + BATCH, count))]
        # As from a file: in 256 greys.
        films = [read_radiograph(encode_png(_bytes(one.pixels)), name=_name(one)) for one in made]
        for phantom, part in zip(made, crop_inputs(films, view, size), strict=True):
            lesion = part.box.crop(phantom.lesion.astype(np.float32))
            pixels.append(_bytes(part.grey[..., 0]))
            lungs.append(_bytes(part.lungs_on((MASK, MASK))))
            lesions.append(_bytes(resize(lesion, (MASK, MASK))))
            name = _name(phantom)
            records.append(Record(Path(name), phantom.label, "train", f"{SOURCE}/{name}", SOURCE))
        report(Progress(len(records) / count, "making phantoms"))
    return ImageArray(np.stack(pixels), np.stack(lungs), tuple(records), np.stack(lesions))


def _phantom(number: int) -> Phantom:
    kind = KINDS[number // 2 % len(KINDS)]
    return make_phantom(FIRST_SEED + number, opacity=bool(number % 2), kind=kind, size=_SIZE)


def _name(phantom: Phantom) -> str:
    return f"phantom-{phantom.seed}.png"


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(values * 255.0).astype(np.uint8)
