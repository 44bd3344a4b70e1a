"""From a finished run to `weights/<model>/`: float16 weights, and a card of measured figures."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from xraycore.anatomy.segmenter import segmenter_folder
from xraycore.data.labels import CHEST4, NORMAL, VIEWS, View
from xraycore.data.manifest import Manifest
from xraycore.data.sources import CITATIONS
from xraycore.evaluation.evaluate import own_view, target_and_probability
from xraycore.evaluation.operating import OperatingPoint, at_threshold, choose_points
from xraycore.evaluation.outcome import Outcome, classify
from xraycore.evaluation.predictions import write_predictions
from xraycore.evaluation.probes import probe
from xraycore.evaluation.scores import view_scores
from xraycore.models.architectures import HEAD, build_network
from xraycore.models.classifier import Classifier, load_model
from xraycore.models.memory import working_memory
from xraycore.models.spec import get_spec
from xraycore.training.run import Run, write_json
from xraycore.weightfiles import (
    describe_weights,
    install,
    load_card,
    save_float16,
    weights_folder,
)

# Full heat is what one film in twenty of the validation split reaches at its hottest cell.
HEAT_PERCENTILE = 95
HEADLINES = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auroc", "brier", "ece")

Report = Callable[[str, float], None]


def ship(
    run: Run,
    manifest: Manifest,
    *,
    external: Sequence[Manifest] = (),
    limits: Sequence[str] = (),
    command: str | None = None,
    report: Report = lambda _, __: None,
) -> Path:
    """Installs a run's best weights in the store: calibrated, and scored as they are stored.

    Calibration, operating points and heat scale come from the validation split. This opens the
    test split: do it once, when the run is final.

    Args:
        run: A finished run.
        manifest: The data sets it was trained on, split the same way.
        external: Data sets it never saw, for the card.
        limits: Sentences for the card.
        command: Command line to note down.
        report: Called with what is being done and the share done.

    Raises:
        ValueError: If the run is not finished, or the manifest is not the one it was trained on.
    """
    config, state = run.config, run.state()
    if state.stage < len(config["recipe"]["stages"]):
        raise ValueError(f"{run.folder}: the run is not finished; train it with --resume first.")
    _check_manifest(run.folder, config, manifest)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / config["model"]
        folder.mkdir()
        classifier = _store_weights(run, folder)
        shutil.copy(run.folder / "history.csv", folder / "history.csv")
        training = {**config, "epochs": state.total_epochs, "shipped_by": command}
        _measure(classifier, folder, training, manifest, external, limits, report)
        return install(folder, classifier.spec.name)


def rescore(
    name: str,
    manifest: Manifest,
    *,
    external: Sequence[Manifest] = (),
    limits: Sequence[str] = (),
    command: str | None = None,
    report: Report = lambda _, __: None,
) -> Path:
    """Calibrates and scores a shipped model anew; its weights stay, byte for byte.

    For when what is measured has changed, not to choose by: it opens the test split again.

    Args:
        name: Which model.
        manifest: See `ship`.
        external: See `ship`.
        limits: Sentences for the card; without any, those that it has stay.
        command: Command line to note down.
        report: See `ship`.

    Raises:
        ValueError: If there is no such model, or the manifest is not the one it was trained on.
        WeightsError: If it has no weights, or they are not what its card says.
    """
    shipped = weights_folder() / name
    classifier = load_model(name)
    card = classifier.card
    _check_manifest(shipped, card["training"], manifest)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        folder.mkdir()
        for file in (card["weights"]["file"], "history.csv"):
            shutil.copy(shipped / file, folder / file)
        training = {**card["training"], "rescored_by": command}
        limits = limits or card["limits"]
        _measure(classifier, folder, training, manifest, external, limits, report)
        return install(folder, name)


def _check_manifest(folder: Path, config: dict, manifest: Manifest) -> None:
    if config["manifest_sha256"] != manifest.fingerprint():
        raise ValueError(
            f"{folder} was trained on other data or another split: expected a manifest "
            f"{config['manifest_sha256'][:12]}…. Received: {manifest.fingerprint()[:12]}…"
        )


def _measure(
    classifier: Classifier,
    folder: Path,
    training: dict,
    manifest: Manifest,
    external: Sequence[Manifest],
    limits: Sequence[str],
    report: Report,
) -> None:
    """Calibrates a classifier, and writes its predictions and its card."""
    abroad = [replace(r, split="external") for one in external for r in one.records]
    validation, test, *foreign = (
        classify(classifier, records, lambda done, what=what: report(what, done), calibrate=first)
        for what, records, first in (
            ("validation films", manifest.split("val"), True),
            ("test films", manifest.split("test"), False),
            *((("external films", abroad, False),) if abroad else ()),
        )
    )
    write_predictions(folder / "predictions.csv", [validation, test, *foreign])
    points = _operating_points(validation)
    card = {
        "model": classifier.spec.name,
        "title": classifier.spec.title,
        "classes": list(classifier.classes),
        "view": classifier.view,
        **classifier.calibration.to_card(),
        "operating_points": {
            name: {"title": point.title, "threshold": round(point.threshold, 5)}
            for name, point in points.items()
        },
        "input_size": classifier.network.input_shape[1],
        "parameters": classifier.network.count_params(),
        "working_memory": working_memory(classifier.network),
        "weights": classifier.card["weights"],
        "lungs_sha256": load_card(segmenter_folder(), ("weights",))["weights"]["sha256"],
        "heat_scale": {
            method: float(f"{np.percentile(peaks, HEAT_PERCENTILE):.4g}")
            for method, peaks in validation.peaks.items()
        },
        "training": training,
        "data": _data(manifest),
        "scores": headline_scores(test, points),
        "validation": headline_scores(validation, points),
        "external": _external(foreign[0], points) if foreign else {},
        "inside_lungs": _inside([test, *foreign]),
        "limits": list(limits),
    }
    if NORMAL in classifier.classes and set(classifier.classes) == set(CHEST4):
        card["probes"] = probe(
            classifier, manifest.split("test"), lambda done: report("shortcut probes", done)
        )
    write_json(folder / "card.json", card)


def headline_scores(outcome: Outcome, points: dict[str, OperatingPoint]) -> dict:
    """All classes over all sources, and Normal against pneumonia within chest_xray alone.

    Within one source, because across sources age and hospital tell the class as well as disease.
    """
    target, probability, kept = target_and_probability(outcome, own_view(outcome.classes))
    found = view_scores(target, probability, outcome.classes, kept.groups)
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
        scores["pneumonia"] = finding_scores(one_source, VIEWS["pneumonia"], points)
    return scores


def finding_scores(outcome: Outcome, view: View, points: dict[str, OperatingPoint]) -> dict:
    """AUROC, ECE, and accuracy, sensitivity and specificity at 0.5 and at each operating point."""
    target, probability, kept = target_and_probability(outcome, view)
    found = view_scores(target, probability, view.classes, kept.groups)
    default = at_threshold(target == 1, probability[:, 1], 0.5)
    return {
        "auc": found["macro_auroc"],
        **{name: default[name] for name in ("accuracy", "sensitivity", "specificity")},
        "ece": found["ece"],
        "at": {
            name: at_threshold(target == 1, probability[:, 1], point.threshold)
            for name, point in points.items()
        },
    }


def _operating_points(validation: Outcome) -> dict[str, OperatingPoint]:
    if set(validation.classes) != set(CHEST4):
        return {}
    target, probability, _ = target_and_probability(validation, VIEWS["pneumonia"])
    return choose_points(target == 1, probability[:, 1])


def _external(outcome: Outcome, points: dict[str, OperatingPoint]) -> dict:
    """Normal against pneumonia on every source that has films of both."""
    if set(outcome.classes) != set(CHEST4):
        return {}
    view, found = VIEWS["pneumonia"], {}
    for source in sorted({record.source for record in outcome.records}):
        one = outcome.only(lambda record, source=source: record.source == source)
        if {view.label(record.label) for record in one.records} >= set(view.classes):
            found[source] = {
                "citation": CITATIONS.get(source, "no citation known"),
                "pneumonia": finding_scores(one, view, points),
            }
    return found


def _inside(outcomes: Sequence[Outcome]) -> dict:
    """Source -> mean share of evidence in the lungs, beside their share of what is seen."""
    found = {}
    for outcome in outcomes:
        for source in sorted({record.source for record in outcome.records}):
            one = outcome.only(lambda record, source=source: record.source == source)
            known = ~np.isnan(one.inside)
            if known.any():
                found[source] = {
                    "evidence": round(float(one.inside[known].mean()), 4),
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


def _store_weights(run: Run, folder: Path) -> Classifier:
    """Writes the run's best weights as float16 and loads them as a user would.

    At the size of the films that the last stage was trained on.

    The head's kernel and bias are centred over the classes. No probability changes by that, and a
    class's heatmap becomes the evidence for it against the other classes.
    """
    config = run.config
    spec = get_spec(config["model"])
    size = config["recipe"]["stages"][-1]["size"]
    network = build_network(spec, len(config["classes"]), size=size)
    network.load_weights(run.best_weights)
    kernel, bias = network.get_layer(HEAD).get_weights()
    network.get_layer(HEAD).set_weights(
        [kernel - kernel.mean(axis=1, keepdims=True), bias - bias.mean()]
    )
    file = folder / f"{spec.name}.weights.h5"
    save_float16(network, file)
    stored = build_network(spec, len(config["classes"]), size=size)
    stored.load_weights(file)
    card = {"weights": describe_weights(file), "view": config["recipe"]["view"]}
    return Classifier(spec, stored, config["classes"], card)


def read_limits(file: Path) -> list[str]:
    """Sentences for a card, one a line."""
    return [line.strip() for line in file.read_text().splitlines() if line.strip()]
