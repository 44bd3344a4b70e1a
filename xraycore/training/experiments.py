"""The field's usual first experiments: which networks, on which films, judged on which."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


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

    def finding(self, arm: Arm, data: Path, weights: str) -> list[str]:
        """Arguments of the command that finds an arm's learning rate."""
        return ["lr-find", *self._data(data), *self._training(arm, weights)]

    def training(
        self, arm: Arm, data: Path, runs: Path, weights: str, rate: str | None
    ) -> list[list[str]]:
        """Arguments of the commands that train an arm and put it into its store."""
        run, films = str(self.run(arm, runs)), str(self.films)
        asked = ["train", *self._data(data), *self._training(arm, weights)]
        asked += ["--epochs", str(arm.epochs), *(("--lr", rate) if rate else ())]
        shipping = ["ship", run, *self._data(data), "--classes", self.classes, "--films", films]
        return [[*asked, "--out", run, "--resume"], shipping]

    def judging(self, data: Path) -> list[str]:
        """Arguments of the command that judges all models of a store."""
        return ["evaluate", *self._data(data), "--classes", self.classes]

    def predicting(self, arm: Arm, data: Path) -> list[str]:
        """Arguments of the command that asks an arm's network about the unseen folder."""
        return ["predict", str(data / self.unseen), "--model", arm.model]

    def run(self, arm: Arm, runs: Path) -> Path:
        """Folder of an arm's run."""
        return runs / self.name / arm.store / f"run-{arm.model}"

    def weights_in(self, store: str, runs: Path) -> Path:
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
    walk.name: walk
    for walk in (
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
