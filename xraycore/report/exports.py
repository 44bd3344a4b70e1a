"""What a reader takes along beside the report: predictions as CSV, overlays as pictures."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from xraycore.config import NOTICE, VERSION
from xraycore.imaging.encode import encode_png
from xraycore.imaging.overlay import overlay
from xraycore.imaging.radiograph import Radiograph
from xraycore.models.answer import Answer, state_answer
from xraycore.models.cards import read_card
from xraycore.models.classifier import Prediction
from xraycore.models.levels import Trust
from xraycore.models.sites import SiteProfile
from xraycore.report.film_report import ModelResult
from xraycore.report.provenance import now, provenance
from xraycore.utils.text import to_csv

LEVELS = (
    *("answer", "opacity_probability", "threshold", "threshold_from", "opacity_right"),
    *("kind", "kind_probability", "kind_right", "why", "site"),
)


def predictions_csv(
    answered: Sequence[tuple[str, str, Sequence[Prediction]]],
    sites: Mapping[str, SiteProfile] = MappingProxyType({}),
) -> str:
    """One row a film and model: both levels, probabilities, warnings and provenance.

    Args:
        answered: Of each film its title, the sha256 of its file and what each model said.
        sites: Model -> site profile that it is answered by.
    """
    classes = dict.fromkeys(
        label for *_, predictions in answered for one in predictions for label in one.classes
    )
    origin = ("file_sha256", "weights_sha256", "card_sha256", "xraycore", "time", "notice")
    table: list[list[object]] = [["file", "model", "label", *LEVELS, *classes, "warnings", *origin]]
    for title, sha256, predictions in answered:
        for one in predictions:
            probabilities = one.probabilities
            table.append(
                [
                    *(title, one.model, one.label),
                    *_levels(state_answer(one, read_card(one.model), sites.get(one.model))),
                    *(f"{probabilities[k]:.6f}" if k in probabilities else "" for k in classes),
                    " ".join(one.warnings),
                    *(sha256, one.weights_sha256, one.card_sha256, VERSION, now(), NOTICE),
                ]
            )
    return to_csv(table)


def _levels(answer: Answer | None) -> list[object]:
    """The cells of `LEVELS`; empty where there is no answer."""
    if answer is None:
        return [""] * len(LEVELS)
    first, second = answer.opacity, answer.kind
    return [
        *(first.answer or "", f"{first.probability:.6f}", f"{first.point.threshold:.6f}"),
        *(first.point.origin, _right(first.trust)),
        *((second.answer, f"{second.probability:.6f}") if second else ("", "")),
        *(_right(second.trust if second else None), answer.scope.code or "", answer.site or ""),
    ]


def _right(trust: Trust | None) -> str:
    return f"{trust.right['value']:.4f}" if trust and trust.right else ""


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
