"""The error every bad image ends in, and the limits an image is held to before it is decoded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xraycore.errors import RadiographError
from xraycore.imaging.film_warnings import FilmWarning

MAX_BYTES = 64 * 2**20
MAX_PIXELS = 64_000_000


def check_size(name: str, width: int, height: int) -> None:
    """Raise `RadiographError` unless `width` x `height` pixels are worth decoding."""
    if width < 1 or height < 1:
        received = f"an empty image of {width} x {height} pixels"
    elif width * height > MAX_PIXELS:
        received = f"{width} x {height} pixels ({width * height / 1e6:.0f} megapixels)"
    else:
        return
    expected = f"an image of 1 pixel to {MAX_PIXELS // 10**6} megapixels"
    raise RadiographError.of(name, expected=expected, received=received)


class PixelMemory:
    """Where decoders put the pixels of a film: the process that reads films puts shared memory."""

    allocate: Callable[[tuple[int, ...]], np.ndarray] = staticmethod(
        lambda shape: np.empty(shape, np.float32)
    )


def new_pixels(shape: tuple[int, ...]) -> np.ndarray:
    """A float32 array of any content for the pixels of a film, which copying would delay."""
    return PixelMemory.allocate(shape)


@dataclass(frozen=True)
class Decoded:
    """Grey pixels and what the file says about them.

    `pixels` is float32 (H, W) in [0, 1], upright, air dark. `facts` holds fields of
    `RadiographInfo`. `warnings` are sentences for the reader of the film. `pixel_aspect` is the
    height of a pixel over its width.
    """

    pixels: np.ndarray
    facts: dict[str, Any]
    warnings: list[FilmWarning] = field(default_factory=list)
    pixel_aspect: float = 1.0
