"""From a film to its lung field: the mask, and the part of the film that classifiers see."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np

from xraycore.anatomy.ood import UNLIKE, known_components, screen
from xraycore.anatomy.segmenter import load_segmenter
from xraycore.imaging.box import Box
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.imaging.radiograph import Radiograph

# Around the lungs' bounding box, as a share of its height and width.
MARGIN = 0.06
# A component smaller than this share of the largest is a speck, not a lung.
SPECK = 0.15
# Lungs cover this share of a film; the training masks lie between 0.07 and 0.62.
PLAUSIBLE_AREA = (0.06, 0.70)
# Their bounding box covers at least this share of the film's height and width.
PLAUSIBLE_SIDE = 0.3
# Heat within this share of the film's side around the mask still counts as inside: the masks end
# at the pleura, and one cell of a 14 x 14 map is twice as wide.
RIM = 0.03

NO_LUNGS = FilmWarning(
    "no-lungs", "No plausible lungs were found: this may be no frontal chest X-ray."
)


@dataclass(frozen=True, eq=False)
class LungField:
    """Where the lungs are on a film.

    Attributes:
        mask: Bool (128, 128) over the whole film; all false where no plausible lungs were found.
        box: The lungs with a margin, as classifiers see them; the whole film without lungs.
        warnings: What the reader of a film must know about it.
        ood_score: How far the film is from those that the networks know, as a share of the
            distance from which it is warned about (see `OODDetector`); NaN where not measured.
        components: Where it lies among these, float32 (d,); None where not measured.
    """

    mask: np.ndarray = field(repr=False)
    box: Box
    warnings: tuple[str, ...] = ()
    ood_score: float = float("nan")
    components: np.ndarray | None = field(default=None, repr=False)

    @property
    def found(self) -> bool:
        """Whether there are plausible lungs."""
        return bool(self.mask.any())

    @cached_property
    def with_rim(self) -> np.ndarray:
        """The mask widened by `RIM` of the film's side; bool (128, 128)."""
        radius = round(RIM * self.mask.shape[0])
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        return cv2.dilate(self.mask.astype(np.uint8), disc).astype(bool)

    def fraction_in_lungs(self, values: np.ndarray, box: Box) -> float:
        """Share of a heatmap's heat that lies in the lungs or their rim.

        Measured where the map is drawn: spread over the film, bilinear.

        Args:
            values: Float (h, w), not negative, raw.
            box: The part of the film that the map covers.

        Returns:
            In [0, 1]; 0 for a map without heat, NaN where no lungs were found.
        """
        if not self.found:
            return float("nan")
        heatmap = box.spread(values.astype(np.float32), self.mask.shape)
        total = float(heatmap.sum())
        return float(heatmap[self.with_rim].sum()) / total if total > 0 else 0.0

    def lung_fraction_of(self, box: Box) -> float:
        """Share of a part of the film that the lungs with their rim cover; NaN without lungs.

        What a heatmap of that part which is the same everywhere would have inside them.
        """
        return self.fraction_in_lungs(np.ones((1, 1)), box)


def lung_field(probability: np.ndarray, ood_score: float = float("nan")) -> LungField:
    """The lung field that a map of probabilities (128, 128) shows.

    The larger components of what is more likely lung than not; they must cover a plausible part of
    the film, in area, height and width. A film that is unlike those known is warned about.
    """
    likely = (probability > 0.5).astype(np.uint8)
    _, components, stats, _ = cv2.connectedComponentsWithStats(likely, connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0  # The background.
    large = np.flatnonzero(areas >= max(1, SPECK * areas.max()))
    mask = np.isin(components, large) & (likely > 0)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows):
        top, bottom = rows[0] / mask.shape[0], (rows[-1] + 1) / mask.shape[0]
        left, right = columns[0] / mask.shape[1], (columns[-1] + 1) / mask.shape[1]
        high, wide = bottom - top, right - left
        low, much = PLAUSIBLE_AREA
        if low <= mask.mean() <= much and min(high, wide) >= PLAUSIBLE_SIDE:
            box = Box(
                max(0.0, float(top - MARGIN * high)),
                max(0.0, float(left - MARGIN * wide)),
                min(1.0, float(bottom + MARGIN * high)),
                min(1.0, float(right + MARGIN * wide)),
            )
            return LungField(mask, box, (UNLIKE,) if ood_score > 1 else (), ood_score)
    return LungField(np.zeros_like(mask), Box(), (NO_LUNGS,), ood_score)


def segment_lungs(radiographs: Sequence[Radiograph]) -> list[LungField]:
    """The lung fields of films.

    Raises:
        WeightsError: If the segmenter's weights are missing or not what its card says.
    """
    if not radiographs:
        return []
    probabilities, features = load_segmenter().predict(
        [radiograph.pixels for radiograph in radiographs]
    )
    measured = zip(probabilities, screen(features), known_components(features), strict=True)
    return [
        replace(lung_field(probability, score), components=components if len(components) else None)
        for probability, score, components in measured
    ]
