"""Synthetic frontal chest radiographs, with and without an opacity, of no person at all.

A phantom is made as a radiograph is: thickness of tissue along each ray, attenuation, scatter,
quantum noise, and the response of a film. `xraycore.data.phantom_shapes` draws the anatomy.
"""

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from xraycore.data.phantom_shapes import build_chest

# Attenuation per centimetre at about 70 keV: of water, and what bone adds to it.
_WATER, _BONE = 0.20, 0.28


@dataclass(frozen=True, eq=False)
class Phantom:
    """A synthetic film and the truth about it.

    Attributes:
        pixels: Float32 (H, W) in [0, 1], air dark.
        lungs: Bool (H, W), where lung is seen beside heart and diaphragm.
        lesion: Bool (H, W), where the opacity is; nowhere in a normal phantom.
        label: "Normal" or "Opacity".
        seed: What it was made from.
    """

    pixels: np.ndarray = field(repr=False)
    lungs: np.ndarray = field(repr=False)
    lesion: np.ndarray = field(repr=False)
    label: str
    seed: int


def make_phantom(seed: int, *, opacity: bool = False, size: int = 512) -> Phantom:
    """A synthetic chest film of size x size pixels.

    The same seed gives the same chest, at any size; with `opacity` the film differs inside the
    lesion only. The lesion's mean radius is 18 to 34 % of the width of the lung it lies in.

    Raises:
        ValueError: If the size is below 32 pixels.
    """
    if size < 32:
        raise ValueError(f"size must be at least 32 pixels. Received: {size}")
    chest = build_chest(np.random.default_rng((seed, 0)), size)
    pixels = _expose(chest.water, chest.bone, np.random.default_rng((seed, 1)))
    if not opacity:
        return Phantom(pixels, chest.lungs, np.zeros_like(chest.lungs), "Normal", seed)
    rng = np.random.default_rng((seed, 2))
    centre, lung_width = _place(chest.lungs, rng)
    radius = rng.uniform(0.18, 0.34) * lung_width
    pixels, lesion = paint_consolidation(pixels, chest.lungs, centre, radius, rng)
    return Phantom(pixels, chest.lungs, lesion, "Opacity", seed)


