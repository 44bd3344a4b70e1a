"""Films and heat as pictures. What is shown is decided here; what is hot is not."""

from collections.abc import Mapping
from typing import Protocol

import cv2
import numpy as np

from xraycore.errors import ArgumentError
from xraycore.imaging.radiograph import Radiograph
from xraycore.imaging.resample import fit_within

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

    def on(self, shape: tuple[int, int]) -> np.ndarray:
        """Float32 in [0, 1] on the grid of a film, or of a smaller copy, of that shape."""


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


def heatmap_layer(values: np.ndarray, color_map: str = "inferno") -> np.ndarray:
    """Heat (H, W) in [0, 1] as a picture to lay over a film, uint8 RGBA; hotter covers more.

    Raises:
        ArgumentError: If there is no such colour map.
    """
    return np.dstack([colorize(values, color_map), to_uint8(values)])


def contour_lines(values: np.ndarray, level: float) -> list[np.ndarray]:
    """Closed lines around where values (H, W) exceed a level.

    Each is float (n, 2), x and y in shares of width and height; they run through the centres of the
    outermost pixels.
    """
    height, width = values.shape
    above = np.pad((values > level).astype(np.uint8), 1)
    lines, _ = cv2.findContours(above, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    # The padding moved everything by one pixel.
    shares = ((line[:, 0] - 0.5) / (width, height) for line in lines if len(line) > 2)
    return [line.clip(0, 1) for line in shares]


def overlay(
    radiograph: Radiograph,
    heatmap: FilmMap | np.ndarray,
    *,
    opacity: float = 0.4,
    color_map: str = "inferno",
    contour: float | None = None,
    longest: int | None = None,
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
        longest: Of the picture's sides, in pixels; the film's own size where None.

    Raises:
        ArgumentError: If the opacity is out of range, the colour map unknown or the shape
            another's.
    """
    if not 0.0 <= opacity <= 1.0:
        raise ArgumentError(f"opacity must lie in [0, 1]. Received: {opacity}")
    pixels = fit_within(radiograph.pixels, longest) if longest else radiograph.pixels
    values = heatmap if isinstance(heatmap, np.ndarray) else heatmap.on(pixels.shape)
    if values.shape != pixels.shape:
        raise ArgumentError(
            f"expected heat of the film's shape {pixels.shape}. Received: {values.shape}"
        )
    grey = to_uint8(pixels)
    if contour is not None:
        drawn = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
        pixel = [line * grey.shape[::-1] - 0.5 for line in contour_lines(values, contour)]
        lines = [np.rint(line).astype(np.int32) for line in pixel]
        return cv2.polylines(drawn, lines, True, _LINE, max(1, round(max(grey.shape) / 400)))
    layer = heatmap_layer(values, color_map)
    cover = layer[..., 3:] * np.float32(opacity / 255)
    blended = grey[..., None] * (1 - cover) + layer[..., :3] * cover
    return np.rint(blended).astype(np.uint8)
