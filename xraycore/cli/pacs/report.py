"""Commands that write back to a PACS: pacs report, reviews dicom."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xraycore.cli.app import Json
from xraycore.cli.console import emit_json, emit_table, err, progress_bar
from xraycore.cli.loading import Models, Paths, load_models, name_of, read_files
from xraycore.cli.pacs import pacs
from xraycore.cli.reviews import reviews
from xraycore.config import NOTICE
from xraycore.errors import ArgumentError, RadiographError
from xraycore.models.sites import read_site
from xraycore.utils.files import replacing
from xraycore.utils.progress import Progress

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from xraycore.report.dicom.marks import FilmMarks

Out = Annotated[
    Path | None, typer.Option(help="Folder to write objects into, <kind>-<instance>.dcm.")
]
Send = Annotated[str | None, typer.Option(help="Name of the PACS to store them in.")]


@pacs.command()
def report(
    paths: Paths,
    model: Models = None,
    method: Annotated[str, typer.Option(help="Heatmap method.")] = "against_normal",
    threshold: Annotated[
        float, typer.Option(help="Share of full heat from which on it is segmented.")
    ] = 0.5,
    site: Annotated[str | None, typer.Option(help="Site profile to answer by.")] = None,
    out: Out = None,
    send: Send = None,
    json: Json = False,
) -> None:
    """Write what models find on DICOM films as objects of the films' own studies.

    A Secondary Capture with the heat and a legend, a Segmentation of lungs and heat, a Structured
    Report (TID 1500) of the answer. Of the patient they say what the film says, nothing else.
    """
    from xraycore.report.dicom import write_objects
    from xraycore.report.dicom.score import score_film

    target = _target(send, out)
    rows = []
    models = load_models(model)
    sites = {one.spec.name: read_site(one.spec.name, site) for one in models} if site else {}
    with progress_bar() as tell:
        for number, (path, data) in enumerate(read_files(paths), start=1):
            tell(Progress(0.0, f"film {number}"))
            for one in models:
                name = one.spec.name
                row: dict = {"path": name_of(path), "model": name, "answer": None, "objects": []}
                try:
                    if isinstance(data, RadiographError):
                        raise data
                    finding = score_film(
                        *(one, data, path.name),
                        method=method,
                        threshold=threshold,
                        site=sites.get(name),
                    )
                    objects = write_objects(finding)
                    row["answer"] = finding.reading
                    row["objects"] = target(objects)
                    row["error"] = None
                except RadiographError as error:
                    row["error"] = str(error)
                rows.append(row)
    _tell(rows, json)


@reviews.command()
def dicom(
    study: Annotated[str, typer.Argument(help="Name of the reading study.")],
    paths: Paths,
    out: Out = None,
    send: Send = None,
    json: Json = False,
) -> None:
    """Write what readers marked on DICOM films as Structured Reports of the films' own studies.

    Of final answers only, one report a film and reader, under the name that results show.
    """
    import hashlib

    from xraycore.report.dicom.marks import report_marks
    from xraycore.report.dicom.source import read_source

    target = _target(send, out)
    said = _marks_of(study)
    rows = []
    for path, data in read_files(paths):
        row: dict = {"path": name_of(path), "model": "", "answer": None, "objects": []}
        try:
            if isinstance(data, RadiographError):
                raise data
            source = read_source(data, path.name)
            marks = said.get(hashlib.sha256(data).hexdigest(), {})
            row["answer"] = f"{len(marks)} readers"
            row["objects"] = target(
                [
                    report_marks(source, study, reader, found, number)
                    for number, (reader, found) in enumerate(sorted(marks.items()), start=1)
                ]
            )
            row["error"] = None
        except RadiographError as error:
            row["error"] = str(error)
        rows.append(row)
    _tell(rows, json)


def _marks_of(study: str) -> dict[str, dict[str, list["FilmMarks"]]]:
    """What readers of a study say: sha256 of a film -> reader -> one a heatmap of it."""
    from xraycore.reader_study import ReaderStudyRepository, open_database
    from xraycore.report.dicom.marks import FilmMarks

    engine = open_database()
    try:
        repository = ReaderStudyRepository(engine)
        known = {one.name: one for one in repository.studies()}
        if study not in known:
            names = ", ".join(known) or "none"
            raise ArgumentError(f"there is no reading study {study!r}. Known: {names}.")
        reviews = repository.results(known[study])
    finally:
        engine.dispose()
    found: dict[str, dict[str, list[FilmMarks]]] = {}
    for one in reviews:
        item, answer = one.item, one.answer
        about = f"{item.method} of {item.model} for {item.target}"
        marks = FilmMarks(
            *(one.reader.name, about, answer.verdict, answer.grade, tuple(answer.boxes)),
            answer.no_finding,
        )
        found.setdefault(item.sha256, {}).setdefault(one.reader.name, []).append(marks)
    return found


def _target(send: str | None, out: Path | None) -> Callable[[Sequence["Dataset"]], list[str]]:
    """What takes objects to where they are wanted, and says where each one is then.

    Raises:
        ArgumentError: If they are wanted nowhere.
        AccessError: If there is no such PACS.
    """
    from xraycore.access.settings import find_connection
    from xraycore.pacs.dimse import store_objects

    if send is None and out is None:
        raise ArgumentError("name where objects go: --out FOLDER, --send NAME of a PACS, or both.")
    connection = find_connection(send) if send else None
    if out:
        out.mkdir(parents=True, exist_ok=True)

    def take(objects: Sequence["Dataset"]) -> list[str]:
        places = []
        for one in objects:
            if out is None:
                break
            file = out / f"{one.Modality.lower()}-{one.SOPInstanceUID}.dcm"
            with replacing(file) as part:
                one.save_as(part, enforce_file_format=True)
            places.append(str(file))
        if connection:
            store_objects(connection, objects)
            places += [f"{connection.name}: {one.Modality} {one.SOPInstanceUID}" for one in objects]
        return places

    return take


def _tell(rows: list[dict], json: bool) -> None:
    if json:
        for row in rows:
            emit_json(row)
        return
    table = [
        (
            *(row["path"], row["model"], row["answer"] or "not read"),
            row["error"] or len(row["objects"]),
        )
        for row in rows
    ]
    emit_table("Objects", ("film", "model", "says", "objects"), table)
    err.print(NOTICE)
