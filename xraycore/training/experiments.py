"""The field's usual first experiments: which networks, on which films, judged on which."""

import json
import logging
import os
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from xraycore.config import XRAYCORE_WEIGHTS
from xraycore.errors import ArgumentError
from xraycore.jobs.process import COMMAND, show_command

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arm:
    """One training of a recipe.

    Attributes:
        model: Which network.
        epochs: Of the preset "quick".
        pretrained: Whether it starts from ImageNet weights, where there are any.
        store: Folder of trained models; two of one network need two.
    """

    model: str
    epochs: int
    pretrained: bool = True
    store: str = "models"


@dataclass(frozen=True)
class Experiment:
    """A recipe: some trainings on the same films, judged on the same test films.

    Attributes:
        name: For the command line.
        title: Heading.
        text: What it asks, and on which folder layout.
        sets: Data sets, as folders below the data folder.
        classes: As `train --classes` takes them.
        films: As `train --films` takes it.
        arms: The trainings.
        batch_size: As `train --batch-size` takes it; 0 leaves it to the preset.
        find_rate: Whether the peak learning rate comes from `lr-find`.
        unseen: A folder of films that no network was trained on, all of one class.
        unseen_label: That class.
    """

    name: str
    title: str
    text: str
    sets: tuple[str, ...]
    classes: str
    films: int
    arms: tuple[Arm, ...]
    batch_size: int = 0
    find_rate: bool = False
    unseen: str = ""
    unseen_label: str = ""

    def to_json(self) -> dict:
        """What decides the figures, as plain values: all but the words."""
        found = json.loads(json.dumps(asdict(self)))
        return {key: value for key, value in found.items() if key not in ("title", "text")}

    @property
    def stores(self) -> list[str]:
        """Folders of trained models, each once."""
        return list(dict.fromkeys(arm.store for arm in self.arms))

    def rate_arguments(self, arm: Arm, data: Path, weights: str) -> list[str]:
        """Arguments of the command that finds an arm's learning rate."""
        return ["lr-find", *self._data(data), *self._training(arm, weights)]

    def train_arguments(
        self, arm: Arm, data: Path, runs: Path, weights: str, rate: str | None
    ) -> list[list[str]]:
        """Arguments of the commands that train an arm and put it into its store."""
        run, films = str(self.run_folder(arm, runs)), str(self.films)
        asked = ["train", *self._data(data), *self._training(arm, weights)]
        asked += ["--epochs", str(arm.epochs), *(("--lr", rate) if rate else ())]
        shipping = ["ship", run, *self._data(data), "--classes", self.classes, "--films", films]
        return [[*asked, "--out", run, "--resume"], shipping]

    def evaluate_arguments(self, data: Path) -> list[str]:
        """Arguments of the command that judges all models of a store."""
        return ["evaluate", *self._data(data), "--classes", self.classes]

    def predict_arguments(self, arm: Arm, data: Path) -> list[str]:
        """Arguments of the command that asks an arm's network about the unseen folder."""
        return ["predict", str(data / self.unseen), "--model", arm.model]

    def run_folder(self, arm: Arm, runs: Path) -> Path:
        """Folder of an arm's run."""
        return runs / self.name / arm.store / f"run-{arm.model}"

    def weights_folder(self, store: str, runs: Path) -> Path:
        """Folder of a store's trained models."""
        return runs / self.name / store / "weights"

    def _data(self, data: Path) -> list[str]:
        return [str(data / one) for one in self.sets]

    def _training(self, arm: Arm, weights: str) -> list[str]:
        # As published: that is what these experiments are about.
        network = ["--model", arm.model, "--end", "full"]
        asked = [*network, "--preset", "quick", "--classes", self.classes]
        if self.batch_size:
            asked += ["--batch-size", str(self.batch_size)]
        return [*asked, "--films", str(self.films), "--weights", weights]


EXPERIMENTS: Mapping[str, Experiment] = {
    one.name: one
    for one in (
        Experiment(
            "pneumonia",
            "Normal or pneumonia: four architectures compared",
            "The most repeated experiment on chest films: Kaggle's `chest-xray-pneumonia`, a "
            "folder `chest_xray/{train,val,test}/{NORMAL,PNEUMONIA}`, and which architecture is "
            "best. On 800 of its training films, judged on its own test films; a fifth of its "
            "training films, by patient, validates (its own 16 validation films tell nothing).",
            ("chest_xray",),
            "Normal; Pneumonia = Pneumonia | bacteria | virus",
            800,
            (
                Arm("vgg16", 4),
                Arm("resnet50", 6),
                Arm("inception_v3", 6),
                Arm("xception", 4),
            ),
        ),
        Experiment(
            "few",
            "Four classes from 133 films: transfer or from scratch?",
            "Healthy, COVID-19, bacterial and viral pneumonia from as few films as the field's "
            "first COVID-19 teaching set had. `chest_xray` as above and "
            "`covid_radiography/{COVID,Normal}`; as many films of each class. The same network "
            "and films twice: from ImageNet weights, with small steps and its batch normalisation "
            "frozen; and from scratch, with the larger steps, smaller batches and weaker "
            "augmentation that this needs, and twice the epochs. Validation stays whole, and "
            "chooses the epoch and calibrates: the 133 are what is learnt from, not all that is "
            "seen.",
            ("chest_xray", "covid_radiography"),
            "Normal; bacteria; virus; COVID-19",
            133,
            (
                Arm("xception", 15, store="transfer"),
                Arm("xception", 30, pretrained=False, store="scratch"),
            ),
        ),
        Experiment(
            "covid",
            "COVID-19, normal or viral pneumonia with ResNet50",
            "The other repeated experiment: COVID-19 against normal and viral pneumonia (often "
            "called “seasonal flu” there; which virus it is nobody wrote down), ResNet50 with all "
            "layers unfrozen, its rate from the range test; then the confusion matrix, the films "
            "on which it is most surely wrong, and its answers on a folder that it was not trained "
            "on, of COVID-19 films only. **All viral films here are of children and all COVID-19 "
            "films of adults**: a network that tells them by age and hospital looks as good.",
            ("chest_xray", "covid_radiography"),
            "Normal; virus; COVID-19",
            1200,
            (Arm("resnet50", 12),),
            # The loss of smaller batches falls too unsteadily to find a rate by.
            batch_size=32,
            find_rate=True,
            unseen="covid_qu/lesions/images",
            unseen_label="COVID-19",
        ),
    )
}