def paint_consolidation(
    pixels: np.ndarray,
    lungs: np.ndarray,
    centre: tuple[float, float],
    radius: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """A film with a consolidation painted into one lung, and where it is.

    Where fluid takes the place of air a lung comes close to the brightness of the tissue around
    it, and keeps part of its contrast: ribs and vessels stay faintly visible.

    Args:
        pixels: Float32 (H, W) in [0, 1], air dark.
        lungs: Bool (H, W).
        centre: Row and column in pixels, inside a lung.
        radius: Mean radius in pixels.
        rng: Decides shape, texture and density.

    Returns:
        New pixels, and the lesion's bool mask (H, W), outside of which nothing is changed.

    Raises:
        ValueError: If the centre lies outside the lungs.
    """
    row, column = (round(float(place)) for place in centre)
    inside_film = 0 <= row < lungs.shape[0] and 0 <= column < lungs.shape[1]
    if not inside_film or not lungs[row, column]:
        raise ValueError(f"centre must lie inside the lungs. Received: {centre}")
    parts = cv2.connectedComponents(lungs.astype(np.uint8))[1]
    lung = parts == parts[row, column]
    density = _density(lung, centre, radius, rng)
    lesion = density > 0
    logits = _logit(pixels)
    around = pixels[~lungs & (pixels > np.median(pixels[lungs]))]
    tissue = np.median(around) if around.size else np.float32(0.7)
    goal = max(_logit(tissue), np.median(logits[lungs]) + 1.0)
    share = np.float32(rng.uniform(0.65, 0.95)) * density
    painted = 1 / (1 + np.exp(-(logits + share * np.maximum(goal - logits, 0))))
    return np.where(lesion, painted, pixels).astype(np.float32), lesion


def write_phantoms(
    folder: str | Path, per_class: int, *, size: int = 256, seed: int = 0
) -> list[Path]:
    """Writes a plain `<class>/phantom-<seed>.png` data set of 8-bit grey films.

    The chests of the two classes have different seeds: no chest is in both.

    Raises:
        ValueError: If fewer than one film a class is asked for, or the size is below 32 pixels.
    """
    if per_class < 1:
        raise ValueError(f"per_class must be at least 1. Received: {per_class}")
    written = []
    for number in range(2 * per_class):
        phantom = make_phantom(seed + number, opacity=bool(number % 2), size=size)
        file = Path(folder) / phantom.label / f"phantom-{phantom.seed}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        picture = np.rint(phantom.pixels * 255).astype(np.uint8)
        file.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        written.append(file)
    return written


def _expose(water: np.ndarray, bone: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The film behind that much soft tissue and bone (cm): float32 (H, W) in [0, 1]."""
    size = water.shape[0]
    # Drawn before the grain, which takes as many numbers as there are pixels.
    fog, lift, white = rng.uniform((0.10, 0.25, 0.90), (0.25, 0.50, 0.98))
    dose = rng.uniform(3e3, 1.2e4) * (512 / size) ** 2
    centre, slope = rng.uniform((2.0, 0.75), (2.35, 1.0))
    collimated, borders = rng.random() < 0.2, rng.uniform(0.0, 0.03, 4)

    transmitted = np.exp(-(np.float32(_WATER) * water + np.float32(_BONE) * bone))
    transmitted += np.float32(fog) * _wide_blur(np.minimum(transmitted, 0.2), 0.08)
    grain = rng.standard_normal(water.shape, dtype=np.float32)
    grain /= np.sqrt(transmitted * np.float32(dose) + 20)
    density = cv2.GaussianBlur(grain, (0, 0), 0.6) - np.log(transmitted)
    # Digital systems lift local contrast so that lung and abdomen fit on one film.
    density += np.float32(lift) * (density - _wide_blur(density, 0.06))
    film = 1 / (1 + np.exp((centre - density) / np.float32(slope)))
    black = 1 / (1 + np.exp(centre / slope))
    pixels = (film - black) * np.float32(white / (1 - black))
    if collimated:
        top, bottom, left, right = np.rint(borders * size).astype(int)
        beam = np.zeros_like(water)
        beam[top : size - bottom, left : size - right] = 1
        pixels *= cv2.GaussianBlur(beam, (0, 0), max(0.5, size / 500))
    return np.clip(pixels, 0, 1).astype(np.float32)


def _wide_blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """An image blurred by a Gaussian whose sigma is a share of its width, on a small copy."""
    small = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma * 64, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_CUBIC)


def _density(
    lung: np.ndarray, centre: tuple[float, float], radius: float, rng: np.random.Generator
) -> np.ndarray:
    """How consolidated a lung is around a centre: float32 (H, W) in [0, 1], 0 outside the lung."""
    reach = max(4, int(np.ceil(2.4 * radius)))
    patch = np.arange(-reach, reach + 1, dtype=np.float32)
    down, across = patch[:, None], patch
    angle, stretch = rng.uniform(0, np.pi), np.float32(rng.uniform(1.0, 1.35))
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along, beside = cos * across + sin * down, cos * down - sin * across
    distance = np.hypot(along / stretch, beside * stretch)
    coarse, middle, fine = (_noise(rng, len(patch), cells) for cells in (6, 13, 30))
    ragged = distance / np.float32(radius) + 0.15 * coarse + 0.09 * middle
    ramp = np.clip((1.36 - ragged) / 0.95, 0, 1) * (distance < reach)
    texture = 0.88 + 0.05 * middle + 0.05 * fine
    shape = np.pad(ramp * ramp * (3 - 2 * ramp) * texture, 1)
    row, column = (round(float(place)) - reach - 1 for place in centre)
    move = np.array([[1.0, 0, column], [0, 1.0, row]])
    density = cv2.warpAffine(shape, move, lung.shape[::-1], flags=cv2.INTER_NEAREST)
    # A lung mask is never exact: fade before its edge.
    depth = cv2.distanceTransform(np.pad(lung, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    density *= np.clip(depth / np.float32(max(1.0, 0.12 * radius)), 0, 1)
    return np.clip((density - 0.04) / 0.96, 0, 1).astype(np.float32)


def _noise(rng: np.random.Generator, side: int, cells: int) -> np.ndarray:
    """Smooth noise (side, side) of about unit variance, `cells` grains across."""
    grains = rng.standard_normal((cells, cells), dtype=np.float32)
    return 1.3 * cv2.resize(grains, (side, side), interpolation=cv2.INTER_CUBIC)


def _place(lungs: np.ndarray, rng: np.random.Generator) -> tuple[tuple[int, int], int]:
    """Row and column well inside a lung, and that lung's width in pixels."""
    parts = cv2.connectedComponents(lungs.astype(np.uint8))[1]
    depth = cv2.distanceTransform(lungs.astype(np.uint8), cv2.DIST_L2, 5)
    rows, columns = np.nonzero(depth > 0.45 * depth.max())
    index = rng.integers(len(rows))
    row, column = int(rows[index]), int(columns[index])
    lung = parts == parts[row, column]
    return (row, column), int(lung.any(axis=0).sum())


def _logit(pixels: np.ndarray) -> np.ndarray:
    safe = np.clip(pixels, 0.01, 0.99)
    return np.log(safe / (1 - safe))
