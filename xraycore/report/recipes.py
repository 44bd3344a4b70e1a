"""The field's usual first experiments as runnable recipes, and the text of `docs/recipes.md`."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xraycore.models.spec import MODELS
from xraycore.report.markdown import interval, shown, table

# Where the text's commands find films and leave runs.
DATA, RUNS = Path("../shared/data"), Path("runs/recipes")
RATE = "RATE"


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
class Walk:
    """A recipe: some trainings on the same films, judged on the same test films.

    Attributes:
        name: For the command line.
        title: Heading.
        text: What it asks, and on which folder layout.
        sets: Data sets, as folders below the data folder.
        classes: As `train --classes` takes them.
        films: As `train --films` takes it.
        arms: The trainings.
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
    find_rate: bool = False
    unseen: str = ""
    unseen_label: str = ""

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

    def run(self, arm: Arm, runs: Path) -> Path:
        """Folder of an arm's run."""
        return runs / self.name / arm.store / f"run-{arm.model}"

    def weights_in(self, store: str, runs: Path) -> Path:
        """Folder of a store's trained models."""
        return runs / self.name / store / "weights"

    def _data(self, data: Path) -> list[str]:
        return [str(data / one) for one in self.sets]

    def _training(self, arm: Arm, weights: str) -> list[str]:
        asked = ["--model", arm.model, "--preset", "quick", "--classes", self.classes]
        return [*asked, "--films", str(self.films), "--weights", weights]


WALKS: Mapping[str, Walk] = {
    walk.name: walk
    for walk in (
        Walk(
            "pneumonia",
            "Normal or pneumonia: four architectures compared",
            "The most repeated experiment on chest films: Kaggle's `chest-xray-pneumonia`, a "
            "folder `chest_xray/{train,val,test}/{NORMAL,PNEUMONIA}`, and which architecture is "
            "best. On 800 of its training films, judged on its own 624 test films; validation is "
            "a fifth of its training films, by patient (its 16 validation films tell nothing).",
            ("chest_xray",),
            "Normal; Pneumonia = Pneumonia | bacteria | virus",
            800,
            (
                Arm("vgg16", 4),
                Arm("resnet50", 10),
                Arm("inception_v3", 10),
                Arm("xception", 4),
            ),
        ),
        Walk(
            "few",
            "Four classes from 133 films: transfer or from scratch?",
            "Healthy, COVID-19, bacterial and viral pneumonia from as few films as the field's "
            "first COVID-19 teaching set had. `chest_xray` as above and "
            "`covid_radiography/{COVID,Normal}`; as many films of each class. The same network, "
            "recipe and films twice: with ImageNet weights to start from, and without; from "
            "scratch it may train twice as long.",
            ("chest_xray", "covid_radiography"),
            "Normal; bacteria; virus; COVID-19",
            133,
            (
                Arm("xception", 15, store="transfer"),
                Arm("xception", 30, pretrained=False, store="scratch"),
            ),
        ),
        Walk(
            "covid",
            "COVID-19, normal or viral pneumonia with ResNet50",
            "The other repeated experiment: COVID-19 against normal and viral pneumonia (“seasonal "
            "flu”), ResNet50 with all layers unfrozen, its rate from the range test; then the "
            "confusion matrix, the films on which it is most surely wrong, and its answers on a "
            "folder that it has never seen, of COVID-19 films only.",
            ("chest_xray", "covid_radiography"),
            "Normal; virus; COVID-19",
            1200,
            (Arm("resnet50", 10),),
            find_rate=True,
            unseen="covid_qu/lesions/images",
            unseen_label="COVID-19",
        ),
    )
}


def write_recipes(measured: Path, file: Path) -> None:
    """Writes every recipe with its commands, and its results where they were measured.

    Args:
        measured: Folder of what `recipe` wrote, `recipe-NAME.json`.
        file: The Markdown file.
    """
    lines = [
        "# Recipes",
        "",
        "First experiments of the field, each one command. Drawn by `python -m xraycore results` "
        "from what the command measured; no figure is typed by hand. They are small on purpose, "
        "minutes on two cores: the shipped networks are trained on all films and chosen on other "
        "hospitals ([results.md](results.md)). All of them see the lung field only, pay for "
        "evidence outside the lungs, and are calibrated on validation films. For education and "
        "research, never for diagnosis.",
        "",
        "`--pretrained DIR` takes ImageNet weights from files `NAME_imagenet_notop.weights.h5` "
        "instead of downloading them; a network that has none there starts from scratch.",
        "",
    ]
    for walk in WALKS.values():
        result = measured / f"recipe-{walk.name}.json"
        found = json.loads(result.read_text()) if result.exists() else None
        lines += [f"## {walk.title}", "", walk.text, ""]
        lines += ["```sh", _one(walk), "```", ""]
        lines += ["<details><summary>What it runs</summary>", ""]
        lines += ["```sh", *_commands(walk, found), "```", "", "</details>", ""]
        lines += _result(walk, found) if found else ["Not measured yet.", ""]
    file.write_text("\n".join(lines))


