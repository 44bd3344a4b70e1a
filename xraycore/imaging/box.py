"""The part of a film that a network sees, and the way back from there to the film."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from xraycore.errors import ArgumentError


@dataclass(frozen=True)
class Box:
    """A rectangle in shares of a film's height and width, so that it fits every copy of the film.

    Attributes:
        top: Upper edge, in [0, 1).
        left: Left edge, in [0, 1).
        bottom: Lower edge, in (top, 1].
        right: Right edge, in (left, 1].
    """

    top: float = 0.0
    left: float = 0.0
    bottom: float = 1.0
    right: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.top < self.bottom <= 1 and 0 <= self.left < self.right <= 1):
            raise ArgumentError(
                f"a box needs 0 <= top < bottom <= 1 and 0 <= left < right <= 1. Received: {self}"
            )

    def crop(self, pixels: np.ndarray) -> np.ndarray:
        """The part of an image (H, W) in the box, at least one pixel, as a view."""
        height, width = pixels.shape[:2]
        top = min(round(self.top * height), height - 1)
        left = min(round(self.left * width), width - 1)
        bottom = max(round(self.bottom * height), top + 1)
        right = max(round(self.right * width), left + 1)
        return pixels[top:bottom, left:right]

    def spread(self, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """A map (h, w) of the box drawn on a film of that shape, zero outside the box.

        Bilinear between the centres of the map's cells; the half cell at the border is constant.
        Where the map is finer than the film, the mean of the cells that a pixel covers: of those
        between, bilinear interpolation would lose what they hold.
        """
        film = np.zeros(shape, np.float32)
        inside = self.crop(film)
        finer = values.shape[0] >= inside.shape[0] and values.shape[1] >= inside.shape[1]
        way = cv2.INTER_AREA if finer else cv2.INTER_LINEAR
        inside[:] = cv2.resize(values, inside.shape[::-1], interpolation=way)
        return film


def pixel_at(place: Sequence[float], shape: tuple[int, int]) -> tuple[int, int]:
    """Row and column of a place, which is x and y in shares [0, 1] of width and height.

    >>> pixel_at((0.5, 1.0), (10, 20))
    (9, 10)
    """
    (x, y), (height, width) = place, shape
    return min(int(y * height), height - 1), min(int(x * width), width - 1)
