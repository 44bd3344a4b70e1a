"""Commands that ask a PACS and change nothing in it: pacs list, check, search, fetch."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xraycore.cli.app import Json
from xraycore.cli.console import emit_json, emit_table, err, progress_bar
from xraycore.cli.pacs import pacs
from xraycore.datasets.labels import canonical_label
from xraycore.errors import ArgumentError, RadiographError
from xraycore.pacs.address import MODALITIES, Address, StudyQuery, is_uid
from xraycore.utils.progress import Progress

if TYPE_CHECKING:
    from xraycore.pacs.dicomweb import FoundStudy

Name = Annotated[str, typer.Argument(help="Of the PACS: of a table [pacs.NAME] in the settings.")]
_DAY = ["%Y-%m-%d", "%Y%m%d"]
First = Annotated[
    datetime | None, typer.Option("--from", formats=_DAY, help="Day of the oldest studies.")
]
Last = Annotated[
    datetime | None, typer.Option("--to", formats=_DAY, help="Day of the newest, itself too.")
]
Modality = Annotated[
    list[str] | None, typer.Option(help=f"Repeat for several; {' and '.join(MODALITIES)}.")
]
Patient = Annotated[str, typer.Option(help="The patient's ID, as the PACS has it.")]
Accession = Annotated[str, typer.Option(help="Accession number.")]


@pacs.command("list")
def list_connections(json: Json = False) -> None:
    """List the PACS that the settings file names, see XRAYCORE_SETTINGS; no credentials."""
    from xraycore.access.settings import read_connections

    found = read_connections().values()
    if json:
        emit_json([{"name": one.name, **one.to.model_dump(mode="json")} for one in found])
        return
    rows = [
        (
            one.name,
            one.to.url or "–",
            f"{one.to.called_aet} at {one.to.host}:{one.to.port}" if one.to.host else "–",
            one.to.stores_by.value,
            _credentials(one.credentials()),
        )
        for one in found
    ]
    emit_table("PACS", ("name", "DICOMweb", "DICOM", "writes by", "credentials"), rows)


@pacs.command()
def check(name: Name, json: Json = False) -> None:
    """Ask a PACS for its newest study, and whether it takes objects; exit code 2 where not."""
    from xraycore.access.settings import find_connection
    from xraycore.pacs.dicomweb import DicomWeb
    from xraycore.pacs.dimse import echo

    connection = find_connection(name)
    said = {}
    if connection.to.url:
        found = DicomWeb(connection).search(StudyQuery(modalities=()), most=1)
        said["DICOMweb"] = f"answers, {'with' if found else 'without'} a study"
    if connection.to.host:
        echo(connection)
        said["C-STORE"] = "answers a C-ECHO"
    if json:
        emit_json(said)
    else:
        emit_table(connection.place, ("service", "says"), list(said.items()))


@pacs.command()
def search(
    name: Name,
    first: First = None,
    last: Last = None,
    modality: Modality = None,
    patient: Patient = "",
    accession: Accession = "",
    json: Json = False,
) -> None:
    """List studies, the newest first, with their UIDs; at most 200."""
    from xraycore.pacs.films import open_pacs

    query = _query(first, last, modality, patient, accession)
    found = open_pacs(name).search(query)
    if json:
        emit_json([_as_json(one) for one in found])
        return
    columns = ("day", "modality", "description", "patient", "name", "accession", "objects", "study")
    rows = [
        (
            *(one.day or "–", ", ".join(one.modalities), one.description, one.patient, one.name),
            *(one.accession, one.instances or "–", one.uid),
        )
        for one in found
    ]
    emit_table(f"Studies of {name}", columns, rows)
    err.print("Read one by: xraycore predict dicomweb://NAME/STUDY")


@pacs.command()
def fetch(
    name: Name,
    out: Annotated[Path, typer.Option(help="Folder to put films into.")],
    study: Annotated[list[str] | None, typer.Argument(help="UIDs of studies.")] = None,
    first: First = None,
    last: Last = None,
    modality: Modality = None,
    patient: Patient = "",
    accession: Accession = "",
    label: Annotated[
        str | None,
        typer.Option(help="Class of all of these films: makes labels.csv, a data set."),
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Films to fetch at most.")] = 1000,
    json: Json = False,
) -> None:
    """Fetch films of studies, or of a search, into a folder: to score, to read, to train on.

    What is there is not fetched again. The files are as the PACS has them, with all that they say
    of patients. With --label they are a data set: labels.csv names each film, its class and its
    patient by a pseudonym, so that splits keep a patient's films together.
    """
    from xraycore.pacs.films import list_films
    from xraycore.pacs.folder import FilmFolder

    query = _query(first, last, modality, patient, accession)
    if bool(study) == (query != StudyQuery()):
        raise ArgumentError(
            "fetch needs the UIDs of studies, or what to search for, such as --from"
        )
    for uid in study or ():
        if not is_uid(uid):
            raise ArgumentError(f"expected the UID of a study. Received: {uid[:80]!r}")
    asked = [Address(name, uid) for uid in study or ()] or [Address(name, query=query)]
    folder = FilmFolder(out)
    fetched, left = 0, False
    failures: list[str] = []
    try:
        with progress_bar() as report:
            for film in (film for one in asked for film in list_films(one)):
                if fetched + len(failures) >= most:
                    left = True
                    break
                report(Progress(0.0, f"film {fetched + 1}"))
                try:
                    folder.add(film, canonical_label(label) if label else None)
                    fetched += 1
                except RadiographError as error:
                    failures.append(str(error))
    finally:
        # Also of what came before a PACS no longer answered.
        folder.close()
    if json:
        emit_json({"folder": str(out), "films": fetched, "errors": failures, "more": left})
        return
    more = f"; more than {most} fit" if left else ""
    rows = [(str(out), fetched, "; ".join(failures) or "nothing")]
    emit_table("Fetched", ("folder", f"films{more}", "could not be had"), rows)


def _query(
    first: datetime | None,
    last: datetime | None,
    modality: list[str] | None,
    patient: str,
    accession: str,
) -> StudyQuery:
    start, end = (day.date() if day else None for day in (first, last))
    return StudyQuery(start, end, tuple(modality or MODALITIES), patient, accession)


def _as_json(study: "FoundStudy") -> dict:
    return asdict(study) | {"day": study.day.isoformat() if study.day else None}


def _credentials(known: object) -> str:
    token, user = (getattr(known, part) for part in ("token", "user"))
    return "a token" if token else "user and password" if user else "none"
