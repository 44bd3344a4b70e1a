"""What a training film looks like after its random changes."""

from collections.abc import Sequence

import numpy as np

from xraycore.anatomy.crop import crop_inputs
from xraycore.imaging import Radiograph
from xraycore.imaging.overlay import to_uint8
from xraycore.imaging.resample import resize
from xraycore.training.augmentation import Augmentation


def preview(
    xray: Radiograph,
    augmentation: Augmentation,
    seeds: Sequence[int],
    *,
    view: str = "lungs",
    size: int = 224,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The film as it reaches training, and one changed copy of it for each seed.

    Args:
        xray: The film.
        augmentation: How far it may be changed.
        seeds: What is drawn follows from the seed alone.
        view: "lungs" or "film", see `xraycore.anatomy.crop`; "film" needs no network.
        size: Height and width in pixels.

    Returns:
        uint8 (s, s), and uint8 (s, s) for each seed.

    Raises:
        WeightsError: If the lungs are asked for and their segmenter has no weights.
    """
    pixels = xray.pixels
    if view == "lungs":
        (part,) = crop_inputs([xray], view)
        pixels = part.box.crop(pixels)
    film = to_uint8(resize(pixels, (size, size)))
    changed = [to_uint8(augmentation(film, np.random.default_rng(seed))) for seed in seeds]
    return film, changed
