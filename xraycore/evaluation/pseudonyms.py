"""Films by pseudonyms: what is installed with a model names no file and no patient."""

import hashlib
from dataclasses import replace
from pathlib import Path

from xraycore.datasets.manifest import Record
from xraycore.datasets.public import CITATIONS
from xraycore.evaluation.predictions import PredictionSet
from xraycore.utils.files import sha256

_LENGTH = 16


def with_pseudonyms(outcome: PredictionSet) -> PredictionSet:
    """The same predictions, of films and patients under pseudonyms.

    A film's is of its file's content, so that it is the same in every model's predictions, and
    nobody without the film finds it out; a patient's is of the first of these. The films of public
    data sets keep the names by which anybody can look them up.
    """
    digests = {record.path: _digest(record.path) for record in outcome.records if _private(record)}
    patients: dict[str, str] = {}
    for record in outcome.records:
        if _private(record):
            known = patients.get(record.group, digests[record.path])
            patients[record.group] = min(known, digests[record.path])
    records = tuple(
        replace(
            record,
            path=Path(f"film-{digests[record.path]}"),
            group=f"{record.source}/patient-{_hashed(patients[record.group])}",
        )
        if _private(record)
        else record
        for record in outcome.records
    )
    return replace(outcome, records=records)


def _private(record: Record) -> bool:
    return record.source not in CITATIONS


def _digest(file: Path) -> str:
    return sha256(file)[:_LENGTH]


def _hashed(text: str) -> str:
    """Not the film's own: a patient's pseudonym is to lead to none of his films."""
    return hashlib.sha256(f"patient {text}".encode()).hexdigest()[:_LENGTH]