def run_experiment(experiment: Experiment, data: Path, runs: Path, pretrained: Path | None) -> dict:
    """Trains, ships and judges the networks of an experiment, one command after the other.

    What an earlier call has begun goes on: of a run that is there the rate is kept, of one that was
    shipped the model.

    Args:
        experiment: Which.
        data: Folder of the data sets.
        runs: Folder for the runs and the stores of models.
        pretrained: Folder of `NAME_imagenet_notop.weights.h5`; None to have Keras download them.

    Returns:
        `arms`: what each started from, its films, its rate if that was found, and how many films
        of the unseen folder it gave which label; `stores`: what `evaluate` says of each store.

    Raises:
        ArgumentError: If a folder or needed weights are missing, or a command fails.
    """
    needed = [data / one for one in (*experiment.sets, experiment.unseen)]
    if missing := [str(folder) for folder in needed if not folder.is_dir()]:
        raise ArgumentError(
            f"recipe {experiment.name} needs the folders {', '.join(missing)}: there are none."
        )
    arms = [_train_arm(experiment, arm, data, runs, pretrained) for arm in experiment.arms]
    stores = {}
    for store in experiment.stores:
        scores = json.loads(_run(experiment, store, runs, experiment.evaluate_arguments(data)))
        for model in scores["models"].values():
            del model["curves"], model["reliability"]
        stores[store] = scores
    for arm, facts in zip(experiment.arms, arms, strict=True):
        if experiment.unseen:
            asked = experiment.predict_arguments(arm, data)
            lines = _run(experiment, arm.store, runs, asked).splitlines()
            answers = [json.loads(line) for line in lines]
            facts["unseen"] = Counter(one["label"] for one in answers if one["error"] is None)
    return {"arms": arms, "stores": stores}


def _train_arm(
    experiment: Experiment, arm: Arm, data: Path, runs: Path, pretrained: Path | None
) -> dict:
    weights = _starting_weights(experiment, arm, pretrained)
    folder = experiment.run_folder(arm, runs)
    rate = _find_rate(experiment, arm, data, runs, weights) if experiment.find_rate else None
    training, shipping = experiment.train_arguments(arm, data, runs, weights, rate)
    trained = json.loads(_run(experiment, arm.store, runs, training))
    shipped = experiment.weights_folder(arm.store, runs) / arm.model / "history.csv"
    history = (folder / "history.csv").read_bytes()
    if not shipped.exists() or shipped.read_bytes() != history:
        _run(experiment, arm.store, runs, shipping)
    films = {split: sum(of.values()) for split, of in trained["split_sizes"].items()}
    start = "from scratch" if weights == "none" else "ImageNet"
    return {"model": arm.model, "start": start, "weights": weights, "rate": rate, "films": films}


def _find_rate(experiment: Experiment, arm: Arm, data: Path, runs: Path, weights: str) -> str:
    """The peak learning rate that the run was started with, or else the range test's."""
    file = experiment.run_folder(arm, runs) / "run.json"
    if file.exists():
        rate = json.loads(file.read_text())["recipe"]["stages"][-1]["learning_rate"]
        return f"{rate:.1e}"
    asked = experiment.rate_arguments(arm, data, weights)
    suggestion = json.loads(_run(experiment, arm.store, runs, asked))["suggestion"]
    if suggestion is None:
        raise ArgumentError(f"{arm.model}: the range test found no rate at which the loss falls.")
    return f"{suggestion:.1e}"


def _starting_weights(experiment: Experiment, arm: Arm, pretrained: Path | None) -> str:
    if not arm.pretrained:
        return "none"
    if pretrained is None:
        return "imagenet"
    file = pretrained / f"{arm.model}_imagenet_notop.weights.h5"
    if file.exists():
        return str(file)
    if [one.model for one in experiment.arms].count(arm.model) > 1:
        raise ArgumentError(
            f"{file}: expected ImageNet weights; recipe {experiment.name} compares them with none."
        )
    logger.warning("%s is not there: %s starts from scratch.", file, arm.model)
    return "none"


def _run(experiment: Experiment, store: str, runs: Path, arguments: Sequence[str]) -> str:
    """What a command of ours prints with --json; its progress and errors go to stderr.

    Raises:
        ArgumentError: If it fails.
    """
    logger.warning("$ %s", show_command(arguments))
    weights = experiment.weights_folder(store, runs)
    weights.mkdir(parents=True, exist_ok=True)
    found = subprocess.run(
        [*COMMAND, *arguments, "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, XRAYCORE_WEIGHTS: str(weights)},
    )
    if found.returncode:
        raise ArgumentError(f"the recipe stopped at: {show_command(arguments)}")
    return found.stdout
