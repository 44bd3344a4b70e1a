import numpy as np
import pytest

from xraycore.errors import ArgumentError
from xraycore.evaluation.film_likeness import measure_crop, measure_films, power_spectrum


def test_waves_lie_in_their_band():
    columns = np.arange(224) / 224
    for waves, band in ((4, "2-6"), (10, "6-16"), (30, "16-40"), (60, "40-100")):
        grey = np.tile(0.5 + 0.1 * np.sin(2 * np.pi * waves * columns), (224, 1))
        power, radius = power_spectrum(grey)
        assert radius.ravel()[power.argmax()] == pytest.approx(waves)
        found = measure_crop(grey)
        bands = {name: value for name, value in found.items() if name.startswith("waves")}
        assert max(bands, key=bands.get) == f"waves {band}"


def test_greys_and_sharpness_by_hand():
    flat = measure_crop(np.full((224, 224), 0.3))
    assert [flat[f"grey {p} %"] for p in (10, 50, 90)] == pytest.approx([0.3] * 3)
    assert flat["sharpness"] == pytest.approx(0.0, abs=1e-6)
    # One bright pixel: its Laplacian is -4 there and 1 beside it, four times: squares sum to 20.
    spot = np.zeros((224, 224))
    spot[100, 100] = 1.0
    assert measure_crop(spot)["sharpness"] == pytest.approx(np.sqrt(20) / 224, rel=1e-3)
    with pytest.raises(ArgumentError, match="films to measure"):
        measure_films([])
