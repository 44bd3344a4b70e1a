"""What a reader takes along beside the report: predictions as CSV, overlays as pictures."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from xraycore.config import NOTICE, VERSION
from xraycore.imaging.encode import encode_png
from xraycore.imaging.overlay import overlay
from xraycore.imaging.radiograph import Radiograph
from xraycore.models.classifier import Prediction
from xraycore.report.film_report import ModelResult
from xraycore.report.provenance import now, provenance
from xraycore.utils.text import to_csv


def predictions_csv(answered: Sequence[tuple[str, str, Sequence[Prediction]]]) -> str:
    """One row a film and model: answer, probabilities, warnings and provenance.

    Args:
        answered: Of each film its title, the sha256 of its file and what each model said.
    """
    classes = dict.fromkeys(
        label for *_, predictions in answered for one in predictions for label in one.classes
    )
    origin = ("file_sha256", "weights_sha256", "card_sha256", "xraycore", "time", "notice")
    table: list[list[object]] = [["file", "model", "label", *classes, "warnings", *origin]]
    for title, sha256, predictions in answered:
        for one in predictions:
            probabilities = one.probabilities
            table.append(
                [
                    *(title, one.model, one.label),
                    *(f"{probabilities[k]:.6f}" if k in probabilities else "" for k in classes),
                    " ".join(one.warnings),
                    *(sha256, one.weights_sha256, one.card_sha256, VERSION, now(), NOTICE),
                ]
            )
    return to_csv(table)


def zip_overlays(
    radiograph: Radiograph, results: Sequence[ModelResult], style: Mapping[str, Any]
) -> bytes:
    """A ZIP archive: each model's overlay at the film's size, with its provenance as JSON.

    Args:
        xray: The film.
        results: One a model.
        style: How heat is drawn: arguments of `xraycore.imaging.overlay.overlay`.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in results:
            drawn = overlay(radiograph, one.heatmap, **style)
            name = f"{one.prediction.model}.{one.heatmap.method}"
            archive.writestr(f"{name}.png", encode_png(drawn))
            facts = provenance(one.model, radiograph, one.prediction, one.heatmap) | {
                "drawn": dict(style)
            }
            archive.writestr(f"{name}.json", json.dumps(facts, indent=2) + "\n")
    return buffer.getvalue()
