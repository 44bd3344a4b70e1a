"""The command that runs one of the field's first experiments from films to scores: recipe."""

import json as json_format
import os
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from xraycore.cli.app import Json, app
from xraycore.cli.console import emit_json, emit_table, err
from xraycore.config import XRAYCORE_WEIGHTS
from xraycore.errors import ArgumentError
from xraycore.models.registry import MODELS
from xraycore.training.experiments import EXPERIMENTS, Arm, Experiment


@app.command()
def recipe(
    name: Annotated[str, typer.Argument(help=f"{', '.join(EXPERIMENTS)}; see docs/recipes.md.")],
    data: Annotated[Path, typer.Option(help="Folder of the data sets.")],
    runs: Annotated[Path, typer.Option(help="Folder for the runs; an interrupted one goes on.")],
    pretrained: Annotated[
        Path | None,
        typer.Option(help="Folder of NAME_imagenet_notop.weights.h5, in place of a download."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file for what is measured.")] = None,
    json: Json = False,
) -> None:
    """Train, ship and judge the networks of a small experiment, one command after the other."""
    if name not in EXPERIMENTS:
        raise ArgumentError(f"recipe must be one of {', '.join(EXPERIMENTS)}. Received: {name!r}")
    walk = EXPERIMENTS[name]
    missing = [str(data / one) for one in (*walk.sets, walk.unseen) if not (data / one).is_dir()]
    if missing:
        raise ArgumentError(
            f"recipe {name} needs the folders {', '.join(missing)}: there are none."
        )
    arms = [_train(walk, arm, data, runs, pretrained) for arm in walk.arms]
    stores = {}
    for store in walk.stores:
        judged = json_format.loads(_run(walk, store, runs, [*walk.judging(data), "--json"]))
        for model in judged["models"].values():
            del model["curves"], model["reliability"]
        stores[store] = judged
    for arm, told in zip(walk.arms, arms, strict=True):
        if walk.unseen:
            lines = _run(walk, arm.store, runs, [*walk.predicting(arm, data), "--json"])
            answers = [json_format.loads(line) for line in lines.splitlines()]
            told["unseen"] = Counter(one["label"] for one in answers if one["error"] is None)
    found = {
        "command": shlex.join(["python", "-m", "xraycore", *sys.argv[1:]]),
        "walk": walk.to_json(),
        "arms": arms,
        "stores": stores,
    }
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json_format.dumps(found, indent=1) + "\n")
    if json:
        emit_json(found)
        return
    rows = []
    for arm, told in zip(walk.arms, arms, strict=True):
        scores = stores[arm.store]["models"][arm.model]["scores"]
        values = (scores[key]["value"] for key in ("accuracy", "macro_f1", "macro_auroc"))
        rows.append([MODELS[arm.model].title, told["start"], *values])
    emit_table(walk.title, ["network", "start", "accuracy", "macro F1", "AUC"], rows)


def _train(walk: Experiment, arm: Arm, data: Path, runs: Path, pretrained: Path | None) -> dict:
    """Trains and ships an arm; what it started from, its films, and its rate if that was found.

    Of one that an earlier call has begun, the rate is kept; of one that it has shipped, the model.
    """
    weights = _start(walk, arm, pretrained)
    folder = walk.run(arm, runs)
    rate = _rate(walk, arm, data, runs, weights) if walk.find_rate else None
    training, shipping = walk.training(arm, data, runs, weights, rate)
    trained = json_format.loads(_run(walk, arm.store, runs, [*training, "--json"]))
    shipped = walk.weights_in(arm.store, runs) / arm.model / "history.csv"
    history = (folder / "history.csv").read_bytes()
    if not shipped.exists() or shipped.read_bytes() != history:
        _run(walk, arm.store, runs, [*shipping, "--json"])
    films = {split: sum(of.values()) for split, of in trained["split_sizes"].items()}
    start = "from scratch" if weights == "none" else "ImageNet"
    facts = {"model": arm.model, "start": start, "weights": weights}
    return {**facts, "rate": rate, "films": films}


def _rate(walk: Experiment, arm: Arm, data: Path, runs: Path, weights: str) -> str:
    """The peak learning rate that the run was started with, or else the range test's."""
    file = walk.run(arm, runs) / "run.json"
    if file.exists():
        stages = json_format.loads(file.read_text())["recipe"]["stages"]
        return f"{stages[-1]['learning_rate']:.1e}"
    found = _run(walk, arm.store, runs, [*walk.finding(arm, data, weights), "--json"])
    suggestion = json_format.loads(found)["suggestion"]
    if suggestion is None:
        raise ArgumentError(f"{arm.model}: the range test found no rate at which the loss falls.")
    return f"{suggestion:.1e}"


def _start(walk: Experiment, arm: Arm, pretrained: Path | None) -> str:
    if not arm.pretrained:
        return "none"
    if pretrained is None:
        return "imagenet"
    file = pretrained / f"{arm.model}_imagenet_notop.weights.h5"
    if file.exists():
        return str(file)
    if [one.model for one in walk.arms].count(arm.model) > 1:
        raise ArgumentError(
            f"{file}: expected ImageNet weights; recipe {walk.name} compares them with none."
        )
    err.print(f"{file} is not there: {arm.model} starts from scratch.", soft_wrap=True)
    return "none"


def _run(walk: Experiment, store: str, runs: Path, arguments: Sequence[str]) -> str:
    """What a command of ours prints; its progress and errors go to stderr.

    Raises:
        ArgumentError: If it fails.
    """
    command = ["python", "-m", "xraycore", *arguments]
    err.print(f"$ {shlex.join(command)}", soft_wrap=True, highlight=False)
    weights = walk.weights_in(store, runs)
    weights.mkdir(parents=True, exist_ok=True)
    found = subprocess.run(
        [sys.executable, *command[1:]],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, XRAYCORE_WEIGHTS: str(weights)},
    )
    if found.returncode:
        raise ArgumentError(f"the recipe stopped at: {shlex.join(command)}")
    return found.stdout
