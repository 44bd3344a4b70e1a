"""What models say of one hospital's films, and where they look: all that generalisation is told by.

Gathering takes minutes a hospital; scores are then worked out of it in a moment, and anew whenever
calibration or thresholds change. No file's name is kept, only its patient's.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from xraycore.anatomy.crop import ModelInput, crop_inputs
from xraycore.anatomy.lung_field import segment_lungs
from xraycore.attribution.counterfactual import excess_brightness
from xraycore.attribution.heatmap import Heatmap, explain
from xraycore.attribution.metrics.localisation import pointing_game
from xraycore.attribution.metrics.similarity import iou
from xraycore.datasets.manifest import Record
from xraycore.errors import RadiographError
from xraycore.imaging import Radiograph, read_radiograph
from xraycore.imaging.resample import resize
from xraycore.models.answer import find_scope
from xraycore.models.classifier import BATCH, Classifier, Prediction
from xraycore.utils.progress import Progress, ProgressCallback, ignore

# Maps are compared with what is drawn at this height and width.
SIDE = 128
METHOD = "against_normal"


def gather(
    models: Sequence[Classifier],
    records: Sequence[Record],
    report: ProgressCallback = ignore,
) -> dict[str, list[dict[str, Any]]]:
    """Model -> an entry a film that can be read.

    Each entry has `label`, `group` (the patient), `logits`, `code` (of the warning that rules the
    film out; None for none) and `peak`, the hottest raw value of the map against Normal. Where a
    lesion is drawn also `hit`, `on_lesion`, `in_lungs` and `iou` of the map, and `bright_hit`, the
    hit of what is bright in the lungs. See `compare_heatmap`.

    Args:
        models: Films are read, and their lungs found, once for all of them.
        records: The films.
        report: Called after every few films.
    """
    found: dict[str, list[dict[str, Any]]] = {model.spec.name: [] for model in models}
    for start in range(0, len(records), BATCH):
        kept, films = _readable(records[start : start + BATCH])
        lungs = segment_lungs(films)
        inputs: dict[tuple[str, int], list[ModelInput]] = {}
        for model in models:
            seen = (model.view, model.size)
            if seen not in inputs:
                inputs[seen] = crop_inputs(films, *seen, lungs)
            predictions = model.predict(inputs[seen])
            for record, film, prediction in zip(kept, films, predictions, strict=True):
                heatmap = explain(model, prediction, METHOD)
                found[model.spec.name].append(
                    {
                        "label": record.label,
                        "group": record.group,
                        "logits": [round(float(value), 4) for value in prediction.logits],
                        "code": find_scope(prediction.warnings).code,
                        "peak": float(f"{heatmap.values.max():.4g}"),
                        **_drawn(record, film, prediction, heatmap),
                    }
                )
        report(Progress(min(1.0, (start + BATCH) / max(1, len(records)))))
    return found


def compare_heatmap(
    values: np.ndarray, lesion: np.ndarray, lungs: np.ndarray, threshold: float | None
) -> dict[str, float]:
    """`hit`, `on_lesion` and `in_lungs` (shares of the heat) and `iou` of what is coloured.

    Args:
        values: Float (h, w), not negative, raw.
        lesion: Bool (h, w), some of it true.
        lungs: Bool (h, w).
        threshold: From which heat is coloured; the overlap is of half the maximum without one.
    """
    total = float(values.sum())
    coloured = values >= (values.max() / 2 if threshold is None else threshold)
    return {
        "hit": pointing_game(values, lesion),
        "on_lesion": float(values[lesion].sum() / total) if total > 0 else 0.0,
        "in_lungs": float(values[lungs].sum() / total) if total > 0 else 0.0,
        "iou": float(iou(coloured & (values > 0), lesion)),
    }


def _drawn(
    record: Record, film: Radiograph, prediction: Prediction, heatmap: Heatmap
) -> dict[str, float]:
    """What `compare_heatmap` says where a lesion is drawn; nothing where none is, or no lungs."""
    if record.lesion is None or not prediction.lungs.found:
        return {}
    shape = (SIDE, SIDE)
    lesion = resize(record.lesion.draw(), shape) > 0.5
    if not lesion.any():
        return {}
    lungs = resize(prediction.lungs.mask.astype(np.float32), shape) > 0.5
    values = heatmap.box.spread(heatmap.values, shape)
    bright = excess_brightness(resize(film.pixels, shape), lungs)
    compared = compare_heatmap(values, lesion, lungs, heatmap.threshold)
    compared["bright_hit"] = pointing_game(bright, lesion)
    return {name: round(value, 4) for name, value in compared.items()}


def _readable(records: Sequence[Record]) -> tuple[list[Record], list[Radiograph]]:
    read = list(_read(records))
    return [record for record, _ in read], [film for _, film in read]


def _read(records: Sequence[Record]) -> Iterator[tuple[Record, Radiograph]]:
    for record in records:
        try:
            yield record, read_radiograph(record.path)
        except RadiographError:
            continue  # `audit` says so.
