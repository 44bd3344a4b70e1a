"""What readers said, counted, and as a CSV file."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from statistics import mean, median

from xraycore.config import NOTICE, VERSION
from xraycore.metrics.intervals import Score, wilson_interval
from xraycore.reader_study.records import VERDICTS, Review, Study, corners_of_all
from xraycore.utils.text import to_csv


@dataclass(frozen=True)
class Summary:
    """What a group of reviews says.

    Attributes:
        group: What they share: (model, method), or (reader,).
        reviews: Their number.
        verdicts: How many say each of `VERDICTS`.
        agree: Share that agrees, with its Wilson interval, as if reviews were independent.
        grade: Mean grade, 1 to 5.
        seconds: Median time spent on a heatmap.
    """

    group: tuple[str, ...]
    reviews: int
    verdicts: dict[str, int]
    agree: Score
    grade: float
    seconds: float


def by_method(reviews: Sequence[Review]) -> list[Summary]:
    """A summary for each model and method, in the order of their names."""
    return _summaries(reviews, lambda review: (review.item.model, review.item.method))


def by_reader(reviews: Sequence[Review]) -> list[Summary]:
    """A summary for each reader, in the order of their names."""
    return _summaries(reviews, lambda review: (review.reader.name,))


def median_seconds(reviews: Sequence[Review]) -> float | None:
    """Median time spent on a film, all its heatmaps together, of all readers; None for none."""
    spent: dict[Hashable, float] = defaultdict(float)
    for review in reviews:
        spent[review.reader, review.item.sha256] += review.seconds
    return median(spent.values()) if spent else None


def reviews_csv(study: Study, reviews: Sequence[Review]) -> str:
    """The reviews of a study as CSV, a row each, with a heading.

    Boxes are a JSON list of [x0, y0, x1, y1] in shares of the film's width and height, as they are
    and as they were before the reader saw heat on the film; what is not known of the latter is
    empty. Times are UTC. A text that a spreadsheet would take for a formula begins with an
    apostrophe.
    """
    table: list[list[object]] = [
        [
            *("study", "blinded", "seed", "reader", "sha256", "model", "weights", "method"),
            *("target", "verdict", "grade", "comment", "boxes", "no_finding"),
            *("boxes_before_heat", "marked_after_heat", "seconds"),
            *("version", "saved", "xraycore", "notice"),
        ]
    ]
    for review in reviews:
        item, answer = review.item, review.answer
        before = corners_of_all(answer.before_heat)
        table.append(
            [
                *(study.name, study.blinded, study.seed, review.reader.name),
                *(item.sha256, item.model, item.weights, item.method, item.target),
                *(answer.verdict, answer.grade, answer.comment),
                *(json.dumps(corners_of_all(answer.boxes)), answer.no_finding),
                *(None if before is None else json.dumps(before), answer.marked_after_heat),
                *(round(review.seconds, 1), review.version, review.saved.isoformat()),
                *(VERSION, NOTICE),
            ]
        )
    return to_csv(table)


def _summaries(
    reviews: Sequence[Review], group_of: Callable[[Review], tuple[str, ...]]
) -> list[Summary]:
    groups: dict[tuple[str, ...], list[Review]] = defaultdict(list)
    for review in reviews:
        groups[group_of(review)].append(review)
    return [_summary(group, members) for group, members in sorted(groups.items())]


def _summary(group: tuple[str, ...], reviews: Sequence[Review]) -> Summary:
    counts = Counter(review.answer.verdict for review in reviews)
    return Summary(
        group,
        len(reviews),
        {verdict: counts[verdict] for verdict in VERDICTS},
        wilson_interval(counts["agree"], len(reviews)),
        mean(grade for review in reviews if (grade := review.answer.grade) is not None),
        median(review.seconds for review in reviews),
    )
