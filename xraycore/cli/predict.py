"""Commands that ask trained models: models, predict."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from xraycore.cli.app import Json, app
from xraycore.cli.console import emit_json, emit_table, err, format_score, progress_bar
from xraycore.cli.loading import Models, Paths, _read, chosen_models, load_models
from xraycore.config import NOTICE
from xraycore.datasets.labels import LabelScheme, get_label_scheme
from xraycore.errors import ArgumentError
from xraycore.evaluation.ensemble import ENSEMBLE, mean_probabilities
from xraycore.imaging.film_warnings import warning_codes
from xraycore.models.answer import (
    DEFAULT_ERROR_RATE,
    ERROR_RATES,
    Answer,
    agree_on,
    state_answer,
)
from xraycore.models.cards import card_sha256, list_trained, read_card
from xraycore.models.classifier import Prediction, predict_each
from xraycore.models.registry import MODELS
from xraycore.models.sites import read_site
from xraycore.utils.text import percent

States = Mapping[str, Callable[[Prediction], Answer | None]]


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
    site: Annotated[
        str | None, typer.Option(help="Site profile to answer by, see `adapt`.")
    ] = None,
    error_rate: Annotated[
        float,
        typer.Option(
            help="Of how many films the right answer may be missed before a model says that it "
            "cannot tell: 0.05, 0.1 or 0.2; 0 to answer by the operating point alone."
        ),
    ] = DEFAULT_ERROR_RATE,
    json: Annotated[bool, typer.Option("--json", help="JSON lines, one a film and model.")] = False,
) -> None:
    """Say what trained models see on films; a bad file gets an error line, the rest go on.

    Is there an opacity, and if so of which kind; the probabilities of all classes stand beside in
    `--json`. Two models or more are also taken together, as "ensemble".
    """
    chosen_view = get_label_scheme(view) if view else None
    if error_rate and error_rate not in ERROR_RATES:
        rates = ", ".join(map(str, ERROR_RATES))
        raise ArgumentError(f"--error-rate must be 0, {rates}. Received: {error_rate}")
    # Before networks are loaded, which takes a while.
    sites = {name: read_site(name, site) for name in chosen_models(model)} if site else {}
    classifiers = load_models(model)
    states: States = {
        one.spec.name: partial(
            state_answer,
            card=one.card,
            site=sites.get(one.spec.name),
            error_rate=error_rate or None,
        )
        for one in classifiers
    }
    rows = []
    with progress_bar() as report:
        for films, failures in _read(paths, report):
            for path, error in failures:
                rows.append(_answer(path, error=str(error)))
            answers = list(predict_each(classifiers, [radiograph for _, radiograph in films]))
            for index, (path, _) in enumerate(films):
                rows += _answers(path, [one[index] for one in answers], chosen_view, states)
            if json:
                for row in rows:
                    emit_json(row)
                rows.clear()
    if not json:
        _show_predictions(rows)


def _headline(scores: dict) -> str:
    name, score = (
        ("AUC Normal/Pneumonia", scores["pneumonia"]["auc"])
        if "pneumonia" in scores
        else ("accuracy", scores["all"]["accuracy"])
    )
    return f"{name} {format_score(score)}"


def _answers(
    path: Path, predictions: list[Prediction], view: LabelScheme | None, states: States
) -> Iterator[dict]:
    """What each model says of a film, and what two or more say together."""
    stated = [states[one.model](one) for one in predictions]
    found: list[tuple[str, dict[str, float], tuple[str, ...], Prediction | None, Answer | None]]
    found = [
        (one.model, one.probabilities, one.warnings, one, answer)
        for one, answer in zip(predictions, stated, strict=True)
    ]
    if together := mean_probabilities(predictions):
        notes = tuple(dict.fromkeys(note for one in predictions for note in one.warnings))
        agreed = agree_on([answer for answer in stated if answer], together)
        found.append((ENSEMBLE, together, notes, None, agreed))
    for name, probabilities, notes, origin, answer in found:
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
            answer=answer,
        )


def _answer(
    path: Path,
    *,
    model: str | None = None,
    label: str | None = None,
    probabilities: dict[str, float] | None = None,
    notes: Sequence[str] = (),
    origin: Prediction | None = None,
    answer: Answer | None = None,
    error: str | None = None,
) -> dict:
    levels = answer.to_json() if answer else dict.fromkeys(("opacity", "kind", "scope", "site"))
    return {
        "path": str(path),
        "model": model,
        "label": label,
        "probabilities": probabilities,
        "answer": answer.reading if answer else None,
        **levels,
        "warnings": list(notes),
        "warning_codes": warning_codes(notes),
        "weights_sha256": origin.weights_sha256 if origin else None,
        "card_sha256": origin.card_sha256 if origin else None,
        "error": error,
    }


def _show_predictions(rows: list[dict]) -> None:
    table = []
    for row in rows:
        if row["error"]:
            table.append([row["path"], "", "not read", "", row["error"]])
            continue
        label = row["label"]
        notes = " ".join(row["warnings"])
        said = row["answer"] or f"{label} ({percent(row['probabilities'][label])})"
        table.append([row["path"], row["model"], said, _called_from(row), notes])
    emit_table("Answers", ["file", "model", "answer", "called from", "notes"], table)
    told = {
        f"{row['model']}: {row[level]['trust']['text']}"
        for row in rows
        for level in ("opacity", "kind")
        if row[level] and row[level]["trust"]
    }
    for text in sorted(told):
        err.print(text)
    err.print(NOTICE)


def _called_from(row: dict) -> str:
    """From which probability on there is said to be an opacity, and where this was chosen."""
    level = row["opacity"]
    if not level or level["threshold_from"] == "majority":
        return ""
    return f"{percent(level['threshold'])}, {row['site'] or level['threshold_from']}"
