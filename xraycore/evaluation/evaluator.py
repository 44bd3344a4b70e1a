"""All scores of one or more models on the same films, as one JSON-ready document."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from xraycore.datasets.labels import CHEST4, LABEL_SCHEMES, NORMAL, LabelScheme
from xraycore.errors import ArgumentError
from xraycore.evaluation.predictions import PredictionSet, ensemble
from xraycore.metrics.calibration import reliability_curve
from xraycore.metrics.classification import score_classes
from xraycore.metrics.intervals import mean_share
from xraycore.metrics.operating_points import (
    DEFAULT,
    OperatingPoint,
    at_threshold,
    predictive_scores,
)
from xraycore.metrics.significance import compare_all, compare_calls

CURVE_POINTS = 200
TOP_LOSSES = 20
# Edges of the groups that scores are given for apart; a group of fewer films is left out.
AGES = ((0, 18), (18, 40), (40, 60), (60, 150))
SIZES = ((0, 256), (256, 512), (512, 1024), (1024, 100_000))
MIN_GROUP = 20


def own_scheme(classes: Sequence[str]) -> LabelScheme:
    """The view that changes nothing: every class by itself."""
    if tuple(classes) == CHEST4:
        return LABEL_SCHEMES["chest4"]
    return LabelScheme("classes", "All classes", {name: (name,) for name in classes})


def evaluate(
    outcomes: Sequence[PredictionSet],
    scheme: LabelScheme,
    points: Mapping[str, Mapping[str, OperatingPoint]] | None = None,
    prevalence: float | None = None,
) -> dict:
    """Scores, curves, subgroups and worst films of each model, and every pair compared.

    Two models or more are also judged as an ensemble, their mean calibrated probability.

    Args:
        outcomes: One a model, of the same films.
        scheme: How classes are summed.
        points: Model -> operating points, chosen on other films; used for views of two classes.
        prevalence: Of the finding where the model is to be used; for the predictive values there,
            which the share of sick films in a test set says nothing about.

    Raises:
        ArgumentError: If no film has a label that the view knows.
    """
    if len(outcomes) > 1:
        outcomes = [*outcomes, ensemble(outcomes)]
    grouped = [SchemePredictions.of(outcome, scheme) for outcome in outcomes]
    first = grouped[0]
    document = {
        "view": scheme.name,
        "classes": list(scheme.classes),
        "films": len(first.y_true),
        "labels": dict(Counter(scheme.classes[k] for k in first.y_true)),
        "models": {
            one.outcome.model: _evaluate_one(one, scheme, points or {}, prevalence)
            for one in grouped
        },
    }
    if len(scheme.classes) == 2:
        document["comparisons"] = compare_all(
            {one.outcome.model: one.probability[:, finding_of(scheme)] for one in grouped},
            first.y_true == finding_of(scheme),
        )
    else:
        document["comparisons"] = compare_calls(
            {one.outcome.model: one.probability.argmax(axis=1) == one.y_true for one in grouped}
        )
    return document


@dataclass(frozen=True)
class SchemePredictions:
    """An outcome's films that a view knows, with their target (n,) and probability (n, k)."""

    outcome: PredictionSet
    y_true: np.ndarray
    probability: np.ndarray

    @classmethod
    def of(cls, outcome: PredictionSet, scheme: LabelScheme) -> "SchemePredictions":
        """The films of an outcome that the view knows.

        Raises:
            ArgumentError: If it knows none of them.
        """
        y_true, probability, kept = truth_and_probability(outcome, scheme)
        return cls(kept, y_true, probability)

    @property
    def called(self) -> np.ndarray:
        """Index of the most probable class, (n,)."""
        return self.probability.argmax(axis=1)


def truth_and_probability(
    outcome: PredictionSet, scheme: LabelScheme
) -> tuple[np.ndarray, np.ndarray, PredictionSet]:
    """Class indices (n,) and probabilities (n, k) of a view, and the films that it knows.

    Raises:
        ArgumentError: If it knows none of them.
    """
    labels = [scheme.label(record.label) for record in outcome.records]
    known = np.array([label is not None for label in labels])
    if not known.any():
        raise ArgumentError(
            f"the view {scheme.name!r} needs films labelled {', '.join(scheme.classes)}. Received: "
            f"{', '.join(sorted({record.label for record in outcome.records}))}"
        )
    kept = outcome.only(known)
    y_true = np.array([scheme.classes.index(label) for label in labels if label])
    return y_true, scheme.probabilities(kept.probabilities, kept.classes), kept


def finding_of(scheme: LabelScheme) -> int:
    """Index of the class that is looked for: the first beside Normal; the second without it."""
    return (
        next(k for k, name in enumerate(scheme.classes) if name != NORMAL)
        if (NORMAL in scheme.classes)
        else 1
    )


