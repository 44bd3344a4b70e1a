"""How far a model's answers hold on each hospital, of what `external_films.gather` has gathered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xraycore.datasets.labels import BACTERIAL, COVID, LABEL_SCHEMES, NORMAL, VIRAL, members
from xraycore.evaluation.predictions import PredictionSet
from xraycore.metrics.calibration import Calibration
from xraycore.metrics.classification import auroc_score, score_classes
from xraycore.metrics.conformal import upper_bound
from xraycore.metrics.intervals import Score, defined_proportion, mean_score, mean_share
from xraycore.metrics.operating_points import at_threshold
from xraycore.models.answer import (
    CANNOT_TELL,
    DEFAULT_ERROR_RATE,
    NONE,
    OPACITY,
    conformal_set,
    opacity_probability,
    operating_threshold,
)
from xraycore.utils.checkpoints import Card

# How many local normal films a site is fitted to where that is tried out, and how often.
LOCAL_NORMALS, DRAWS = 20, 200
_TRUTH = LABEL_SCHEMES["pneumonia"]
# What Cohen's collection names by its germ, or by what came of it.
_KINDS = {
    **dict.fromkeys(("E.Coli", "Klebsiella", "Legionella", "Streptococcus"), BACTERIAL),
    "Mycoplasma Bacterial Pneumonia": BACTERIAL,
    "SARS": VIRAL,
    "COVID-19, ARDS": COVID,
}

Entries = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class HospitalAnswers:
    """The films of one hospital whose label tells whether there is an opacity.

    Attributes:
        entries: As they were gathered.
        positive: Bool (n,), whether there is one.
        opacity: Probability of one, (n,).
        probabilities: Of each class, (n, k).
        groups: The patient of each film.
    """

    entries: tuple[Mapping[str, Any], ...]
    positive: np.ndarray
    opacity: np.ndarray
    probabilities: np.ndarray
    groups: tuple[str, ...]

    @classmethod
    def of(cls, entries: Entries, card: Card) -> "HospitalAnswers":
        """The films with such a label, their probabilities by the card's calibration."""
        kept = tuple(one for one in entries if has_opacity(one["label"]) is not None)
        classes = card["classes"]
        logits = np.array([one["logits"] for one in kept]).reshape(len(kept), len(classes))
        probabilities = Calibration.of_card(card).probabilities(logits)
        return cls(
            kept,
            np.array([has_opacity(one["label"]) for one in kept], bool),
            1 - probabilities[:, list(classes).index(NORMAL)],
            probabilities,
            tuple(one["group"] for one in kept),
        )

    def only(self, mask: np.ndarray) -> "HospitalAnswers":
        """The films for which the mask (n,) is true."""
        places = np.flatnonzero(mask)
        return HospitalAnswers(
            tuple(self.entries[i] for i in places),
            self.positive[places],
            self.opacity[places],
            self.probabilities[places],
            tuple(self.groups[i] for i in places),
        )


def internal_entries(outcome: PredictionSet, split: str) -> dict[str, list[dict[str, Any]]]:
    """Source -> entries of the stored predictions of one split; of heat and warnings nothing."""
    found: dict[str, list[dict[str, Any]]] = {}
    for record, logits in zip(outcome.records, outcome.logits, strict=True):
        if record.split == split:
            entry = {"label": record.label, "group": record.group, "logits": logits.tolist()}
            found.setdefault(record.source, []).append(entry)
    return found


def kinds_of(label: str, kinds: Sequence[str]) -> tuple[str, ...]:
    """Which of a model's kinds a label allows; none where it is no kind of theirs."""
    return members(_KINDS.get(label, label), kinds)


def has_opacity(label: str) -> bool | None:
    """Whether films of that label show one; None where it does not tell."""
    found = _TRUTH.label(_KINDS.get(label, label))
    return None if found is None else found != NORMAL


def score_hospital(entries: Entries, card: Card) -> dict[str, Any]:
    """One row of the bench: what a model's answers on a hospital's films are worth.

    Returns:
        `films`, `normals`, `abnormals` and `others` (labels that do not tell); `auc` of opacity
        against normal; `home`, `shipped` and `site`: sensitivity and specificity at the home
        threshold, at the one in force, and fitted to 20 local normals; `kind_auc`: COVID-19 among
        films of one kind; `ece` of level 1; `ruled_out`: films that get no answer; `sets`: coverage
        at an error rate of 10 % by class and how many answers are withdrawn; `heat`; `uncoloured`
        normal films; `others_called` an opacity. All with intervals, None where not defined.
    """
    answers = HospitalAnswers.of(entries, card)
    point = operating_threshold(card).threshold
    home = operating_threshold({**card, "levels": {}}).threshold
    levels = card.get("levels", {})
    others = [one for one in entries if has_opacity(one["label"]) is None]
    row: dict[str, Any] = {
        "films": len(answers.entries),
        "normals": int((~answers.positive).sum()),
        "abnormals": int(answers.positive.sum()),
        "others": len(others),
        "others_called": called_share(others, card),
        "ruled_out": _ruled_out(entries),
        "heat": _lesion_scores(entries, card),
        "uncoloured": _uncoloured(answers, card),
        "kind_auc": kind_auc(answers, card),
    }
    if not answers.entries:
        return row
    two = np.stack([1 - answers.opacity, answers.opacity], axis=1)
    scores = score_classes(answers.positive.astype(int), two, ("none", "opacity"), answers.groups)
    return row | {
        "auc": auroc_score(answers.positive, answers.opacity, answers.groups),
        "ece": scores["ece"],
        "home": _at(answers, home),
        "shipped": _at(answers, point),
        "site": fitted_to_site(answers),
        "sets": set_coverage(answers, levels.get("opacity", {}).get("sets", {}), point),
    }


