"""What a heatmap comes from, so that it can be made again and is not taken for more than it is."""

from datetime import UTC, datetime
from typing import Protocol

from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.registry import get_method
from xraycore.config import NOTICE, VERSION
from xraycore.imaging.film_warnings import warning_codes
from xraycore.imaging.radiograph import Radiograph
from xraycore.models.classifier import Prediction
from xraycore.utils.checkpoints import Card


def now() -> str:
    """The time in UTC, to the second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class DescribedModel(Protocol):
    """What a report tells of a model: a `Classifier`, or what stands for one elsewhere."""

    card: Card
    view: str
    size: int


def provenance(
    model: DescribedModel, radiograph: Radiograph, prediction: Prediction, heatmap: Heatmap
) -> dict:
    """File, weights, preprocessing, method, answer, version and time, as plain values.

    Args:
        model: Which model.
        xray: The film.
        prediction: What the model said of it.
        heat: A map of that prediction.
    """
    return {
        "file": radiograph.info.name,
        "file_sha256": radiograph.info.sha256,
        "film": {"width": radiograph.info.width, "height": radiograph.info.height},
        "model": heatmap.model,
        "weights_sha256": model.card["weights"]["sha256"],
        "card_sha256": prediction.card_sha256,
        "input_size": model.size,
        "view": model.view,
        "box": [heatmap.box.top, heatmap.box.left, heatmap.box.bottom, heatmap.box.right],
        "calibration": prediction.calibration.to_card(),
        "method": heatmap.method,
        "paper": get_method(heatmap.method).paper,
        "target": heatmap.target,
        "full_heat": heatmap.scale,
        "label": prediction.label,
        "probabilities": prediction.probabilities,
        "warnings": list(prediction.warnings),
        "warning_codes": warning_codes(prediction.warnings),
        "xraycore": VERSION,
        "time": now(),
        "notice": NOTICE,
    }
