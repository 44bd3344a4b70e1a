"""A prediction as it is answered: is there an opacity, and if so which kind; or why not.

Level 1 holds on hospitals that a network was never trained on, level 2 weakly, and the threshold
does not carry over: so each level has its own probability and its own trust, and the operating
point says where it comes from.

"Cannot tell" is what class-conditional (Mondrian) conformal sets are for (Vovk 2012,
arXiv:1209.2673; Angelopoulos & Bates 2021, arXiv:2107.07511): of calibration films of each class
at most a share `error_rate` have a probability beyond the class's bound, so that a set misses the
right class in no more of further films like them. An answer is given where the operating point and
the set agree; a set of both or of none is no answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xraycore.datasets.labels import CHEST4, NORMAL, SETS
from xraycore.errors import ArgumentError, WeightsError
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.metrics.classification import Score
from xraycore.metrics.operating_points import DEFAULT
from xraycore.models.classifier import Prediction
from xraycore.models.sites import SiteProfile
from xraycore.utils.checkpoints import Card
from xraycore.utils.text import percent, pluralise

OPACITY, ABNORMAL, NONE, CANNOT_TELL = "opacity", "abnormal", "none", "cannot tell"
# Of which shares of films sets may miss the right class; what cards and profiles hold bounds for.
ERROR_RATES = (0.05, 0.1, 0.2)
DEFAULT_ERROR_RATE = 0.1

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
            from), "external" (validation films of others) or "site" (a site profile).
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
                "trust": _trust_json(first.trust),
            },
            "kind": {
                "answer": second.answer if second else None,
                "probability": round(second.probability, 6) if second else None,
                "trust": _trust_json(second.trust) if second else None,
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


def state_answer(
    prediction: Prediction,
    card: Card,
    site: SiteProfile | None = None,
    *,
    error_rate: float | None = DEFAULT_ERROR_RATE,
) -> Answer | None:
    """What a model answers of a film on two levels; None of a model that knows no normal films.

    Args:
        prediction: What it says.
        card: Its card; what was measured elsewhere is in its entry `levels`.
        site: A profile that is in force, of these weights.
        error_rate: One of `ERROR_RATES`: at which sets withdraw answers; None for answers by the
            operating point alone.

    Raises:
        ArgumentError: If the rate is another.
        WeightsError: If the profile was fitted to other weights, or of another model.
    """
    if error_rate is not None and error_rate not in ERROR_RATES:
        raise ArgumentError(
            f"the error rate must be one of {', '.join(map(str, ERROR_RATES))}. "
            f"Received: {error_rate}"
        )
    if site is not None and site.weights_sha256 != card["weights"]["sha256"]:
        raise WeightsError(
            f"site profile {site.name}: expected one of {prediction.model} as it is now. It was "
            f"fitted to other weights of {site.model}: fit it anew with `xraycore adapt`."
        )
    if NORMAL not in prediction.classes or len(prediction.classes) < 2:
        return None
    kinds = tuple(name for name in prediction.classes if name != NORMAL)
    scope = find_scope(prediction.warnings)
    probabilities = prediction.probabilities
    probability = opacity_probability(probabilities)
    measured = card.get("levels", {})
    if site is not None:
        probability = tempered(probability, site.temperature)
    first = _answer_opacity(probability, kinds, card, site, error_rate)
    if not scope.inside:
        silent = OpacityAnswer(None, probability, first.point, first.error_rate, None)
        return Answer(prediction.model, scope, silent, None, site.name if site else None)
    second = None
    if first.positive and len(kinds) > 1:
        second = _answer_kind(
            {name: probabilities[name] for name in kinds},
            measured.get("kind", {}),
            card,
            error_rate,
        )
    return Answer(prediction.model, scope, first, second, site.name if site else None)


def find_scope(warnings: Sequence[str]) -> Scope:
    """Whether a film with these warnings is answered for; the first that rules it out says why."""
    for warning in warnings:
        if isinstance(warning, FilmWarning) and warning.code in OUT_OF_SCOPE:
            return Scope(False, warning.code, f"No answer: {OUT_OF_SCOPE[warning.code]}.")
    return Scope()


def opacity_probability(probabilities: Mapping[str, float]) -> float:
    """Probability of anything but Normal, in [0, 1]."""
    return min(1.0, sum(p for name, p in probabilities.items() if name != NORMAL))


def tempered(probability: float, temperature: float) -> float:
    """A probability whose log-odds are divided by a temperature; 0 and 1 stay."""
    if temperature == 1.0 or not 0 < probability < 1:
        return probability
    odds = np.log(probability) - np.log1p(-probability)
    return float(1 / (1 + np.exp(-odds / temperature)))


def conformal_set(probability: float, bounds: Mapping[str, float]) -> tuple[str, ...]:
    """Which of "none" and "opacity" the calibration films do not rule out.

    Args:
        probability: Of an opacity.
        bounds: `none`: normal films rarely have a higher one; `opacity`: films with an opacity
            rarely have a lower one.
    """
    return tuple(
        name
        for name, kept in (
            (NONE, probability <= bounds[NONE]),
            (OPACITY, probability >= bounds[OPACITY]),
        )
        if kept
    )


def operating_threshold(card: Card, site: SiteProfile | None = None) -> OperatingThreshold:
    """The operating point in force: a site's, else one chosen elsewhere, else one of home."""
    if site is not None:
        return OperatingThreshold(site.threshold, "site", f"Site profile {site.name}")
    if chosen := card.get("levels", {}).get("opacity", {}).get("operating_point"):
        return OperatingThreshold(chosen["threshold"], "external", chosen["title"])
    if home := card.get("operating_points", {}).get("best_f1"):
        return OperatingThreshold(home["threshold"], "home", home["title"])
    return OperatingThreshold(DEFAULT.threshold, "default", DEFAULT.title)


