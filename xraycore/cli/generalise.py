"""The command that asks how far answers hold on other hospitals: generalise."""

import hashlib
import json as json_module
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xraycore.cli.app import Classes, Json, app
from xraycore.cli.console import deliver, emit_table, err, format_score, progress_bar
from xraycore.cli.loading import Models, load_models
from xraycore.config import VERSION, cache_folder, weights_folder
from xraycore.datasets.labels import parse_classes
from xraycore.datasets.manifest import Manifest, read_manifest
from xraycore.errors import ArgumentError
from xraycore.utils.files import write_json
from xraycore.utils.progress import Progress, ProgressCallback, part_of

if TYPE_CHECKING:
    from xraycore.evaluation.generalisation import Entries
    from xraycore.models.classifier import Classifier


@app.command()
def generalise(
    datasets: Annotated[list[Path], typer.Argument(help="The data sets that they learnt from.")],
    external: Annotated[
        list[str], typer.Option(help="A hospital's films, never trained on; FILE.csv#COLUMN.")
    ],
    choose_on: Annotated[
        list[str] | None,
        typer.Option(help="Sources of these whose films choose the operating point."),
    ] = None,
    model: Models = None,
    classes: Classes = None,
    cards: Annotated[
        bool, typer.Option(help="Write operating point, sets and trust into the models' cards.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="JSON file for the rows.")] = None,
    json: Json = False,
) -> None:
    """Judge every model on every hospital: answers on both levels, thresholds, sets and heat.

    What models say of a hospital's films is kept in the cache: a run that was stopped goes on.
    """
    from xraycore.cli.evaluate import seed_of
    from xraycore.datasets.audit.leakage import drop_overlap
    from xraycore.datasets.index import default_index
    from xraycore.datasets.splits import read_splits

    mapping = parse_classes(classes) if classes else None
    models = load_models(model)
    internal = read_splits(datasets, mapping, seed=seed_of([one.card for one in models]))
    with progress_bar() as report:
        others = drop_overlap(
            [read_manifest(one, mapping) for one in external],
            internal,
            store=default_index(),
            report=part_of(report, 0, 2, "looking for copies"),
        )
        hospitals = {one.records[0].source: one for one in others}
        chosen = list(choose_on or hospitals)
        if unknown := [name for name in chosen if name not in hospitals]:
            raise ArgumentError(
                f"--choose-on must name sources of --external: {', '.join(hospitals)}. "
                f"Received: {', '.join(unknown)}"
            )
        document = _evaluate(models, hospitals, chosen, cards, part_of(report, 1, 2))
    document = {
        "datasets": [str(one) for one in datasets],
        "external": list(external),
        "choose_on": chosen,
        **document,
    }
    if deliver(document, out, as_json=json):
        return
    _print(document)


def _evaluate(
    models: Sequence["Classifier"],
    hospitals: dict[str, Manifest],
    selection: Sequence[str],
    cards: bool,
    report: ProgressCallback,
) -> dict[str, Any]:
    """The document: weights, and of each model its levels and a row a hospital."""
    from xraycore.evaluation.generalisation import internal_entries, score_hospital
    from xraycore.evaluation.levels import measure_levels
    from xraycore.evaluation.prediction_files import read_predictions
    from xraycore.models.cards import read_card

    gathered: dict[str, dict[str, Entries]] = {one.spec.name: {} for one in models}
    for number, (name, films) in enumerate(hospitals.items()):
        telling = part_of(report, number, len(hospitals), f"looking at {name}")
        for model, entries in _gathered(models, name, films, telling).items():
            gathered[model][name] = entries
    rows: dict[str, dict] = {}
    levels: dict[str, dict] = {}
    for one in models:
        name = one.spec.name
        report(Progress(1.0, f"judging {name}"))
        file = weights_folder() / name / "predictions.csv"
        stored = read_predictions(file, name, one.calibration)
        elsewhere = gathered[name]
        levels[name] = measure_levels(one.card, stored, elsewhere, selection)
        card = {**one.card, "levels": levels[name]}
        tests = {
            f"{source}, test": part for source, part in internal_entries(stored, "test").items()
        }
        rows[name] = {
            hospital: score_hospital(entries, card)
            for hospital, entries in (tests | elsewhere).items()
        }
        if cards:
            written = {**read_card(name), "levels": levels[name]}
            write_json(weights_folder() / name / "card.json", written)
    weights = {one.spec.name: one.card["weights"]["sha256"] for one in models}
    return {"weights": weights, "levels": levels, "rows": rows}


def _gathered(
    models: Sequence["Classifier"], name: str, films: Manifest, report: ProgressCallback
) -> dict[str, "Entries"]:
    """What each model says of a hospital's films, from the cache where it was asked before."""
    from xraycore.evaluation.external_films import gather

    files = {one.spec.name: _cached(one, films) for one in models}
    asked = [one for one in models if not files[one.spec.name].is_file()]
    if asked:
        for model, entries in gather(asked, films.records, report).items():
            files[model].parent.mkdir(parents=True, exist_ok=True)
            write_json(files[model], {"hospital": name, "entries": entries})
    return {model: json_module.loads(file.read_text())["entries"] for model, file in files.items()}


def _cached(model: "Classifier", films: Manifest) -> Path:
    weights, threshold = model.card["weights"]["sha256"], model.card.get("heat_threshold", {})
    told = f"{films.fingerprint()} {threshold.get('against_normal')} {VERSION}"
    digest = hashlib.sha256(told.encode()).hexdigest()
    return cache_folder() / "generalisation" / f"{weights[:16]}-{digest[:24]}.json"


def _print(document: dict) -> None:
    for model, rows in document["rows"].items():
        table = []
        for hospital, row in rows.items():
            shipped, site, heat = (row.get(key) or {} for key in ("shipped", "site", "heat"))
            table.append(
                [
                    hospital,
                    row["films"],
                    format_score(row.get("auc"), ".2f"),
                    format_score(shipped.get("sensitivity"), ".2f"),
                    format_score(shipped.get("specificity"), ".2f"),
                    format_score(site.get("specificity"), ".2f"),
                    format_score(row["kind_auc"], ".2f"),
                    format_score(heat.get("hit"), ".2f"),
                    format_score(row["ruled_out"], ".2f"),
                ]
            )
        columns = ["films of", "films", "AUC", "sensitivity", "specificity"]
        columns += ["specificity, site", "AUC of COVID-19", "heat hits", "ruled out"]
        emit_table(model, columns, table)
        point = document["levels"][model]["opacity"]["operating_point"]
        err.print(f"{model}: {point['title']}, threshold {point['threshold']:.3f}.")