def called_share(entries: Entries, card: Card) -> Score | None:
    """How many films are called an opacity at the point in force, whatever their labels."""
    if not entries:
        return None
    logits = np.array([one["logits"] for one in entries])
    probabilities = Calibration.of_card(card).probabilities(logits)
    called = [
        opacity_probability(dict(zip(card["classes"], one, strict=True)))
        >= operating_threshold(card).threshold
        for one in probabilities
    ]
    return defined_proportion(sum(called), len(called))


def kind_auc(answers: HospitalAnswers, card: Card) -> Score | None:
    """AUROC of COVID-19 among films that show an opacity of one known kind."""
    kinds = [name for name in card["classes"] if name != NORMAL]
    if COVID not in kinds:
        return None
    allowed = [kinds_of(one["label"], kinds) for one in answers.entries]
    # A label that leaves open whether it is COVID-19 tells nothing.
    known = answers.only(
        np.array([one == (COVID,) or (bool(one) and COVID not in one) for one in allowed], bool)
    )
    if not known.entries:
        return None
    covid = np.array([kinds_of(one["label"], kinds) == (COVID,) for one in known.entries])
    share = known.probabilities[:, list(card["classes"]).index(COVID)]
    share = share / np.maximum(known.opacity, 1e-12)
    return auroc_score(covid, share, known.groups)


def fitted_to_site(answers: HospitalAnswers) -> dict[str, Any] | None:
    """Sensitivity and specificity with the threshold of 20 drawn normals, on all other films.

    The mean over 200 draws, and between what 90 % of them lie; None with fewer than 5 normals more.
    """
    normals = np.flatnonzero(~answers.positive)
    if len(normals) < LOCAL_NORMALS + 5:
        return None
    rng = np.random.default_rng(0)
    found: dict[str, list[float]] = {"sensitivity": [], "specificity": []}
    for _ in range(DRAWS):
        drawn = rng.choice(normals, LOCAL_NORMALS, replace=False)
        threshold = upper_bound(answers.opacity[drawn], DEFAULT_ERROR_RATE)
        rest = np.setdiff1d(normals, drawn)
        # What lies at the bound itself is not called: it was a normal film.
        found["specificity"].append(float((answers.opacity[rest] <= threshold).mean()))
        if answers.positive.any():
            found["sensitivity"].append(
                float((answers.opacity[answers.positive] > threshold).mean())
            )
    return {"normals": LOCAL_NORMALS} | {
        name: _spread(values, len(answers.entries)) if values else None
        for name, values in found.items()
    }


def set_coverage(
    answers: HospitalAnswers, sets: Mapping[str, Mapping[str, float]], threshold: float
) -> dict[str, Any] | None:
    """Of films with and without an opacity, in how many the set at 10 % holds what is true.

    Beside it how many answers are withdrawn, because the set is not what the threshold calls.
    """
    bounds = sets.get(f"{DEFAULT_ERROR_RATE:g}")
    if bounds is None or not answers.entries:
        return None
    kept = [conformal_set(float(p), bounds) for p in answers.opacity]
    truth = np.where(answers.positive, OPACITY, NONE)
    called = np.where(answers.opacity >= threshold, OPACITY, NONE)
    held = np.array([t in one for t, one in zip(truth, kept, strict=True)])
    withdrawn = [one != (c,) for c, one in zip(called, kept, strict=True)]
    return {
        NONE: _share(held[~answers.positive]),
        OPACITY: _share(held[answers.positive]),
        CANNOT_TELL: _share(np.array(withdrawn)),
    }


def _share(of: np.ndarray) -> Score | None:
    return defined_proportion(int(of.sum()), len(of))


def _at(answers: HospitalAnswers, threshold: float) -> dict[str, Any]:
    found = at_threshold(answers.positive, answers.opacity, threshold)
    return {"threshold": threshold} | {key: found[key] for key in ("sensitivity", "specificity")}


def _spread(values: Sequence[float], films: int) -> Score:
    low, high = np.percentile(values, [5, 95])
    return {
        "value": round(float(np.mean(values)), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
        "n": films,
    }


def _ruled_out(entries: Entries) -> Score | None:
    known = [one for one in entries if "code" in one]
    return defined_proportion(sum(one["code"] is not None for one in known), len(known))


def _lesion_scores(entries: Entries, card: Card) -> dict[str, Any] | None:
    """Means over the films with a drawn lesion, and how many of them are coloured at all.

    `beyond_brightness` is paired: the map's hit less that of what is bright in the lungs.
    """
    drawn = [one for one in entries if "hit" in one]
    if not drawn:
        return None
    groups = [one["group"] for one in drawn]
    beyond = [one["hit"] - one["bright_hit"] for one in drawn]
    coloured = None
    if (threshold := card.get("heat_threshold", {}).get("against_normal")) is not None:
        coloured = mean_share([float(one["peak"] > threshold) for one in drawn], groups)
    return (
        {"coloured": coloured}
        | {
            key: mean_share([one[key] for one in drawn], groups)
            for key in ("hit", "on_lesion", "in_lungs", "iou", "bright_hit")
        }
        | {"beyond_brightness": mean_score(beyond, groups)}
    )


def _uncoloured(answers: HospitalAnswers, card: Card) -> Score | None:
    threshold = card.get("heat_threshold", {}).get("against_normal")
    normals = [one for one in answers.only(~answers.positive).entries if "peak" in one]
    if threshold is None:
        return None
    return defined_proportion(sum(one["peak"] <= threshold for one in normals), len(normals))
