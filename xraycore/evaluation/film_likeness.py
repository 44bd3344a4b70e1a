"""How near generated films are to real ones: greys, sharpness, noise, and features."""

from collections.abc import Sequence

import numpy as np

from xraycore.anatomy.crop import crop_inputs
from xraycore.anatomy.lung_field import segment_lungs
from xraycore.errors import ArgumentError
from xraycore.imaging.radiograph import Radiograph

SIZE = 224
PERCENTILES = (10, 50, 90)
# Bands of waves over the crop: anatomy, ribs and vessels, edges, grain.
BANDS = {"2-6": (2, 6), "6-16": (6, 16), "16-40": (16, 40), "40-100": (40, 100)}


def measure_films(films: Sequence[Radiograph]) -> dict[str, float]:
    """Medians over films, of what networks see of them: the crop to the lungs at 224 pixels.

    Returns:
        `grey 10 %`, `50 %` and `90 %`, percentiles of the crop, in [0, 1]; `sharpness`, the
        standard deviation of its Laplacian; `waves 2-6` and so on, log10 of the mean power of so
        many waves over the crop, under a Hann window; `distance`, of the segmenter's features from
        those of real frontal films as a share of the distance that is warned of (Lee et al. 2018,
        arXiv:1807.03888).

    Raises:
        ArgumentError: If there are no films.
    """
    if not films:
        raise ArgumentError("expected films to measure. Received: none")
    lungs = segment_lungs(films)
    crops = [one.grey[..., 0] for one in crop_inputs(films, "lungs", SIZE, lungs)]
    rows = [measure_crop(crop) for crop in crops]
    found = {name: float(np.median([row[name] for row in rows])) for name in rows[0]}
    return found | {"distance": float(np.median([one.ood_score for one in lungs]))}


def measure_crop(grey: np.ndarray) -> dict[str, float]:
    """The figures of `measure_films` that one crop, float (s, s) in [0, 1], has by itself."""
    import cv2

    found = {f"grey {p} %": float(np.percentile(grey, p)) for p in PERCENTILES}
    found["sharpness"] = float(cv2.Laplacian(grey.astype(np.float32), cv2.CV_32F).std())
    power, radius = power_spectrum(grey)
    for name, (low, high) in BANDS.items():
        band = (low <= radius) & (radius < high)
        found[f"waves {name}"] = float(np.log10(power[band].mean() + 1e-12))
    return found


def power_spectrum(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Power at each frequency of a square film under a Hann window, and its waves over the side."""
    side = len(grey)
    window = np.outer(np.hanning(side), np.hanning(side))
    power = np.abs(np.fft.fft2((grey - grey.mean()) * window)) ** 2
    waves = np.fft.fftfreq(side) * side
    return power, np.hypot(waves[:, None], waves[None, :])
