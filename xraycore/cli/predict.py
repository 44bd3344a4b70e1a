"""Commands that ask trained models: models, predict."""

from typing import Annotated, Any

import typer

from xraycore.cli.app import Json, app
from xraycore.cli.console import emit_json, emit_table, err, format_score, progress_bar
from xraycore.cli.loading import (
    Models,
    Paths,
    chosen_models,
    find_films,
    load_models,
    name_of,
    processes_for,
    read_file,
)
from xraycore.config import NOTICE
from xraycore.datasets.labels import get_label_scheme
from xraycore.models.answer import DEFAULT_ERROR_RATE
from xraycore.models.cards import card_sha256, list_trained, read_card
from xraycore.models.registry import MODELS
from xraycore.models.sites import read_site
from xraycore.scoring.lines import answer_lines, answering, check_error_rate, error_line
from xraycore.scoring.pipeline import FilmScorer
from xraycore.utils.progress import Progress
from xraycore.utils.text import percent


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

    Films of a PACS are named dicomweb://NAME/STUDY: see Connect a PACS in the documentation.

    Is there an opacity, and if so of which kind; the probabilities of all classes stand beside in
    `--json`. Two models or more are also taken together, as "ensemble".
    """
    chosen_view = get_label_scheme(view) if view else None
    rate = check_error_rate(error_rate)
    if site:  # Before networks are loaded, which takes a while.
        for name in chosen_models(model):
            read_site(name, site)
    files = find_films(paths)
    classifiers = load_models(model)
    states = answering(classifiers, site, rate)
    rows = []
    processes = processes_for(files)
    with progress_bar() as report, FilmScorer(classifiers, read_file, processes) as scorer:
        for index, film in enumerate(scorer.score(files)):
            if film.error is not None:
                rows.append(error_line(name_of(film.source), film.error))
            else:
                rows += answer_lines(name_of(film.source), film.predictions, chosen_view, states)
            if json:
                for row in rows:
                    emit_json(row)
                rows.clear()
            report(Progress((index + 1) / len(files), f"film {index + 1} of {len(files)}"))
    if not json:
        _show_predictions(rows)


def _headline(scores: dict) -> str:
    name, score = (
        ("AUC Normal/Pneumonia", scores["pneumonia"]["auc"])
        if "pneumonia" in scores
        else ("accuracy", scores["all"]["accuracy"])
    )
    return f"{name} {format_score(score)}"


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
