"""Do readers agree more than by chance?"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from statsmodels.stats import inter_rater

from xraycore.errors import ArgumentError
from xraycore.metrics.few import kappa_limits
from xraycore.metrics.intervals import Score, bootstrap_interval, widen
from xraycore.reader_study.records import GRADES, VERDICTS, Review

_SCALES = {"verdict": VERDICTS, "grade": GRADES}


@dataclass(frozen=True)
class Kappa:
    """The agreement of readers on the heatmaps that all of them have judged.

    Attributes:
        readers: Their names.
        heatmaps: How many all of them have judged.
        observed: Share of pairs of answers to one heatmap that are the same; None for no heatmap.
        kappa: 1 for full agreement, 0 for chance, with its 95 % interval over resampled films;
            None where it is not defined.
        reason: Why it is not; empty where it is.
    """

    readers: tuple[str, ...]
    heatmaps: int
    observed: float | None
    kappa: Score | None
    reason: str = ""


def cohen_kappa(answers: np.ndarray, categories: int, *, weighted: bool = False) -> float | None:
    """Agreement of two readers beyond chance (Cohen 1960, doi:10.1177/001316446002000104).

    Args:
        answers: Int (n, 2), the category that each reader gave each heatmap, from 0.
        categories: Their number.
        weighted: Whether categories are ordered, and an error weighs as its distance squared
            (Cohen 1968, doi:10.1037/h0026256).

    Returns:
        At most 1; None where all answers are the same, so that chance explains everything.

    Raises:
        ArgumentError: If there is no heatmap or not two readers.
    """
    answers = _check_answers(answers)
    if answers.shape[1] != 2:
        raise ArgumentError(f"Cohen's kappa is of two readers. Received: {answers.shape[1]}")
    if _constant(answers):
        return None
    table = np.zeros((categories, categories))
    np.add.at(table, tuple(answers.T), 1)
    wt = "quadratic" if weighted else None
    return float(inter_rater.cohens_kappa(table, wt=wt, return_results=False))


def fleiss_kappa(answers: np.ndarray, categories: int) -> float | None:
    """Agreement of two or more readers beyond chance (Fleiss 1971, doi:10.1037/h0031619).

    Args:
        answers: Int (n, readers), the category that each reader gave each heatmap, from 0.
        categories: Their number; they have no order.

    Returns:
        At most 1; None where all answers are the same, so that chance explains everything.

    Raises:
        ArgumentError: If there is no heatmap or fewer than two readers.
    """
    answers = _check_answers(answers)
    if _constant(answers):
        return None
    return float(inter_rater.fleiss_kappa(_counts(answers, categories)))


def pairwise_agreement(
    reviews: Sequence[Review], of: Literal["verdict", "grade"] = "verdict"
) -> list[Kappa]:
    """Cohen's kappa of every two readers; for grades quadratically weighted.

    Args:
        reviews: That count, see `ReaderStudyRepository.results`.
        of: What is compared.
    """
    names = _names(reviews)
    return [
        _agreement(
            reviews,
            pair,
            of,
            lambda answers: cohen_kappa(answers, len(_SCALES[of]), weighted=of == "grade"),
        )
        for pair in combinations(names, 2)
    ]


def overall_agreement(
    reviews: Sequence[Review], of: Literal["verdict", "grade"] = "verdict"
) -> Kappa:
    """Fleiss' kappa of all readers, on the heatmaps that every one of them has judged.

    Args:
        reviews: That count, see `ReaderStudyRepository.results`; leave out readers who have
            only begun.
        of: What is compared; grades count as names, without their order.
    """
    return _agreement(
        reviews, _names(reviews), of, lambda answers: fleiss_kappa(answers, len(_SCALES[of]))
    )


def describe_strength(kappa: float) -> str:
    """A kappa in words (Landis & Koch 1977, doi:10.2307/2529310)."""
    if kappa < 0:
        return "less agreement than chance gives"
    for limit, words in ((0.2, "slight"), (0.4, "fair"), (0.6, "moderate"), (0.8, "substantial")):
        if kappa <= limit:
            return f"{words} agreement"
    return "almost perfect agreement"


def _agreement(
    reviews: Sequence[Review],
    names: tuple[str, ...],
    of: str,
    statistic: Callable[[np.ndarray], float | None],
) -> Kappa:
    if len(names) < 2:
        return Kappa(names, 0, None, None, "Agreement needs two readers.")
    films, answers = _list_complete(reviews, names, of)
    if not films:
        return Kappa(names, 0, None, None, "No heatmap is judged by all of these readers.")
    observed = _observed(answers, len(_SCALES[of]))
    if _constant(answers):
        reason = "All answers are the same, so that chance explains the agreement."
        return Kappa(names, len(films), observed, None, reason)
    score = bootstrap_interval(lambda chosen: _nan_for_none(statistic(answers[chosen])), films)
    shares = np.bincount(answers.ravel(), minlength=len(_SCALES[of])) / answers.size
    different = len(set(films))
    limits = kappa_limits(float(score["value"]), shares.tolist(), different)
    return Kappa(names, len(films), observed, widen(score, limits, different))


def _list_complete(
    reviews: Sequence[Review], names: Sequence[str], of: str
) -> tuple[list[str], np.ndarray]:
    """Films and answers (n, readers) of the heatmaps that have a review of every reader."""
    said: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
    for review in reviews:
        category = _SCALES[of].index(getattr(review.answer, of))
        said[review.item.id, review.item.sha256][review.reader.name] = category
    complete = {key: by for key, by in said.items() if all(name in by for name in names)}
    answers = [[by[name] for name in names] for by in complete.values()]
    return [film for _, film in complete], np.array(answers)


def _names(reviews: Sequence[Review]) -> tuple[str, ...]:
    return tuple(sorted({review.reader.name for review in reviews}))


def _counts(answers: np.ndarray, categories: int) -> np.ndarray:
    """How many readers chose each category, (n, categories)."""
    return (answers[:, :, None] == np.arange(categories)).sum(axis=1)


def _observed(answers: np.ndarray, categories: int) -> float:
    counts, readers = _counts(answers, categories), answers.shape[1]
    return float((counts * (counts - 1)).sum() / (len(answers) * readers * (readers - 1)))


def _constant(answers: np.ndarray) -> bool:
    return bool((answers == answers.flat[0]).all())


def _nan_for_none(value: float | None) -> float:
    return np.nan if value is None else value


def _check_answers(answers: np.ndarray) -> np.ndarray:
    answers = np.asarray(answers, int)
    if answers.ndim != 2 or answers.shape[0] < 1 or answers.shape[1] < 2:
        raise ArgumentError(
            "answers must be (heatmaps, readers), of one heatmap and two readers at least. "
            f"Received: {answers.shape}"
        )
    return answers
