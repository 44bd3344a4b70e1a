"""What is measured of a classifier for its card: calibration, scores, heat and probes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from xraycore.attribution.registry import METHODS
from xraycore.datasets.labels import CHEST4, LABEL_SCHEMES, NORMAL, LabelScheme
from xraycore.datasets.manifest import Manifest, Record
from xraycore.datasets.public import CITATIONS
from xraycore.evaluation.evaluator import finding_of, own_scheme, truth_and_probability
from xraycore.evaluation.prediction_files import write_predictions
from xraycore.evaluation.predictions import PredictionSet, predict_dataset
from xraycore.evaluation.pseudonyms import with_pseudonyms
from xraycore.evaluation.shortcut_probes import probe
from xraycore.metrics.classification import score_classes
from xraycore.metrics.operating_points import OperatingPoint, at_threshold, choose_points
from xraycore.models.architectures import peak_activation_bytes
from xraycore.models.classifier import Classifier
from xraycore.utils.files import write_json
from xraycore.utils.progress import ProgressCallback, part_of

# Full heat is what one film in twenty of the validation split reaches at its hottest cell.
HEAT_PERCENTILE = 95
# What is normal stays uncoloured on so many of a hundred normal validation films, of whichever
# source: another hospital's may be like those on which a network is most easily alarmed.
_UNCOLOURED_PERCENTILE = 95
# Of fewer films a source's percentile is its hottest one.
_FEWEST_NORMALS = 20
HEADLINES = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auroc", "brier", "ece")


def build_model_card(
    classifier: Classifier,
    folder: Path,
    training: dict,
    manifest: Manifest,
    external: Sequence[Manifest],
    limits: Sequence[str],
    report: ProgressCallback,
) -> None:
    """Calibrates a classifier on validation films, and writes its predictions and its card.

    Args:
        classifier: Which; its calibration is replaced.
        folder: Where to.
        training: How it was trained, for the card.
        manifest: Its data sets, split as for its training.
        external: Data sets that it never saw.
        limits: Sentences for the card.
        report: Called after every batch of films.
    """
    validation = predict_dataset(
        classifier,
        manifest.split("val"),
        part_of(report, activity="validation films"),
        calibrate=True,
    )
    external_records = [replace(r, split="external") for one in external for r in one.records]
    # As the films of validation have calibrated it.
    test, *external_predictions = (
        predict_dataset(classifier, records, part_of(report, activity=what))
        for what, records in (
            ("test films", manifest.split("test")),
            *((("external films", external_records),) if external_records else ()),
        )
    )
    stored = map(with_pseudonyms, [validation, test, *external_predictions])
    write_predictions(folder / "predictions.csv", list(stored))
    points = _operating_points(validation)
    card = {
        "model": classifier.spec.name,
        "title": classifier.spec.title,
        "end": classifier.spec.end,
        "classes": list(classifier.classes),
        "view": classifier.view,
        **classifier.calibration.to_card(),
        "operating_points": {
            name: {"title": point.title, "threshold": round(point.threshold, 5)}
            for name, point in points.items()
        },
        "input_size": classifier.network.input_shape[1],
        "parameters": classifier.network.count_params(),
        "working_memory": peak_activation_bytes(classifier.network),
        "weights": classifier.card["weights"],
        # What it was trained with, and is warned about where another is installed.
        "lungs_sha256": classifier.card.get("lungs_sha256"),
        "heat_scale": {
            method: float(f"{np.percentile(peaks, HEAT_PERCENTILE):.4g}")
            for method, peaks in validation.peaks.items()
        },
        "heat_threshold": heatmap_thresholds(validation),
        "training": training,
        "data": _data(manifest),
        "scores": headline_scores(test, points),
        "validation": headline_scores(validation, points),
        "external": _external(external_predictions[0], points) if external_predictions else {},
        "inside_lungs": _fractions_in_lungs([test, *external_predictions]),
        "limits": list(limits),
    }
    if NORMAL in classifier.classes and set(classifier.classes) == set(CHEST4):
        card["probes"] = probe(
            classifier, manifest.split("test"), part_of(report, activity="shortcut probes")
        )
    write_json(folder / "card.json", card)


def heatmap_thresholds(validation: PredictionSet) -> dict[str, float]:
    """Contrasting method -> from where on its raw heat is coloured, see `uncoloured_threshold`.

    Nothing where there is no normal film.
    """
    normal = np.array([record.label == NORMAL for record in validation.records])
    sources = np.array([record.source for record in validation.records])
    found = {
        method: uncoloured_threshold(
            {source: peaks[normal & (sources == source)] for source in np.unique(sources)}
        )
        for method, peaks in validation.peaks.items()
        if METHODS[method].contrast
    }
    return {method: value for method, value in found.items() if value is not None}


def uncoloured_threshold(peaks: Mapping[str, np.ndarray]) -> float | None:
    """Raw heat that 95 % of the normal films of every source have nowhere, to four digits.

    Args:
        peaks: Source -> the hottest raw value of each of its normal films. A source of fewer than
            20 films does not decide alone: those of all sources are taken together with the rest.

    Returns:
        None where there is no film.
    """
    every = np.concatenate(list(peaks.values())) if peaks else np.array([])
    if not every.size:
        return None
    judged = [every, *(one for one in peaks.values() if len(one) >= _FEWEST_NORMALS)]
    return float(f"{max(np.percentile(one, _UNCOLOURED_PERCENTILE) for one in judged):.4g}")


def headline_scores(outcome: PredictionSet, points: dict[str, OperatingPoint]) -> dict:
    """All classes over all sources, and Normal against pneumonia within chest_xray alone.

    Within one source, because across sources age and hospital tell the class as well as disease.
    """
    y_true, probability, kept = truth_and_probability(outcome, own_scheme(outcome.classes))
    found = score_classes(y_true, probability, outcome.classes, kept.groups)
    scores = {
        "all": {
            **{name: found[name] for name in HEADLINES},
            "recall": {
                name: of_class["recall"]
                for name, of_class in found["classes"].items()
                if of_class["recall"] is not None
            },
            "confusion": found["confusion"],
        }
    }
    one_source = outcome.only(lambda record: record.source == "chest_xray")
    if one_source.records and set(outcome.classes) == set(CHEST4):
        scores["pneumonia"] = finding_scores(one_source, LABEL_SCHEMES["pneumonia"], points)
    return scores


def finding_scores(
    outcome: PredictionSet, scheme: LabelScheme, points: dict[str, OperatingPoint]
) -> dict:
    """AUROC, ECE, and accuracy, sensitivity and specificity at 0.5 and at each operating point."""
    y_true, probability, kept = truth_and_probability(outcome, scheme)
    found = score_classes(y_true, probability, scheme.classes, kept.groups)
    default = at_threshold(y_true == 1, probability[:, 1], 0.5)
    return {
        "auc": found["macro_auroc"],
        **{name: default[name] for name in ("accuracy", "sensitivity", "specificity")},
        "ece": found["ece"],
        "at": {
            name: at_threshold(y_true == 1, probability[:, 1], point.threshold)
            for name, point in points.items()
        },
    }


def _operating_points(validation: PredictionSet) -> dict[str, OperatingPoint]:
    """Of the finding of a model that knows two classes, and of any pneumonia for the four."""
    scheme = own_scheme(validation.classes)
    if set(validation.classes) == set(CHEST4):
        scheme = LABEL_SCHEMES["pneumonia"]
    if len(scheme.classes) != 2:
        return {}
    y_true, probability, _ = truth_and_probability(validation, scheme)
    finding = finding_of(scheme)
    return choose_points(y_true == finding, probability[:, finding])


def _external(outcome: PredictionSet, points: dict[str, OperatingPoint]) -> dict:
    """Normal against pneumonia on every source that has films of both."""
    if set(outcome.classes) != set(CHEST4):
        return {}
    scheme, found = LABEL_SCHEMES["pneumonia"], {}
    for source in sorted({record.source for record in outcome.records}):
        one = outcome.only(_of_source(source))
        if {scheme.label(record.label) for record in one.records} >= set(scheme.classes):
            found[source] = {
                "citation": CITATIONS.get(source, "no citation known"),
                "pneumonia": finding_scores(one, scheme, points),
            }
    return found


def _of_source(source: str) -> Callable[[Record], bool]:
    return lambda record: record.source == source


def _fractions_in_lungs(outcomes: Sequence[PredictionSet]) -> dict:
    """Source -> mean share of evidence in the lungs, beside their share of what is seen."""
    found = {}
    for outcome in outcomes:
        for source in sorted({record.source for record in outcome.records}):
            one = outcome.only(_of_source(source))
            known = ~np.isnan(one.fraction_in_lungs)
            if known.any():
                found[source] = {
                    "evidence": round(float(one.fraction_in_lungs[known].mean()), 4),
                    "area": round(float(one.lungs[known].mean()), 4),
                    "films": int(known.sum()),
                    "films_without_lungs": int((~known).sum()),
                }
    return found


def _data(manifest: Manifest) -> dict:
    return {
        source: {
            "citation": CITATIONS.get(source, "no citation known"),
            "films": Manifest(tuple(r for r in manifest.records if r.source == source)).counts(),
        }
        for source in sorted({record.source for record in manifest.records})
    }
