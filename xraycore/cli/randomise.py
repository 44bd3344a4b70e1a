"""The command that makes networks random and looks whether their heatmaps notice: randomise."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from xraycore.attribution.registry import METHODS, get_method
from xraycore.cli.app import Json, app
from xraycore.cli.console import emit_json, emit_table, err, progress_bar
from xraycore.cli.loading import Models, Paths, load_models, read_films
from xraycore.errors import ArgumentError
from xraycore.evaluation.measurement_file import MeasurementFile
from xraycore.models.classifier import predict_each
from xraycore.utils.progress import part_of

logger = logging.getLogger(__name__)

# Enough for a map's ranks; the test asks them of every method at every step.
SETTINGS = {
    "score_cam": {"maps": 16},
    "rise": {"masks": 100},
    "smooth_grad": {"samples": 8},
    "integrated_gradients": {"steps": 8},
}


@app.command()
def randomise(
    paths: Paths,
    model: Models = None,
    method: Annotated[
        list[str] | None, typer.Option(help="Heatmap method; repeatable. All by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the random weights.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="File that the result joins, beside what it says of other models."),
    ] = None,
    json: Json = False,
) -> None:
    """Make networks random from the head down: do the heatmaps change as they must?

    With --out weights/randomisation.json the methods' registry knows it.
    """
    from xraycore.attribution.metrics.randomisation import LIMIT, cascades, summarise_cascades

    methods = [get_method(name).name for name in method or METHODS]
    classifiers = load_models(model)
    films = read_films(paths)
    # In whichever order they are named.
    hashes = sorted(radiograph.info.sha256 for radiograph in films)
    facts = {"films": len(films), "films_sha256": hashes, "seed": seed, "limit": LIMIT}
    stored = MeasurementFile(out, facts) if out else None
    weights = {one.spec.name: one.card["weights"]["sha256"] for one in classifiers}
    rows: dict[str, dict[str, dict]] = {}
    with progress_bar() as report:
        each = predict_each(classifiers, films)
        for number, (classifier, predictions) in enumerate(zip(classifiers, each, strict=True)):
            name = classifier.spec.name
            found = cascades(
                classifier,
                predictions,
                methods,
                seed=seed,
                settings={key: SETTINGS[key] for key in methods if key in SETTINGS},
                report=part_of(report, number, len(classifiers), f"randomising {name}"),
            )
            rows[name] = {}
            for key, of_films in found.items():
                try:
                    rows[name][key] = summarise_cascades(of_films)
                except ArgumentError as error:
                    logger.warning("%s of %s is left out: %s.", key, name, error)
            # A model may take hours: what is done is kept, whatever becomes of the next.
            if stored:
                stored.add({name: weights[name]}, {name: rows[name]})
    if json:
        emit_json(facts | {"weights": weights, "rows": rows})
        return
    emit_table(
        f"{len(films)} films: rank correlation with the trained network's map",
        ["model", "method", "upper half random", "all random", "passes"],
        [
            [name, method, one["half"], one["all"], "yes" if one["passes"] else "NO"]
            for name, of_model in rows.items()
            for method, one in of_model.items()
        ],
    )
    err.print(f"A method passes where both are below {LIMIT}.")