def _answer_opacity(
    probability: float,
    kinds: Sequence[str],
    card: Card,
    site: SiteProfile | None,
    error_rate: float | None,
) -> OpacityAnswer:
    measured = card.get("levels", {}).get("opacity", {})
    point = operating_threshold(card, site)
    called = OPACITY if probability >= point.threshold else NONE
    sets = measured.get("sets", {}) if site is None else site.sets
    bounds = sets.get(f"{error_rate:g}") if error_rate is not None else None
    if bounds is not None and conformal_set(probability, bounds) != (called,):
        return OpacityAnswer(CANNOT_TELL, probability, point, error_rate, None)
    if site is not None:
        trust: Trust | None = _site_trust(site, called)
    else:
        trust = _trust(measured.get("trust", {}), called, _CALLED[called])
    known = set(CHEST4) | set(SETS)
    word = ABNORMAL if called == OPACITY and not known.issuperset(kinds) else called
    return OpacityAnswer(word, probability, point, error_rate if bounds else None, trust)


def _answer_kind(
    probabilities: Mapping[str, float], measured: Mapping, card: Card, error_rate: float | None
) -> KindAnswer:
    total = sum(probabilities.values()) or 1.0
    shares = {name: p / total for name, p in probabilities.items()}
    name = max(shares, key=shares.__getitem__)
    answer, trust = name, _trust(measured.get("trust", {}), name, f"called {name}")
    bounds = measured.get("sets", {}).get(f"{error_rate:g}") if error_rate is not None else None
    if bounds is not None:
        kept = [kind for kind, share in shares.items() if share >= bounds.get(kind, 0.0)]
        if kept != [name]:
            answer, trust = CANNOT_TELL, None
    return KindAnswer(answer, shares[name], shares, trust, describe_sources(card))


def describe_sources(card: Card) -> str:
    """What kinds were learnt from: of each the data sets with most of its training films."""
    parts = []
    for name in card["classes"]:
        if name == NORMAL:
            continue
        films = {
            source: about.get("films", {}).get("train", {}).get(name, 0)
            for source, about in card.get("data", {}).items()
        }
        most = max(films, key=films.__getitem__, default="")
        if films.get(most):
            parts.append(f"{name} mostly from {most}")
    text = "As the training sources would call it"
    if parts:
        text += f": {', '.join(parts)}"
    return f"{text}. Age and hospital tell these sources apart as well as disease does."


_CALLED = {OPACITY: "said to have an opacity", NONE: "said to have none"}


def _trust(measured: Mapping, answer: str, said: str) -> Trust | None:
    right = measured.get(answer)
    if right is None:
        return None
    low, high = percent(right["low"]), percent(right["high"])
    hospitals = pluralise(measured["hospitals"], "collection")
    return Trust(
        right,
        f"Of {pluralise(right['n'], 'film')} {said}, in {hospitals} that it was never trained on, "
        f"{percent(right['value'])} were rightly so (95 % interval {low} to {high}).",
    )


def _site_trust(site: SiteProfile, called: str) -> Trust | None:
    if called == NONE:
        right, who = site.specificity, "further normal films of this site are expected to be"
        text = f"{percent(right['value'])} of {who} said to have none"
        of = f"fitted to {pluralise(site.normals, 'normal film')}"
    elif site.sensitivity is not None:
        right = site.sensitivity
        text = f"{percent(right['value'])} of this site's films with an opacity were found"
        of = f"of {pluralise(site.abnormals, 'film')}"
    else:
        return None
    between = f"{percent(right['low'])} to {percent(right['high'])}"
    return Trust(right, f"{text} ({between}; {of}).")


def _trust_json(trust: Trust | None) -> dict[str, Any] | None:
    return None if trust is None else {"right": trust.right, "text": trust.text}
