"""The command that writes where trained models look: explain."""

from collections.abc import Container
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

import xraycore
from xraycore.attribution.registry import get_method
from xraycore.cli.app import app
from xraycore.cli.console import emit_json, emit_table, err, progress_bar
from xraycore.cli.loading import Models, Paths, _read, load_models, name_of
from xraycore.config import NOTICE
from xraycore.datasets.labels import canonical_label
from xraycore.imaging import Radiograph
from xraycore.imaging.encode import encode_png
from xraycore.imaging.film_warnings import BURNED_IN, warning_codes
from xraycore.imaging.overlay import overlay
from xraycore.models.classifier import predict_each
from xraycore.pacs.address import is_address
from xraycore.utils.files import replacing, write_json
from xraycore.utils.progress import part_of

if TYPE_CHECKING:
    from xraycore.attribution.heatmap import Heatmap


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
                if BURNED_IN in warning_codes(radiograph.warnings):
                    err.print(f"{path.name}: look at its overlays first; text is burnt into them.")
                stem = _free_stem(path.name if is_address(path) else path.stem, used)
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


def _line(path: Path, *, error: str | None = None, **facts: object) -> dict:
    return {"path": name_of(path), "model": None, **facts, "error": error}


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
