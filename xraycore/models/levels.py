"""What an answer on two levels is made of; `xraycore.models.answer` says how it comes about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xraycore.metrics.intervals import Score
from xraycore.metrics.operating_points import DEFAULT
from xraycore.utils.text import percent

OPACITY, ABNORMAL, NONE, CANNOT_TELL = "opacity", "abnormal", "none", "cannot tell"
# Of which shares of films sets may miss the right class; what cards and profiles hold bounds for.
ERROR_RATES = (0.05, 0.1, 0.2)
DEFAULT_ERROR_RATE = 0.1
DEFAULT_THRESHOLD = DEFAULT.threshold
# What several models together are called where models are listed by name.
ENSEMBLE = "ensemble"

# A film with one of these warnings gets no answer: the warning's code, and in words why not.
OUT_OF_SCOPE: Mapping[str, str] = {
    "lateral": "it is no frontal chest film",
    "oblique": "it is no frontal chest film",
    "projection": "it is no frontal chest film",
    "body-part": "it is no frontal chest film",
    "no-lungs": "no lungs were found on it",
    "unlike": "it is too unlike all films that the networks know",
    "blank": "it cannot be read: there is hardly any difference between its greys",
    "raw": "it cannot be read: it holds data for processing, not for looking at",
}


@dataclass(frozen=True)
class Scope:
    """Whether a film is one that the networks answer for.

    Attributes:
        inside: Whether it is.
        code: Of the warning that rules it out (a key of `OUT_OF_SCOPE`); None inside.
        text: Why there is no answer, in a sentence; empty inside.
    """

    inside: bool = True
    code: str | None = None
    text: str = ""


@dataclass(frozen=True)
class Trust:
    """How often such an answer was right where the network had never been trained.

    Attributes:
        right: That share with its interval, over `n` films; None where nobody measured it.
        text: In a sentence: of how many films, of which hospitals.
    """

    right: Score | None
    text: str


@dataclass(frozen=True)
class OperatingThreshold:
    """The operating point in force.

    Attributes:
        threshold: Least probability that is called positive.
        origin: "default" (even odds), "home" (validation films of the hospitals that it learnt
            from), "external" (validation films of others), "site" (a site profile) or "majority"
            (of several models).
        title: In words.
    """

    threshold: float
    origin: str
    title: str


@dataclass(frozen=True)
class OpacityAnswer:
    """Level 1: is there an opacity? (Is it abnormal at all, of a model of other findings.)

    Attributes:
        answer: "opacity" (or "abnormal"), "none" or "cannot tell"; None out of scope.
        probability: Of an opacity, in [0, 1]: after the site's temperature where one is in force.
        point: The operating point in force.
        error_rate: At which a set could withdraw the answer; None where there is none.
        trust: Of this answer; None where there is none, or it is "cannot tell".
    """

    answer: str | None
    probability: float
    point: OperatingThreshold
    error_rate: float | None
    trust: Trust | None

    @property
    def positive(self) -> bool:
        """Whether the answer is that there is one."""
        return self.answer in (OPACITY, ABNORMAL)


@dataclass(frozen=True)
class KindAnswer:
    """Level 2: which kind, as the training sources would call it.

    Attributes:
        answer: The kind, or "cannot tell" where the set holds several or none.
        probability: Of the likeliest kind given that there is an opacity, in [0, 1].
        probabilities: Of each kind given that there is an opacity; they sum to 1.
        trust: Of this answer.
        rests_on: What the kinds were learnt from, and what else than disease may tell them apart.
    """

    answer: str
    probability: float
    probabilities: Mapping[str, float]
    trust: Trust | None
    rests_on: str


@dataclass(frozen=True)
class Answer:
    """What a model answers of a film, on two levels.

    Attributes:
        model: Its name.
        scope: Whether it answers at all.
        opacity: Level 1.
        kind: Level 2; None where level 1 is not positive, or the model knows one kind only.
        site: Name of the site profile in force; None for none.
    """

    model: str
    scope: Scope
    opacity: OpacityAnswer
    kind: KindAnswer | None = None
    site: str | None = None

    @property
    def reading(self) -> str:
        """Both levels in one sentence, for tables and headings."""
        first = self.opacity
        if first.answer is None:
            return f"No answer: {OUT_OF_SCOPE[self.scope.code or '']}"
        text = f"{_WORDS[first.answer]} ({percent(first.probability)})"
        if self.kind is not None:
            kind = self.kind
            named = f"{kind.answer} ({percent(kind.probability)} of the kinds)"
            text += f"; kind: {CANNOT_TELL if kind.answer == CANNOT_TELL else named}"
        return text

    def to_json(self) -> dict[str, Any]:
        """`opacity`, `kind`, `scope` and `site`, as `predict --json` has them."""
        first, second = self.opacity, self.kind
        return {
            "opacity": {
                "answer": first.answer,
                "probability": round(first.probability, 6),
                "threshold": first.point.threshold,
                "threshold_from": first.point.origin,
                "error_rate": first.error_rate,
                "trust": trust_json(first.trust),
            },
            "kind": {
                "answer": second.answer if second else None,
                "probability": round(second.probability, 6) if second else None,
                "trust": trust_json(second.trust) if second else None,
            },
            "scope": {
                "inside": self.scope.inside,
                "code": self.scope.code,
                "text": self.scope.text,
            },
            "site": self.site,
        }


_WORDS = {
    OPACITY: "Opacity",
    ABNORMAL: "Abnormal",
    NONE: "No opacity",
    CANNOT_TELL: "Cannot tell whether there is an opacity",
}


def trust_json(trust: Trust | None) -> dict[str, Any] | None:
    """Plain values of a trust; None for none."""
    return None if trust is None else {"right": trust.right, "text": trust.text}
