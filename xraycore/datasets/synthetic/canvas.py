"""Drawing in film coordinates: a pixel grid laid over them, and the outlines of simple shapes."""

import cv2
import numpy as np

# Smooth maps are computed on a square grid of this many points a side, and enlarged.
COARSE = 128
_SHIFT = 4  # OpenCV draws to 1/16 pixel.


class Canvas:
    """A square pixel grid laid over film coordinates, a little turned, scaled and shifted."""

    def __init__(self, size: int, turn: float, scale: tuple[float, float], shift: np.ndarray):
        self.size = size
        cos, sin = np.cos(turn), np.sin(turn)
        self._matrix = np.array([[cos, -sin], [sin, cos]]) * np.asarray(scale)
        self._shift = shift

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Columns and rows of points (..., 2)."""
        centred = np.asarray(points) - (0.0, 0.5)
        return (centred @ self._matrix.T + self._shift + 0.5) * self.size - 0.5

    def coarse_grid(self) -> tuple[np.ndarray, np.ndarray]:
        """x and y at the points of the coarse grid."""
        rows, columns = (np.mgrid[:COARSE, :COARSE] + 0.5) / COARSE - 0.5
        positions = np.stack([columns, rows], axis=-1) - self._shift
        x, y = np.moveaxis(positions @ np.linalg.inv(self._matrix).T, -1, 0)
        return x, y + 0.5

    def enlarge(self, coarse: np.ndarray) -> np.ndarray:
        """A coarse map at full size."""
        shape = (self.size, self.size)
        return cv2.resize(coarse.astype(np.float32), shape, interpolation=cv2.INTER_CUBIC)

    def blur(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """An image blurred by a Gaussian whose sigma is a share of the film's width."""
        return cv2.GaussianBlur(image, (0, 0), max(0.3, sigma * self.size))

    def empty(self) -> np.ndarray:
        """Zeros at full size."""
        return np.zeros((self.size, self.size), np.float32)

    def add(
        self,
        image: np.ndarray,
        outline: np.ndarray,
        inside: float,
        rim: float = 0.0,
        ribbon: bool = False,
    ) -> np.ndarray:
        """Adds a filled outline and, `rim` on top, its edge; returns the image.

        A ribbon has no rim at its two ends.
        """
        points = self.pixels(outline)
        low = np.clip(np.floor(points.min(axis=0)).astype(int) - 2, 0, self.size)
        high = np.clip(np.ceil(points.max(axis=0)).astype(int) + 3, 0, self.size)
        if (high <= low).any():
            return image
        fixed = np.rint((points - low) * 2**_SHIFT).astype(np.int32)
        part = image[low[1] : high[1], low[0] : high[0]]
        drawn = np.zeros(part.shape, np.uint8)
        cv2.fillPoly(drawn, [fixed], 255, cv2.LINE_AA, _SHIFT)
        part += drawn * np.float32(inside / 255)
        if rim:
            drawn[:] = 0
            thick = max(1, round(self.size / 300))
            edges = np.array_split(fixed, 2) if ribbon else [fixed]
            cv2.polylines(drawn, edges, not ribbon, 255, thick, cv2.LINE_AA, _SHIFT)
            part += drawn * np.float32(rim / 255 * min(1.0, self.size / 300))
        return image

    def trace(self, image: np.ndarray, lines: np.ndarray, shade: int, thick: int) -> None:
        """Draws lines (n, points, 2) over a uint8 image, `thick` pixels wide."""
        fixed = np.rint(self.pixels(lines) * 2**_SHIFT).astype(np.int32)
        cv2.polylines(image, list(fixed), False, shade, thick, cv2.LINE_AA, _SHIFT)


def curve(points: np.ndarray, count: int = 12) -> np.ndarray:
    """A closed smooth curve through points: Catmull-Rom."""
    points = np.asarray(points, float)
    before, after, next_after = (np.roll(points, k, axis=0) for k in (1, -1, -2))
    t = np.linspace(0, 1, count, endpoint=False)[:, None, None]
    curve = 0.5 * (
        2 * points
        + (after - before) * t
        + (2 * before - 5 * points + 4 * after - next_after) * t**2
        + (3 * points - before - 3 * after + next_after) * t**3
    )
    return curve.transpose(1, 0, 2).reshape(-1, 2)


def strip(centre: np.ndarray, half_width: np.ndarray | float) -> np.ndarray:
    """The outline of a ribbon along a centre line (n, 2)."""
    along = np.gradient(centre, axis=0)
    across = along[:, ::-1] * (1, -1) / np.linalg.norm(along, axis=1, keepdims=True)
    offset = across * np.broadcast_to(half_width, len(centre))[:, None]
    return np.concatenate([centre + offset, (centre - offset)[::-1]])


def oval(centre: tuple[float, float], radii: tuple[float, float], turn: float = 0.0) -> np.ndarray:
    """The outline of an ellipse with those radii, turned about its centre."""
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    x, y = radii[0] * np.cos(angle), radii[1] * np.sin(angle)
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=1) + centre
