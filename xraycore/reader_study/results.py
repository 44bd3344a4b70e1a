"""All that a study's results page and a report say, from the reviews that count."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from xraycore.reader_study.agreement import Kappa, overall_agreement, pairwise_agreement
from xraycore.reader_study.localisation import Localisation, localisation_table
from xraycore.reader_study.records import HeatmapItem, Review
from xraycore.reader_study.summary import Summary, by_method, by_reader, median_seconds
from xraycore.utils.progress import Progress, ProgressCallback, ignore


@dataclass(frozen=True)
class Results:
    """What readers said of a study.

    Attributes:
        reviews: That count.
        localisation: Heat against boxes, by model and method.
        methods: Verdicts, grades and times by model and method.
        readers: Likewise by reader.
        verdicts: Cohen's kappa of every two readers who share a heatmap.
        grades: Likewise of their grades, quadratically weighted.
        overall: Fleiss' kappa of the verdicts of all finished readers; None of fewer than three.
        seconds: Median time on a film of a reader; None where nothing is read.
        unmarked: Reviews without a box before heat was seen, which say nothing of a place.
        unseen: Reviews with such boxes whose heatmap cannot be drawn here.
        changed: Reviews whose boxes were changed once heat was seen.
        undated: Reviews with boxes of which it is not known whether they were.
    """

    reviews: Sequence[Review]
    localisation: list[Localisation]
    methods: list[Summary]
    readers: list[Summary]
    verdicts: list[Kappa]
    grades: list[Kappa]
    overall: Kappa | None
    seconds: float | None
    unmarked: int
    unseen: int
    changed: int
    undated: int


def summarise_study(
    reviews: Sequence[Review],
    heatmap_of: Callable[[HeatmapItem], np.ndarray | None],
    finished: Collection[int] = (),
    report: ProgressCallback = ignore,
) -> Results:
    """The results of a study.

    Args:
        reviews: That count, see `ReaderStudyRepository.results`.
        heatmap_of: See `localisation_table`.
        finished: Ids of the readers who have judged all that they can.
        report: Called with the share of heatmaps that is drawn; what it raises stops the work.
    """
    items = {review.item for review in reviews if review.answer.first_boxes}
    lost: set[HeatmapItem] = set()
    drawn = 0

    def counted(item: HeatmapItem) -> np.ndarray | None:
        nonlocal drawn
        report(Progress(drawn / len(items)))
        drawn += 1
        heatmap = heatmap_of(item)
        if heatmap is None:
            lost.add(item)
        return heatmap

    localisation = localisation_table(reviews, counted)
    done = [review for review in reviews if review.reader.id in finished]
    several = len({review.reader.id for review in done}) > 2
    return Results(
        reviews,
        localisation,
        by_method(reviews),
        by_reader(reviews),
        _drop_undefined(pairwise_agreement(reviews)),
        _drop_undefined(pairwise_agreement(reviews, "grade")),
        overall_agreement(done) if several else None,
        median_seconds(reviews),
        unmarked=sum(not review.answer.first_boxes for review in reviews),
        unseen=sum(bool(r.answer.first_boxes) and r.item in lost for r in reviews),
        changed=sum(review.answer.marked_after_heat is True for review in reviews),
        undated=sum(bool(r.answer.boxes) and r.answer.before_heat is None for r in reviews),
    )


def _drop_undefined(pairs: Sequence[Kappa]) -> list[Kappa]:
    return [pair for pair in pairs if pair.heatmaps]
