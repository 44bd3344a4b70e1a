"""What several networks answer of one film together, and how many of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from weakref import WeakKeyDictionary

from pages.components.worklist import Tone
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.models.answer import find_scope, state_answer
from xraycore.models.cards import read_card
from xraycore.models.classifier import Prediction
from xraycore.models.levels import ABNORMAL, CANNOT_TELL, NONE, OPACITY, Answer, Scope
from xraycore.models.sites import SiteProfile
from xraycore.utils.text import pluralise

_HEADINGS = {
    OPACITY: "Opacity",
    ABNORMAL: "Abnormal",
    NONE: "No opacity",
    CANNOT_TELL: "Cannot tell",
}
_TONES: dict[str, Tone] = {
    OPACITY: "opacity",
    ABNORMAL: "opacity",
    NONE: "none",
    CANNOT_TELL: "unsure",
}


@dataclass(frozen=True)
class JointAnswer:
    """What the networks say together.

    Attributes:
        scope: Whether there is an answer at all, and why not.
        answer: What more than half of them answer; "cannot tell" where none has so many; None out
            of scope, and of networks that know no normal films.
        agreeing: The answers that are so.
        answers: All.
    """

    scope: Scope
    answer: str | None
    agreeing: tuple[Answer, ...]
    answers: tuple[Answer, ...]

    @property
    def heading(self) -> str:
        """The first line of all that is said of the film."""
        return "No answer" if self.answer is None else _HEADINGS[self.answer]

    @property
    def support(self) -> str:
        """How many of the networks say so."""
        if self.answer is None:
            return ""
        count, networks = len(self.agreeing), pluralise(len(self.answers), "network")
        if not count:
            return f"the {networks} differ"
        return f"{count} of {networks}" if len(self.answers) > 1 else ""

    @property
    def summary(self) -> str:
        """In a line of a list."""
        if self.answer is None:
            return self.scope.text.rstrip(".") or "No answer"
        some = f"{len(self.agreeing)} of {len(self.answers)}" if len(self.answers) > 1 else ""
        return " · ".join(filter(None, (self.heading, some if self.agreeing else "they differ")))

    @property
    def tone(self) -> Tone:
        """How a list marks it."""
        return "silent" if self.answer is None else _TONES[self.answer]


# By a film's first prediction, with all of them: a list of hundreds is drawn at every run.
_joined: "WeakKeyDictionary[Prediction, tuple[tuple, JointAnswer]]" = WeakKeyDictionary()


def join_answers(
    predictions: Sequence[Prediction],
    warnings: Sequence[str] = (),
    sites: Mapping[str, SiteProfile] = MappingProxyType({}),
) -> JointAnswer:
    """The joint answer.

    Args:
        predictions: One a model.
        warnings: Of the film, where no model has looked at it.
        sites: Model -> site profile that it is answered by.
    """
    if not predictions:
        return JointAnswer(find_scope(warnings), None, (), ())
    asked = (*map(id, predictions), *sites.values())
    known, joint = _joined.get(predictions[0], ((), None))
    if joint is None or known != asked:
        joint = _join(predictions, sites)
        _joined[predictions[0]] = (asked, joint)
    return joint


def _join(predictions: Sequence[Prediction], sites: Mapping[str, SiteProfile]) -> JointAnswer:
    scope = find_scope(warnings_of(predictions))
    each = (state_answer(one, read_card(one.model), sites.get(one.model)) for one in predictions)
    answers = tuple(answer for answer in each if answer is not None)
    if not scope.inside or not answers:
        return JointAnswer(scope, None, (), answers)
    by_answer: dict[str, list[Answer]] = {}
    for answer in answers:
        by_answer.setdefault(answer.opacity.answer or CANNOT_TELL, []).append(answer)
    most = max(by_answer, key=lambda word: len(by_answer[word]))
    if 2 * len(by_answer[most]) <= len(answers):
        return JointAnswer(scope, CANNOT_TELL, (), answers)
    return JointAnswer(scope, most, tuple(by_answer[most]), answers)


def warnings_of(predictions: Sequence[Prediction]) -> tuple[FilmWarning | str, ...]:
    """Everything that any of the models warns of, each once."""
    return tuple(dict.fromkeys(warning for one in predictions for warning in one.warnings))
