"""What a heatmap comes from, so that it can be made again and is not taken for more than it is."""

from datetime import UTC, datetime
from typing import Protocol

from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.registry import get_method
from xraycore.config import NOTICE, VERSION
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
    model: DescribedModel, xray: Radiograph, prediction: Prediction, heat: Heatmap
) -> dict:
    """File, weights, preprocessing, method, answer, version and time, as plain values.

    Args:
        model: Which model.
        xray: The film.
        prediction: What the model said of it.
        heat: A map of that prediction.
    """
    return {
        "file": xray.info.name,
        "file_sha256": xray.info.sha256,
        "film": {"width": xray.info.width, "height": xray.info.height},
        "model": heat.model,
        "weights_sha256": model.card["weights"]["sha256"],
        "input_size": model.size,
        "view": model.view,
        "box": [heat.box.top, heat.box.left, heat.box.bottom, heat.box.right],
        "calibration": prediction.calibration.to_card(),
        "method": heat.method,
        "paper": get_method(heat.method).paper,
        "target": heat.target,
        "full_heat": heat.scale,
        "label": prediction.label,
        "probabilities": prediction.probabilities,
        "warnings": list(prediction.warnings),
        "xraycore": VERSION,
        "time": now(),
        "notice": NOTICE,
    }
