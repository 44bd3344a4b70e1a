"""What is measured of a network that was trained on planted films: whom the plant misleads."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from xraycore.attribution.heatmap import explain
from xraycore.attribution.metrics.localisation import pointing_game
from xraycore.datasets.labels import NORMAL
from xraycore.datasets.manifest import Record
from xraycore.datasets.synthetic.planting import Planted
from xraycore.imaging import read_radiograph
from xraycore.metrics.classification import auroc_score
from xraycore.metrics.intervals import Score, mean_share
from xraycore.models.classifier import Classifier, Prediction

# Of a film's side: a hottest point that near the plant is on it (15 of 224 pixels, as in Zhang et
# al. 2016, arXiv:1608.00507).
TOLERANCE = 15 / 224
# Films on which methods are judged.
_JUDGED = 24

Places = Mapping[Path, np.ndarray | None]


class PredictedFilm(NamedTuple):
    """A test film: its record, height and width, and what the network says of it."""

    record: Record
    shape: tuple[int, int]
    prediction: Prediction


def predict_planted(classifier: Classifier, films: Planted) -> list[PredictedFilm]:
    """What the network says of the test films."""
    tested = [record for record in films.records if record.split == "test"]
    read = [read_radiograph(record.path) for record in tested]
    return [
        PredictedFilm(record, film.pixels.shape, prediction)
        for record, film, prediction in zip(tested, read, classifier.predict(read), strict=True)
    ]


def auroc_of(films: Sequence[PredictedFilm], label: str) -> Score | None:
    """AUROC of the class on these films."""
    positive = np.array([film.record.label == label for film in films])
    score = np.array([film.prediction.probabilities[label] for film in films])
    return auroc_score(positive, score, [film.record.group for film in films])


def heat_on_plant(
    classifier: Classifier, films: Sequence[PredictedFilm], places: Places, label: str
) -> dict[str, Score | float | None]:
    """How much of the evidence for the class lies on the plant, and how much of the film it is."""
    method = "against_normal" if NORMAL in classifier.classes else "grad_cam"
    shares, areas, groups = [], [], []
    for film, place in _bearing(films, places, label):
        near = _grown(place)
        heatmap = _heatmap(classifier, film, method, label)
        total = float(heatmap.sum())
        shares.append(float(heatmap[near].sum()) / total if total > 0 else 0.0)
        areas.append(float(near.mean()))
        groups.append(film.record.group)
    if not shares:
        return {"heat": None, "area": None}
    return {"heat": mean_share(shares, groups), "area": float(np.mean(areas))}


def hits_on_plant(
    classifier: Classifier,
    films: Sequence[PredictedFilm],
    places: Places,
    label: str,
    methods: Sequence[str],
) -> dict[str, Score]:
    """How often each method's hottest point is on the plant."""
    judged = list(_bearing(films, places, label))[:_JUDGED]
    groups = [film.record.group for film, _ in judged]
    return {
        method: mean_share(
            [
                pointing_game(_heatmap(classifier, film, method, label), _grown(place))
                for film, place in judged
            ],
            groups,
        )
        for method in methods
    }


def _bearing(
    films: Sequence[PredictedFilm], places: Places, label: str
) -> Iterator[tuple[PredictedFilm, np.ndarray]]:
    """The films of the class that bear a plant at a place, with that place on their grid."""
    for film in films:
        place = places.get(film.record.path)
        if film.record.label == label and place is not None:
            yield film, cv2.resize(place.astype(np.float32), film.shape[::-1]) > 0


def _heatmap(classifier: Classifier, film: PredictedFilm, method: str, label: str) -> np.ndarray:
    heatmap = explain(classifier, film.prediction, method, label)
    return heatmap.box.spread(heatmap.values, film.shape)


def _grown(place: np.ndarray) -> np.ndarray:
    """The place and what is as near to it as a hit may be."""
    reach = max(1, round(TOLERANCE * min(place.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return cv2.dilate(place.astype(np.uint8), kernel) > 0
