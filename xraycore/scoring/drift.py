"""How far films and answers of an archive are from those that a network was measured on."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from xraycore.config import weights_folder
from xraycore.datasets.labels import NORMAL
from xraycore.errors import ArgumentError
from xraycore.evaluation.prediction_files import read_predictions
from xraycore.metrics.calibration import Calibration
from xraycore.models.cards import read_card

# Measure -> the range that it is counted over; what lies beyond counts at its end.
MEASURED: Mapping[str, tuple[float, float]] = {
    "opacity_probability": (0.0, 1.0),
    "heat_in_lungs": (0.0, 1.0),
    "lungs": (0.0, 1.0),
    "unlike": (0.0, 3.0),
    "brightness": (0.0, 1.0),
    "contrast": (0.0, 0.5),
}
TITLES: Mapping[str, str] = {
    "opacity_probability": "Answers: probability of an opacity",
    "heat_in_lungs": "Heat that lies in the lungs",
    "lungs": "Inputs: share that the lungs fill",
    "unlike": "Features: distance from known films (1 is the limit)",
    "brightness": "Inputs: mean grey",
    "contrast": "Inputs: spread of greys",
}
_BINS = 300
# A distance from which on it is said that something is different.
FAR = 0.1


class Distribution:
    """A measure's values, counted in `_BINS` bins, so that millions take no more room than one."""

    def __init__(self, name: str):
        self.name = name
        self.counts = np.zeros(_BINS, np.int64)

    @property
    def count(self) -> int:
        """How many values it has seen."""
        return int(self.counts.sum())

    def add(self, values: np.ndarray) -> None:
        """Counts values (n,)."""
        low, high = MEASURED[self.name]
        places = (np.clip(values, low, high) - low) / (high - low) * _BINS
        self.counts += np.bincount(np.minimum(places.astype(int), _BINS - 1), minlength=_BINS)

    def merge(self, other: "Distribution") -> None:
        """Counts what another has counted."""
        self.counts += other.counts

    def cumulative(self) -> np.ndarray:
        """Share of values up to the end of each bin, (bins,)."""
        return np.cumsum(self.counts) / max(1, self.count)

    def quantile(self, share: float) -> float:
        """The value that this share lies below, to the middle of its bin."""
        low, high = MEASURED[self.name]
        place = int(np.searchsorted(self.cumulative(), share))
        return low + (high - low) * (min(place, _BINS - 1) + 0.5) / _BINS

    def to_json(self) -> dict[str, Any]:
        """How many, and the 5th, 50th and 95th percentile."""
        low, middle, high = (round(self.quantile(share), 4) for share in (0.05, 0.5, 0.95))
        return {"films": self.count, "low": low, "median": middle, "high": high}


def distance(one: Distribution, other: Distribution) -> float:
    """The greatest difference between the cumulative shares of two distributions, in [0, 1].

    Kolmogorov and Smirnov's statistic (Massey 1951, doi:10.1080/01621459.1951.10500769), of binned
    values: 0 where they are the same, 1 where they have nothing in common.
    """
    return round(float(np.abs(one.cumulative() - other.cumulative()).max()), 4)


def by_chance(one: Distribution, other: Distribution) -> float:
    """The distance that two samples of one population exceed in 5 % of draws, of their sizes."""
    few, many = one.count, other.count
    return round(min(1.0, 1.358 * ((few + many) / (few * many)) ** 0.5), 4)


def read_references(model: str) -> dict[str, Distribution]:
    """Measure -> the test films of the model's card; empty where it has no stored predictions."""
    file = weights_folder() / model / "predictions.csv"
    if not file.is_file():
        return {}
    return _references(model, file, file.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _references(model: str, file: Path, state: int) -> dict[str, Distribution]:
    try:
        found = read_predictions(file, model, Calibration.of_card(read_card(model)))
    except ArgumentError:
        return {}
    found = found.only(lambda record: record.split == "test")
    values = {"heat_in_lungs": found.fraction_in_lungs, "lungs": found.lungs}
    if NORMAL in found.classes and len(found.records):
        normal = found.classes.index(NORMAL)
        values["opacity_probability"] = 1.0 - found.probabilities[:, normal]
    references = {}
    for name, each in values.items():
        references[name] = Distribution(name)
        references[name].add(each[np.isfinite(each)])
    return references
