"""What films' names say of one another: the same patient, an earlier study, a lateral."""

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal, TypeVar

from xraycore.datasets.layouts.listed import is_lateral
from xraycore.datasets.patients import NIH_FILM, find_patient

# A folder of CheXpert's, numbered by date; of MIMIC's, numbered at random; of BIDS, a label.
_NUMBERED_STUDY = re.compile(r"study[-_ ]?(\d{1,4})", re.IGNORECASE)
_STUDY = re.compile(r"s\d{5,}|ses-\w+", re.IGNORECASE)
_SESSION = re.compile(r"(?:^|_)(ses-[A-Za-z0-9]+)(?=_)")

Key = TypeVar("Key", bound=Hashable)
Relation = Literal["lateral", "study", "earlier", "later", "patient"]


@dataclass(frozen=True)
class FilmName:
    """What a film's name tells. Nobody has checked that it is so.

    Attributes:
        patient: What films of one patient have in common, as far as names go.
        study: The same of a study; "" where the name tells none.
        number: Of the study among the patient's, where the data set numbers them by time.
        lateral: Whether it calls the film a lateral.
    """

    patient: str
    study: str = ""
    number: int | None = None
    lateral: bool = False

    @property
    def of_study(self) -> str:
        """Its study in words; "" where nothing can be said of when it was."""
        return f"study {self.number}" if self.number is not None else ""


def read_film_name(path: PurePath, folders: Sequence[str] = ()) -> FilmName | None:
    """What a film's name tells by the layouts of public data sets; None where no patient.

    CheXpert (`patient00001/study1/view1_frontal.jpg`), MIMIC-CXR (`p10000032/s50414267/….jpg`), NIH
    ChestX-ray14 (`00000013_005.png`), BIDS (`sub-S03_ses-E07_vp-ll_dx.png`), chest_xray
    (`person1_bacteria_2.jpeg`). Where the name of the file tells the patient, it does so within
    its folder: sets number their patients anew.

    >>> read_film_name(PurePath("view2_lateral.jpg"), ("patient00042", "study3"))
    FilmName(patient='patient00042', study='study3', number=3, lateral=True)

    Args:
        path: Of the file.
        folders: Names of those above it, the outermost first.
    """
    found = find_patient(path, folders)
    if found is None:
        return None
    patient = "/".join((*found.within, found.name))
    words = re.split(r"[-_ .]+", path.stem)
    lateral = any(len(word) > 1 and is_lateral(word) for word in words)
    if follow_up := NIH_FILM.match(path.stem):
        return FilmName(patient, follow_up[2], int(follow_up[2]), lateral)
    for folder in reversed(folders):
        if match := _NUMBERED_STUDY.fullmatch(folder):
            return FilmName(patient, folder, int(match[1]), lateral)
        if _STUDY.fullmatch(folder):
            return FilmName(patient, folder, None, lateral)
    session = _SESSION.search(path.stem)
    return FilmName(patient, session[1] if session else "", None, lateral)


def relate(one: FilmName, other: FilmName) -> Relation | None:
    """What another film is to one, by their names; None where they name two patients.

    "patient" is one of another study, or of nobody knows which, before it or after.
    """
    if one.patient != other.patient:
        return None
    if one.study and one.study == other.study:
        return "lateral" if other.lateral and not one.lateral else "study"
    if one.number is None or other.number is None or one.number == other.number:
        return "patient"
    return "earlier" if other.number < one.number else "later"


def nearest(one: FilmName, others: Mapping[Key, FilmName]) -> dict[Relation, Key]:
    """Relation -> which of the others stands in it, of several that of the nearest study.

    Of an earlier and a later study a film of the same view is preferred.
    """
    found: dict[Relation, Key] = {}
    for key, other in others.items():
        relation = relate(one, other)
        if relation and (
            relation not in found or _distance(one, other) < _distance(one, others[found[relation]])
        ):
            found[relation] = key
    return found


def _distance(one: FilmName, other: FilmName) -> tuple[int, bool]:
    studies = abs((one.number or 0) - (other.number or 0))
    return studies, one.lateral != other.lateral
