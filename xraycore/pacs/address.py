"""What `dicomweb://NAME/STUDY` and its relatives mean."""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from os import PathLike
from typing import Self
from urllib.parse import parse_qsl

from xraycore.errors import ArgumentError

SCHEME = "dicomweb:"
# PS3.5, 9.1. It becomes part of an address: nothing else may.
UID = re.compile(r"[0-9]+(\.[0-9]+)*")
MAX_UID = 64
FORM = "dicomweb://NAME/STUDY, dicomweb://NAME/STUDY/SERIES/INSTANCE or dicomweb://NAME?date=…"
MODALITIES = ("CR", "DX")
# As many studies as a person looks through, and as many films as one study may have.
MOST_STUDIES, MOST_FILMS = 200, 2000
_QUERY = {"date", "modality", "patient", "accession"}
_MODALITY = re.compile(r"[A-Z0-9]{1,16}")


def is_uid(text: object) -> bool:
    """Whether a value is a UID."""
    return isinstance(text, str) and len(text) <= MAX_UID and bool(UID.fullmatch(text))


@dataclass(frozen=True)
class StudyQuery:
    """Which studies are searched for.

    Attributes:
        first: Date of the oldest; None for whichever.
        last: Of the newest, that day too.
        modalities: That the study has one of.
        patient: The patient's ID as the PACS has it; "" for any.
        accession: The accession number; "" for any.
    """

    first: date | None = None
    last: date | None = None
    modalities: tuple[str, ...] = MODALITIES
    patient: str = ""
    accession: str = ""

    def __post_init__(self) -> None:
        if self.first and self.last and self.first > self.last:
            raise ArgumentError(
                f"expected the first day before the last. Received: {self.first} and {self.last}"
            )
        for one in self.modalities:
            if not _MODALITY.fullmatch(one):
                raise ArgumentError(f"expected modalities such as CR and DX. Received: {one!r}")
        for text in (self.patient, self.accession):
            # Both are wild cards, and a backslash means "or".
            if any(letter in text for letter in "*?\\") or not text.isprintable():
                raise ArgumentError("expected an ID or number without *, ? and \\.")

    @property
    def dates(self) -> str:
        """As DICOM writes a range of dates; "" for any."""
        if not self.first and not self.last:
            return ""
        first, last = (f"{day:%Y%m%d}" if day else "" for day in (self.first, self.last))
        return first if first == last else f"{first}-{last}"


@dataclass(frozen=True)
class Address:
    """What of which PACS; the parts from the first empty one on are all that there are.

    Attributes:
        connection: Name of the PACS.
        study: Its UID; "" for those of the query.
        series: Likewise.
        instance: Likewise; with it the address is one film's.
        query: Where no study is named.
    """

    connection: str
    study: str = ""
    series: str = ""
    instance: str = ""
    query: StudyQuery = StudyQuery()

    def __str__(self) -> str:
        parts = filter(None, (self.connection, self.study, self.series, self.instance))
        return f"{SCHEME}//{'/'.join(parts)}"

    @classmethod
    def parse(cls, text: str | PathLike[str]) -> Self:
        """The address that a text is; also as `pathlib` writes it, with one slash.

        Raises:
            ArgumentError: If it is none.
        """
        found = re.fullmatch(rf"{SCHEME}//?([^/?]+)((?:/[^/?]+){{0,3}})/?(?:\?(.*))?", str(text))
        refusal = ArgumentError(f"expected {FORM}. Received: {str(text)[:200]!r}")
        if found is None:
            raise refusal
        uids = found[2].split("/")[1:]
        if not all(map(is_uid, uids)) or (uids and found[3]):
            raise refusal
        study, series, instance = (*uids, "", "", "")[:3]
        return cls(found[1], study, series, instance, _parse_query(found[3] or "", refusal))

    def of_study(self, study: str) -> "Address":
        """One study of the same PACS."""
        return replace(self, study=study, series="", instance="", query=StudyQuery())


def is_address(path: object) -> bool:
    """Whether a path is meant as an address of a PACS."""
    return str(path).startswith(SCHEME)


def parse_day(text: str) -> date:
    """The day of `2026-01-31` or `20260131`.

    Raises:
        ArgumentError: If it is none.
    """
    for form in ("%Y-%m-%d", "%Y%m%d"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise ArgumentError(f"expected a day such as 2026-01-31. Received: {text[:40]!r}")


def _parse_query(text: str, refusal: ArgumentError) -> StudyQuery:
    entries = parse_qsl(text, keep_blank_values=True)
    given = dict(entries)
    if len(given) != len(entries) or not _QUERY.issuperset(given):
        raise refusal
    first = last = None
    if days := given.get("date"):
        # Hyphens also part the year from the month.
        start, _, end = (
            days.partition("-") if re.fullmatch(r"\d{0,8}-\d{0,8}", days) else (*(days, "", days),)
        )
        first, last = (parse_day(day) if day else None for day in (start, end))
    modalities = tuple(filter(None, given.get("modality", ",".join(MODALITIES)).split(",")))
    return StudyQuery(first, last, modalities, given.get("patient", ""), given.get("accession", ""))
