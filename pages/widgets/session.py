"""What a session keeps: loaded models, read films, predictions. Nothing is computed twice."""

import gc

import streamlit as st

from xraycore.data.samples import Sample, list_samples
from xraycore.evaluation.outcome import Outcome
from xraycore.evaluation.predictions import read_predictions
from xraycore.imaging import Radiograph, RadiographError, read_radiograph
from xraycore.models.classifier import Classifier, Prediction, load_model
from xraycore.models.store import read_card
from xraycore.report.track_record import TrackRecord, track_record
from xraycore.weightfiles import weights_folder


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


@st.cache_resource(show_spinner=False)
def _classifier(name: str, weights_sha256: str) -> Classifier:
    keep_keras_state()
    model = load_model(name)
    keep_loaded(name)
    return model


def classifier(name: str) -> Classifier:
    """The trained model, loaded once for all sessions and again when its weights change.

    Raises:
        WeightsError: If it has no weights, or they are not what its card says.
    """
    return _classifier(name, read_card(name)["weights"]["sha256"])


@st.cache_resource(max_entries=128, show_spinner=False)
def _prediction(model: str, weights_sha256: str, sha256: str, _xray: Radiograph) -> Prediction:
    return classifier(model).predict(_xray)


def prediction(model: str, xray: Radiograph) -> Prediction:
    """What the model says about the film; run once for each film and generation of weights."""
    return _prediction(model, read_card(model)["weights"]["sha256"], xray.info.sha256, xray)


@st.cache_resource(show_spinner=False)
def _test_outcome(name: str, weights_sha256: str) -> Outcome | None:
    card = read_card(name)
    file = weights_folder() / name / "predictions.csv"
    try:
        outcome = read_predictions(file, name, card.get("temperature", 1.0))
    except ValueError:
        return None
    return outcome.only(lambda record: record.split == "test")


def track_record_of(prediction: Prediction) -> TrackRecord | None:
    """How often the model was right on its test films with such an answer; None if not stored."""
    outcome = _test_outcome(prediction.model, read_card(prediction.model)["weights"]["sha256"])
    label = prediction.label
    return outcome and track_record(outcome, label, prediction.probabilities[label])


@st.cache_resource(max_entries=32, show_spinner=False)
def read_upload(data: bytes, name: str) -> Radiograph | RadiographError:
    """The uploaded film, or the error that says why there is none."""
    try:
        return read_radiograph(data, name=name)
    except RadiographError as error:
        return error


@st.cache_resource(show_spinner=False)
def samples() -> dict[str, Sample]:
    """The sample films by id."""
    return {sample.id: sample for sample in list_samples()}


@st.cache_resource(max_entries=32, show_spinner=False)
def read_sample(identifier: str) -> Radiograph:
    """The sample film of that id."""
    return samples()[identifier].read()
