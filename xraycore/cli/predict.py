"""Commands that run trained models: models, predict, explain."""

from collections.abc import Container, Iterator, Sequence
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

import xraycore
from xraycore.attribution.registry import get_method
from xraycore.cli.app import Json, app
from xraycore.cli.console import emit_json, emit_table, err, format_score, progress_bar
from xraycore.cli.loading import Models, Paths, _read, load_models
from xraycore.config import NOTICE
from xraycore.datasets.labels import LabelScheme, canonical_label, get_label_scheme
from xraycore.evaluation.ensemble import ENSEMBLE, mean_probabilities
from xraycore.imaging import Radiograph
from xraycore.imaging.encode import encode_png
from xraycore.imaging.film_warnings import warning_codes
from xraycore.imaging.overlay import overlay
from xraycore.models.cards import card_sha256, list_trained, read_card
from xraycore.models.classifier import Prediction, predict_each
from xraycore.models.registry import MODELS
from xraycore.utils.files import replacing, write_json
from xraycore.utils.progress import part_of

if TYPE_CHECKING:
    from xraycore.attribution.heatmap import Heatmap


@app.command()
def models(json: Json = False) -> None:
    """List the networks: classes, input size, parameters, weights, headline scores."""
    shipped = list_trained()
    rows: list[dict[str, Any]] = [
        {"name": spec.name, "title": spec.title, "paper": spec.paper} for spec in MODELS.values()
    ]
    for row in rows:
        row["trained"] = row["name"] in shipped
        if row["trained"]:
            card = read_card(row["name"])
            row |= {key: card[key] for key in ("classes", "input_size", "parameters", "scores")}
            row["sha256"] = card["weights"]["sha256"]
            row["card_sha256"] = card_sha256(row["name"])
    if json:
        emit_json(rows)
        return
    table = []
    for row in rows:
        if row["trained"]:
            score = _headline(row["scores"])
            size, millions = f"{row['input_size']} px", f"{row['parameters'] / 1e6:.1f} M"
            table.append([row["name"], size, millions, row["sha256"][:12], score])
        else:
            table.append([row["name"], "", "", "not trained yet", ""])
    columns = ["model", "input", "parameters", "weights sha256", "test score [95 %]"]
    emit_table("Models", columns, table)
    err.print(NOTICE)


@app.command()
def predict(
    paths: Paths,
    model: Models = None,
    view: Annotated[str | None, typer.Option(help="chest4, pneumonia or covid3.")] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON lines, one a film and model.")] = False,
) -> None:
    """Say what trained models see on films; a bad file gets an error line, the rest go on.

    Two models or more are also averaged, as "ensemble".
    """
    chosen_view = get_label_scheme(view) if view else None
    classifiers = load_models(model)
    rows = []
    with progress_bar() as report:
        for films, failures in _read(paths, report):
            for path, error in failures:
                rows.append(_answer(path, error=str(error)))
            answers = list(predict_each(classifiers, [radiograph for _, radiograph in films]))
            for index, (path, _) in enumerate(films):
                rows += _answers(path, [one[index] for one in answers], chosen_view)
            if json:
                for row in rows:
                    emit_json(row)
                rows.clear()
    if not json:
        _show_predictions(rows)


@app.command()
def explain(
    paths: Paths,
    out: Annotated[Path, typer.Option(help="Folder for overlays, maps and provenance.")],
    model: Models = None,
    method: Annotated[list[str] | None, typer.Option(help="Heatmap method; repeatable.")] = None,
    target: Annotated[str | None, typer.Option(help="Class; the predicted one by default.")] = None,
    opacity: Annotated[float, typer.Option(min=0.0, max=1.0, help="Cover at full heat.")] = 0.4,
    json: Annotated[bool, typer.Option("--json", help="JSON lines, one a map.")] = False,
) -> None:
    """Write where trained models look: overlay (.png), raw map (.npy), provenance (.json)."""
    methods = [get_method(name).name for name in method or ["grad_cam"]]
    target = canonical_label(target) if target else None
    from xraycore.report.provenance import provenance

    classifiers = load_models(model)
    out.mkdir(parents=True, exist_ok=True)
    used: set[str] = set()
    rows = []
    with progress_bar() as report:
        for films, failures in _read(paths, report):
            lines = [_line(path, error=str(error)) for path, error in failures]
            for path, radiograph in films:
                stem = _free_stem(path.stem, used)
                used.add(stem)
                each = predict_each(classifiers, [radiograph])
                for classifier, (prediction,) in zip(classifiers, each, strict=True):
                    for name in methods:
                        words = f"{name} of {classifier.spec.name}, {path.name}"
                        heatmap = xraycore.explain(
                            classifier,
                            prediction,
                            name,
                            target,
                            report=part_of(report, activity=words),
                        )
                        file = _write_map(out, stem, radiograph, heatmap, opacity)
                        facts = provenance(classifier, radiograph, prediction, heatmap)
                        write_json(file.with_suffix(".json"), facts)
                        about = {"model": heatmap.model, "method": name, "target": heatmap.target}
                        lines.append(_line(path, **about, overlay=str(file)))
            if json:
                for line in lines:
                    emit_json(line)
            rows += lines
    if not json:
        columns = ["file", "model", "target", "overlay"]
        table = [
            [r["path"], r.get("model") or "", r.get("target") or "", r.get("overlay") or r["error"]]
            for r in rows
        ]
        emit_table("Heatmaps", columns, table)
        err.print(NOTICE)


