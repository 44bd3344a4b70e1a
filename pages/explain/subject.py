"""What the Explain page is about: one film, one model, one class; and a panel with its heat."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components.film_viewer import FilmPicture, film_panel, size_and_depth
from pages.shared.analysis import Key
from pages.shared.film_picker import known_truth
from pages.shared.heatmap_controls import (
    HeatmapStyle,
    choose_class,
    choose_method,
    choose_style,
)
from pages.shared.inference import run
from pages.shared.inference_worker import Network
from pages.shared.layout import plain
from pages.shared.open_films import OpenFilm
from pages.shared.results import Work, long_work
from xraycore.attribution.heatmap import Heatmap, explain, target_of
from xraycore.attribution.plausibility import describe_heatmap
from xraycore.attribution.registry import ANALYTIC, METHODS
from xraycore.datasets.labels import NORMAL
from xraycore.imaging import Radiograph
from xraycore.models.answer import find_scope
from xraycore.models.cards import stored_title
from xraycore.models.classifier import Prediction
from xraycore.utils.progress import ProgressCallback
from xraycore.utils.text import join_names, percent

Result = TypeVar("Result")

# What may be made at every click, and what takes longer.
QUICK = join_names([method.title for method in METHODS.values() if method.quick])
SLOW = join_names(
    [f"{method.title} ({method.cost})" for method in METHODS.values() if not method.quick]
)

# Methods whose map of Normal would say the opposite of their name.
_OF_DISEASES = (
    *(name for name, method in METHODS.items() if method.contrast),
    "against_normal_views",
)

OWN_ANSWER, RUNNER_UP = "The model's answer", "The runner-up"


@dataclass(frozen=True, eq=False)
class Subject:
    """One film, one model, one class, and the method that is looked at closely.

    Attributes:
        film: The film, with all that was found out about it.
        network: The model.
        prediction: What it says about the film.
        target_class: The class that is explained.
        against: The class that it is set beside.
        method: Name of the method.
        style: How heat is drawn.
    """

    film: OpenFilm
    network: Network
    prediction: Prediction
    target_class: str
    against: str
    method: str
    style: HeatmapStyle

    @property
    def radiograph(self) -> Radiograph:
        """The film as it was read."""
        return self.film.analysis.radiograph()

    @property
    def picture(self) -> FilmPicture:
        """The film as it is drawn."""
        return self.film.analysis.picture()

    @property
    def method_title(self) -> str:
        """The method's name to show."""
        return METHODS[self.method].title

    @property
    def of_network(self) -> Key:
        """Model and weights: what all keys of its results begin with, after their kind."""
        return (self.network.name, self.network.card_sha256)

    def key(self, kind: str, *about: object) -> Key:
        """Under which a result of the film and model is kept."""
        return (kind, *self.of_network, *about)

    def once(self, kind: str, *about: object, make: Callable[[], Result]) -> Result:
        """The result of brief work, made once."""
        return self.film.analysis.once(self.key(kind, *about), make)

    def long_work(self, key: Key, work: Work, **told: str) -> object | None:
        """The result of long work; see `pages.shared.results.long_work`."""
        return long_work(self.film, key, work, **told)

    def heatmap_key(self, method: str, target_class: str) -> Key:
        """Under which a map is kept that takes further passes."""
        return self.key("heatmap", method, target_class)

    def class_of(self, method: str) -> str:
        """The class that a method's map is of: of one against other classes never Normal.

        Else it would show what speaks for Normal under the name *Against Normal*.
        """
        if self.target_class == NORMAL and method in _OF_DISEASES:
            return target_of(self.prediction, _OF_DISEASES[0])
        return self.target_class

    @property
    def explained(self) -> str:
        """The class that the map of the method that is looked at closely is of."""
        return self.class_of(self.method)

    def heatmap(self, method: str, target_class: str) -> Heatmap | None:
        """The map of a class; None where it takes further passes and was not asked for yet."""
        if method in ANALYTIC:
            return self.quick_heatmap(method, target_class)
        return self.film.analysis.long_result(self.heatmap_key(method, target_class))

    def quick_heatmap(self, method: str, target_class: str) -> Heatmap:
        """The map of a class by a quick method, made where it is not there yet."""
        return self.film.analysis.heatmap(self.network.name, method, target_class)

    def compute_heatmap(
        self, method: str, target_class: str, report: ProgressCallback
    ) -> dict[Key, object]:
        """The map by its key, for work in a thread of its own."""
        found = run(explain, self.network, self.prediction, method, target_class, report=report)
        return {self.heatmap_key(method, target_class): found}


