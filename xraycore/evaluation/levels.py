"""What a card says of both levels: operating point, sets, and how often answers were right."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xraycore.datasets.labels import NORMAL
from xraycore.evaluation.generalisation import (
    Entries,
    HospitalAnswers,
    called_share,
    internal_entries,
    kinds_of,
    set_coverage,
)
from xraycore.evaluation.predictions import PredictionSet
from xraycore.metrics.conformal import fewest_for, kind_sets, lower_bound, upper_bound
from xraycore.metrics.operating_points import at_threshold, predictive_scores, sweep
from xraycore.models.answer import CANNOT_TELL, ERROR_RATES, Answer, state_probabilities
from xraycore.utils.checkpoints import Card
from xraycore.utils.text import join_names, pluralise

# Patients of the hospitals that the point is chosen on, in so many parts: each is judged with the
# point that the others choose.
FOLDS = 5
# A kind of fewer films elsewhere has no trust.
FEWEST = 5
# What radiologists call a film with a finding that is no opacity, in the sets of NIH.
OTHERS = ("other", "No Lung Opacity / Not Normal")


# Hospital -> every film's answer, its entry and whether there is an opacity.
Answered = Mapping[str, Sequence[tuple[Answer, Mapping[str, Any], bool]]]


def measure_levels(
    card: Card,
    internal: PredictionSet,
    elsewhere: Mapping[str, Entries],
    selection: Sequence[str],
) -> dict[str, Any]:
    """A card's entry `levels`.

    Args:
        card: The model's.
        internal: Its stored predictions: sets are bounded by the validation films.
        elsewhere: Hospital -> what was gathered there, none of it trained on.
        selection: Hospitals that the operating point is chosen on. Trust is measured there with
            points that other patients chose.
    """
    validation = _all_internal(internal, "val", card)
    chosen = [HospitalAnswers.of(elsewhere[name], card) for name in selection]
    point = choose_point(chosen)
    films = sum(len(one.entries) for one in chosen)
    levels: dict[str, Any] = {
        "opacity": {
            "operating_point": {
                "threshold": point,
                "title": f"Best balance on {pluralise(films, 'film')} of "
                f"{join_names(sorted(selection))}",
                "films": films,
                "hospitals": sorted(selection),
            },
            "sets": _opacity_sets(internal, card),
        },
        "kind": {"sets": kind_sets(_kind_shares(validation, card), ERROR_RATES)},
    }
    answered = _answered(card, levels, elsewhere, selection)
    levels["opacity"]["trust"] = opacity_trust(answered)
    kinds = [name for name in card["classes"] if name != NORMAL]
    levels["kind"]["trust"] = kind_trust(answered, kinds)
    measured = {**card, "levels": levels}
    levels["coverage"] = {
        "home test": set_coverage(
            _all_internal(internal, "test", card), levels["opacity"]["sets"], point
        ),
        "elsewhere": set_coverage(
            HospitalAnswers.of([one for part in elsewhere.values() for one in part], card),
            levels["opacity"]["sets"],
            point,
        ),
    }
    others = [one for part in elsewhere.values() for one in part if one["label"] in OTHERS]
    levels["others"] = {"films": len(others), "called": called_share(others, measured)}
    return levels


def choose_point(hospitals: Sequence[HospitalAnswers]) -> float:
    """The threshold of the best mean of sensitivity and specificity over films of hospitals.

    Midway between neighbouring probabilities; of several that are as good, their middle.
    """
    positive = np.concatenate([one.positive for one in hospitals])
    opacity = np.concatenate([one.opacity for one in hospitals])
    values = np.unique(opacity)
    thresholds = (values[:-1] + values[1:]) / 2
    balance = np.add(*sweep(positive, opacity, thresholds))
    best = thresholds[balance >= balance.max() - 1e-9]
    return round(float(best[len(best) // 2]), 5)


def opacity_trust(answered: Answered) -> dict[str, Any]:
    """Answer -> how often it is right where half of the films show an opacity.

    How often it was right on the films as they are would tell how many of them are abnormal, not
    how good the answer is: see `predictive_scores`. Films without an answer do not count.
    """
    given = [
        (answer.opacity.answer == "opacity", positive)
        for part in answered.values()
        for answer, _, positive in part
        if answer.opacity.answer in ("opacity", "none")
    ]
    scores = _at_even(given)
    found = {"opacity": scores["ppv"], "none": scores["npv"]}
    return {name: one for name, one in found.items() if one} | {"hospitals": len(answered)}


def kind_trust(answered: Answered, kinds: Sequence[str]) -> dict[str, Any]:
    """Kind -> how often it is right where half of the films with an opacity are of that kind.

    Of films with an opacity that a kind was named on, and whose label tells whether it is that one;
    nothing for a kind of which there are fewer than five, or fewer than five of others, or that
    was named on fewer than five.
    """
    found: dict[str, Any] = {}
    hospitals: set[str] = set()
    for kind in kinds:
        given = []
        for hospital, part in answered.items():
            for answer, entry, positive in part:
                allowed = kinds_of(entry["label"], kinds)
                told = allowed == (kind,) or kind not in allowed
                named = answer.kind is not None and answer.kind.answer != CANNOT_TELL
                if positive and allowed and told and named and answer.kind:
                    given.append((answer.kind.answer == kind, allowed == (kind,)))
                    hospitals.add(hospital)
        called, of_kind = (sum(one[side] for one in given) for side in (0, 1))
        if min(called, of_kind, len(given) - of_kind) >= FEWEST:
            found |= {kind: score} if (score := _at_even(given)["ppv"]) else {}
    return found | {"hospitals": len(hospitals)}


def _at_even(given: Sequence[tuple[bool, bool]]) -> dict[str, Any]:
    """PPV and NPV at even odds of films that were called, or not, and are, or not."""
    called, positive = (
        (np.array(part, bool) for part in zip(*given, strict=True))
        if given
        else (
            np.zeros(0, bool),
            np.zeros(0, bool),
        )
    )
    return predictive_scores(at_threshold(positive, called.astype(float), 0.5), 0.5)


def _answered(
    card: Card, levels: Mapping, elsewhere: Mapping[str, Entries], selection: Sequence[str]
) -> dict[str, list[tuple[Answer, Mapping[str, Any], bool]]]:
    """Hospital -> every film's answer, its entry and whether there is an opacity."""
    found: dict[str, list[tuple[Answer, Mapping[str, Any], bool]]] = {}
    points = _cross_fitted({name: HospitalAnswers.of(elsewhere[name], card) for name in selection})
    for hospital, entries in elsewhere.items():
        answers = HospitalAnswers.of(entries, card)
        for entry, probabilities, positive in zip(
            answers.entries, answers.probabilities, answers.positive, strict=True
        ):
            threshold = points.get(
                entry["group"], levels["opacity"]["operating_point"]["threshold"]
            )
            answer = state_probabilities(
                card["model"],
                dict(zip(card["classes"], map(float, probabilities), strict=True)),
                (),
                {**card, "levels": _with_point(levels, threshold)},
            )
            # Films that are ruled out get no answer: there is nothing to be right or wrong.
            if answer is not None and entry.get("code") is None:
                found.setdefault(hospital, []).append((answer, entry, bool(positive)))
    return found


