"""What about a film makes a reading of it doubtful, in sentences for its reader."""

import numpy as np

MIN_SIDE = 128
MAX_ASPECT = 2.0
MIN_SPREAD = 0.1
MAX_BLACK = 0.6
MAX_WHITE = 0.2

COLOUR_DIFFERENCE = 40
MIN_COLOURED_SHARE = 0.0002


def colour_warnings(samples: np.ndarray) -> list[str]:
    """A warning if (H, W, 3) samples hold colour, not just the rounding of a JPEG's chroma."""
    return []


def quality_warnings(pixels: np.ndarray) -> list[str]:
    """Warnings about float32 (H, W) pixels in [0, 1]."""
    return []
