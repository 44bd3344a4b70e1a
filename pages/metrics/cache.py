"""What the Metrics page keeps between reruns, by the content of the stored files."""

from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path

import numpy as np
import streamlit as st

from pages.shared.analysis import Analysis
from pages.shared.cache import read_film as read_once
from xraycore.datasets.labels import LabelScheme
from xraycore.errors import XrayCoreError
from xraycore.evaluation.comparison import (
    EvaluationSet,
    ModelComparison,
    assemble,
    cached_scores,
    cached_subgroups,
    list_evaluation_sets,
)
from xraycore.evaluation.ensemble import ENSEMBLE
from xraycore.evaluation.evaluator import MIN_GROUP, curves
from xraycore.evaluation.model_index import StoredModel
from xraycore.evaluation.predictions import PredictionSet
from xraycore.evaluation.slices import Slice, take
from xraycore.imaging import Radiograph, RadiographError, read_radiograph
from xraycore.imaging.overlay import overlay, to_uint8
from xraycore.imaging.resample import fit_within

THUMBNAIL_PIXELS = 200


def _file_state(path: Path) -> tuple[str, int]:
    """A file and when it was changed: another one of its name is another film."""
    try:
        return str(path), path.stat().st_mtime_ns
    except OSError:
        return str(path), 0


_OF_MODELS = {StoredModel: attrgetter("fingerprint"), LabelScheme: attrgetter("name")}
_OF_FILES = {type(Path()): _file_state}
# By its name, since its own methods are kept by it.
_OF_COMPARISON = {f"{__name__}.DisplayedComparison": attrgetter("key")}


@st.cache_resource(max_entries=64, show_spinner=False, hash_funcs=_OF_MODELS)
def read_predictions(model: StoredModel) -> PredictionSet | XrayCoreError:
    """A model's stored predictions, or the error that says why they cannot be read."""
    try:
        return model.outcome()
    except XrayCoreError as error:
        return error


@st.cache_resource(max_entries=32, show_spinner=False, hash_funcs=_OF_MODELS)
def compare_models(
    models: list[StoredModel], scheme: LabelScheme, films: EvaluationSet
) -> ModelComparison:
    """The models on the films that they share; read once for each state of the stored files."""
    predictions = {model.name: read_predictions(model) for model in models}
    return assemble(predictions, scheme, films, [model.name for model in models if model.shipped])


@st.cache_data(max_entries=16, show_spinner=False, hash_funcs=_OF_MODELS)
def score_ensemble(
    models: list[StoredModel], scheme: LabelScheme, places: tuple[tuple[str, str], ...]
) -> dict[tuple[str, str], tuple[int, dict]]:
    """The number of films and the ensemble's scores by split and source, where there are any.

    Args:
        models: Those whose mean it is.
        scheme: How classes are summed.
        places: Splits with sources.
    """
    stored = {model.name: read_predictions(model) for model in models}
    sets = {(one.split, one.source): one for one in list_evaluation_sets(stored, scheme)}
    found = {}
    for place in places:
        if place in sets:
            comparison = compare_models(models, scheme, sets[place])
            if ENSEMBLE in comparison.models:
                scores = cached_scores(comparison.models[ENSEMBLE], scheme)
                found[place] = (len(comparison.y_true), scores)
    return found


@dataclass(frozen=True, eq=False)
class DisplayedComparison:
    """The comparison that is on the page, and how it is shown.

    Attributes:
        comparison: The models on their films.
        names: Those that were chosen.
        titles: Name to show of every model.
        colours: Model -> colour; the same whichever are chosen.
        models: What is stored of each model but the ensemble.
        films: The set of films.
    """

    comparison: ModelComparison
    names: list[str]
    titles: dict[str, str]
    colours: dict[str, tuple[str, str]]
    models: dict[str, StoredModel]
    films: EvaluationSet

    @property
    def key(self) -> tuple:
        """What its scores hang on."""
        prints = tuple(model.fingerprint for model in self.models.values())
        return prints, self.comparison.scheme.name, self.films.split, self.films.source

    @st.cache_data(max_entries=256, show_spinner=False, hash_funcs=_OF_COMPARISON)
    def scores(self, model: str) -> dict:
        """All scores with their intervals; see `xraycore.metrics.classification.score_classes`."""
        return cached_scores(self.comparison.models[model], self.comparison.scheme)

    @st.cache_data(max_entries=256, show_spinner=False, hash_funcs=_OF_COMPARISON)
    def subgroups(self, model: str) -> list[dict]:
        """Scores by source, age and size."""
        return cached_subgroups(self.comparison.models[model], self.comparison.scheme)

    @st.cache_data(max_entries=256, show_spinner=False, hash_funcs=_OF_COMPARISON)
    def scores_of(self, model: str, part: Slice, rest: bool = False) -> dict | None:
        """All scores of the films of a slice, or of the rest; None of fewer than `MIN_GROUP`."""
        every = [one.outcome for one in self.comparison.models.values()]
        mask = part.mask(every) ^ rest
        if mask.sum() < MIN_GROUP:
            return None
        return cached_scores(take(self.comparison.models[model], mask), self.comparison.scheme)

    @st.cache_data(max_entries=256, show_spinner=False, hash_funcs=_OF_COMPARISON)
    def curves(self, model: str, finding: str) -> dict:
        """ROC and precision-recall curve."""
        return curves(*self.comparison.of_finding(model, finding))


def read_film(path: Path) -> Radiograph:
    """The film of a file.

    Raises:
        RadiographError: If it cannot be read.
    """
    return read_once(file_key(path), partial(read_radiograph, path))


def file_key(path: Path) -> str:
    """What a film is kept by: another once its file is changed."""
    return f"{_file_state(path)}"


@st.cache_data(max_entries=512, show_spinner=False, hash_funcs=_OF_FILES)
def draw_thumbnail(path: Path) -> np.ndarray | None:
    """A small grey picture of a film, uint8 (h, w); None where it cannot be read."""
    try:
        return to_uint8(fit_within(read_radiograph(path).pixels, THUMBNAIL_PIXELS))
    except RadiographError:
        return None


@st.cache_data(max_entries=512, show_spinner=False, hash_funcs=_OF_FILES)
def draw_heatmap_thumbnail(
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
    analysis = Analysis(partial(read_radiograph, path))
    try:
        radiograph = analysis.radiograph()
    except RadiographError:
        return None
    target_class = max(labels, key=analysis.prediction(model).probabilities.__getitem__)
    heatmap = analysis.heatmap(model, "grad_cam", target_class)
    return overlay(radiograph, heatmap, opacity=0.6, longest=THUMBNAIL_PIXELS)
