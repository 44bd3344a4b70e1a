"""Resampling between the film's grid, a network's grid and the screen's."""

import cv2
import numpy as np
from PIL import Image


def resize(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Anti-aliased bilinear resampling of a float32 (H, W) image to `size` = (height, width).

    The aspect ratio is not kept: the public 224-pixel data sets were squashed, so a film must reach
    a network the same way. Pillow's filter grows with the reduction; OpenCV's linear one does not,
    and aliases (measured against the 224-pixel copies: 2.1 grey levels of 255 against 3.4).
    """
    height, width = size
    if pixels.shape == (height, width):
        return np.ascontiguousarray(pixels, dtype=np.float32)
    image = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)


def fitted(shape: tuple[int, int], longest: int) -> tuple[int, int]:
    """Height and width of an image of that shape whose longer side is at most `longest` pixels."""
    factor = min(1.0, longest / max(shape))
    height, width = shape
    return max(1, round(height * factor)), max(1, round(width * factor))


def fit_within(pixels: np.ndarray, longest: int) -> np.ndarray:
    """A float32 (H, W) image in its own proportions, no side longer than `longest` pixels."""
    return resize(pixels, fitted(pixels.shape, longest))


def upsample(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A coarse map (h, w) on a finer grid, float32, bilinear as heatmaps are drawn."""
    return cv2.resize(values.astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR)
