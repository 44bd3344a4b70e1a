"""Commands about the lung segmenter and what it knows of films: train-lungs, fit-screening."""

import csv
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from xraycore.cli.app import Json, Seed, app
from xraycore.cli.audit import Datasets
from xraycore.cli.console import emit_json, emit_table, err, progress_bar
from xraycore.datasets.manifest import Manifest, Record
from xraycore.datasets.splits import read_splits
from xraycore.errors import ArgumentError, DatasetError, WeightsError
from xraycore.jobs.process import show_command
from xraycore.utils.progress import Progress, part_of

WORST = 10


@app.command()
def train_lungs(
    folder: Annotated[Path, typer.Argument(help="Folder with images/ and lung_masks/.")],
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the films.")] = 20,
    worst: Annotated[
        Path | None, typer.Option(help="PNG file to draw the worst held-back films into.")
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Train the lung segmenter, judge it on a held-back fifth and install it under weights/."""
    from xraycore.datasets.public import CITATIONS
    from xraycore.metrics.intervals import mean_score
    from xraycore.training import segmenter
    from xraycore.training.run import environment

    with progress_bar() as report:
        report(Progress(0.0, "reading films"))
        films = segmenter.read_masked(folder)
        test = segmenter.held_back(films.names, seed)
        network = segmenter.train_segmenter(
            films.only(~test), epochs=epochs, seed=seed, report=report
        )
    held = films.only(test)
    scores = segmenter.dice_scores(network, held)
    card = {
        "title": "Lung segmenter (U-Net)",
        "parameters": network.count_params(),
        "training": {
            "data": str(folder),
            "citation": CITATIONS.get("covid_qu", "no citation known"),
            "films": {"train": int((~test).sum()), "test": int(test.sum())},
            "epochs": epochs,
            "seed": seed,
            "augmentation": str(segmenter.AUGMENTATION),
            "command": show_command(sys.argv[1:]),
            "environment": environment(),
        },
        "scores": {
            "dice": mean_score(scores, list(held.names)),
            "dice_share_below_0.9": float((scores < 0.9).mean()),
            "worst": {
                held.names[i]: round(float(scores[i]), 4) for i in np.argsort(scores)[:WORST]
            },
        },
    }
    installed = segmenter.install_segmenter(network, card)
    if worst:
        worst.parent.mkdir(parents=True, exist_ok=True)
        segmenter.draw_worst(held, network, scores, worst)
    if json:
        emit_json({"folder": str(installed), "card": card})
        return
    found = card["scores"]["dice"]
    rows = [["mean Dice", found["value"], found["low"], found["high"], found["n"]]]
    emit_table(f"Lung segmenter: {installed}", ["score", "value", "low", "high", "films"], rows)
    emit_table("Worst held-back films", ["film", "Dice"], list(card["scores"]["worst"].items()))
    err.print(
        "What a chest film is like was learnt with the segmenter before: run fit-screening next, "
        "or no film is warned about. Networks that see the lungs were trained with its crops."
    )


@app.command()
def fit_screening(
    datasets: Datasets,
    others: Annotated[
        str | None,
        typer.Option(help="CSV file of other views: only the direction to them is fitted."),
    ] = None,
    only_distances: Annotated[
        bool,
        typer.Option("--only-distances", help="Measure how far home's films usually are, no more."),
    ] = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Learn what frontal chest films are like, so that others are warned about.

    With --others the screening stays, and learns in which direction such films lie; how many of
    them are warned about is told patient by patient, by the direction that the others gave. How far
    validation films are from the training films, by how many they are, is what `score` sets an
    archive beside.
    """
    if others is not None and only_distances:
        raise ArgumentError("--others and --only-distances each change one thing: name one.")
    manifest = read_splits(datasets, seed=seed)
    if only_distances:
        _measure_distances(manifest, json)
        return
    if others is not None:
        _fit_direction(manifest, others, datasets, json)
        return

    from xraycore.metrics.intervals import wilson_interval
    from xraycore.training.ood import fit_on_splits, install_detector
    from xraycore.training.run import environment

    with progress_bar() as report:
        screening, counts, distances = fit_on_splits(manifest, report=report)
    warned = {" ".join(part): wilson_interval(*count) for part, count in counts.items()}
    about = {
        "data": [str(one) for one in datasets],
        "seed": seed,
        "command": show_command(sys.argv[1:]),
        "environment": environment(),
        "warned_about": warned,
        "distances": distances,
    }
    file = install_detector(screening, about)
    if json:
        emit_json({"file": str(file), **about})
        return
    rows = [[part, s["value"], s["low"], s["high"], s["n"]] for part, s in warned.items()]
    emit_table(f"Warned about: {file}", ["data set, split", "share", "low", "high", "films"], rows)


def _measure_distances(manifest: Manifest, json: bool) -> None:
    from xraycore.anatomy.ood import load_ood_detector
    from xraycore.training.ood import install_usual, measure_usual, validation_features

    screening = load_ood_detector()
    if screening is None:
        raise WeightsError("expected a screening to measure distances by: run fit-screening first.")
    with progress_bar() as report:
        found = measure_usual(screening, validation_features(manifest, report))
    found["command"] = show_command(sys.argv[1:])
    file = install_usual(found)
    if json:
        emit_json({"file": str(file), **found})
        return
    rows = [[f"{count} films of all", value] for count, value in found["usual"].items()]
    rows += [[f"{source} alone", value] for source, value in found["sources"].items()]
    emit_table(f"Usual distances, 95 % of draws: {file}", ["films", "distance"], rows)


def _other_views(file: Path) -> list[Record]:
    """The films of a CSV file path,label[,group]: a data set would leave out laterals."""
    with file.open(newline="", encoding="utf-8-sig") as handle:
        rows = list(csv.DictReader(handle))
    if not rows or not {"path", "label"} <= set(rows[0]):
        raise DatasetError(f"{file}: expected a CSV file path,label[,group] of other views.")
    return [
        Record(
            file.parent / row["path"],
            row["label"],
            "",
            f"{file.parent.name}/{row.get('group') or row['path']}",
            file.parent.name,
        )
        for row in rows
    ]


def _fit_direction(manifest: Manifest, others: str, datasets: list[Path], json: bool) -> None:
    from xraycore.anatomy.ood import load_ood_detector
    from xraycore.metrics.intervals import wilson_interval
    from xraycore.training.ood import (
        fit_direction,
        held_out,
        install_direction,
        predict_lungs,
    )
    from xraycore.training.run import environment

    screening = load_ood_detector()
    if screening is None:
        raise WeightsError("expected a screening to fit a direction to: run fit-screening first.")
    views = _other_views(Path(others))
    parts: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    with progress_bar() as report:
        found, features = predict_lungs(views, part_of(report, 0, 8, "looking at other views"))
        for split in ("val", "test"):
            for source in sorted({one.source for one in manifest.records}):
                films = [one for one in manifest.split(split) if one.source == source]
                if films:
                    parts[f"{source} {split}"] = predict_lungs(
                        films, part_of(report, 1, 2, f"looking at {source}, {split}")
                    )
    validation = [values for name, (_, values) in parts.items() if name.endswith(" val")]
    if len(found) < len(views) or not validation:
        raise DatasetError(f"{others}: expected films that can be read, and validation films.")
    groups = [one.group for one in views]
    told = held_out(screening, features, groups, validation) | ~found
    fitted = fit_direction(screening, features, validation)
    warned = {
        name: wilson_interval(int(((fitted.ood_score(values) > 1) | ~lungs).sum()), len(lungs))
        for name, (lungs, values) in parts.items()
    }
    of_others = wilson_interval(int(told.sum()), len(told))
    about = {
        "data": [str(one) for one in datasets],
        "others": others,
        "command": show_command(sys.argv[1:]),
        "environment": environment(),
        "others_warned_about_held_out": of_others,
        "warned_about": warned,
    }
    file = install_direction(fitted, about)
    if json:
        emit_json({"file": str(file), **about})
        return
    shares = {f"{others}, each patient held out": of_others, **warned}
    rows = [[part, s["value"], s["low"], s["high"], s["n"]] for part, s in shares.items()]
    emit_table(f"Warned about: {file}", ["films", "share", "low", "high", "films"], rows)
