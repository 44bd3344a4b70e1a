"""Which patient a film is of, as names of files and folders tell it in public data sets."""

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import NamedTuple

from xraycore.datasets.labels import BACTERIAL, VIRAL

_KERMANY_PNEUMONIA = re.compile(r"(person\d+)_(bacteria|virus)", re.IGNORECASE)
_KERMANY_NORMAL = re.compile(r"((?:NORMAL2-)?IM-\d+)-", re.IGNORECASE)
# <patient>_<follow-up> of NIH ChestX-ray14.
NIH_FILM = re.compile(r"(\d{8})_(\d{3})$")
# A folder of one patient (CheXpert's `patient00001`, MIMIC's `p10000032`), and the same as the
# beginning of a file's name (`patient12_view1`, BIDS' `sub-S03_ses-1`).
_CALLED = r"(?:patient|pat|pt|person|subject|subj|sub|case)[-_ ]?[A-Z]?\d+"
_FOLDER = re.compile(rf"(?:{_CALLED}\w*|p\d{{3,}})", re.IGNORECASE)
_FILE = re.compile(rf"({_CALLED})(?=[-_ .])", re.IGNORECASE)


def kermany_patient(name: str, label: str) -> tuple[str, str | None]:
    """The finer class and the patient that a file name of Kermany's set (Cell 172:1122) tells.

    `NORMAL2-IM-0381` and `IM-0381` are numbered apart: thumbnails of equal numbers under the two
    prefixes correlate no more than random pairs (median 0.74 against 0.74; one prefix: 0.81).
    """
    if match := _KERMANY_PNEUMONIA.match(name):
        kind = BACTERIAL if match[2].lower() == "bacteria" else VIRAL
        return (kind if label == "Pneumonia" else label), f"{match[1]}_{match[2]}".lower()
    match = _KERMANY_NORMAL.match(name)
    return label, match[1] if match else None


class PatientName(NamedTuple):
    """A patient as a name tells it, and the folders within which that name means one patient."""

    name: str
    within: tuple[str, ...] = ()


def patient_of(path: PurePath, folders: Sequence[str] = ()) -> str | None:
    """The patient that a film's name tells, or one of the folders above it; None if neither does.

    >>> patient_of(PurePath("00000013_005.png"))
    '00000013'
    >>> patient_of(PurePath("view1_frontal.jpg"), ("patient00042", "study1"))
    'patient00042'

    Args:
        path: Of the file.
        folders: Names of those above it within the data set, the outermost first.
    """
    found = find_patient(path, folders)
    return found.name if found else None


def find_patient(path: PurePath, folders: Sequence[str] = ()) -> PatientName | None:
    """The same, with the folders within which no other patient is called so."""
    _, kermany = kermany_patient(path.name, "")
    if kermany:
        return PatientName(kermany, tuple(folders))
    if match := NIH_FILM.match(path.stem):
        # Numbered once for all of its folders.
        return PatientName(match[1])
    for place, folder in reversed(list(enumerate(folders))):
        if _FOLDER.fullmatch(folder.strip()):
            return PatientName(folder.strip(), tuple(folders[:place]))
    match = _FILE.match(path.name)
    return PatientName(match[1], tuple(folders)) if match else None
