"""From a finished run to `weights/<model>/`: float16 weights, and a card of measured figures."""

import csv
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xraycore.data.labels import CHEST4, VIEWS
from xraycore.data.manifest import Manifest, Record
from xraycore.data.sources import CITATIONS
from xraycore.evaluation.scores import binary_scores, multiclass_scores
from xraycore.explain.methods import METHODS
from xraycore.imaging import RadiographError, read_radiograph
from xraycore.models.architectures import build_network
from xraycore.models.classifier import BATCH, Classifier, softmax
from xraycore.models.spec import get_spec
from xraycore.training.run import Run, write_json
from xraycore.weightfiles import describe_weights, install, save_float16

# Full heat is what one film in twenty of the validation split reaches at its hottest cell.
HEAT_PERCENTILE = 95

Report = Callable[[str, float], None]


@dataclass(frozen=True)
class Outcome:
    """What a classifier said about films: records, probabilities (n, k), peaks of the heat (n,)."""

    records: tuple[Record, ...]
    probabilities: np.ndarray
    peaks: Mapping[str, np.ndarray]

    def only(self, keep: Callable[[Record], bool]) -> "Outcome":
        """The films for which `keep` is true."""
        chosen = np.flatnonzero([keep(record) for record in self.records])
        return Outcome(
            tuple(self.records[i] for i in chosen),
            self.probabilities[chosen],
            {name: values[chosen] for name, values in self.peaks.items()},
        )

    @property
    def groups(self) -> list[str]:
        """The patient of each film."""
        return [record.group for record in self.records]


def ship(
    run: Run,
    manifest: Manifest,
    *,
    external: Sequence[Manifest] = (),
    limits: Sequence[str] = (),
    command: str | None = None,
    report: Report = lambda _, __: None,
) -> Path:
    """Installs a run's best weights in the store, scored as they are stored.

    This opens the test split: do it once, when the run is final.

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
    if config["manifest_sha256"] != manifest.fingerprint():
        raise ValueError(
            f"{run.folder} was trained on other data or another split: expected a manifest "
            f"{config['manifest_sha256'][:12]}…. Received: {manifest.fingerprint()[:12]}…"
        )
    name, classes = config["model"], config["classes"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        folder.mkdir()
        classifier = _store_weights(run, folder)
        validation, test, *others = (
            classify(classifier, records, lambda done, what=what: report(what, done))
            for what, records in (
                ("validation films", manifest.split("val")),
                ("test films", manifest.split("test")),
                *(("external films", one.records) for one in external),
            )
        )
        write_predictions(folder / "predictions.csv", test, classes)
        shutil.copy(run.folder / "history.csv", folder / "history.csv")
        card = {
            "model": name,
            "title": classifier.spec.title,
            "classes": classes,
            "input_size": classifier.spec.input_size,
            "parameters": classifier.network.count_params(),
            "weights": classifier.card["weights"],
            "heat_scale": {
                method: float(f"{np.percentile(peaks, HEAT_PERCENTILE):.4g}")
                for method, peaks in validation.peaks.items()
            },
            "training": {**config, "epochs": state.total_epochs, "shipped_by": command},
            "data": {
                source: {
                    "citation": CITATIONS.get(source, "no citation known"),
                    "films": Manifest(
                        tuple(r for r in manifest.records if r.source == source)
                    ).counts(),
                }
                for source in sorted({record.source for record in manifest.records})
            },
            "scores": scores(test, classes),
            "validation": scores(validation, classes),
            "external": {
                one.records[0].source: {
                    "citation": CITATIONS.get(one.records[0].source, "no citation known"),
                    "pneumonia": pneumonia_scores(one, classes),
                }
                for one in others
                if set(classes) == set(CHEST4)
            },
            "limits": list(limits),
        }
        write_json(folder / "card.json", card)
        return install(folder, name)


def classify(
    classifier: Classifier, records: Sequence[Record], report: Callable[[float], None]
) -> Outcome:
    """Runs a classifier over films as the app does; one that cannot be read is left out."""
    kept, logits, peaks = [], [], {method: [] for method in METHODS}
    for start in range(0, len(records), BATCH):
        films = []
        for record in records[start : start + BATCH]:
            try:
                films.append(read_radiograph(record.path))
                kept.append(record)
            except RadiographError:
                continue
        for prediction in classifier.predict(films):
            logits.append(prediction.logits)
            for method, entry in METHODS.items():
                maps = entry.maps(prediction.features, classifier.head[0])
                peaks[method].append(float(maps[..., prediction.logits.argmax()].max()))
        report(min(1.0, (start + BATCH) / len(records)))
    if not kept:
        raise ValueError(f"none of {len(records)} films could be read.")
    found = {method: np.array(values) for method, values in peaks.items()}
    return Outcome(tuple(kept), softmax(np.stack(logits)), found)


def pneumonia_scores(outcome: Outcome, classes: Sequence[str]) -> dict:
    """Scores of Normal against any pneumonia, on the films whose label tells."""
    view = VIEWS["pneumonia"]
    outcome = outcome.only(lambda record: view.label(record.label) is not None)
    positive = np.array([view.label(r.label) == "Pneumonia" for r in outcome.records])
    probability = view.probabilities(outcome.probabilities, classes)[:, 1]
    return binary_scores(positive, probability, outcome.groups)


def scores(outcome: Outcome, classes: Sequence[str]) -> dict:
    """All classes over all sources, and Normal against pneumonia within chest_xray alone.

    Within one source, because across sources age and hospital tell the class as well as disease.
    """
    target = np.array([list(classes).index(record.label) for record in outcome.records])
    found = {"all": multiclass_scores(target, outcome.probabilities, classes, outcome.groups)}
    one_source = outcome.only(lambda record: record.source == "chest_xray")
    if one_source.records and set(classes) == set(CHEST4):
        found["pneumonia"] = pneumonia_scores(one_source, classes)
    return found


def write_predictions(file: Path, outcome: Outcome, classes: Sequence[str]) -> None:
    """Writes one row a film: where it came from, its label, what the network said."""
    with file.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["source", "file", "group", "label", *classes])
        for record, row in zip(outcome.records, outcome.probabilities, strict=True):
            values = [f"{p:.5f}" for p in row]
            writer.writerow([record.source, record.path.name, record.group, record.label, *values])


def _store_weights(run: Run, folder: Path) -> Classifier:
    """Writes the run's best weights as float16 and loads them as a user would."""
    config = run.config
    spec = get_spec(config["model"])
    network = build_network(spec, len(config["classes"]))
    network.load_weights(run.best_weights)
    file = folder / f"{spec.name}.weights.h5"
    save_float16(network, file)
    stored = build_network(spec, len(config["classes"]))
    stored.load_weights(file)
    return Classifier(spec, stored, config["classes"], {"weights": describe_weights(file)})


def read_limits(file: Path) -> list[str]:
    """Sentences for a card, one a line."""
    return [line.strip() for line in file.read_text().splitlines() if line.strip()]
