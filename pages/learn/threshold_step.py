"""The student sets a threshold at home, and sees what it does at another hospital."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from pages.learn.desk import Desk, answer_button
from pages.shared.layout import plain
from xraycore.config import weights_folder
from xraycore.datasets.labels import LABEL_SCHEMES
from xraycore.errors import LessonError
from xraycore.evaluation.evaluator import truth_and_probability
from xraycore.evaluation.prediction_files import read_predictions
from xraycore.evaluation.predictions import PredictionSet
from xraycore.metrics.calibration import Calibration
from xraycore.metrics.operating_points import at_threshold
from xraycore.models.cards import card_sha256, read_card, stored_title
from xraycore.utils.text import percent

# The score is that of the answer at home, where the student can see what he does; how much the
# specificity may be below the best that can be had at the sensitivity asked for.
_TOLERANCE = 0.05


@dataclass(frozen=True, eq=False)
class Films:
    """A hospital's films: which have a finding, and the probability that the network gives."""

    abnormal: np.ndarray
    probability: np.ndarray

    def at(self, threshold: float) -> tuple[float, float]:
        """Sensitivity and specificity."""
        found = at_threshold(self.abnormal, self.probability, threshold)
        return found["sensitivity"]["value"], found["specificity"]["value"]

    def best_specificity(self, sensitivity: float) -> float:
        """The highest that goes with at least that sensitivity."""
        chosen = np.quantile(self.probability[self.abnormal], 1 - sensitivity, method="lower")
        return float((self.probability[~self.abnormal] < chosen).mean())


def ask(desk: Desk) -> None:
    """The slider, on films of home."""
    home, _ = _films(desk)
    wanted = desk.step.sensitivity
    st.markdown(
        f"**{plain(stored_title(desk.model))}** on {len(home.abnormal):,} films of "
        f"{plain(desk.step.home)}, {int(home.abnormal.sum()):,} of them with a finding. Set the "
        f"threshold so that at least {percent(wanted)} of these are found, and no more normal "
        "films are alarmed than need be."
    )
    threshold = st.slider(
        "Call it a finding from this probability on",
        0.0,
        1.0,
        0.5,
        step=0.005,
        format="%.3f",
        key=desk.key("threshold"),
    )
    sensitivity, specificity = home.at(threshold)
    _show("At home", sensitivity, specificity)
    if answer_button(desk, "Take this threshold"):
        best = home.best_specificity(wanted)
        right = sensitivity >= wanted and specificity >= best - _TOLERANCE
        desk.sitting.answer(
            desk.number,
            {"threshold": threshold},
            {
                "right": right,
                "sensitivity": round(sensitivity, 4),
                "specificity": round(specificity, 4),
                "best": round(best, 4),
            },
            float(right),
        )
        st.rerun()


def tell(desk: Desk) -> None:
    """The same threshold at the other hospital, where it can be moved again."""
    home, elsewhere = _films(desk)
    answer = desk.answer
    st.markdown(
        f"At your threshold of {answer.response['threshold']:.3f}, with the best specificity that "
        f"{percent(desk.step.sensitivity)} sensitivity leaves at home being "
        f"{percent(answer.outcome['best'])}:"
    )
    left, right = st.columns(2)
    with left:
        _show(f"At home ({desk.step.home})", *home.at(answer.response["threshold"]))
    with right:
        _show(f"Elsewhere ({desk.step.elsewhere})", *elsewhere.at(answer.response["threshold"]))
    threshold = st.slider(
        "Move it, and see both",
        0.0,
        1.0,
        answer.response["threshold"],
        step=0.005,
        format="%.3f",
        key=desk.key("again"),
    )
    for column, (name, films) in zip(
        st.columns(2), (("At home", home), ("Elsewhere", elsewhere)), strict=True
    ):
        with column:
            _show(f"{name}, at {threshold:.3f}", *films.at(threshold))
    st.caption(
        f"{len(elsewhere.abnormal):,} films of {plain(desk.step.elsewhere)}, "
        f"{int(elsewhere.abnormal.sum()):,} with a finding. None was trained on; where epochs were "
        "chosen by them, as those of the shipped networks by nih and cohen, that flatters."
    )


def _show(title: str, sensitivity: float, specificity: float) -> None:
    st.markdown(f"**{plain(title)}**")
    one, other = st.columns(2)
    one.metric("Found (sensitivity)", percent(sensitivity), border=True)
    other.metric("Spared (specificity)", percent(specificity), border=True)


def _films(desk: Desk) -> tuple[Films, Films]:
    outcome = _outcome(desk.model, card_sha256(desk.model))
    return (
        _of_source(outcome, desk.step.home, "test"),
        _of_source(outcome, desk.step.elsewhere, None),
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _outcome(name: str, card: str) -> PredictionSet:
    file = weights_folder() / name / "predictions.csv"
    try:
        return read_predictions(file, name, Calibration.of_card(read_card(name)))
    except OSError:
        raise LessonError(f"{file}: expected what this network said of films; not there") from None


def _of_source(outcome: PredictionSet, source: str, split: str | None) -> Films:
    chosen = outcome.only(
        lambda record: record.source == source and (split is None or record.split == split)
    )
    labels = {record.label for record in chosen.records}
    if len(labels) < 2:
        there = sorted({record.source for record in outcome.records})
        raise LessonError(
            f"expected stored predictions of normal and other films of {source}. "
            f"There are some of {', '.join(there)}"
        )
    truth, probability, _ = truth_and_probability(chosen, LABEL_SCHEMES["pneumonia"])
    return Films(truth == 1, probability[:, 1])
