"""The command that makes the films that networks learnt from searchable: index."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from xraycore.cli.app import Classes, Json, Labels, app
from xraycore.cli.console import emit_json, emit_table, err, progress_bar
from xraycore.cli.evaluate import seed_of
from xraycore.cli.loading import Models, load_models
from xraycore.config import weights_folder
from xraycore.datasets.labelling import LabelPolicy
from xraycore.datasets.labels import parse_classes
from xraycore.datasets.splits import limit_training, read_splits
from xraycore.jobs.process import show_command
from xraycore.retrieval.build import build_indexes
from xraycore.retrieval.feature_store import default_store
from xraycore.retrieval.index_file import save_index


@app.command()
def index(
    datasets: Annotated[list[Path], typer.Argument(help="The data sets that they learnt from.")],
    model: Models = None,
    partial: Annotated[
        bool, typer.Option(help="Make do with a part of what they learnt from.")
    ] = False,
    classes: Classes = None,
    labels: Labels = None,
    films: Annotated[int | None, typer.Option(help="As in their training.")] = None,
    json: Json = False,
) -> None:
    """Make the index of films that `similar` searches, of every network in one walk over them.

    It holds vectors, labels, sources, splits and hashes of training and validation films: no
    picture, no name, no patient. It lies beside the weights and belongs to these alone. What
    networks find is kept in the cache: a run that was stopped goes on.
    """
    models = load_models(model)
    seed = seed_of([one.card for one in models])
    asked = parse_classes(classes) if classes else None
    manifest = read_splits(datasets, asked, LabelPolicy.parse(labels), seed=seed)
    if films is not None:
        manifest = limit_training(manifest, films, seed=seed)
    with progress_bar() as report, default_store() as store:
        built = build_indexes(
            models,
            manifest,
            partial=partial,
            command=show_command(sys.argv[1:]),
            store=store,
            report=report,
        )
    rows = []
    for name, one in built.items():
        file = save_index(one, weights_folder() / name)
        rows.append(
            {
                "model": name,
                "file": str(file),
                "films": len(one),
                "numbers": len(one.components),
                "bytes": file.stat().st_size,
                "complete": one.note["complete"],
                "usual": one.note["usual"],
                "weights_sha256": one.note["weights_sha256"],
            }
        )
    if json:
        emit_json(rows)
        return
    emit_table(
        "Indexes",
        ["model", "films", "numbers a film", "kB", "usual distance", "far from"],
        [
            [
                *(row["model"], row["films"], row["numbers"], round(row["bytes"] / 1000)),
                *((row["usual"]["median"], row["usual"]["limit"]) if row["usual"] else ("–", "–")),
            ]
            for row in rows
        ],
    )
    total = sum(row["bytes"] for row in rows)
    err.print(f"{total / 1e6:.1f} MB beside the weights in {weights_folder()}.")
