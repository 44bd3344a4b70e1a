"""What a card says of both levels: operating point, sets, and how often answers were right."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xraycore.datasets.labels import NORMAL
from xraycore.evaluation.generalisation import (
    Entries,
    HospitalAnswers,
    called_share,
    home_entries,
    set_coverage,
)
from xraycore.evaluation.predictions import PredictionSet
from xraycore.metrics.classification import defined_proportion
from xraycore.metrics.conformal import kind_sets, opacity_sets
from xraycore.metrics.operating_points import sweep
from xraycore.models.answer import CANNOT_TELL, ERROR_RATES, Answer, state_probabilities
from xraycore.utils.checkpoints import Card
from xraycore.utils.text import join_names, pluralise

# Patients of the hospitals that the point is chosen on, in so many parts: each is judged with the
# point that the others choose.
FOLDS = 5
# What radiologists call a film with a finding that is no opacity, in the sets of NIH.
OTHERS = ("other", "No Lung Opacity / Not Normal")


def measure_levels(
    card: Card,
    home: PredictionSet,
    elsewhere: Mapping[str, Entries],
    choosing: Sequence[str],
) -> dict[str, Any]:
    """A card's entry `levels`.

    Args:
        card: The model's.
        home: Its stored predictions: sets are bounded by the validation films.
        elsewhere: Hospital -> what was gathered there, none of it trained on.
        choosing: Hospitals that the operating point is chosen on. Trust is measured there with
            points that other patients chose.
    """
    validation = _all_home(home, "val", card)
    chosen = [HospitalAnswers.of(elsewhere[name], card) for name in choosing]
    point = choose_point(chosen)
    films = sum(len(one.entries) for one in chosen)
    levels: dict[str, Any] = {
        "opacity": {
            "operating_point": {
                "threshold": point,
                "title": f"Best balance on {pluralise(films, 'film')} of "
                f"{join_names(sorted(choosing))}",
                "films": films,
                "hospitals": sorted(choosing),
            },
            "sets": opacity_sets(validation.opacity, validation.positive, ERROR_RATES),
        },
        "kind": {"sets": kind_sets(_kind_shares(validation, card), ERROR_RATES)},
    }
    answered = _answered(card, levels, elsewhere, choosing)
    levels["opacity"]["trust"] = opacity_trust(answered)
    levels["kind"]["trust"] = kind_trust(answered)
    measured = {**card, "levels": levels}
    levels["coverage"] = {
        "home test": set_coverage(_all_home(home, "test", card), levels["opacity"]["sets"]),
        "elsewhere": set_coverage(
            HospitalAnswers.of([one for part in elsewhere.values() for one in part], card),
            levels["opacity"]["sets"],
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


def opacity_trust(answered: Mapping[str, Sequence[tuple[Answer, Mapping[str, Any], bool]]]) -> dict:
    """Answer -> how often it was right, over hospitals; and of how many it was measured."""
    given = {"opacity": [0, 0], "none": [0, 0]}
    for answer, _, positive in (one for part in answered.values() for one in part):
        if answer.opacity.answer in given:
            count = given[answer.opacity.answer]
            count[0] += positive == (answer.opacity.answer == "opacity")
            count[1] += 1
    return _counted(given, len(answered))


def kind_trust(answered: Mapping[str, Sequence[tuple[Answer, Mapping[str, Any], bool]]]) -> dict:
    """Kind -> how often it was rightly named where there was an opacity of one known kind."""
    given: dict[str, list[int]] = {}
    hospitals = set()
    for hospital, part in answered.items():
        for answer, entry, positive in part:
            kind = answer.kind
            if not positive or kind is None or kind.answer == CANNOT_TELL:
                continue
            if entry["label"] in kind.probabilities:
                count = given.setdefault(kind.answer, [0, 0])
                count[0] += entry["label"] == kind.answer
                count[1] += 1
                hospitals.add(hospital)
    return _counted(given, len(hospitals))


def _counted(given: Mapping[str, Sequence[int]], hospitals: int) -> dict:
    scores = {name: defined_proportion(*count) for name, count in given.items()}
    return {name: score for name, score in scores.items() if score} | {"hospitals": hospitals}


def _answered(
    card: Card, levels: Mapping, elsewhere: Mapping[str, Entries], choosing: Sequence[str]
) -> dict[str, list[tuple[Answer, Mapping[str, Any], bool]]]:
    """Hospital -> every film's answer, its entry and whether there is an opacity."""
    found: dict[str, list[tuple[Answer, Mapping[str, Any], bool]]] = {}
    points = _cross_fitted({name: HospitalAnswers.of(elsewhere[name], card) for name in choosing})
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


def _all_home(home: PredictionSet, split: str, card: Card) -> HospitalAnswers:
    parts = home_entries(home, split)
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
