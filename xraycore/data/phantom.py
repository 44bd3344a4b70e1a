"""Synthetic frontal chest radiographs, with and without an opacity, of no person at all.

A phantom is built as a radiograph is: tissue thickness along each ray, attenuation, quantum noise,
and the response of a film. Anatomy is drawn in coordinates u across (-1 the patient's right edge,
at the left of the image, to 1) and v down (0 to 1); see `xraycore.data.phantom_anatomy`.
"""

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from xraycore.data.phantom_anatomy import Anatomy

# Per centimetre of water, at about 70 keV; of bone, what it adds to that.
_WATER, _BONE = 0.2, 0.28


@dataclass(frozen=True, eq=False)
class Phantom:
    """A synthetic film and the truth about it.

    Attributes:
        pixels: Float32 (H, W) in [0, 1], air dark.
        lungs: Bool (H, W), where lung is seen.
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

    The same seed gives the same chest; with `opacity` it differs inside the lesion only.

    Raises:
        ValueError: If the size is below 32 pixels.
    """
    if size < 32:
        raise ValueError(f"size must be at least 32 pixels. Received: {size}")
    rng = np.random.default_rng(seed)
    anatomy = Anatomy(rng, size)
    attenuation = _WATER * anatomy.water_cm() + _BONE * anatomy.bone_cm()
    attenuation = cv2.GaussianBlur(attenuation, (0, 0), max(0.4, size / 900))
    photons = rng.uniform(1.5e4, 6e4) * (512 / size) ** 2 * np.exp(-attenuation)
    grain = rng.standard_normal((size, size)).astype(np.float32) / np.sqrt(photons + 20.0)
    attenuation += cv2.GaussianBlur(grain, (0, 0), 0.6)
    centre, slope = rng.uniform(2.15, 2.55), rng.uniform(0.55, 0.75)
    film = 1.0 / (1.0 + np.exp(-(attenuation - centre) / slope))
    pixels = np.clip(film * rng.uniform(0.9, 0.98), 0.0, 1.0).astype(np.float32)
    lungs = anatomy.lung_mask
    # Drawn always, so that the normal phantom of a seed is the same chest.
    place_rng = np.random.default_rng((seed, 1))
    centre_row, centre_column = _place(lungs, place_rng)
    radius = size * place_rng.uniform(0.06, 0.11)
    if not opacity:
        return Phantom(pixels, lungs, np.zeros_like(lungs), "Normal", seed)
    pixels, lesion = paint_consolidation(
        pixels, lungs, (centre_row, centre_column), radius, place_rng
    )
    return Phantom(pixels, lungs, lesion, "Opacity", seed)


def paint_consolidation(
    pixels: np.ndarray,
    lungs: np.ndarray,
    centre: tuple[float, float],
    radius: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """A film with a consolidation painted into its lungs, and where it is.

    Air gives way to fluid: on a film's S-shaped response that shifts the logit of a pixel, so that
    ribs and vessels stay faintly visible through it, as they do in life.

    Args:
        pixels: Float32 (H, W) in [0, 1].
        lungs: Bool (H, W); nothing outside is changed.
        centre: Row and column in pixels.
        radius: Mean radius in pixels.
        rng: Decides shape, texture and density.

    Returns:
        New pixels, and the lesion's bool mask (H, W): where it is at least half as dense as at its
        densest.
    """
    height, width = pixels.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    down, across = rows - np.float32(centre[0]), columns - np.float32(centre[1])
    angle, stretch = rng.uniform(0, np.pi), rng.uniform(1.0, 1.5)
    along = np.cos(angle) * across + np.sin(angle) * down
    beside = np.cos(angle) * down - np.sin(angle) * across
    distance = np.hypot(along / stretch, beside * stretch) / np.float32(radius)
    ragged = _smooth_noise(rng, (height, width), radius / 2)
    density = 1.0 / (1.0 + np.exp((distance - 1.0 + 0.13 * ragged) / 0.17))
    fluffy = _smooth_noise(rng, (height, width), radius / 5)
    density = density * np.clip(1.0 + 0.10 * fluffy, 0.6, 1.2)
    # Fading out towards the lung's edge: a lesion cut off there would have a drawn outline.
    depth = cv2.distanceTransform(lungs.astype(np.uint8), cv2.DIST_L2, 5)
    inside = np.clip(depth / max(1.0, 0.2 * radius), 0, 1)
    density = np.where(density < 0.02, 0.0, density * inside).astype(np.float32)
    safe = np.clip(pixels, 0.01, 0.99)
    shifted = np.log(safe / (1 - safe)) + np.float32(rng.uniform(1.3, 1.9)) * density
    changed = np.where(density > 0, 1.0 / (1.0 + np.exp(-shifted)), pixels)
    return changed.astype(np.float32), density >= 0.5 * density.max()


def write_phantoms(
    folder: str | Path, per_class: int, *, size: int = 256, seed: int = 0
) -> list[Path]:
    """Writes a plain `<class>/phantom-<seed>.png` data set of 8-bit films.

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


def _place(lungs: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """Row and column well inside a lung."""
    depth = cv2.distanceTransform(lungs.astype(np.uint8), cv2.DIST_L2, 5)
    rows, columns = np.nonzero(depth > 0.45 * depth.max())
    index = rng.integers(len(rows))
    return int(rows[index]), int(columns[index])


def _smooth_noise(rng: np.random.Generator, shape: tuple[int, int], scale: float) -> np.ndarray:
    """Noise of unit variance whose grains have that size in pixels."""
    coarse = [max(4, round(side / max(scale, 1.0))) for side in shape]
    noise = rng.standard_normal(coarse).astype(np.float32)
    return cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC)
