"""What several commands load: models by name, films by path."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import xraycore
from xraycore.cli.console import err, progress_bar
from xraycore.config import NO_WEIGHTS, weights_folder
from xraycore.errors import ArgumentError
from xraycore.imaging import Radiograph, RadiographError, read_radiograph
from xraycore.imaging.radiograph import read_bytes
from xraycore.imaging.reading import FilmReader
from xraycore.models.cards import list_trained
from xraycore.models.registry import get_spec
from xraycore.pacs.address import Address, is_address
from xraycore.utils.lean_keras import import_keras
from xraycore.utils.progress import Progress, ProgressCallback, ignore

if TYPE_CHECKING:
    from xraycore.jobs.engines import Engine
    from xraycore.models.classifier import Classifier

CHUNK, FEW = 8, 16

Paths = Annotated[
    list[Path],
    typer.Argument(help="Image files, folders of them, or films of a PACS: dicomweb://NAME/STUDY."),
]
ENGINES = ("local", "dask")
EngineName = Annotated[str, typer.Option("--engine", help="local, or dask for many machines.")]
Scheduler = Annotated[
    str | None, typer.Option(help="Of --engine dask, such as tcp://10.0.0.1:8786.")
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="Model to run; repeat for several. All trained ones by default."),
]


def chosen_models(names: list[str] | None) -> list[str]:
    """The names, checked; those of all trained models for none or "all".

    Raises:
        ArgumentError: If a name is unknown, or there are no trained models.
    """
    shipped = list_trained()
    chosen = shipped if not names or names == ["all"] else [get_spec(name).name for name in names]
    if not chosen:
        raise ArgumentError(f"no trained models: expected some in {weights_folder()}. {NO_WEIGHTS}")
    return chosen


def load_models(names: list[str] | None) -> list["Classifier"]:
    """The trained models of those names, all of them for none or "all".

    Raises:
        ArgumentError: If a name is unknown, or there are no trained models.
        WeightsError: If one has no weights, or they are not what its card says.
    """
    chosen = chosen_models(names)
    import_keras()
    loaded = []
    with progress_bar() as report:
        for index, name in enumerate(chosen):
            report(Progress(index / len(chosen), f"loading {name}"))
            loaded.append(xraycore.load_model(name))
    return loaded


def name_of(path: Path) -> str:
    """The path as it is written; `pathlib` takes a slash from an address of a PACS."""
    return str(Address.parse(path)) if is_address(path) else str(path)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if is_address(path):
            from xraycore.pacs.films import list_films  # Late: it needs an extra.

            yield from (Path(str(film)) for film in list_films(Address.parse(path)))
            continue
        if not path.is_dir():
            yield path
            continue
        for file in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
            if file.is_file() and not hidden:
                yield file


@contextmanager
def open_engine(
    name: str, scheduler: str | None, files: Mapping[str, Path]
) -> Iterator["Engine | None"]:
    """Where tasks are done; None for here, one after another.

    Args:
        name: Of `ENGINES`.
        scheduler: Address of Dask's; None for "local".
        files: What each worker needs, see `xraycore.jobs.dask_engine.FilesPlugin`.

    Raises:
        ArgumentError: If there is no such engine, or it needs a scheduler, or none.
        JobError: If the scheduler has no workers.
    """
    if name not in ENGINES:
        raise ArgumentError(f"--engine must be one of {', '.join(ENGINES)}. Received: {name!r}")
    if (name == "dask") != (scheduler is not None):
        raise ArgumentError("--engine dask and --scheduler tcp://… belong together: name both.")
    if scheduler is None:
        yield None
        return
    from xraycore.jobs.dask_engine import DaskEngine

    with DaskEngine(scheduler, files) as opened:
        opened.wait_for(1)
        yield opened


def find_films(paths: list[Path]) -> list[Path]:
    """The paths, folders replaced by all files below them, an address of a PACS by its films'.

    Raises:
        ArgumentError: If there is none.
    """
    files = list(_files(paths))
    if not files:
        raise ArgumentError(f"expected image files; {', '.join(map(str, paths))} holds none.")
    return files


def processes_for(files: Sequence[Path]) -> int | None:
    """How many processes decode files: one for a few, which are read before others had started."""
    return 1 if len(files) <= FEW else None


def read_file(path: Path) -> Radiograph:
    """The radiograph in a file, or of a PACS; see `read_radiograph`."""
    if is_address(path):
        return read_radiograph(_fetch(path), name=path.name)
    return read_radiograph(path)


def read_files(paths: list[Path]) -> Iterator[tuple[Path, bytes | RadiographError]]:
    """The bytes of each film's file, one after the other; an error in place of what has none.

    Raises:
        ArgumentError: If there is no file.
    """
    for path in find_films(paths):
        data: bytes | RadiographError
        try:
            data = _fetch(path) if is_address(path) else read_bytes(path)
        except RadiographError as error:
            data = error
        yield path, data


def _fetch(path: Path) -> bytes:
    from xraycore.pacs.films import fetch_film

    return fetch_film(Address.parse(path))


def _read(
    paths: list[Path], report: ProgressCallback = ignore
) -> Iterator[tuple[list[tuple[Path, Radiograph]], list[tuple[Path, RadiographError]]]]:
    """Chunks of films that were read, and of files that could not be."""
    files = find_films(paths)
    with FilmReader(read_file, processes_for(files)) as reader:
        read, start = reader.read(files), 0
        while chunk := list(islice(read, CHUNK)):
            films = [(path, film) for path, film in chunk if isinstance(film, Radiograph)]
            failures = [(path, film) for path, film in chunk if isinstance(film, RadiographError)]
            report(Progress(start / len(files), f"film {start + 1} of {len(files)}"))
            yield films, failures
            start += len(chunk)


def read_films(paths: list[Path]) -> list[Radiograph]:
    """All films of files and folders; what cannot be read is said on stderr and left out.

    Raises:
        ArgumentError: If none can be read.
    """
    films: list[Radiograph] = []
    for read, failures in _read(paths):
        films += [radiograph for _, radiograph in read]
        for _, error in failures:
            err.print(str(error))
    if not films:
        raise ArgumentError(f"expected films; none of {', '.join(map(str, paths))} can be read.")
    return films