def _with_point(levels: Mapping, threshold: float) -> dict[str, Any]:
    point = {**levels["opacity"]["operating_point"], "threshold": threshold}
    return {**levels, "opacity": {**levels["opacity"], "operating_point": point}}


def _cross_fitted(chosen: Mapping[str, HospitalAnswers]) -> dict[str, float]:
    """Patient -> the point that the patients of other folds choose."""
    patients = sorted({group for one in chosen.values() for group in one.groups})
    order = np.random.default_rng(0).permutation(len(patients))
    fold = {patients[place]: int(number % FOLDS) for number, place in enumerate(order)}
    points = {}
    for number in range(min(FOLDS, len(patients))):
        others = [
            one.only(np.array([fold[group] != number for group in one.groups], bool))
            for one in chosen.values()
        ]
        kinds = {bool(p) for one in others for p in one.positive}
        if len(kinds) == 2:
            points[number] = choose_point(others)
    return {patient: points[number] for patient, number in fold.items() if number in points}


def _opacity_sets(internal: PredictionSet, card: Card) -> dict[str, dict[str, float]]:
    """Bounds that hold on each internal hospital by itself: the widest of theirs.

    Mondrian by class and hospital (Vovk 2012): one that is easier than another does not pay for it.
    """
    parts = [HospitalAnswers.of(one, card) for one in internal_entries(internal, "val").values()]
    bounds: dict[str, dict[str, float]] = {}
    for rate in ERROR_RATES:
        enough = fewest_for(rate)
        clear = [one.opacity[~one.positive] for one in parts if (~one.positive).sum() >= enough]
        shown = [one.opacity[one.positive] for one in parts if one.positive.sum() >= enough]
        if clear and shown:
            bounds[f"{rate:g}"] = {
                "none": max(upper_bound(values, rate) for values in clear),
                "opacity": min(lower_bound(values, rate) for values in shown),
            }
    return bounds


def _all_internal(internal: PredictionSet, split: str, card: Card) -> HospitalAnswers:
    parts = internal_entries(internal, split)
    return HospitalAnswers.of([one for part in parts.values() for one in part], card)


def _kind_shares(answers: HospitalAnswers, card: Card) -> dict[str, np.ndarray]:
    """Kind -> its share among the kinds on films of it."""
    classes = list(card["classes"])
    labels = np.array([one["label"] for one in answers.entries])
    return {
        kind: (answers.probabilities[:, k] / np.maximum(answers.opacity, 1e-12))[labels == kind]
        for k, kind in enumerate(classes)
        if kind != NORMAL and (labels == kind).any()
    }
