"""Does the heat lie where readers drew their boxes?"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from xraycore.attribution.metrics.localisation import pointing_game
from xraycore.attribution.metrics.similarity import iou
from xraycore.errors import ArgumentError
from xraycore.imaging.box import Box
from xraycore.metrics.intervals import Score, mean_share
from xraycore.reader_study.records import HeatmapItem, Review

# Share of a map's own maximum from which on it calls a place hot.
THRESHOLD = 0.5


@dataclass(frozen=True)
class Overlap:
    """How the heat lies to one reader's boxes.

    Attributes:
        hit: Whether its hottest point lies in a box: 0 or 1, or a share where several points are
            equally hot (the pointing game, Zhang et al. 2016, arXiv:1608.00507).
        iou: Overlap of the thresholded heat with the union of the boxes, in [0, 1].
    """

    hit: float
    iou: float


@dataclass(frozen=True)
class Localisation:
    """How the heat of one model and method lies to the boxes of all readers.

    Attributes:
        model: Its name.
        method: Its name.
        hit: Mean hit rate with its 95 % interval; `n` counts reviews.
        iou: Mean overlap with its 95 % interval.
        films: That they are from.
    """

    model: str
    method: str
    hit: Score
    iou: Score
    films: int


def draw_mask(boxes: Sequence[Box], shape: tuple[int, int]) -> np.ndarray:
    """The union of boxes on a film of that shape, bool (H, W)."""
    mask = np.zeros(shape, bool)
    for box in boxes:
        box.crop(mask)[:] = True
    return mask


def compare_boxes(
    heatmap: np.ndarray, boxes: Sequence[Box], *, threshold: float = THRESHOLD
) -> Overlap:
    """Compares heat with one reader's boxes.

    A map without heat points everywhere alike and overlaps with nothing.

    Args:
        heat: Float (H, W) on the film's grid, not negative; not clipped, or its hottest point is
            lost: `heatmap.stretched().on(xray)`.
        boxes: At least one.
        threshold: In (0, 1], share of the map's own maximum.

    Raises:
        ArgumentError: If there is no box.
    """
    if not boxes:
        raise ArgumentError("heat is compared with at least one box. Received: none")
    mask = draw_mask(boxes, heatmap.shape)
    hottest = heatmap.max()
    return Overlap(
        pointing_game(heatmap, mask), iou((heatmap >= threshold * hottest) & (heatmap > 0), mask)
    )


def localisation_table(
    reviews: Sequence[Review],
    heatmap_of: Callable[[HeatmapItem], np.ndarray | None],
    *,
    threshold: float = THRESHOLD,
) -> list[Localisation]:
    """Hit rate and overlap by model and method.

    Boxes are taken as they were before the reader saw heat on the film, where that is known: drawn
    or moved afterwards, they may follow the heat. Reviews without such a box say nothing of a place
    and are left out. Intervals resample films, since
    several readers of one film are no independent evidence; where the hits of all films are alike,
    Wilson's (1927, doi:10.1080/01621459.1927.10502953) is taken. The overlap of a single film has
    none: its ends are equal.

    Args:
        reviews: That count, see `ReaderStudyRepository.results`.
        heatmap_of: The map of an item, see `compare_boxes`; None where its film is not at hand. It
            is asked once for each item.
        threshold: See `compare_boxes`.

    Returns:
        A row for each model and method, in the order of their names; none where nothing compares.
    """
    by_item: dict[HeatmapItem, list[Review]] = defaultdict(list)
    for review in reviews:
        if review.answer.first_boxes:
            by_item[review.item].append(review)
    found: dict[tuple[str, str], list[tuple[str, Overlap]]] = defaultdict(list)
    for item, of_item in by_item.items():
        heatmap = heatmap_of(item)
        if heatmap is not None:
            found[item.model, item.method] += [
                (
                    item.sha256,
                    compare_boxes(heatmap, review.answer.first_boxes, threshold=threshold),
                )
                for review in of_item
            ]
    return [
        Localisation(model, method, *_scores(pairs), films=len({film for film, _ in pairs}))
        for (model, method), pairs in sorted(found.items())
    ]


def _scores(pairs: Sequence[tuple[str, Overlap]]) -> tuple[Score, Score]:
    films = [film for film, _ in pairs]
    values = np.array([(overlap.hit, overlap.iou) for _, overlap in pairs])
    hits, ious = values.T
    return mean_share(hits, films), mean_share(ious, films)
