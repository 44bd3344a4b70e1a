"""Films and heat as pictures. What is shown is decided here; what is hot is not."""

from collections.abc import Mapping
from typing import Protocol

import cv2
import numpy as np

from xraycore.errors import ArgumentError
from xraycore.imaging.radiograph import Radiograph

# Perceptually uniform, and readable with colour-blind eyes; rainbow maps are neither.
COLOR_MAPS: Mapping[str, int] = {
    "inferno": cv2.COLORMAP_INFERNO,
    "magma": cv2.COLORMAP_MAGMA,
    "viridis": cv2.COLORMAP_VIRIDIS,
    "cividis": cv2.COLORMAP_CIVIDIS,
}

# Of contours: amber, which no grey of a film is.
_LINE = (255, 180, 84)


class FilmMap(Protocol):
    """Anything that can be drawn on a film, such as a `Heatmap`."""

    def on(self, xray: Radiograph) -> np.ndarray:
        """Float32 (H, W) in [0, 1] on the film's grid."""


def to_uint8(pixels: np.ndarray) -> np.ndarray:
    """Pixels in [0, 1] as 8-bit grey."""
    return np.rint(np.clip(pixels, 0.0, 1.0) * 255.0).astype(np.uint8)


def colorize(values: np.ndarray, color_map: str = "inferno") -> np.ndarray:
    """RGB uint8 (H, W, 3) of values (H, W) in [0, 1].

    Raises:
        ArgumentError: If there is no such colour map.
    """
    if color_map not in COLOR_MAPS:
        raise ArgumentError(
            f"color_map must be one of {', '.join(COLOR_MAPS)}. Received: {color_map!r}"
        )
    return cv2.applyColorMap(to_uint8(values), COLOR_MAPS[color_map])[..., ::-1]


def overlay(
    xray: Radiograph,
    heat: FilmMap | np.ndarray,
    *,
    opacity: float = 0.4,
    color_map: str = "inferno",
    contour: float | None = None,
) -> np.ndarray:
    """The film with heat laid over it, uint8 RGB (H, W, 3).

    Heat covers in proportion to how hot it is: where there is none the plain film shows, and at
    full heat the colour covers `opacity` of it. A contour leaves the film inside it as it is.

    Args:
        xray: The film.
        heat: A heatmap, or values (H, W) in [0, 1].
        opacity: Cover at full heat, in [0, 1].
        color_map: One of `COLOR_MAPS`.
        contour: Draw a line around what is hotter than this, in [0, 1], instead of colours.

    Raises:
        ArgumentError: If the opacity is out of range, the colour map unknown or the shape
            another's.
    """
    if not 0.0 <= opacity <= 1.0:
        raise ArgumentError(f"opacity must lie in [0, 1]. Received: {opacity}")
    values = heat if isinstance(heat, np.ndarray) else heat.on(xray)
    if values.shape != xray.pixels.shape:
        raise ArgumentError(
            f"expected heat of the film's shape {xray.pixels.shape}. Received: {values.shape}"
        )
    grey = to_uint8(xray.pixels)
    if contour is not None:
        drawn = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
        above = (values > contour).astype(np.uint8)
        lines, _ = cv2.findContours(above, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        return cv2.drawContours(drawn, lines, -1, _LINE, max(1, round(max(grey.shape) / 400)))
    film = grey[..., None].astype(np.float32)
    cover = (opacity * np.clip(values, 0.0, 1.0))[..., None].astype(np.float32)
    blended = film * (1.0 - cover) + colorize(values, color_map) * cover
    return np.rint(blended).astype(np.uint8)
