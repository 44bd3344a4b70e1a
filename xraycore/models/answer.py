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

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from xraycore.datasets.labels import CHEST4, NORMAL, SETS
from xraycore.errors import ArgumentError, WeightsError
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.metrics.operating_points import DEFAULT
from xraycore.models.classifier import Prediction
from xraycore.models.levels import (
    ABNORMAL,
    CANNOT_TELL,
    DEFAULT_ERROR_RATE,
    DEFAULT_THRESHOLD,
    ENSEMBLE,
    ERROR_RATES,
    NONE,
    OPACITY,
    OUT_OF_SCOPE,
    Answer,
    KindAnswer,
    OpacityAnswer,
    OperatingThreshold,
    Scope,
    Trust,
)
from xraycore.models.sites import SiteProfile
from xraycore.utils.checkpoints import Card
from xraycore.utils.text import percent, pluralise


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
    return state_probabilities(
        prediction.model, prediction.probabilities, prediction.warnings, card, site, error_rate
    )


def state_probabilities(
    model: str,
    probabilities: Mapping[str, float],
    warnings: Sequence[str],
    card: Card,
    site: SiteProfile | None = None,
    error_rate: float | None = DEFAULT_ERROR_RATE,
) -> Answer | None:
    """What `state_answer` returns, of probabilities by class and a film's warnings."""
    if error_rate is not None and error_rate not in ERROR_RATES:
        raise ArgumentError(
            f"the error rate must be one of {', '.join(map(str, ERROR_RATES))}. "
            f"Received: {error_rate}"
        )
    if site is not None and (site.model, site.weights_sha256) != (model, card["weights"]["sha256"]):
        raise WeightsError(
            f"site profile {site.name}: expected one of {model} as it is now. It was fitted to "
            f"other weights of {site.model}: fit it anew with `xraycore adapt`."
        )
    if NORMAL not in probabilities or len(probabilities) < 2:
        return None
    kinds = tuple(name for name in probabilities if name != NORMAL)
    scope = find_scope(warnings)
    probability = opacity_probability(probabilities)
    if site is not None:
        probability = tempered(probability, site.temperature)
    first = _answer_opacity(probability, kinds, card, site, error_rate)
    at = site.name if site else None
    if not scope.inside:
        silent = OpacityAnswer(None, probability, first.point, first.error_rate, None)
        return Answer(model, scope, silent, None, at)
    second = None
    if first.positive and len(kinds) > 1:
        of_kinds = {name: probabilities[name] for name in kinds}
        second = _answer_kind(of_kinds, card.get("levels", {}).get("kind", {}), card, error_rate)
    return Answer(model, scope, first, second, at)


def agree_on(answers: Sequence[Answer], probabilities: Mapping[str, float]) -> Answer | None:
    """What several models answer together: what more than half of them say, else "cannot tell".

    Args:
        answers: One a model, of the same film.
        probabilities: Their mean, by class.

    Returns:
        With the mean probabilities, without an operating point of its own and without trust, which
        nobody measured; None for fewer than two.
    """
    if len(answers) < 2:
        return None
    scope = next((one.scope for one in answers if not one.scope.inside), Scope())
    point = OperatingThreshold(DEFAULT_THRESHOLD, "majority", "What most models say")
    probability = opacity_probability(probabilities)
    sites = {one.site for one in answers}
    site = sites.pop() if len(sites) == 1 else None
    said = Counter(one.opacity.answer for one in answers)
    word, votes = said.most_common(1)[0]
    answer = None if not scope.inside else word if votes > len(answers) / 2 else CANNOT_TELL
    first = OpacityAnswer(answer, probability, point, None, None)
    if not first.positive:
        return Answer(ENSEMBLE, scope, first, None, site)
    shares = {name: p for name, p in probabilities.items() if name != NORMAL}
    shares = {name: p / (sum(shares.values()) or 1.0) for name, p in shares.items()}
    named = Counter(one.kind.answer for one in answers if one.kind)
    if len(shares) < 2 or not named:
        return Answer(ENSEMBLE, scope, first, None, site)
    kind, votes = named.most_common(1)[0]
    kind = kind if votes > len(answers) / 2 else CANNOT_TELL
    likeliest = max(shares, key=shares.__getitem__)
    of = shares[likeliest if kind == CANNOT_TELL else kind]
    rests_on = next(one.kind.rests_on for one in answers if one.kind)
    return Answer(ENSEMBLE, scope, first, KindAnswer(kind, of, shares, None, rests_on), site)


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
    return OperatingThreshold(DEFAULT_THRESHOLD, "default", DEFAULT.title)


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
        trust = _trust(measured.get("trust", {}), called, _CALLED[called], "has one")
    known = set(CHEST4) | set(SETS)
    word = ABNORMAL if called == OPACITY and not known.issuperset(kinds) else called
    return OpacityAnswer(word, probability, point, error_rate if bounds else None, trust)


def _answer_kind(
    probabilities: Mapping[str, float], measured: Mapping, card: Card, error_rate: float | None
) -> KindAnswer:
    total = sum(probabilities.values()) or 1.0
    shares = {name: p / total for name, p in probabilities.items()}
    name = max(shares, key=shares.__getitem__)
    answer, trust = (
        name,
        _trust(measured.get("trust", {}), name, f"Called {name}", "is of that kind"),
    )
    bounds = measured.get("sets", {}).get(f"{error_rate:g}") if error_rate is not None else None
    if bounds is not None:
        kept = [kind for kind, share in shares.items() if share >= bounds.get(kind, 0.0)]
        if kept != [name]:
            answer, trust = CANNOT_TELL, None
    return KindAnswer(answer, shares[name], shares, trust, describe_sources(card, list(shares)))


def describe_sources(card: Card, kinds: Sequence[str]) -> str:
    """What kinds were learnt from: of each the data sets with most of its training films."""
    parts = []
    for name in kinds:
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


# An interval that is wider says nothing of how often an answer is right.
_TELLS_NOTHING = 0.5
_CALLED = {OPACITY: "Said to have an opacity", NONE: "Said to have none"}


def _trust(measured: Mapping, answer: str, said: str, shows: str) -> Trust | None:
    right = measured.get(answer)
    if right is None:
        return None
    low, high = percent(right["low"]), percent(right["high"])
    hospitals = pluralise(measured["hospitals"], "collection")
    if right["high"] - right["low"] > _TELLS_NOTHING:
        return Trust(
            None,
            f"{said}: on {hospitals} that it was never trained on too few such films were seen to "
            "tell how often that is right.",
        )
    return Trust(
        right,
        f"{said}: right in {percent(right['value'])} ({low} to {high}) where every second film "
        f"{shows}; measured on {pluralise(right['n'], 'film')} of {hospitals} that it was never "
        "trained on.",
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
