"""A step on the student's desk: its film, the networks that look at it, and how heat is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import streamlit as st

from pages.components.film_viewer import StyledMap, film_panel
from pages.learn.sitting import Sitting
from pages.shared import cache
from pages.shared.analysis import Analysis
from pages.shared.heatmap_controls import color_strip
from pages.shared.layout import plain
from xraycore.attribution.heatmap import Heatmap, target_of
from xraycore.datasets.labels import NORMAL
from xraycore.errors import LessonError
from xraycore.imaging.resample import resize
from xraycore.lessons.films import LessonFilm, open_film
from xraycore.lessons.progress import StepAnswer
from xraycore.lessons.schema import AnyStep, OnFilm
from xraycore.models.answer import opacity_probability, operating_threshold
from xraycore.models.cards import list_trained, read_card, stored_title
from xraycore.models.classifier import Prediction

# The network that is shown where a lesson names none: the first of these that is trained.
PREFERRED = ("vgg16", "resnet50", "xception", "inception_v3", "basic_cnn")
HEATMAP_METHOD = "against_normal"


class PlaceMap:
    """Where the finding is, as a map of which the viewer draws the outline."""

    def __init__(self, place: np.ndarray):
        self._place = place.astype(np.float32)

    def on(self, shape: tuple[int, int]) -> np.ndarray:
        """Float32 of that shape."""
        return resize(self._place, shape)


@dataclass(frozen=True)
class NetworkAnswer:
    """What a network answers of a film: whether there is something, and how sure it is.

    Attributes:
        model: Its name.
        finding: Its answer, at its operating point.
        probability: Of a finding.
        right: Whether that is so.
    """

    model: str
    finding: bool
    probability: float
    right: bool

    @property
    def sure(self) -> float:
        """Probability that it gives to its own answer."""
        return self.probability if self.finding else 1 - self.probability

    def to_json(self) -> dict[str, Any]:
        """As it is kept with a student's answer."""
        return {
            "finding": self.finding,
            "right": self.right,
            "sure": round(self.sure, 4),
            "probability": round(self.probability, 4),
        }


@dataclass(frozen=True, eq=False)
class Desk:
    """A step of a sitting.

    Attributes:
        sitting: The student's.
        number: Of the step, in the file.
    """

    sitting: Sitting
    number: int

    @property
    def step(self) -> AnyStep:
        """What the step says."""
        return self.sitting.lesson.steps[self.number]

    @property
    def answer(self) -> StepAnswer | None:
        """What the student answered; None until he has."""
        return self.sitting.answers.get(self.number)

    def key(self, name: str) -> str:
        """Of a widget of this step."""
        return f"learn-{self.sitting.lesson.id}-{self.number}-{name}"

    @cached_property
    def film(self) -> LessonFilm:
        """The step's film.

        Raises:
            LessonError: If it is not there.
        """
        step = self.step
        real = step.real if isinstance(step, OnFilm) else None
        return open_film(self.sitting.lesson, step.film, real)

    @property
    def analysis(self) -> Analysis:
        """The film, and what networks say of it; shared by all students."""
        return cache.film_analysis(f"lesson-{self.film.key}", self.film.read)

    @property
    def model(self) -> str:
        """The network of the step.

        Raises:
            LessonError: If none is trained.
        """
        if named := getattr(self.step, "model", None):
            return named
        trained = list_trained()
        found = next((name for name in PREFERRED if name in trained), None)
        if found is None:
            raise LessonError("no network is trained here, and this step needs one")
        return found

    def ask_network(self, model: str) -> NetworkAnswer:
        """What a network answers of the film.

        Raises:
            WeightsError: If it has no weights here.
        """
        prediction = self.analysis.prediction(model)
        probability = opacity_probability(prediction.probabilities)
        finding = probability >= operating_threshold(read_card(model)).threshold
        return NetworkAnswer(model, finding, probability, finding == self.film.finding)

    def heatmap(self, model: str, method: str = HEATMAP_METHOD) -> Heatmap:
        """A network's heat on the film: what speaks for a finding."""
        prediction = self.analysis.prediction(model)
        return self.analysis.heatmap(model, method, finding_of(prediction, method))

    def show_film(
        self,
        name: str,
        label: str,
        *,
        heatmap: Heatmap | None = None,
        place: bool = False,
        marks: Sequence[Sequence[float]] = (),
        **more: Any,
    ) -> None:
        """Draws the film: with heat, or with an outline of the finding where it is known."""
        drawn = StyledMap(heatmap) if heatmap else None
        if place and self.film.place is not None:
            drawn = StyledMap(PlaceMap(self.film.place), contour=0.5)
        film_panel(
            self.analysis.picture(),
            key=self.key(name),
            label=label,
            heatmap=drawn,
            marks=marks,
            group=f"lesson-{self.number}",
            **more,
        )
        if heatmap:
            own = heatmap.scale is None
            color_strip(drawn.color_map, "this map's maximum" if own else "strong evidence")


def finding_of(prediction: Prediction, method: str) -> str:
    """The class that heat is shown of: a finding, never Normal."""
    target = target_of(prediction, method)
    if target != NORMAL:
        return target
    others = {name: p for name, p in prediction.probabilities.items() if name != NORMAL}
    return max(others, key=others.__getitem__) if others else target


def say_network(one: NetworkAnswer) -> str:
    """What a network answers, in words."""
    called = "a finding" if one.finding else "normal"
    return f"{plain(stored_title(one.model))} says **{called}** and gives it {100 * one.sure:.0f} %"


def ask_sure(desk: Desk, question: str = "How sure are you?") -> float:
    """The slider for how sure the student is, from guessing on: 0.5 to 1."""
    return (
        st.slider(
            plain(question), 50, 100, 75, step=5, format="%d %%", key=desk.key("sure"),
            help="50 %: I guess. 100 %: I would never be wrong.",
        )
        / 100
    )  # fmt: skip


def answer_button(
    desk: Desk, label: str = "Answer", icon: str = ":material/check:", *, ready: bool = True
) -> bool:
    """Whether the student has answered just now.

    Args:
        desk: Of the step.
        label: On the button.
        icon: Likewise.
        ready: Whether there is an answer to give.
    """
    return st.button(
        plain(label), key=desk.key("answer"), type="primary", icon=icon, disabled=not ready
    )
