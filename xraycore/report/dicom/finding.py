"""What was found on a film, and how it is named in every object about it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid

from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.registry import get_method
from xraycore.config import VERSION
from xraycore.errors import ArgumentError
from xraycore.imaging.radiograph import Radiograph
from xraycore.models.answer import Answer, state_answer
from xraycore.models.cards import stored_title
from xraycore.models.classifier import Prediction
from xraycore.models.sites import SiteProfile
from xraycore.report.provenance import DescribedModel

MANUFACTURER = "xraycore"
# Of full heat: from there on it belongs to the segment.
HEAT_THRESHOLD = 0.5


@dataclass(frozen=True, eq=False)
class FilmFinding:
    """What one model says of a film, and where it looks.

    Attributes:
        source: Header of the film, see `read_source`.
        radiograph: The film.
        model: Which model.
        prediction: What it says.
        heatmap: Where it looks.
        site: Profile that the film is answered by; None for none.
        threshold: Share of full heat from which on it is segmented, in (0, 1].

    Raises:
        ArgumentError: If the threshold is another.
    """

    source: Dataset
    radiograph: Radiograph
    model: DescribedModel
    prediction: Prediction
    heatmap: Heatmap
    site: SiteProfile | None = None
    threshold: float = HEAT_THRESHOLD

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ArgumentError(
                f"the heat's threshold must lie above 0 and up to 1. Received: {self.threshold}"
            )

    @cached_property
    def answer(self) -> Answer | None:
        """What it answers on two levels; None of a model that knows no normal films."""
        return state_answer(self.prediction, self.model.card, self.site)

    @property
    def reading(self) -> str:
        """Its answer in a sentence."""
        if self.answer is not None:
            return self.answer.reading
        label = self.prediction.label
        return f"{label} ({100 * self.prediction.probabilities[label]:.0f} %)"

    @property
    def title(self) -> str:
        """The model's name to show."""
        return stored_title(self.prediction.model)

    @property
    def weights(self) -> str:
        """Sha256 of the weights that gave it."""
        return self.prediction.weights_sha256

    @property
    def method(self) -> str:
        """The heatmap's method, and what it explains."""
        return f"{get_method(self.heatmap.method).title} for {self.heatmap.target}"

    @cached_property
    def heat(self) -> np.ndarray:
        """Heat on the film's stored grid, float32 (Rows, Columns) in [0, 1]."""
        return self.heatmap.on((self.source.Rows, self.source.Columns))

    def uid(self, kind: str) -> UID:
        """Of an object about this film: the same whenever the same is found.

        So an object that is sent twice is one object, and one that was made otherwise another.
        """
        parts = (self.source.SOPInstanceUID, kind, *self._made_by)
        return generate_uid(entropy_srcs=[*map(str, parts)])

    def series_uid(self, kind: str) -> UID:
        """Of the series of such objects in the film's study."""
        return generate_uid(
            entropy_srcs=[*map(str, (self.source.StudyInstanceUID, kind, *self._made_by))]
        )

    @property
    def _made_by(self) -> tuple[object, ...]:
        one = self.prediction
        method = (self.heatmap.method, self.heatmap.target, self.threshold)
        site = repr(self.site) if self.site else ""
        return (one.model, self.weights, one.card_sha256, *method, site, VERSION)
