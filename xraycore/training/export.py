"""From a finished run to `weights/<model>/`: float16 weights, and a card of measured figures."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from xraycore.anatomy.segmenter import segmenter_sha256
from xraycore.config import weights_folder
from xraycore.datasets.manifest import Manifest
from xraycore.errors import ArgumentError
from xraycore.evaluation.model_card import build_model_card
from xraycore.models.architectures import HEAD, build_network
from xraycore.models.card_schema import ModelCard
from xraycore.models.cards import bind_weights
from xraycore.models.classifier import Classifier, load_model
from xraycore.models.registry import get_spec
from xraycore.models.spec import FULL
from xraycore.retrieval.build import build_indexes
from xraycore.retrieval.feature_store import default_store
from xraycore.retrieval.index_file import FILE as INDEX
from xraycore.retrieval.index_file import save_index
from xraycore.training.run import Run, environment
from xraycore.utils.checkpoints import describe_weights, load_card, load_weights, save_float16
from xraycore.utils.installation import install
from xraycore.utils.progress import ProgressCallback, ignore, part_of


def export_run(
    run: Run,
    manifest: Manifest,
    *,
    external: Sequence[Manifest] = (),
    limits: Sequence[str] = (),
    command: str | None = None,
    index: bool = True,
    report: ProgressCallback = ignore,
) -> Path:
    """Installs a run's best weights in the store: calibrated, and scored as they are stored.

    Beside them an index of the films that they learnt from, for `similar`.

    Calibration, operating points and heat scale come from the validation split. This opens the
    test split: do it once, when the run is final.

    Args:
        run: A finished run.
        manifest: The data sets it was trained on, split the same way.
        external: Data sets it never saw, for the card.
        limits: Sentences for the card.
        command: Command line to note down.
        index: Whether to make the index too, for which the network looks at all training films.
        report: Called after every batch of films.

    Raises:
        ArgumentError: If the run is not finished, or the manifest is not the one it was trained on.
    """
    config, state = run.config, run.state()
    if state.stage < len(config["recipe"]["stages"]):
        raise ArgumentError(f"{run.folder}: the run is not finished; train it with --resume first.")
    _check_manifest(run.folder, config, manifest)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / config["model"]
        folder.mkdir()
        classifier = store_weights(run, folder)
        shutil.copy(run.folder / "history.csv", folder / "history.csv")
        training = {**config, "epochs": state.total_epochs, "shipped_by": command}
        build_model_card(classifier, folder, training, manifest, external, limits, report)
        if index:
            classifier.card = load_card(folder, ModelCard)
            telling = part_of(report, activity="an index of the films")
            with default_store() as store:
                built = build_indexes(
                    [classifier], manifest, command=command, store=store, report=telling
                )
            save_index(built[classifier.spec.name], folder)
        return install(folder, classifier.spec.name)


def recalibrate(
    name: str,
    manifest: Manifest,
    *,
    external: Sequence[Manifest] = (),
    limits: Sequence[str] = (),
    command: str | None = None,
    report: ProgressCallback = ignore,
) -> Path:
    """Calibrates and scores a shipped model anew; its weights stay, byte for byte.

    For when what is measured has changed, not to choose by: it opens the test split again.

    Args:
        name: Which model.
        manifest: See `export_run`.
        external: See `export_run`; data sets of the same names as its card has scores of.
        limits: Sentences for the card; without any, those that it has stay.
        command: Command line to note down.
        report: See `export_run`.

    Raises:
        ArgumentError: If there is no such model, the manifest is not the one it was trained on, or
            a data set is missing that the card has figures of.
        WeightsError: If it has no weights, or they are not what its card says.
    """
    shipped = weights_folder() / name
    classifier = load_model(name)
    card = classifier.card
    _check_manifest(shipped, card["training"], manifest)
    given = {record.source for one in (manifest, *external) for record in one.records}
    if missing := sorted({*card.get("external", ()), *card.get("inside_lungs", ())} - given):
        raise ArgumentError(
            f"the card of {name} has figures of {', '.join(missing)}, which would be lost: name "
            "these data sets with --external."
        )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        folder.mkdir()
        for file in (card["weights"]["file"], "history.csv", INDEX):
            if file != INDEX or (shipped / file).is_file():
                shutil.copy(shipped / file, folder / file)
        training = {
            **card["training"],
            "rescored": {"command": command, "environment": environment()},
        }
        limits = limits or card["limits"]
        build_model_card(classifier, folder, training, manifest, external, limits, report)
        return install(folder, name)


def _check_manifest(folder: Path, config: dict, manifest: Manifest) -> None:
    trained_on = config.get("manifest_sha256", "unknown")
    if trained_on != manifest.fingerprint():
        raise ArgumentError(
            f"{folder} was trained on other data or another split: expected a manifest "
            f"{trained_on[:12]}…. Received: {manifest.fingerprint()[:12]}…"
        )


def store_weights(run: Run, folder: Path) -> Classifier:
    """Writes the run's best weights as float16 and loads them as a user would.

    At the size of the films that the last stage was trained on.

    The head's kernel and bias are centred over the classes. No probability changes by that, and a
    class's heatmap becomes the evidence for it against the other classes.
    """
    config = run.config
    spec = get_spec(config["model"], config.get("end", FULL))
    size = config["recipe"]["stages"][-1]["size"]
    network = build_network(spec, len(config["classes"]), size=size)
    load_weights(network, run.best_weights)
    kernel, bias = network.get_layer(HEAD).get_weights()
    network.get_layer(HEAD).set_weights(
        [kernel - kernel.mean(axis=1, keepdims=True), bias - bias.mean()]
    )
    file = folder / f"{spec.name}.weights.h5"
    save_float16(network, file)
    stored = build_network(spec, len(config["classes"]), size=size)
    stored.load_weights(file)
    said = {"model": spec.name, "end": spec.end, "classes": config["classes"]}
    said |= {"view": config["recipe"]["view"], "input_size": size}
    bind_weights(file, said)
    card = {
        "weights": describe_weights(file),
        "end": spec.end,
        "view": config["recipe"]["view"],
        # Runs from before this was noted down were trained with today's segmenter.
        "lungs_sha256": config.get("lungs_sha256", segmenter_sha256()),
    }
    return Classifier(spec, stored, config["classes"], card)


def read_limits(file: Path) -> list[str]:
    """Sentences for a card, one a line."""
    return [line.strip() for line in file.read_text().splitlines() if line.strip()]
