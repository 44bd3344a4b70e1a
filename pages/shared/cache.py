"""What all sessions share: sample films, the trained models' cards and what their tests said."""

from collections.abc import Callable

import streamlit as st

from pages.shared.analysis import Analysis
from xraycore.config import weights_folder
from xraycore.datasets.locator import FilmLocator
from xraycore.datasets.samples import Sample, list_samples
from xraycore.errors import RadiographError, WeightsError, XrayCoreError
from xraycore.evaluation.prediction_files import read_predictions
from xraycore.evaluation.predictions import PredictionSet
from xraycore.evaluation.track_record import track_record
from xraycore.imaging import Radiograph
from xraycore.imaging.film_warnings import NO_DOUBT, warning_codes
from xraycore.metrics.calibration import Calibration
from xraycore.models.cards import card_sha256, list_trained, read_card
from xraycore.models.classifier import Prediction


def trained_models() -> tuple[list[str], list[str]]:
    """Names of the trained models whose cards can be read, and what is wrong with others."""
    usable, problems = [], []
    for name in list_trained():
        try:
            read_card(name)
        except WeightsError as error:
            problems.append(str(error))
        else:
            usable.append(name)
    return usable, problems


@st.cache_resource(show_spinner=False)
def _test_outcome(name: str, card_sha256: str) -> PredictionSet | None:
    card = read_card(name)
    file = weights_folder() / name / "predictions.csv"
    try:
        outcome = read_predictions(file, name, Calibration.of_card(card))
    except XrayCoreError:
        return None
    return outcome.only(lambda record: record.split == "test")


def track_record_of(prediction: Prediction) -> str | None:
    """How often the model was right on its test films with such an answer; None if not stored."""
    outcome = _test_outcome(prediction.model, card_sha256(prediction.model))
    if outcome is None:
        return None
    if set(warning_codes(prediction.warnings)) - NO_DOUBT:
        return "No track record: a film that is warned about is unlike the test films."
    label = prediction.label
    return track_record(outcome, label, prediction.probabilities[label]).reading


@st.cache_resource(max_entries=32, show_spinner=False)
def film_analysis(key: str, _read: Callable[[], Radiograph]) -> Analysis:
    """A film that lies on this computer, by a key that is its content's, and all made of it."""
    return Analysis(_read)


def read_film(key: str, read: Callable[[], Radiograph]) -> Radiograph:
    """The film of that key; decoded again where it was not read lately.

    Raises:
        RadiographError: If it cannot be read, which is not kept.
    """
    try:
        return film_analysis(key, read).radiograph()
    except RadiographError:
        film_analysis.clear(key, read)
        raise


@st.cache_resource(show_spinner=False)
def film_locator() -> FilmLocator:
    """What is known of the films that this computer can read again; shared by all sessions."""
    return FilmLocator()


@st.cache_resource(show_spinner=False)
def samples() -> dict[str, Sample]:
    """The sample films by id."""
    return {sample.id: sample for sample in list_samples()}


@st.cache_resource(max_entries=32, show_spinner=False)
def sample_analysis(identifier: str) -> Analysis:
    """The sample film of that id, and what was made of it."""
    return Analysis(samples()[identifier].read)
