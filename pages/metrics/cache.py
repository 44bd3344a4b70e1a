"""What the Metrics page keeps between reruns, by the content of the stored files."""

from pathlib import Path

import numpy as np
import streamlit as st

from pages.shared.cache import classifier
from xraycore.attribution.heatmap import explain
from xraycore.datasets.labels import LabelScheme
from xraycore.datasets.public import locate_files
from xraycore.errors import XrayCoreError
from xraycore.evaluation.comparison import (
    EvaluationSet,
    ModelComparison,
    assemble,
    kept_scores,
    kept_subgroups,
)
from xraycore.evaluation.ensemble import ENSEMBLE
from xraycore.evaluation.evaluator import curves
from xraycore.evaluation.model_index import StoredModel
from xraycore.evaluation.predictions import PredictionSet
from xraycore.imaging import Radiograph, RadiographError, read_radiograph
from xraycore.imaging.overlay import overlay, to_uint8
from xraycore.imaging.resample import fit_within

THUMBNAIL_PIXELS = 200


@st.cache_resource(max_entries=64, show_spinner=False)
def _outcome(fingerprint: str, _entry: StoredModel) -> PredictionSet | XrayCoreError:
    try:
        return _entry.outcome()
    except XrayCoreError as error:
        return error


def outcome(entry: StoredModel) -> PredictionSet | XrayCoreError:
    """The entry's stored predictions, or the error that says why they cannot be read."""
    return _outcome(entry.fingerprint, entry)


@st.cache_resource(max_entries=32, show_spinner=False)
def _board(
    prints: tuple[str, ...], view: str, films: EvaluationSet, _view: LabelScheme, _entries: list
) -> ModelComparison:
    return assemble(
        {entry.name: outcome(entry) for entry in _entries},
        _view,
        films,
        [entry.name for entry in _entries if entry.shipped],
    )


def board(entries: list[StoredModel], view: LabelScheme, films: EvaluationSet) -> ModelComparison:
    """The models on the films that they share; read once for each state of the stored files."""
    return _board(tuple(entry.fingerprint for entry in entries), view.name, films, view, entries)


@st.cache_data(max_entries=256, show_spinner=False)
def _scores(key: tuple, model: str, _board: ModelComparison) -> dict:
    return kept_scores(_board.models[model], _board.view)


@st.cache_data(max_entries=256, show_spinner=False)
def _subgroups(key: tuple, model: str, _board: ModelComparison) -> list[dict]:
    return kept_subgroups(_board.models[model], _board.view)


@st.cache_data(max_entries=256, show_spinner=False)
def _curves(key: tuple, model: str, finding: str, _board: ModelComparison) -> dict:
    return curves(*_board.of_finding(model, finding))


class DisplayedComparison:
    """The board that is on the page, and how it is shown.

    Attributes:
        board: The models on their films.
        names: Those that were chosen.
        titles: Name to show of every model.
        colours: Model -> colour; the same whichever are chosen.
        entries: What is stored of each model but the ensemble.
        films: The set of films.
    """

    def __init__(
        self,
        entries: list[StoredModel],
        films: EvaluationSet,
        found: ModelComparison,
        names: list[str],
        colours: dict,
    ):
        self.board, self.names, self.films, self.colours = found, names, films, colours
        self.entries = {entry.name: entry for entry in entries}
        self.titles = {entry.name: entry.title for entry in entries} | {ENSEMBLE: "Ensemble"}
        prints = tuple(entry.fingerprint for entry in entries)
        self._key = (prints, found.view.name, films.split, films.source)

    def scores(self, model: str) -> dict:
        """All scores with their intervals; see `xraycore.metrics.classification.view_scores`."""
        return _scores(self._key, model, self.board)

    def subgroups(self, model: str) -> list[dict]:
        """Scores by source, age and size."""
        return _subgroups(self._key, model, self.board)

    def curves(self, model: str, finding: str) -> dict:
        """ROC and precision-recall curve."""
        return _curves(self._key, model, finding, self.board)


@st.cache_resource(show_spinner=False)
def find_films() -> dict[tuple[str, str], Path]:
    """Source and file name -> the picture, where it lies on this computer."""
    return locate_files()


def read_film(path: Path) -> Radiograph | RadiographError:
    """The film, or the error that says why there is none."""
    return _film(path, _changed(path))


def thumbnail(path: Path) -> np.ndarray | None:
    """A small grey picture of a film, uint8 (h, w); None where it cannot be read."""
    return _thumbnail(path, _changed(path))


def heat_thumbnail(
    path: Path, model: str, weights_sha256: str, labels: tuple[str, ...]
) -> np.ndarray | None:
    """The same picture with a model's Grad-CAM, uint8 RGB (h, w, 3).

    None where the film cannot be read. The heat is on the model's own scale.

    Args:
        path: The film.
        model: Name of the model.
        weights_sha256: Of its weights.
        labels: Classes of the model; the heat is that of the most probable of them.

    Raises:
        WeightsError: If the model's weights are missing or damaged.
    """
    return _heat_thumbnail(path, _changed(path), model, weights_sha256, labels)


def _changed(path: Path) -> int:
    """When a file was changed, in nanoseconds: another one of its name is another film."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@st.cache_resource(max_entries=32, show_spinner=False)
def _film(path: Path, changed: int) -> Radiograph | RadiographError:
    try:
        return read_radiograph(path)
    except RadiographError as error:
        return error


@st.cache_data(max_entries=512, show_spinner=False)
def _thumbnail(path: Path, changed: int) -> np.ndarray | None:
    try:
        return to_uint8(fit_within(read_radiograph(path).pixels, THUMBNAIL_PIXELS))
    except RadiographError:
        return None


@st.cache_data(max_entries=512, show_spinner=False)
def _heat_thumbnail(
    path: Path, changed: int, model: str, weights_sha256: str, labels: tuple[str, ...]
) -> np.ndarray | None:
    try:
        xray = read_radiograph(path)
    except RadiographError:
        return None
    network = classifier(model)
    seen = network.predict(xray)
    target = max(labels, key=seen.probabilities.__getitem__)
    heatmap = explain(network, seen, target=target)
    return overlay(xray, heatmap, opacity=0.6, longest=THUMBNAIL_PIXELS)
