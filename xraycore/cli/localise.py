"""The command that compares heatmaps with masks that a person drew: localise."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from xraycore.attribution.registry import ANALYTIC, get_method
from xraycore.cli.app import Json, app
from xraycore.cli.console import emit_json, emit_table, err, format_score, progress_bar
from xraycore.cli.loading import Models, load_models, read_films
from xraycore.datasets.labels import canonical_label
from xraycore.datasets.masks import pair_masks
from xraycore.evaluation.measurement_file import MeasurementFile
from xraycore.imaging import read_radiograph
from xraycore.imaging.resample import resize
from xraycore.utils.progress import Progress

if TYPE_CHECKING:
    from xraycore.models.classifier import Classifier

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
    normal: Annotated[
        Path | None, typer.Option(help="Folder of normal films: how many are coloured?")
    ] = None,
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
    drawn = pair_masks(images, masks, lungs, (SIDE, SIDE))
    facts = {
        "images": str(images),
        "masks": str(masks),
        "lungs": str(lungs) if lungs else None,
        "films": len(drawn),
        "target": target,
        **({"normal": str(normal)} if normal else {}),
    }
    stored = MeasurementFile(out, facts) if out else None
    weights = {one.spec.name: one.card["weights"]["sha256"] for one in classifiers}
    stems = [one.path.stem for one in drawn]
    selection = np.array([hashlib.sha256(stem.encode()).digest()[0] % 2 == 0 for stem in stems])
    if selection.all() or not selection.any():
        selection[0] = not selection[0]

    from xraycore.attribution.heatmap import explain
    from xraycore.attribution.metrics.localisation import baselines, compare_map, summarise

    rows: dict[str, dict[str, dict]] = {}
    with progress_bar() as report:
        for number, classifier in enumerate(classifiers):
            model_name = classifier.spec.name
            found: dict[str, dict[str, list]] = {}
            for place, one in enumerate(drawn):
                radiograph = read_radiograph(one.path)
                prediction = classifier.predict(radiograph)
                lung = one.lungs
                if lung is None:
                    found_lungs = prediction.lungs.mask.astype(np.float32)
                    lung = resize(found_lungs, (SIDE, SIDE)) > 0.5
                maps: dict[str, dict[str, np.ndarray]] = {}
                thresholds: dict[str, float | None] = {}
                if number == 0:
                    maps[BASELINE] = baselines(resize(radiograph.pixels, (SIDE, SIDE)), lung)
                maps[model_name] = {}
                for name in methods:
                    heatmap = explain(classifier, prediction, name, target)
                    maps[model_name][name] = heatmap.box.spread(heatmap.values, (SIDE, SIDE))
                    thresholds[name] = heatmap.threshold
                for row, by_name in maps.items():
                    for name, values in by_name.items():
                        of_map = found.setdefault(row, {}).setdefault(name, [])
                        from_heat = thresholds.get(name) if row == model_name else None
                        of_map.append(compare_map(values, one.mask, lung, from_heat))
                done = number * len(drawn) + place + 1
                words = f"{model_name}, film {place + 1} of {len(drawn)}"
                report(Progress(done / len(drawn) / len(classifiers), words))
            of_model = {
                row: {name: summarise(of, stems, selection) for name, of in by_name.items()}
                for row, by_name in found.items()
            }
            if normal:
                for name, score in _false_alarms(classifier, normal, methods).items():
                    of_model[model_name][name]["false_alarms"] = score
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
            [model_name, name, *(format_score(row[key]) for key in KEYS)]
            for model_name, by_method in rows.items()
            for name, row in by_method.items()
        ],
    )
    err.print("A map is worth what it has beyond the baselines, brightness above all.")


def _false_alarms(classifier: "Classifier", normal: Path, methods: list[str]) -> dict[str, dict]:
    """Method with a measured threshold -> share of the normal films that are coloured anywhere."""
    from xraycore.attribution.heatmap import explain
    from xraycore.metrics.intervals import wilson_interval

    alarms: dict[str, list[bool]] = {}
    for film in read_films([normal]):
        prediction = classifier.predict(film)
        for name in methods:
            heatmap = explain(classifier, prediction, name)
            if heatmap.threshold is not None:
                alarms.setdefault(name, []).append(heatmap.significant)
    return {name: wilson_interval(sum(of), len(of)) for name, of in alarms.items()}