def choose_model(trained: list[str], side: DeltaGenerator) -> str:
    """The choice of the model, at the side."""
    with side:
        st.divider()
        return st.selectbox(
            "Model",
            trained,
            format_func=stored_title,
            key="model",
            bind="query-params",
        )


def choose_subject(film: OpenFilm, name: str, side: DeltaGenerator) -> Subject:
    """The choices for a film and a model, at the side.

    Raises:
        WeightsError: If the model's weights cannot be used.
    """
    network = Network.of(name)
    with st.spinner(f"{stored_title(name)} is looking at the film …"):
        prediction = film.analysis.prediction(name)
    ranked = sorted(network.classes, key=lambda label: -prediction.probabilities[label])
    with side:
        chosen = choose_class(
            OWN_ANSWER,
            network.classes,
            "Heat marks where the model found evidence for this class (the target).",
        )
        target_class = chosen or ranked[0]
        others = [label for label in ranked if label != target_class]
        beside = st.selectbox(
            "Beside it the class",
            [RUNNER_UP, *network.classes],
            key="against",
            bind="query-params",
            help="The most probable of the others, unless you choose one.",
        )
        method = choose_method(
            "Method to look at closely",
            METHODS,
            "Used wherever one map is shown, tested or followed. Some run the network many times "
            f"for one map: {SLOW}.",
        )
        style = choose_style()
    against = beside if beside in others else others[0]
    return Subject(film, network, prediction, target_class, against, method, style)


def show_answer(subject: Subject) -> None:
    """What the model says, and every warning."""
    prediction = subject.prediction
    ranked = sorted(prediction.probabilities.items(), key=lambda one: -one[1])
    (first, p), (second, q) = ranked[:2]
    text = f"{stored_title(prediction.model)} says **{plain(first)}**, {percent(p)}; next "
    text += f"{plain(second)}, {percent(q)}. Explained here: **{plain(subject.target_class)}**"
    if subject.target_class != first:
        text += f", {percent(prediction.probabilities[subject.target_class])}"
    text = f"{text}. {known_truth(subject.film)}"
    scope = find_scope(prediction.warnings)
    if scope.inside:
        st.info(text, icon=":material/visibility:")
    else:
        st.error(
            f"**{plain(scope.text)}** Nothing that the network says about it means anything.",
            icon=":material/block:",
        )
        with st.expander("Show it anyway"):
            st.markdown(text)
    for warning in dict.fromkeys(prediction.warnings):
        st.warning(plain(warning), icon=":material/warning:")
    st.caption(f"Film: {size_and_depth(subject.picture.info)}")


def heatmap_panel(
    subject: Subject, heatmap: Heatmap | None, *, key: str, label: str, **more
) -> None:
    """A panel with the film, and heat as the side says; all such panels move together."""
    film_panel(
        subject.picture,
        key=key,
        label=label,
        heatmap=subject.style.apply(heatmap) if heatmap else None,
        lungs=subject.prediction.lungs,
        **more,
    )


def say_place(subject: Subject, heatmap: Heatmap) -> None:
    """How much of the heat lies in the lungs, and what speaks against its place."""
    drawn = heatmap.stretched() if subject.style.stretched else heatmap
    st.caption(plain(describe_heatmap(drawn, subject.prediction.lungs)))
    if subject.prediction.lungs.found:
        for text in subject.film.analysis.implausible(heatmap):
            st.caption(f":orange[:material/warning: {plain(text)}]")
