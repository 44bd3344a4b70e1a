"""The text of `docs/recipes.md`: every recipe, the commands that it runs, and its results."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from tools.results.markdown import format_value, get_template
from xraycore.cli.console import format_score
from xraycore.metrics.intervals import wilson_interval
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
    recipes = [_describe(experiment, measured) for experiment in EXPERIMENTS.values()]
    file.write_text(get_template("recipes.md").render(recipes=recipes))


def _describe(experiment: Experiment, measured: Path) -> dict:
    result = measured / f"recipe-{experiment.name}.json"
    found = json.loads(result.read_text()) if result.exists() else None
    if found and found["walk"] != experiment.to_json():
        found = None  # Of an earlier form of the recipe.
    asked = ["recipe", experiment.name, "--data", str(DATA), "--runs", str(RUNS)]
    asked += ["--pretrained", "../shared/pretrained"]
    asked += ["--out", f"docs/measured/recipe-{experiment.name}.json"]
    return {
        "title": experiment.title,
        "text": experiment.text,
        "command": _command(asked),
        "commands": _commands(experiment, found),
        "result": _result(experiment, found) if found else None,
    }


def _command(arguments: Sequence[str]) -> str:
    return ".venv/bin/python -m xraycore " + shlex.join(arguments)


def _commands(experiment: Experiment, found: dict | None) -> list[str]:
    lines: list[str] = []

    def add(store: str, arguments: Sequence[str]) -> None:
        place = (
            f"export XRAYCORE_WEIGHTS={shlex.quote(str(experiment.weights_folder(store, RUNS)))}"
        )
        if place != next((line for line in reversed(lines) if line.startswith("export")), None):
            lines.append(place)
        lines.append(_command(arguments))

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


def _result(experiment: Experiment, found: dict) -> dict:
    stores = found["stores"]
    first = next(iter(stores.values()))
    classes = first["classes"]
    rows, starts = [], set()
    for arm, told in zip(experiment.arms, found["arms"], strict=True):
        scores = stores[arm.store]["models"][arm.model]["scores"]
        starts.add((told["start"], arm.epochs))
        rows.append(
            {
                "network": MODELS[arm.model].title,
                "start": told["start"],
                "epochs": str(arm.epochs),
                "accuracy": format_score(scores["accuracy"]),
                **_class_scores(scores, classes),
            }
        )
    films = found["arms"][0]["films"]
    return {
        "films": first["films"],
        "counts": ", ".join(f"{name} {count}" for name, count in first["labels"].items()),
        "finding": classes[1] if len(classes) == 2 else None,
        "rows": rows,
        "trained": films["train"],
        "validated": films["val"],
        "uneven": len(experiment.arms) > 2 and len(starts) > 1,
        "single": _single(experiment, found, first) if len(experiment.arms) == 1 else None,
    }


def _class_scores(scores: dict, classes: Sequence[str]) -> dict[str, str]:
    of_class = scores["classes"]
    if len(classes) > 2:
        recalls = {f"recall {name}": format_score(of_class[name]["recall"]) for name in classes}
        return {"macro F1": format_score(scores["macro_f1"])} | recalls
    keys = ("precision", "recall", "f1", "specificity", "auroc")
    titles = ("precision", "recall", "F1", "specificity", "AUC")
    finding = of_class[classes[1]]
    return {title: format_score(finding[key]) for title, key in zip(titles, keys, strict=True)}


def _single(experiment: Experiment, found: dict, store: dict) -> dict:
    """One network's confusion matrix, worst films and answers on the unseen folder."""
    told, classes = found["arms"][0], store["classes"]
    model = store["models"][experiment.arms[0].model]
    unseen = None
    if said := told.get("unseen"):
        total = sum(said.values())
        unseen = {
            "folder": experiment.unseen,
            "films": total,
            "label": experiment.unseen_label,
            "called": ", ".join(f"{name} {count}" for name, count in said.items()),
            "right": wilson_interval(said.get(experiment.unseen_label, 0), total),
        }
    return {
        "rate": told["rate"],
        "confusion": [
            {"": f"**{name}**", **dict(zip(classes, map(str, row), strict=True))}
            for name, row in zip(classes, model["scores"]["confusion"], strict=True)
        ],
        "worst": [
            {
                "film": f"{film['source']}/{film['file']}",
                "label": film["label"],
                "said": film["said"],
                "probability": format_value(film["probability"]),
            }
            for film in model["top_losses"][:5]
        ],
        "unseen": unseen,
    }
