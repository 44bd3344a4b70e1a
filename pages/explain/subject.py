"""What the Explain page is about: one film, one model, one class; and a panel with its heat."""

from dataclasses import dataclass

import streamlit as st

from pages.components.film_viewer import film_panel, size_and_depth
from pages.shared import cache
from pages.shared.heatmap_controls import HeatmapStyle, choose_look
from pages.shared.open_films import known_truth
from pages.shared.results import Key, kept, result
from xraycore.attribution.heatmap import Heatmap, explain
from xraycore.attribution.plausibility import LEAST_INSIDE, check_plausibility
from xraycore.attribution.registry import ANALYTIC, METHODS
from xraycore.imaging import Radiograph
from xraycore.models.cards import card_sha256
from xraycore.models.classifier import Classifier, Prediction
from xraycore.models.registry import MODELS
from xraycore.utils.progress import ProgressCallback
from xraycore.utils.text import join_names, percent

# What may be made at every click, and what takes longer.
QUICK = join_names([method.title for method in METHODS.values() if method.quick])
SLOW = join_names(
    [f"{method.title} ({method.cost})" for method in METHODS.values() if not method.quick]
)

OWN_ANSWER, RUNNER_UP = "The model's answer", "The runner-up"


@dataclass(frozen=True, eq=False)
class Subject:
    """One film, one model, one class, and the method that is looked at closely.

    Attributes:
        film: The film.
        model: The model.
        seen: What it says about the film.
        target: The class that is explained.
        against: The class that it is set beside.
        method: Name of the method.
        look: How heat is drawn.
        of: Film, model and weights: what all keys of results begin with, after their kind.
    """

    film: Radiograph
    model: Classifier
    seen: Prediction
    target: str
    against: str
    method: str
    look: HeatmapStyle
    of: Key

    @property
    def method_title(self) -> str:
        """The method's name to show."""
        return METHODS[self.method].title

    def heat_key(self, method: str, target: str) -> Key:
        """Under which a map is kept."""
        return ("heat", *self.of, method, target)

    def heat(self, method: str, target: str) -> Heatmap | None:
        """The map of a class; None where it takes further passes and was not asked for yet."""
        if method in ANALYTIC:
            return self.quick_heat(method, target)
        return result(self.heat_key(method, target))

    def quick_heat(self, method: str, target: str) -> Heatmap:
        """The map of a class by a quick method, made where it is not there yet."""
        key = self.heat_key(method, target)
        return kept(key, lambda: explain(self.model, self.seen, method, target))

    def compute_heat(self, method: str, target: str, report: ProgressCallback) -> dict[Key, object]:
        """The map by its key, for work in a thread of its own."""
        found = explain(self.model, self.seen, method, target, report=report)
        return {self.heat_key(method, target): found}


def choose_model(trained: list[str]) -> str:
    """The sidebar's choice of the model."""
    with st.sidebar:
        st.divider()
        return st.selectbox(
            "Model",
            trained,
            format_func=lambda name: MODELS[name].title,
            key="model",
            bind="query-params",
        )


def choose_subject(film: Radiograph, name: str) -> Subject:
    """The sidebar's choices for a film and a model.

    Raises:
        WeightsError: If the model's weights cannot be used.
    """
    with st.spinner(f"{MODELS[name].title} is looking at the film …"):
        model, seen = cache.classifier(name), cache.prediction(name, film)
    ranked = sorted(model.classes, key=lambda label: -seen.probabilities[label])
    with st.sidebar:
        chosen = st.selectbox(
            "Explain the class",
            [OWN_ANSWER, *model.classes],
            key="target",
            bind="query-params",
            help="Heat marks where the model found evidence for this class (the target).",
        )
        target = ranked[0] if chosen == OWN_ANSWER else chosen
        others = [label for label in ranked if label != target]
        beside = st.selectbox(
            "beside the class",
            [RUNNER_UP, *model.classes],
            key="against",
            bind="query-params",
            help="The most probable of the others, unless you choose one.",
        )
        method = st.selectbox(
            "Method to look at closely",
            list(METHODS),
            format_func=lambda one: METHODS[one].title,
            key="method",
            bind="query-params",
            help="Used wherever one map is shown, tested or followed. Some run the network many "
            f"times for one map: {SLOW}.",
        )
        look = choose_look()
    of = (film.info.sha256, name, card_sha256(name))
    against = beside if beside in others else others[0]
    return Subject(film, model, seen, target, against, method, look, of)


def show_answer(subject: Subject) -> None:
    """What the model says, and every warning."""
    seen = subject.seen
    ranked = sorted(seen.probabilities.items(), key=lambda one: -one[1])
    (first, p), (second, q) = ranked[:2]
    text = f"{MODELS[seen.model].title} says **{first}**, {percent(p)}; next {second}, "
    text += f"{percent(q)}. Explained here: **{subject.target}**"
    if subject.target != first:
        text += f", {percent(seen.probabilities[subject.target])}"
    st.info(f"{text}. {known_truth()}", icon=":material/visibility:")
    for warning in dict.fromkeys(seen.warnings):
        st.warning(warning, icon=":material/warning:")
    st.caption(f"Film: {size_and_depth(subject.film.info)}")


def heat_panel(subject: Subject, heat: Heatmap | None, *, key: str, label: str, **more) -> None:
    """A panel with the film, and heat as the sidebar says; all such panels move together."""
    film_panel(
        subject.film,
        key=key,
        label=label,
        drawn=subject.look.drawn(heat) if heat else None,
        lungs=subject.seen.lungs,
        **more,
    )


def say_place(subject: Subject, heat: Heatmap) -> None:
    """How much of the heat lies in the lungs, and what speaks against its place."""
    inside, said = kept(
        ("place", *subject.of, heat.method, heat.target), lambda: _place(subject, heat)
    )
    if not heat.values.any():
        st.caption("No heat: no place speaks for this class.")
    elif inside is not None and inside >= LEAST_INSIDE:  # Of less the alarm speaks.
        st.caption(f"In the lungs lies **{percent(inside)}** of the heat.")
    for text in said:
        st.caption(f":orange[:material/warning: {text}]")


def _place(subject: Subject, heat: Heatmap) -> tuple[float | None, tuple[str, ...]]:
    lungs = subject.seen.lungs
    if not lungs.found:
        return None, ()
    return lungs.share_inside(heat.values, heat.box), check_plausibility(heat, subject.film, lungs)
