"""The command that finds films like one: similar."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from xraycore.cli.app import app
from xraycore.cli.console import emit_json, emit_table, err, out, progress_bar
from xraycore.cli.loading import Models, Paths, _read, chosen_models, load_models
from xraycore.config import NOTICE
from xraycore.models.cards import stored_title
from xraycore.models.classifier import predict_each
from xraycore.retrieval.index_file import load_index
from xraycore.retrieval.similar import NEIGHBOURS, SimilarFilms, origin_of
from xraycore.retrieval.similar import similar as find_similar


@app.command()
def similar(
    paths: Paths,
    model: Models = None,
    k: Annotated[int, typer.Option("-k", "--neighbours", help="How many films.")] = NEIGHBOURS,
    json: Annotated[bool, typer.Option("--json", help="JSON lines, one a film and model.")] = False,
) -> None:
    """Find the films most alike to a film, of those that a network learnt from.

    Alike to the network: what they are says what it takes the film for, and whose they are says
    whether it goes by disease or by hospital. `index` has to be run before.
    """
    # Before networks are loaded, which takes a while.
    for name in chosen_models(model):
        load_index(name)
    classifiers = load_models(model)
    rows: list[dict[str, Any]] = []
    with progress_bar() as report:
        for films, failures in _read(paths, report):
            rows += [{"path": str(path), "error": str(error)} for path, error in failures]
            read = [radiograph for _, radiograph in films]
            for classifier, predictions in zip(
                classifiers, predict_each(classifiers, read), strict=True
            ):
                for (path, film), prediction in zip(films, predictions, strict=True):
                    found = find_similar(classifier, prediction, k, sha256=film.info.sha256)
                    rows.append(
                        {"path": str(path), "error": None, "model": found.model, "found": found}
                    )
            if json:
                for row in rows:
                    emit_json(_to_json(row))
                rows.clear()
    if json:
        return
    for row in rows:
        if row["error"]:
            err.print(row["error"])
        else:
            _print(row["path"], row["found"])
    err.print(NOTICE)


def _to_json(row: dict[str, Any]) -> dict[str, Any]:
    found = row.pop("found", None)
    return {**row, **(found.to_json() if found else {"model": None, "similar": None})}


def _print(path: str, found: SimilarFilms) -> None:
    title = f"{path}: most alike to {stored_title(found.model)}"
    columns = ["distance", "label", "films of", "split", "sha256"]
    emit_table(title, columns, list(_rows(found)))
    for text in (found.reading, found.caution):
        if text:
            out.print(text)
    if found.usual is not None:
        out.print(
            f"Distance to the nearest {found.distance:.3f}; usual is {found.usual:.3f}, far from "
            f"{found.limit:.3f} on. Searched: {found.among:,} films."
        )


def _rows(found: SimilarFilms) -> Iterator[list[object]]:
    for one in found.neighbours:
        yield [one.distance, one.label, origin_of(one.source), one.split, one.sha256[:12]]
