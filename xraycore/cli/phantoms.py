"""Commands about generated films: phantoms writes them, measure-phantoms asks how good they are."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xraycore.cli.app import Json, Seed, app
from xraycore.cli.console import emit_json, emit_table, err, format_score, progress_bar
from xraycore.cli.loading import Models, load_models
from xraycore.utils.progress import ProgressCallback, part_of

if TYPE_CHECKING:
    from xraycore.imaging import Radiograph
    from xraycore.models.classifier import Classifier

# Of a real data set so many normal films are measured.
REAL = 60


@app.command()
def phantoms(
    out: Annotated[Path, typer.Option(help="Folder to write <class>/ folders of PNG files into.")],
    per_class: Annotated[int, typer.Option(help="Films of each class.")] = 50,
    size: Annotated[int, typer.Option(help="Width and height in pixels.")] = 256,
    seed: Seed = 0,
) -> None:
    """Write synthetic films, half of them with an opacity: a data set of no person at all."""
    from xraycore.datasets.synthetic.phantom import write_phantoms

    written = write_phantoms(out, per_class, size=size, seed=seed)
    err.print(
        f"{len(written)} phantoms under {out}. Train on them: python -m xraycore train {out} "
        "--model basic_cnn --preset quick --out runs/phantoms",
        soft_wrap=True,
    )


@app.command()
def measure_phantoms(
    datasets: Annotated[
        list[str] | None, typer.Argument(help="Real data sets to set generated normals beside.")
    ] = None,
    model: Models = None,
    per_class: Annotated[int, typer.Option(min=5, help="Generated films of each class.")] = 50,
    seed: Annotated[int, typer.Option(help="Of the first film; none was trained on.")] = 1000,
    json: Json = False,
) -> None:
    """Ask how near generated films are to real ones, and what networks say of them.

    Half of the films have an opacity: focal, lobar or ground glass. Per network: which share of
    these it calls an opacity, which share of the normal ones it does not, at the operating point in
    force, and how often the hottest point of its map against Normal lies in the opacity.
    """
    from xraycore.evaluation.film_likeness import measure_films

    models = load_models(model)
    with progress_bar() as report:
        likeness = {}
        for name in datasets or []:
            likeness[name] = measure_films(_real_normals(name))
        clear, shown = _generated(per_class, seed)
        likeness["generated"] = measure_films([film for film, _ in clear])
        told = {
            one.spec.name: _asked(one, clear, shown, part_of(report, number, len(models)))
            for number, one in enumerate(models)
        }
    if json:
        emit_json({"seed": seed, "per_class": per_class, "likeness": likeness, "models": told})
        return
    names = list(likeness["generated"])
    emit_table(
        "Medians of normal films",
        ["films", *names],
        [[name, *(found[key] for key in names)] for name, found in likeness.items()],
    )
    emit_table(
        f"{per_class} generated films of each class",
        ["model", "opacity found", "normal spared", "hottest point in it"],
        [[name, *(format_score(score) for score in row.values())] for name, row in told.items()],
    )


def _real_normals(dataset: str) -> list["Radiograph"]:
    import numpy as np

    from xraycore.datasets.labels import NORMAL
    from xraycore.datasets.manifest import read_manifest
    from xraycore.errors import ArgumentError
    from xraycore.imaging import read_radiograph

    normal = [one for one in read_manifest(dataset).records if one.label == NORMAL]
    if not normal:
        raise ArgumentError(f"{dataset}: expected normal films. Found none")
    chosen = np.random.default_rng(0).permutation(len(normal))[:REAL]
    return [read_radiograph(normal[place].path) for place in sorted(chosen)]


def _generated(per_class: int, seed: int) -> tuple[list, list]:
    """Normal films and those with an opacity, each with where it is; no chest is in both."""
    from xraycore.datasets.synthetic.phantom import make_phantom
    from xraycore.imaging import read_radiograph
    from xraycore.imaging.encode import encode_png
    from xraycore.imaging.overlay import to_uint8
    from xraycore.training.phantoms import KINDS

    parts: tuple[list, list] = ([], [])
    for number in range(2 * per_class):
        opacity, kind = bool(number % 2), KINDS[number // 2 % len(KINDS)]
        made = make_phantom(seed + number, opacity=opacity, kind=kind, size=512)
        # As from a file: in 256 greys.
        film = read_radiograph(encode_png(to_uint8(made.pixels)), name=f"{made.seed}.png")
        parts[opacity].append((film, made.lesion))
    return parts


def _asked(
    model: "Classifier", clear: list, shown: list, report: ProgressCallback
) -> dict[str, dict | None]:
    """`found`, `spared` and `hit` of one network."""
    from xraycore.attribution.heatmap import explain
    from xraycore.attribution.metrics.localisation import pointing_game
    from xraycore.metrics.intervals import defined_proportion, mean_share
    from xraycore.models.answer import opacity_probability, operating_threshold
    from xraycore.models.classifier import batches

    threshold = operating_threshold(model.card).threshold
    called: list[bool] = []
    hits: list[float] = []
    films = [*shown, *clear]
    for part in batches(len(films), report):
        chosen = films[part]
        predictions = model.predict([film for film, _ in chosen])
        for (film, lesion), prediction in zip(chosen, predictions, strict=True):
            called.append(opacity_probability(prediction.probabilities) >= threshold)
            if lesion.any():
                heatmap = explain(model, prediction, "against_normal")
                drawn = heatmap.box.spread(heatmap.values, film.pixels.shape)
                hits.append(pointing_game(drawn, lesion))
    count = len(shown)
    return {
        "found": defined_proportion(sum(called[:count]), count),
        "spared": defined_proportion(sum(not one for one in called[count:]), len(clear)),
        "hit": mean_share(hits, [str(place) for place in range(count)]),
    }
