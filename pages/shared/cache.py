"""What a session keeps: loaded models, read films, predictions. Nothing is computed twice."""

import gc
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import streamlit as st

from pages.shared.jobs import Job
from xraycore.config import weights_folder
from xraycore.datasets.locator import FilmLocator
from xraycore.datasets.samples import Sample, list_samples
from xraycore.errors import WeightsError, XrayCoreError
from xraycore.evaluation.predictions import PredictionSet, read_predictions
from xraycore.evaluation.track_record import track_record
from xraycore.imaging import Radiograph
from xraycore.metrics.calibration import Calibration
from xraycore.models.cards import card_sha256 as fingerprint
from xraycore.models.cards import list_trained, read_card
from xraycore.models.classifier import Classifier, Prediction, load_model
from xraycore.utils.progress import Progress, ProgressCallback

# The film that was looked at last in a session, and the work on it.
_AHEAD = "look-ahead"
# Decoded films of all sessions: each takes tens of megabytes.
FILMS_KEPT = 32
# Seconds that a page waits for a network to be done with a film: they take less.
_LONGEST = 5
# Keras names the layers of a network that it builds by what it has built: one at a time.
_LOADING = threading.Lock()


@st.cache_resource(show_spinner=False)
def keep_loaded(what: str) -> None:
    """Takes a loaded network, and TensorFlow, out of the garbage collector's rounds.

    Streamlit collects garbage twice after every run of a page once Keras is imported, and holds up
    every other thread meanwhile: 0.6 s for TensorFlow's half a million objects, none without them.
    """
    gc.collect()
    gc.freeze()


@st.cache_resource(show_spinner=False)
def keep_keras_state() -> None:
    """Keeps Streamlit from clearing the state of Keras after every run of a page.

    It is one for all threads and has the names of layers: a network that another thread builds
    meanwhile, for another session or a heatmap, would get two layers of one name and fail.
    """
    import keras

    keras.backend.clear_session = lambda: None


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
def _classifier(name: str, card_sha256: str) -> Classifier:
    with _LOADING:
        keep_keras_state()
        model = load_model(name)
        keep_loaded(name)
    return model


def classifier(name: str) -> Classifier:
    """The trained model, loaded once for all sessions and again when its card changes.

    Raises:
        WeightsError: If it has no weights, or they are not what its card says.
    """
    return _classifier(name, fingerprint(name))


@st.cache_resource(max_entries=128, show_spinner=False)
def _prediction(model: str, card_sha256: str, sha256: str, _xray: Radiograph) -> Prediction:
    return classifier(model).predict(_xray)


def prediction(model: str, xray: Radiograph) -> Prediction:
    """What the model says about the film; run once for each film and state of the model's card."""
    return _prediction(model, fingerprint(model), xray.info.sha256, xray)


def prefetch(models: Sequence[str], xray: Radiograph) -> None:
    """Has networks look at a film while the page draws what needs no answer of theirs.

    The page asks as ever and waits for what is under way; it also hears of errors so.
    """
    before: Job | None
    sha256, before = st.session_state.get(_AHEAD, ("", None))
    if sha256 == xray.info.sha256:
        return
    if before:
        before.stop()

    def look(report: ProgressCallback) -> None:
        def ask(model: str) -> None:
            report(Progress(0.0, model))
            prediction(model, xray)

        # One network alone leaves cores waiting between its layers: two at once take 0.87 of the
        # time on two cores.
        with ThreadPoolExecutor(2) as pool:
            for model in models:
                pool.submit(ask, model)

    st.session_state[_AHEAD] = (xray.info.sha256, Job(look))


def stop_looking(sha256: str) -> None:
    """Ends that for a film, and waits for the networks that are at it: they keep what they saw."""
    of, job = st.session_state.get(_AHEAD, ("", None))
    if job and of == sha256:
        del st.session_state[_AHEAD]
        job.stop()
        job.wait(_LONGEST)


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
    outcome = _test_outcome(prediction.model, fingerprint(prediction.model))
    if outcome is None:
        return None
    if prediction.warnings:
        return "No track record: a film that is warned about is unlike the test films."
    label = prediction.label
    return track_record(outcome, label, prediction.probabilities[label]).reading


@st.cache_resource(max_entries=FILMS_KEPT, show_spinner=False)
def read_film(key: str, _read: Callable[[], Radiograph]) -> Radiograph:
    """The film of that key, which is its content's; decoded again where it was not read lately.

    Raises:
        RadiographError: If it cannot be read, which is not kept.
    """
    return _read()


@st.cache_resource(show_spinner=False)
def film_locator() -> FilmLocator:
    """What is known of the films that this computer can read again; shared by all sessions."""
    return FilmLocator()


def forget_film(key: str, sha256: str) -> None:
    """Lets go of a film that was read, and of what networks kept of it for its heat."""
    for one in (key, sha256):
        read_film.clear(one, None)
    for model in trained_models()[0]:
        _prediction.clear(model, fingerprint(model), sha256, None)


@st.cache_resource(show_spinner=False)
def samples() -> dict[str, Sample]:
    """The sample films by id."""
    return {sample.id: sample for sample in list_samples()}


@st.cache_resource(max_entries=32, show_spinner=False)
def read_sample(identifier: str) -> Radiograph:
    """The sample film of that id."""
    return samples()[identifier].read()
