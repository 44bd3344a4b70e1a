"""Synthetic frontal chest radiographs, with and without an opacity, of no person at all.

A phantom is made as a radiograph is: thickness of tissue along each ray, attenuation, scatter,
quantum noise, and the response of a film. `xraycore.datasets.synthetic.chest` draws the anatomy,
`xraycore.datasets.synthetic.opacities` the opacities.
"""

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from xraycore.datasets.synthetic.chest import build_chest
from xraycore.datasets.synthetic.opacities import paint_opacity, places_in
from xraycore.errors import ArgumentError
from xraycore.imaging.encode import encode_png
from xraycore.utils.progress import Progress, ProgressCallback, ignore

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


def make_phantom(
    seed: int, *, opacity: bool = False, kind: str = "focal", size: int = 512
) -> Phantom:
    """A synthetic chest film of size x size pixels.

    The same seed gives the same chest, at any size; with `opacity` the film differs inside the
    lesion only, which is one of `OPACITIES`. The lesion's mean radius is 18 to 34 % of the width of
    the lung it lies in.

    >>> clear, dense = make_phantom(3, size=64), make_phantom(3, opacity=True, size=64)
    >>> clear.label, dense.label, bool((clear.pixels == dense.pixels)[~dense.lesion].all())
    ('Normal', 'Opacity', True)

    Raises:
        ArgumentError: If the size is below 32 pixels, or there is no such kind.
    """
    if size < 32:
        raise ArgumentError(f"size must be at least 32 pixels. Received: {size}")
    chest = build_chest(np.random.default_rng((seed, 0)), size)
    pixels = _expose(chest.water, chest.bone, np.random.default_rng((seed, 1)))
    if not opacity:
        return Phantom(pixels, chest.lungs, np.zeros_like(chest.lungs), "Normal", seed)
    rng = np.random.default_rng((seed, 2))
    ((centre, radius),) = places_in(chest.lungs, 1, rng)
    # The denser half of its kind: the first films that anyone sees are no test of the eye.
    strength = rng.uniform(0.5, 1.0)
    pixels, lesion = paint_opacity(kind, pixels, chest.lungs, centre, radius, rng, strength)
    return Phantom(pixels, chest.lungs, lesion, "Opacity", seed)


def write_phantoms(
    folder: str | Path,
    per_class: int,
    *,
    size: int = 256,
    seed: int = 0,
    report: ProgressCallback = ignore,
) -> list[Path]:
    """Writes a plain `<class>/phantom-<seed>.png` data set of 8-bit grey films.

    The chests of the two classes have different seeds: no chest is in both. `report` is called
    with the share that is done, in [0, 1].

    Raises:
        ArgumentError: If fewer than one film a class is asked for, or the size is below 32 pixels.
    """
    if per_class < 1:
        raise ArgumentError(f"per_class must be at least 1. Received: {per_class}")
    written = []
    for number in range(2 * per_class):
        phantom = make_phantom(seed + number, opacity=bool(number % 2), size=size)
        file = Path(folder) / phantom.label / f"phantom-{phantom.seed}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        picture = np.rint(phantom.pixels * 255).astype(np.uint8)
        file.write_bytes(encode_png(picture))
        written.append(file)
        report(Progress(len(written) / (2 * per_class)))
    return written


def _expose(water: np.ndarray, bone: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The film behind that much soft tissue and bone (cm): float32 (H, W) in [0, 1]."""
    size = water.shape[0]
    # Drawn before the grain, which takes as many numbers as there are pixels.
    fog, lift, white = rng.uniform((0.10, 0.25, 0.86), (0.25, 0.50, 0.96))
    dose = rng.uniform(3e3, 1.2e4) * (512 / size) ** 2
    unsharp = rng.uniform(0.0012, 0.0030) * size
    centre, slope = rng.uniform((2.1, 0.9), (2.5, 1.25))
    collimated, borders = rng.random() < 0.2, rng.uniform(0.0, 0.03, 4)

    transmitted = np.exp(-(np.float32(_WATER) * water + np.float32(_BONE) * bone))
    # Focal spot, detector and heartbeat: what is small is never drawn as sharp as it is.
    transmitted = np.asarray(cv2.GaussianBlur(transmitted, (0, 0), max(0.3, unsharp)), np.float32)
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