def _free_stem(stem: str, used: Container[str]) -> str:
    """The stem, counted on from 2 until no film before has it: a film may itself be called a-2."""
    counted = (f"{stem}-{number}" for number in count(2))
    return next(name for name in chain([stem], counted) if name not in used)


def _headline(scores: dict) -> str:
    name, score = (
        ("AUC Normal/Pneumonia", scores["pneumonia"]["auc"])
        if "pneumonia" in scores
        else ("accuracy", scores["all"]["accuracy"])
    )
    return f"{name} {format_score(score)}"


def _answers(
    path: Path, predictions: list["Prediction"], view: LabelScheme | None
) -> Iterator[dict]:
    """What each model says of a film, and what two or more say together."""
    found: list[tuple[str, dict[str, float], tuple[str, ...], Prediction | None]]
    found = [(one.model, one.probabilities, one.warnings, one) for one in predictions]
    if together := mean_probabilities(predictions):
        notes = tuple(dict.fromkeys(note for one in predictions for note in one.warnings))
        found.append((ENSEMBLE, together, notes, None))
    for name, probabilities, notes, origin in found:
        if view:
            values = np.array([list(probabilities.values())])
            viewed = view.probabilities(values, list(probabilities))[0]
            probabilities = dict(zip(view.classes, map(float, viewed), strict=True))
        yield _answer(
            path,
            model=name,
            label=max(probabilities, key=probabilities.__getitem__),
            probabilities={k: round(p, 6) for k, p in probabilities.items()},
            notes=list(notes),
            origin=origin,
        )


def _answer(
    path: Path,
    *,
    model: str | None = None,
    label: str | None = None,
    probabilities: dict[str, float] | None = None,
    notes: Sequence[str] = (),
    origin: Prediction | None = None,
    error: str | None = None,
) -> dict:
    return {
        "path": str(path),
        "model": model,
        "label": label,
        "probabilities": probabilities,
        "warnings": list(notes),
        "warning_codes": warning_codes(notes),
        "weights_sha256": origin.weights_sha256 if origin else None,
        "card_sha256": origin.card_sha256 if origin else None,
        "error": error,
    }


def _line(path: Path, *, error: str | None = None, **facts: object) -> dict:
    return {"path": str(path), "model": None, **facts, "error": error}


def _show_predictions(rows: list[dict]) -> None:
    table = []
    for row in rows:
        if row["error"]:
            table.append([row["path"], "", "not read", "", row["error"]])
            continue
        label = row["label"]
        notes = " ".join(row["warnings"])
        table.append([row["path"], row["model"], label, row["probabilities"][label], notes])
    emit_table("Predictions", ["file", "model", "says", "probability", "notes"], table)
    err.print(NOTICE)


def _write_map(
    out: Path, stem: str, radiograph: Radiograph, heatmap: "Heatmap", opacity: float
) -> Path:
    """Writes a map's values, and its overlay, whose file is returned."""
    file = out / f"{stem}.{heatmap.model}.{heatmap.method}.png"
    with replacing(file) as part:
        part.write_bytes(encode_png(overlay(radiograph, heatmap, opacity=opacity)))
    with replacing(file.with_suffix(".npy")) as part:
        np.save(part, heatmap.values)
    return file