def _evaluate_one(
    one: SchemePredictions,
    scheme: LabelScheme,
    points: Mapping[str, Mapping[str, OperatingPoint]],
    prevalence: float | None,
) -> dict:
    outcome, y_true, probability = one.outcome, one.y_true, one.probability
    called = one.called
    found: dict[str, Any] = {
        "scores": score_classes(y_true, probability, scheme.classes, outcome.groups),
        "reliability": reliability_curve(probability.max(axis=1), called == y_true),
        "curves": {
            name: curves(y_true == k, probability[:, k])
            for k, name in enumerate(scheme.classes)
            if 0 < (y_true == k).sum() < len(y_true)
        },
        "inside_lungs": _mean_fraction_in_lungs(outcome),
        "subgroups": subgroups(one, scheme),
        "top_losses": top_losses(one, scheme),
        "confused": _confused(y_true, called, scheme),
        "seconds_per_film": None if np.isnan(outcome.seconds) else round(outcome.seconds, 4),
        "memory_mb_per_film": round(outcome.memory / 1e6, 1) if outcome.memory else None,
    }
    if len(scheme.classes) == 2:
        k = finding_of(scheme)
        own = points.get(outcome.model) or {"default": DEFAULT}
        found["operating_points"] = {
            name: {
                "title": point.title,
                "threshold": point.threshold,
                **at_threshold(y_true == k, probability[:, k], point.threshold),
            }
            for name, point in own.items()
        }
        if prevalence is not None:
            for point in found["operating_points"].values():
                point["at_prevalence"] = _at_prevalence(point, prevalence)
    return found


def _at_prevalence(point: dict, prevalence: float) -> dict | None:
    if point["sensitivity"] is None or point["specificity"] is None:
        return None
    return {"prevalence": prevalence, **predictive_scores(point, prevalence)}


def curves(positive: np.ndarray, probability: np.ndarray) -> dict:
    """`roc` and `pr` of at most 200 points each, in shares of 0 to 1."""
    false_positive, true_positive, _ = roc_curve(positive, probability)
    precision, recall, _ = precision_recall_curve(positive, probability)
    return {
        "roc": {
            "false_positive_rate": _thinned(false_positive),
            "true_positive_rate": _thinned(true_positive),
        },
        "pr": {"recall": _thinned(recall), "precision": _thinned(precision)},
    }


def _thinned(values: np.ndarray) -> list[float]:
    """At most 200 of the points of a curve, both ends among them."""
    places = np.linspace(0, len(values) - 1, min(len(values), CURVE_POINTS)).round().astype(int)
    return [round(float(value), 4) for value in values[places]]


def _mean_fraction_in_lungs(outcome: PredictionSet) -> dict | None:
    """Mean share of positive evidence in the lungs, beside the lungs' share of what is seen."""
    known = ~np.isnan(outcome.fraction_in_lungs)
    if not known.any():
        return None
    fraction_in_lungs, groups = outcome.fraction_in_lungs[known], np.asarray(outcome.groups)[known]
    return {
        "evidence": mean_share(fraction_in_lungs, list(groups)),
        "area": round(float(outcome.lungs[known].mean()), 4),
        "films_without_lungs": int((~known).sum()),
    }


def subgroups(one: SchemePredictions, scheme: LabelScheme) -> list[dict]:
    """Scores by source, age and size; groups of fewer than 20 films are left out."""
    records, sizes = one.outcome.records, one.outcome.sizes.max(axis=1)
    masks = {
        ("source", source): np.array([r.source == source for r in records])
        for source in sorted({record.source for record in records})
    }
    ages = np.array([np.nan if r.age is None else r.age for r in records])
    for low, high in AGES:
        masks["age", f"{low} to {high - 1} years"] = (ages >= low) & (ages < high)
    for low, high in SIZES:
        masks["size", f"{low} to {high - 1} px"] = (sizes >= low) & (sizes < high)
    rows = []
    for (kind, name), mask in masks.items():
        if mask.sum() < MIN_GROUP:
            continue
        groups = [r.group for r, chosen in zip(records, mask, strict=True) if chosen]
        scores = score_classes(one.y_true[mask], one.probability[mask], scheme.classes, groups)
        overall = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auroc", "ece")
        rows.append(
            {
                "kind": kind,
                "name": name,
                "films": int(mask.sum()),
                **{key: scores[key] for key in overall},
            }
        )
    return rows


def top_losses(one: SchemePredictions, scheme: LabelScheme) -> list[dict]:
    """The films on which the model was most surely wrong."""
    places = np.arange(len(one.y_true))
    likelihood = one.probability[places, one.y_true]
    called = one.called
    wrong = [i for i in np.argsort(likelihood, kind="stable") if called[i] != one.y_true[i]]
    return describe_films(one, scheme, wrong[:TOP_LOSSES])


def describe_films(
    one: SchemePredictions, scheme: LabelScheme, places: Sequence[int]
) -> list[dict]:
    """Source, file, label and answer of the films with these indices, in their order."""
    called = one.called
    return [
        {
            "source": one.outcome.records[i].source,
            "file": one.outcome.records[i].path.name,
            "label": scheme.classes[one.y_true[i]],
            "said": scheme.classes[called[i]],
            "probability": round(float(one.probability[i, called[i]]), 4),
        }
        for i in places
    ]


def _confused(y_true: np.ndarray, called: np.ndarray, scheme: LabelScheme) -> list[dict]:
    pairs = Counter(
        (scheme.classes[t], scheme.classes[c])
        for t, c in zip(y_true, called, strict=True)
        if t != c
    )
    return [
        {"label": label, "said": said, "films": count}
        for (label, said), count in pairs.most_common()
    ]
