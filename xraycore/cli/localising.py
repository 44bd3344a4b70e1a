"""The command that compares heatmaps with masks that a person drew: localise."""

import hashlib
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from xraycore.cli.app import Json, app
from xraycore.cli.console import emit_json, emit_table, err, progress_bar
from xraycore.cli.inspecting import Models, load_models
from xraycore.cli.measured import Measured
from xraycore.data.labels import canonical_label
from xraycore.explain.methods import ANALYTIC, get_method
from xraycore.imaging import RadiographError, read_radiograph
from xraycore.imaging.resample import resize

# Maps are compared at this height and width: a quarter of the cost of 256 pixels, and still nine
# times finer than the feature maps. Maps of single pixels are averaged over what a cell covers.
SIDE = 128
KEYS = {
    "hit": "hit rate",
    "iou": "IoU",
    "energy_in_mask": "energy in mask",
    "energy_in_lungs": "energy in lungs",
    "auprc": "AUPRC",
}


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
    triples = _films(images, masks, lungs)
    facts = {"images": str(images), "films": len(triples), "target": target}
    stored = Measured(out, facts) if out else None

    from xraycore.explain.heatmap import explain
    from xraycore.explain.localisation import baselines, compare_map, summarise

    found: dict[str, dict[str, list]] = {}
    with progress_bar() as update:
        for number, (film, mask_file, lung_file) in enumerate(triples):
            xray = read_radiograph(film)
            mask = _mask(mask_file)
            predictions = [classifier.predict(xray) for classifier in classifiers]
            lung = _mask(lung_file) if lung_file else _resized(predictions[0].lungs.mask)
            for name, values in baselines(resize(xray.pixels, (SIDE, SIDE)), lung).items():
                of_map = found.setdefault("baseline", {}).setdefault(name, [])
                of_map.append(compare_map(values, mask, lung))
            for classifier, prediction in zip(classifiers, predictions, strict=True):
                for name in methods:
                    heat = explain(classifier, prediction, name, target)
                    values = heat.box.spread(heat.values, (SIDE, SIDE))
                    of_map = found.setdefault(classifier.spec.name, {}).setdefault(name, [])
                    of_map.append(compare_map(values, mask, lung))
            update(f"film {number + 1} of {len(triples)}", (number + 1) / len(triples))
    stems = [film.stem for film, _, _ in triples]
    choosing = np.array([hashlib.sha256(stem.encode()).digest()[0] % 2 == 0 for stem in stems])
    if choosing.all() or not choosing.any():
        choosing[0] = not choosing[0]
    weights = {one.spec.name: one.card["weights"]["sha256"] for one in classifiers}
    rows = {
        model_name: {name: summarise(of, stems, choosing) for name, of in by_method.items()}
        for model_name, by_method in found.items()
    }
    if stored:
        stored.add(weights, rows)
    if json:
        emit_json(facts | {"weights": weights, "rows": rows})
        return
    emit_table(
        f"{len(stems)} films of {images}, evidence for {target}",
        ["model", "map", *KEYS.values()],
        [
            [model_name, name, *(_cell(row[key]) for key in KEYS)]
            for model_name, by_method in rows.items()
            for name, row in by_method.items()
        ],
    )
    err.print("A map is worth what it has beyond the baselines, brightness above all.")


def _films(images: Path, masks: Path, lungs: Path | None) -> list[tuple[Path, Path, Path | None]]:
    """Films on which something is marked, with their masks.

    Raises:
        ValueError: If there are fewer than two, or a film lacks a mask.
    """
    by_stem = {file.stem: file for file in sorted(masks.glob("*")) if file.is_file()}
    of_lungs = {file.stem: file for file in sorted(lungs.glob("*"))} if lungs else {}
    triples = []
    for film in sorted(file for file in images.glob("*") if file.is_file()):
        for folder, found in ((masks, by_stem), (lungs, of_lungs)):
            if folder and film.stem not in found:
                raise ValueError(f"{film}: expected a mask of the same stem in {folder}.")
        if not _mask(by_stem[film.stem]).any():
            continue  # Nothing to find.
        triples.append((film, by_stem[film.stem], of_lungs.get(film.stem)))
    if len(triples) < 2:
        raise ValueError(f"{images}: expected two films or more with masks. Found {len(triples)}")
    return triples


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
