"""What a decoder hands back, whatever the format."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Decoded:
    """Grey pixels and what the file says about them.

    `pixels` is float32 (H, W) in [0, 1], upright, air dark. `facts` holds fields of
    `RadiographInfo`. `warnings` are sentences for the reader of the film.
    """

    pixels: np.ndarray
    facts: dict[str, Any]
    warnings: list[str] = field(default_factory=list)
