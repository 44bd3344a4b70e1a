"""The text of `docs/recipes.md`: every recipe, the commands that it runs, and its results."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from tools.results.markdown import interval, shown, table
from xraycore.metrics.classification import wilson_interval
from xraycore.models.registry import MODELS
from xraycore.training.experiments import EXPERIMENTS, Experiment

# Where the text's commands find films and leave runs.
DATA, RUNS = Path("../shared/data"), Path("runs/recipes")
RATE = "RATE"


def write_recipes(measured: Path, file: Path) -> None:
    """Writes every recipe with its commands, and its results where they were measured.

    Args:
        measured: Folder of what `recipe` wrote, `recipe-NAME.json`.
        file: The Markdown file.
    """
    lines = [
        "# Recipes",
        "",
        "First experiments of the field, each one command. Drawn by `python -m tools.results` "
        "from what the command measured; no figure is typed by hand. They are small on purpose: "
        "the shipped networks are trained on all films and chosen on other "
        "hospitals ([results.md](results.md)). All of them see the lung field only, pay for "
        "evidence outside the lungs, and are calibrated on validation films. For education and "
        "research, never for diagnosis.",
        "",
        "`--pretrained DIR` takes ImageNet weights from files `NAME_imagenet_notop.weights.h5` "
        "instead of downloading them; a network that has none there starts from scratch, and the "
        "table says so.",
        "",
    ]
    for experiment in EXPERIMENTS.values():
        result = measured / f"recipe-{experiment.name}.json"
        found = json.loads(result.read_text()) if result.exists() else None
        if found and found["walk"] != experiment.to_json():
            found = None  # Of an earlier form of the recipe.
        lines += [f"## {experiment.title}", "", experiment.text, ""]
        lines += ["```sh", _one(experiment), "```", ""]
        lines += ["<details><summary>What it runs</summary>", ""]
        lines += ["```sh", *_commands(experiment, found), "```", "", "</details>", ""]
        lines += _result(experiment, found) if found else ["Not measured yet.", ""]
    file.write_text("\n".join(lines))


def _one(experiment: Experiment) -> str:
    asked = ["recipe", experiment.name, "--data", str(DATA), "--runs", str(RUNS)]
    asked += [
        "--pretrained",
        "../shared/pretrained",
        "--out",
        f"docs/measured/recipe-{experiment.name}.json",
    ]
    return ".venv/bin/python -m xraycore " + shlex.join(asked)


def _commands(experiment: Experiment, found: dict | None) -> list[str]:
    lines: list[str] = []

    def add(store: str, arguments: Sequence[str]) -> None:
        place = (
            f"export XRAYCORE_WEIGHTS={shlex.quote(str(experiment.weights_folder(store, RUNS)))}"
        )
        if place != next((line for line in reversed(lines) if line.startswith("export")), None):
            lines.append(place)
        lines.append(".venv/bin/python -m xraycore " + shlex.join(arguments))

    rate = RATE if experiment.find_rate else None
    for index, arm in enumerate(experiment.arms):
        weights = "imagenet" if arm.pretrained else "none"
        if found:
            rate = found["arms"][index]["rate"]
            weights = found["arms"][index]["weights"]
        if experiment.find_rate:
            add(arm.store, experiment.rate_arguments(arm, DATA, weights))
        for arguments in experiment.train_arguments(arm, DATA, RUNS, weights, rate):
            add(arm.store, arguments)
    for store in experiment.stores:
        add(store, experiment.evaluate_arguments(DATA))
        if experiment.unseen:
            add(store, experiment.predict_arguments(experiment.arms[0], DATA))
    return lines


def _result(experiment: Experiment, found: dict) -> list[str]:
    rows, lines = [], []
    classes = next(iter(found["stores"].values()))["classes"]
    for arm, told in zip(experiment.arms, found["arms"], strict=True):
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
    films = found["arms"][0]["films"]
    lines += [f"Trained on {films['train']} films, validated on {films['val']}."]
    starts = {
        (told["start"], arm.epochs)
        for arm, told in zip(experiment.arms, found["arms"], strict=True)
    }
    if len(experiment.arms) > 2 and len(starts) > 1:
        lines[-1] += (
            " Start, steps, augmentation and epochs differ between the networks: the table says "
            "what each reaches so, not which architecture is better."
        )
    lines.append("")
    if len(experiment.arms) == 1:
        lines += _closely(experiment, found, judged, classes)
    return lines


def _closely(
    experiment: Experiment, found: dict, judged: dict, classes: Sequence[str]
) -> list[str]:
    """One network's confusion matrix, worst films and answers on the unseen folder."""
    arm, told = experiment.arms[0], found["arms"][0]
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
        right = interval(wilson_interval(said.get(experiment.unseen_label, 0), total))
        lines += [
            f"On `{experiment.unseen}`, {total} films of {experiment.unseen_label} of another set "
            f"(copies of training films were not looked for), it says: {called}; right in {right} "
            "of them. Films of one class tell how often that class is found, not how often it is "
            "called in vain.",
            "",
        ]
    return lines
