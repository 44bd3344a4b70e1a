"""Resampling between the film's grid, a network's grid and the screen's."""

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
