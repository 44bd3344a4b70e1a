"""Opacities painted into the lungs of a film, real or synthetic: findings whose place is known.

Where fluid or cells take the place of air, a lung comes closer to the brightness of the tissue
around it and keeps part of its contrast: ribs and vessels stay faintly visible.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from xraycore.errors import ArgumentError

# (lung (H, W), centre (row, column), radius, rng) -> how dense, float32 (H, W), 0 outside the lung.
Density = Callable[
    [np.ndarray, tuple[float, float], float, np.random.Generator],
    np.ndarray,
]


# Least and greatest radius at random places, as a share of the lung's width.
RADII = (0.18, 0.34)


@dataclass(frozen=True)
class Opacity:
    """A kind of opacity.

    Attributes:
        name: Name in the registry.
        title: Name to show, the radiologist's term.
        summary: What it looks like, in plain words.
        density: Where it is how dense, in [0, 1].
        share: Least and greatest share of the way to the brightness of the tissue around.
    """

    name: str
    title: str
    summary: str
    density: Density
    share: tuple[float, float]


def paint_opacity(
    kind: str,
    pixels: np.ndarray,
    lungs: np.ndarray,
    centre: tuple[float, float],
    radius: float,
    rng: np.random.Generator,
    strength: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """A film with an opacity painted into one lung, and where it is.

    Args:
        kind: One of `OPACITIES`.
        pixels: Float32 (H, W) in [0, 1], air dark.
        lungs: Bool (H, W).
        centre: Row and column in pixels, inside a lung.
        radius: Mean radius in pixels.
        rng: Decides shape, texture and, where no strength is given, density.
        strength: From 0, the least dense of its kind, to 1, the densest.

    Returns:
        New pixels, and the lesion's bool mask (H, W), outside of which nothing is changed.

    Raises:
        ArgumentError: If there is no such kind, or the centre lies outside the lungs.
    """
    if kind not in OPACITIES:
        raise ArgumentError(f"kind must be one of {', '.join(OPACITIES)}. Received: {kind!r}")
    row, column = (round(float(place)) for place in centre)
    inside_film = 0 <= row < lungs.shape[0] and 0 <= column < lungs.shape[1]
    if not inside_film or not lungs[row, column]:
        raise ArgumentError(f"centre must lie inside the lungs. Received: {centre}")
    parts = cv2.connectedComponents(lungs.astype(np.uint8))[1]
    lung = parts == parts[row, column]
    density = OPACITIES[kind].density(lung, centre, radius, rng)
    lesion = density > 0
    logits = _logit(pixels)
    around = pixels[~lungs & (pixels > np.median(pixels[lungs]))]
    tissue = np.median(around) if around.size else 0.7
    goal = max(_logit(np.array([tissue], np.float32))[0], np.median(logits[lungs]) + 1.0)
    low, high = OPACITIES[kind].share
    dense = rng.uniform(low, high) if strength is None else low + strength * (high - low)
    share = np.float32(dense) * density
    painted = 1 / (1 + np.exp(-(logits + share * np.maximum(goal - logits, 0))))
    return np.where(lesion, painted, pixels).astype(np.float32), lesion


def _focal(
    lung: np.ndarray, centre: tuple[float, float], radius: float, rng: np.random.Generator
) -> np.ndarray:
    """A ragged oval, densest in its middle."""
    down, across = _grid(2.4 * radius)
    angle, stretch = rng.uniform(0, np.pi), np.float32(rng.uniform(1.0, 1.35))
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along, beside = cos * across + sin * down, cos * down - sin * across
    distance = np.hypot(along / stretch, beside * stretch)
    coarse, middle, fine = (_noise(rng, len(distance), cells) for cells in (6, 13, 30))
    ragged = distance / np.float32(radius) + 0.15 * coarse + 0.09 * middle
    ramp = np.clip((1.36 - ragged) / 0.95, 0, 1) * (distance < len(distance) // 2)
    texture = 0.88 + 0.05 * middle + 0.05 * fine
    return _in_lung(_smooth(ramp) * texture, lung, centre, 0.12 * radius)


def _lobar(
    lung: np.ndarray, centre: tuple[float, float], radius: float, rng: np.random.Generator
) -> np.ndarray:
    """A band across the whole lung, its upper edge as sharp as a fissure."""
    row, column = centre
    slope = np.float32(rng.uniform(-0.3, 0.3))
    down, across = np.indices(lung.shape, dtype=np.float32)
    below = ((down - row) - slope * (across - column)) / np.float32(radius)
    band = np.clip((below + 1.1) / 0.12, 0, 1) * np.clip((1.3 - below) / 0.7, 0, 1)
    texture = 0.9 + 0.05 * cv2.resize(_noise(rng, 96, 24), lung.shape[::-1])
    return _faded(_smooth(np.asarray(band)) * texture, lung, 0.08 * radius)


def _interstitial(
    lung: np.ndarray, centre: tuple[float, float], radius: float, rng: np.random.Generator
) -> np.ndarray:
    """A net of fine lines, coarser and finer, that thins out with the distance."""
    down, across = _grid(2.0 * radius)
    distance = np.hypot(down, across) / np.float32(radius)
    lines = [
        np.clip(1 - np.abs(_noise(rng, len(distance), cells)) / 0.35, 0, 1) for cells in (16, 28)
    ]
    net = np.maximum(lines[0], 0.8 * lines[1]) * _smooth(np.clip(1.9 - distance, 0, 1))
    return _in_lung(net, lung, centre, 0.12 * radius)


def _ground_glass(
    lung: np.ndarray, centre: tuple[float, float], radius: float, rng: np.random.Generator
) -> np.ndarray:
    """A haze without edges, thickest along the outline of the lung."""
    down, across = _grid(2.0 * radius)
    distance = np.hypot(down, across) / np.float32(radius)
    coarse = _noise(rng, len(distance), 6)
    haze = _smooth(np.clip((1.9 - distance - 0.15 * coarse) / 1.5, 0, 1))
    placed = _in_lung(haze, lung, centre, 0.05 * radius)
    placed *= np.exp(-_depth(lung) / np.float32(0.9 * radius))
    return placed / max(float(placed.max()), 1e-6)


OPACITIES: Mapping[str, Opacity] = {
    opacity.name: opacity
    for opacity in (
        Opacity(
            "focal",
            "Focal consolidation",
            "A dense patch with ragged edges.",
            _focal,
            (0.65, 0.95),
        ),
        Opacity(
            "lobar",
            "Lobar consolidation",
            "A dense band across the lung, as when a lobe fills up.",
            _lobar,
            (0.7, 0.95),
        ),
        Opacity(
            "interstitial",
            "Interstitial pattern",
            "A net of fine lines.",
            _interstitial,
            (0.45, 0.7),
        ),
        Opacity(
            "ground_glass",
            "Peripheral ground-glass opacity",
            "A thin haze along the outline of the lung.",
            _ground_glass,
            # So that it lies about as far above the rest of the lung as the drawn infections of
            # COVID-QU-Ex do: by 0.09 of the range of greys in the median, and these by 0.10.
            (0.7, 1.0),
        ),
    )
}


def places_in(
    lungs: np.ndarray, count: int, rng: np.random.Generator
) -> list[tuple[tuple[int, int], float]]:
    """Centres well inside the lungs, and a radius for each: a share in `RADII` of its lung's width.

    Args:
        lungs: Bool (H, W), some of it true.
        count: How many.
        rng: Decides which.
    """
    depth = cv2.distanceTransform(lungs.astype(np.uint8), cv2.DIST_L2, 5)
    rows, columns = np.nonzero(depth > 0.45 * depth.max())
    places = []
    for _ in range(count):
        index = rng.integers(len(rows))
        centre = int(rows[index]), int(columns[index])
        places.append((centre, rng.uniform(*RADII) * lung_width(lungs, centre)))
    return places


def lung_width(lungs: np.ndarray, place: tuple[int, int]) -> int:
    """Width in pixels of the lung, of lungs (H, W), at that row and column inside it."""
    parts = cv2.connectedComponents(lungs.astype(np.uint8))[1]
    return int((parts == parts[place]).any(axis=0).sum())


def _grid(reach: float) -> tuple[np.ndarray, np.ndarray]:
    """How far down and across from the middle each pixel of a patch is, in pixels."""
    half = max(4, int(np.ceil(reach)))
    patch = np.arange(-half, half + 1, dtype=np.float32)
    down, across = np.broadcast_arrays(patch[:, None], patch)
    return down, across


def _in_lung(
    patch: np.ndarray, lung: np.ndarray, centre: tuple[float, float], rim: float
) -> np.ndarray:
    """A patch laid on the film with its middle at the centre, faded at the lung's edge."""
    padded, half = np.pad(patch, 1).astype(np.float32), len(patch) // 2
    row, column = (round(float(place)) - half - 1 for place in centre)
    move = np.array([[1.0, 0, column], [0, 1.0, row]])
    placed = cv2.warpAffine(padded, move, lung.shape[::-1], flags=cv2.INTER_NEAREST)
    return _faded(placed, lung, rim)


def _faded(density: np.ndarray, lung: np.ndarray, rim: float) -> np.ndarray:
    """Less and less towards the lung's edge, since a lung mask is never exact; 0 outside."""
    density = density * np.clip(_depth(lung) / np.float32(max(1.0, rim)), 0, 1)
    return np.clip((density - 0.04) / 0.96, 0, 1).astype(np.float32)


def _depth(lung: np.ndarray) -> np.ndarray:
    """Distance of each pixel from the outside of the lung and of the film, in pixels."""
    return cv2.distanceTransform(np.pad(lung, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]


def _smooth(ramp: np.ndarray) -> np.ndarray:
    return ramp * ramp * (3 - 2 * ramp)


def _noise(rng: np.random.Generator, side: int, cells: int) -> np.ndarray:
    """Smooth noise (side, side) of about unit variance, `cells` grains across."""
    grains = rng.standard_normal((cells, cells), dtype=np.float32)
    return 1.3 * cv2.resize(grains, (side, side), interpolation=cv2.INTER_CUBIC)


def _logit(pixels: np.ndarray) -> np.ndarray:
    safe = np.clip(pixels, 0.01, 0.99)
    return np.log(safe / (1 - safe))