def _one(walk: Walk) -> str:
    asked = ["recipe", walk.name, "--data", str(DATA), "--runs", str(RUNS)]
    asked += [
        "--pretrained",
        "../shared/pretrained",
        "--out",
        f"docs/measured/recipe-{walk.name}.json",
    ]
    return ".venv/bin/python -m xraycore " + shlex.join(asked)


def _commands(walk: Walk, found: dict | None) -> list[str]:
    lines: list[str] = []

    def add(store: str, arguments: Sequence[str]) -> None:
        place = f"export XRAYCORE_WEIGHTS={shlex.quote(str(walk.weights_in(store, RUNS)))}"
        if place != next((line for line in reversed(lines) if line.startswith("export")), None):
            lines.append(place)
        lines.append(".venv/bin/python -m xraycore " + shlex.join(arguments))

    rate = RATE if walk.find_rate else None
    for index, arm in enumerate(walk.arms):
        weights = "imagenet" if arm.pretrained else "none"
        if found:
            rate = found["arms"][index]["rate"]
            weights = found["arms"][index]["weights"]
        if walk.find_rate:
            add(arm.store, walk.finding(arm, DATA, weights))
        for arguments in walk.training(arm, DATA, RUNS, weights, rate):
            add(arm.store, arguments)
    for store in walk.stores:
        add(store, walk.judging(DATA))
        if walk.unseen:
            add(store, ["predict", str(DATA / walk.unseen)])
    return lines


def _result(walk: Walk, found: dict) -> list[str]:
    rows, lines = [], []
    classes = next(iter(found["stores"].values()))["classes"]
    for arm, told in zip(walk.arms, found["arms"], strict=True):
        judged = found["stores"][arm.store]
        scores = judged["models"][arm.model]["scores"]
        row = [MODELS[arm.model].title, told["start"], str(arm.epochs)]
        if len(classes) == 2:
            finding = scores["classes"][classes[1]]
            keys = ("precision", "recall", "f1", "specificity", "auroc")
            rows.append(
                [*row, *(interval(s) for s in (scores["accuracy"], *map(finding.get, keys)))]
            )
        else:
            recalls = (interval(scores["classes"][name]["recall"]) for name in classes)
            rows.append(
                [*row, *(interval(scores[key]) for key in ("accuracy", "macro_f1")), *recalls]
            )
    head = ["network", "start", "epochs", "accuracy"]
    head += (
        ["precision", "recall", "F1", "specificity", "AUC"]
        if len(classes) == 2
        else ["macro F1", *(f"recall {name}" for name in classes)]
    )
    judged = next(iter(found["stores"].values()))
    counts = ", ".join(f"{name} {count}" for name, count in judged["labels"].items())
    lines += [
        f"Result on {judged['films']} test films ({counts}), with 95 % intervals"
        + (f"; precision, recall and F1 are of {classes[1]}" if len(classes) == 2 else "")
        + ":",
        "",
        *table(head, rows),
    ]
    if len(walk.arms) == 1:
        lines += _closely(walk, found, judged, classes)
    return lines


def _closely(walk: Walk, found: dict, judged: dict, classes: Sequence[str]) -> list[str]:
    """One network's confusion matrix, worst films and answers on the unseen folder."""
    arm, told = walk.arms[0], found["arms"][0]
    model = judged["models"][arm.model]
    confusion = [
        [f"**{name}**", *map(str, row)]
        for name, row in zip(classes, model["scores"]["confusion"], strict=True)
    ]
    worst = [
        [
            f"{film['source']}/{film['file']}",
            film["label"],
            film["said"],
            shown(film["probability"]),
        ]
        for film in model["top_losses"][:5]
    ]
    lines = [f"Learning rate from the range test: {told['rate']}.", ""] if told["rate"] else []
    lines += ["Confusion matrix, rows the truth:", "", *table(["", *classes], confusion)]
    lines += ["Most surely wrong:", "", *table(["film", "label", "said", "probability"], worst)]
    if told.get("unseen"):
        said = told["unseen"]
        total = sum(said.values())
        called = ", ".join(f"{name} {count}" for name, count in said.items())
        lines += [
            f"On `{walk.unseen}`, {total} films of {walk.unseen_label} that it has never seen, "
            f"it says: {called}; right in {said.get(walk.unseen_label, 0) / total:.3f} of them.",
            "",
        ]
    return lines
