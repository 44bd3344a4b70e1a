"""The command that compares heatmaps with masks that a person drew: localise."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from xraycore.attribution.registry import ANALYTIC, get_method
from xraycore.cli.app import Json, app
from xraycore.cli.console import emit_json, emit_table, err, progress_bar
from xraycore.cli.loading import Models, load_models
from xraycore.cli.measurements import MeasurementFile
from xraycore.datasets.labels import canonical_label
from xraycore.errors import ArgumentError
from xraycore.imaging import RadiographError, read_radiograph
from xraycore.imaging.resample import resize
from xraycore.utils.progress import Progress

# Maps are compared at this height and width: a quarter of the cost of 256 pixels, and still nine
# times finer than the feature maps. Maps of single pixels are averaged over what a cell covers.
SIDE = 128
# Row of the maps that know no network.
BASELINE = "baseline"
KEYS = {
    "hit": "hit rate",
    "iou": "IoU",
    "energy_in_mask": "energy in mask",
    "energy_in_lungs": "energy in lungs",
    "auprc": "AUPRC",
}


@dataclass(frozen=True)
class Drawn:
    """A film and what a person drew on it: bool (128, 128); no `lungs` where the segmenter's do."""

    film: Path
    mask: np.ndarray
    lungs: np.ndarray | None


@app.command()
def localise(
    images: Annotated[Path, typer.Option(help="Folder of films.")],
    masks: Annotated[Path, typer.Option(help="Folder of masks of the finding, same stems.")],
    lungs: Annotated[
        Path | None, typer.Option(help="Folder of lung masks; else the segmenter's.")
    ] = None,
    model: Models = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="Heatmap method; repeatable. By default all of one forward pass."),
    ] = None,
    target: Annotated[str, typer.Option(help="Class that the masks show.")] = "COVID-19",
    out: Annotated[
        Path | None,
        typer.Option(help="File that the result joins, beside what it says of other maps."),
    ] = None,
    json: Json = False,
) -> None:
    """Ask of every model and method whether its heat finds what a person drew."""
    methods = [get_method(name).name for name in method or ANALYTIC]
    target = canonical_label(target)
    classifiers = load_models(model)
    drawn = _films(images, masks, lungs)
    facts = {
        "images": str(images),
        "masks": str(masks),
        "lungs": str(lungs) if lungs else None,
        "films": len(drawn),
        "target": target,
    }
    stored = MeasurementFile(out, facts) if out else None
    weights = {one.spec.name: one.card["weights"]["sha256"] for one in classifiers}
    stems = [one.film.stem for one in drawn]
    choosing = np.array([hashlib.sha256(stem.encode()).digest()[0] % 2 == 0 for stem in stems])
    if choosing.all() or not choosing.any():
        choosing[0] = not choosing[0]

    from xraycore.attribution.heatmap import explain
    from xraycore.attribution.metrics.localisation import baselines, compare_map, summarise

    rows: dict[str, dict[str, dict]] = {}
    with progress_bar() as report:
        for number, classifier in enumerate(classifiers):
            model_name = classifier.spec.name
            found: dict[str, dict[str, list]] = {}
            for place, one in enumerate(drawn):
                xray = read_radiograph(one.film)
                prediction = classifier.predict(xray)
                lung = _resized(prediction.lungs.mask) if one.lungs is None else one.lungs
                maps: dict[str, dict[str, np.ndarray]] = {}
                if number == 0:
                    maps[BASELINE] = baselines(resize(xray.pixels, (SIDE, SIDE)), lung)
                maps[model_name] = {}
                for name in methods:
                    heat = explain(classifier, prediction, name, target)
                    maps[model_name][name] = heat.box.spread(heat.values, (SIDE, SIDE))
                for row, by_name in maps.items():
                    for name, values in by_name.items():
                        of_map = found.setdefault(row, {}).setdefault(name, [])
                        of_map.append(compare_map(values, one.mask, lung))
                done = number * len(drawn) + place + 1
                words = f"{model_name}, film {place + 1} of {len(drawn)}"
                report(Progress(done / len(drawn) / len(classifiers), words))
            of_model = {
                row: {name: summarise(of, stems, choosing) for name, of in by_name.items()}
                for row, by_name in found.items()
            }
            # A model may take hours: what is done is kept, whatever becomes of the next.
            if stored:
                stored.add({model_name: weights[model_name]}, of_model)
            rows |= of_model
    if json:
        emit_json(facts | {"weights": weights, "rows": rows})
        return
    emit_table(
        f"{len(drawn)} films of {images}, evidence for {target}",
        ["model", "map", *KEYS.values()],
        [
            [model_name, name, *(_cell(row[key]) for key in KEYS)]
            for model_name, by_method in rows.items()
            for name, row in by_method.items()
        ],
    )
    err.print("A map is worth what it has beyond the baselines, brightness above all.")


def _films(images: Path, masks: Path, lungs: Path | None) -> list[Drawn]:
    """Films on which something is marked, with their masks.

    All are read, so that one that cannot be is told now, and not after hours of maps.

    Raises:
        ArgumentError: If there are fewer than two, or a film lacks a mask.
        RadiographError: If a film or a mask cannot be read.
    """
    by_stem = {file.stem: file for file in sorted(masks.glob("*")) if file.is_file()}
    of_lungs = {file.stem: file for file in sorted(lungs.glob("*"))} if lungs else {}
    drawn = []
    for film in sorted(file for file in images.glob("*") if file.is_file()):
        for folder, found in ((masks, by_stem), (lungs, of_lungs)):
            if folder and film.stem not in found:
                raise ArgumentError(f"{film}: expected a mask of the same stem in {folder}.")
        mask = _mask(by_stem[film.stem])
        if not mask.any():
            continue  # Nothing to find.
        read_radiograph(film)
        drawn.append(Drawn(film, mask, _mask(of_lungs[film.stem]) if lungs else None))
    if len(drawn) < 2:
        raise ArgumentError(f"{images}: expected two films or more with masks. Found {len(drawn)}")
    return drawn


def _mask(file: Path) -> np.ndarray:
    try:
        with Image.open(file) as image:
            values = np.asarray(image.convert("L"), np.float32) / 255
    except OSError as error:
        raise RadiographError(f"{file.name}: expected a mask image: {error}") from None
    return _resized(values > 0.5)


def _resized(mask: np.ndarray) -> np.ndarray:
    return resize(mask.astype(np.float32), (SIDE, SIDE)) > 0.5


def _cell(score: dict) -> str:
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"
