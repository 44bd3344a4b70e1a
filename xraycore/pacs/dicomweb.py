"""DICOMweb (PS3.18): QIDO-RS finds studies, WADO-RS fetches films, STOW-RS stores objects."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dicomweb_client import DICOMwebClient
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    SecondaryCaptureImageStorage,
)

from xraycore.access.connections import NamedConnection
from xraycore.errors import ArgumentError, PacsError, RadiographError
from xraycore.imaging.decoding import MAX_BYTES
from xraycore.imaging.dicom.statements import PROJECTION_MODALITIES
from xraycore.pacs.address import MOST_FILMS, MOST_STUDIES, Address, StudyQuery, is_uid, parse_day
from xraycore.pacs.session import errors_of, open_session

# Of any one text that a server says.
_LONGEST = 200
_FILMS = (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    SecondaryCaptureImageStorage,
)
_STUDY_FIELDS = (
    *("StudyDate", "StudyDescription", "ModalitiesInStudy", "AccessionNumber"),
    *("PatientName", "PatientID", "NumberOfStudyRelatedInstances"),
)
_WANTED = {
    f"{tag_for_keyword(keyword):08X}": keyword
    for keyword in (
        *("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"),
        *(*_STUDY_FIELDS, "Modality", "SeriesNumber", "InstanceNumber"),
    )
}
_FAILED = "FailedSOPSequence"


@dataclass(frozen=True)
class FoundStudy:
    """A study as a PACS lists it.

    Attributes:
        uid: Study Instance UID.
        day: When it was taken; None where that is not told.
        modalities: Of its series.
        description: As the PACS has it.
        accession: Accession number.
        patient: The patient's ID.
        name: The patient's name; shown to who searches, kept nowhere.
        instances: How many objects it has; 0 where that is not told.
    """

    uid: str
    day: date | None
    modalities: tuple[str, ...]
    description: str
    accession: str
    patient: str
    name: str
    instances: int


class DicomWeb:
    """A PACS that is asked by DICOMweb; every call raises `PacsError` where it does not answer."""

    def __init__(self, connection: NamedConnection):
        if not connection.to.url:
            raise ArgumentError(
                f"{connection.name}: expected a PACS with the url of DICOMweb services; the "
                "settings name none for it."
            )
        self.connection = connection
        self._session = open_session(connection)
        self._url = connection.to.url.rstrip("/")
        self._client = DICOMwebClient(self._url, session=self._session)
        # Who asks decides whether to ask again; a listener does, a person at a screen is told.
        self._client.set_http_retry_params(retry=False)

    def search(self, query: StudyQuery, most: int = MOST_STUDIES) -> list[FoundStudy]:
        """Studies that fit, at most so many, the newest first."""
        found: dict[str, FoundStudy] = {}
        for study in self.studies(query):
            found[study.uid] = study
            if len(found) >= most:
                break
        return sorted(found.values(), key=lambda one: (one.day or date.min, one.uid), reverse=True)

    def studies(self, query: StudyQuery, page: int = MOST_STUDIES) -> Iterator[FoundStudy]:
        """All studies that fit, each once, however many, in the order of the server."""
        known: set[str] = set()
        for modality in query.modalities or ("",):
            filters = {
                "StudyDate": query.dates,
                "ModalitiesInStudy": modality,
                "PatientID": query.patient,
                "AccessionNumber": query.accession,
            }
            start = 0
            while True:
                rows = self._studies(filters, page, start)
                new = [one for one in rows if one.uid not in known]
                known.update(one.uid for one in new)
                yield from new
                start += len(rows)
                # A server that knows no pages sends the same again.
                if len(rows) < page or not new:
                    break

    def films(self, study: str, series: str = "") -> list[Address]:
        """The films of a study, or of one of its series, by series and number.

        What says that it is no projection radiograph is left out; so is what xraycore writes.

        Raises:
            PacsError: If the server does not answer, or lists more than `MOST_FILMS` objects.
        """
        what = f"the films of study {study}"
        with errors_of(self.connection, what):
            rows = self._client.search_for_instances(
                study,
                series or None,
                fields=["Modality", "SeriesNumber", "InstanceNumber"],
                limit=MOST_FILMS + 1,
            )
            objects = [_plain(row) for row in rows]
        if len(objects) > MOST_FILMS:
            raise PacsError(
                f"{self.connection.place}: asked for {what}; expected at most {MOST_FILMS}, "
                f"received {len(objects)}."
            )
        films = [one for one in objects if _is_film(one)]
        films.sort(key=lambda one: (_number(one["SeriesNumber"]), _number(one["InstanceNumber"])))
        names = (
            (study, series or one["SeriesInstanceUID"], one["SOPInstanceUID"]) for one in films
        )
        return [
            Address(self.connection.name, *uids)
            for uids in dict.fromkeys(names)
            if all(map(is_uid, uids))
        ]

    def fetch(self, film: Address) -> bytes:
        """The file of a film, as the PACS has it.

        Raises:
            RadiographError: If the server has no such film, or it is too large: others may be read.
            PacsError: If the server does not answer at all.
        """
        path = f"studies/{film.study}/series/{film.series}/instances/{film.instance}"
        # Transfer Syntax *: as it lies there. Without it a server unpacks what it can.
        kind = 'multipart/related; type="application/dicom"; transfer-syntax=*'
        with errors_of(self.connection, f"film {film.instance}"):
            response = self._session.get(f"{self._url}/{path}", headers={"Accept": kind})
            if response.status_code in (404, 410, 500):
                raise RadiographError.of(
                    film.instance,
                    expected=f"a film of {self.connection.place}",
                    received=f"status {response.status_code}",
                )
            response.raise_for_status()
            parts = read_parts(response.headers.get("Content-Type", ""), response.content)
        if len(parts) != 1 or len(parts[0]) > MAX_BYTES:
            raise RadiographError.of(
                film.instance,
                expected=f"one film of at most {MAX_BYTES // 2**20} MiB of {self.connection.place}",
                received=f"{len(parts)} files of {sum(map(len, parts)) / 2**20:.1f} MiB",
            )
        return parts[0]

    def priors(self, study: FoundStudy, most: int) -> list[FoundStudy]:
        """Earlier studies of the same patient with a film, the newest first."""
        if not study.patient or study.day is None:
            return []
        try:
            query = StudyQuery(last=study.day, patient=study.patient)
        except ArgumentError:  # An ID that would be taken for a pattern.
            return []
        same = [
            one
            for one in self.search(query)
            # Not every server filters by what it is asked.
            if one.patient == study.patient and one.uid != study.uid
        ]
        return [one for one in same if one.day and one.day <= study.day][:most]

    def store(self, objects: Sequence[Dataset]) -> None:
        """Stores objects, one request each, so that one that is refused does not hide others.

        Raises:
            PacsError: If one is not stored; those before it are.
        """
        for one in objects:
            what = f"storing object {one.SOPInstanceUID}"
            with errors_of(self.connection, what):
                said = self._client.store_instances([one], one.StudyInstanceUID)
                failed = list(said.get(_FAILED) or [])
            if failed:
                reason = failed[0].get("FailureReason", "none")
                came = f"{reason:04X}h" if isinstance(reason, int) else "none"
                raise PacsError(
                    f"{self.connection.place}: asked for {what}; refused, reason {came}."
                )

    def _studies(self, filters: Mapping[str, str], page: int, start: int) -> list[FoundStudy]:
        with errors_of(self.connection, "a list of studies"):
            rows = self._client.search_for_studies(
                fields=list(_STUDY_FIELDS),
                limit=page,
                offset=start,
                search_filters={name: value for name, value in filters.items() if value},
            )
            # A server that knows no limit may send what it has: that much is looked at, no more.
            return [study for row in rows[:page] if (study := _study(_plain(row)))]


def read_parts(content_type: str, body: bytes) -> list[bytes]:
    """The parts of a multipart answer (RFC 2046), or the body itself where it has none.

    Raises:
        ValueError: If it has no boundary, or does not end with it.
    """
    if not content_type.lower().lstrip().startswith("multipart/"):
        return [body]
    found = re.search(r'boundary="?([^";,\s]{1,70})"?', content_type, re.IGNORECASE)
    if found is None:
        raise ValueError("no boundary")
    line = b"\r\n--" + found[1].encode("latin-1")
    pieces = (b"\r\n" + body).split(line)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise ValueError("cut short")
    return [content for piece in pieces[1:-1] if (content := piece.partition(b"\r\n\r\n")[2])]


def _plain(row: Mapping[str, Any]) -> dict[str, str]:
    """The wanted values of a row of DICOM JSON (PS3.18, F) by keyword, "" for what is not there.

    Not by pydicom: it refuses all of a row for one value that breaks the standard.
    """
    return {keyword: _text(row.get(tag, {}).get("Value")) for tag, keyword in _WANTED.items()}


def _text(values: list | None) -> str:
    texts = [one.get("Alphabetic", "") if isinstance(one, dict) else one for one in values or ()]
    text = "\\".join("" if one is None else str(one) for one in texts)
    return "".join(one if one.isprintable() else "?" for one in text)[:_LONGEST]


def _study(row: Mapping[str, str]) -> FoundStudy | None:
    if not is_uid(row["StudyInstanceUID"]):
        return None
    try:
        day = parse_day(row["StudyDate"])
    except ArgumentError:
        day = None
    return FoundStudy(
        row["StudyInstanceUID"],
        day,
        tuple(filter(None, row["ModalitiesInStudy"].split("\\"))),
        row["StudyDescription"],
        row["AccessionNumber"],
        row["PatientID"],
        " ".join(row["PatientName"].replace("^", " ").split()),
        _number(row["NumberOfStudyRelatedInstances"]),
    )


def _is_film(row: Mapping[str, str]) -> bool:
    kind, modality = row["SOPClassUID"], row["Modality"]
    return (not kind or kind in _FILMS) and (not modality or modality in PROJECTION_MODALITIES)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
