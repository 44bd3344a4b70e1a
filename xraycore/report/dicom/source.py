"""The header that objects about a film take the patient, the study and the film from."""

import io
from collections.abc import Callable
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.valuerep import DA, TM, PersonName

from xraycore.errors import RadiographError
from xraycore.imaging.dicom.attributes import Attributes
from xraycore.pacs.address import is_uid

# Of the patient and the study; empty where the film does not say (type 2 of the standard).
PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
STUDY = ("StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber")
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
# Letters that a value may have.
_LONGEST = {"PatientID": 64, "StudyID": 16, "AccessionNumber": 16, "StudyDescription": 64}


def read_source(data: bytes, name: str = "<bytes>") -> Dataset:
    """What objects about a DICOM film say of its patient and study, and what names the film.

    Nothing but that: no institution, no device, no private element. Values that break the standard
    are left empty, for they would make the objects invalid.

    Raises:
        RadiographError: If it is no DICOM file, or does not say which object of which study it is.
    """
    try:
        header = Attributes(dcmread(io.BytesIO(data), stop_before_pixels=True, force=True))
        uids = {keyword: str(header.value(keyword) or "").strip("\0 ") for keyword in _UIDS}
    except Exception as error:  # Whatever pydicom raises for what is no DICOM file.
        raise RadiographError.of(
            name, expected="a DICOM film", received=f"none ({type(error).__name__})"
        ) from error
    missing = [keyword for keyword, uid in uids.items() if not is_uid(uid)]
    if missing:
        raise RadiographError.of(
            name,
            expected="a DICOM film that says which object of which study it is",
            received=f"one without a valid {missing[0]}",
        )
    source = Dataset()
    # All text becomes UTF-8: a name reads the same, however the film wrote it.
    source.SpecificCharacterSet = "ISO_IR 192"
    for keyword, uid in uids.items():
        setattr(source, keyword, uid)
    for keyword in (*PATIENT, *STUDY):
        setattr(source, keyword, _valid(header, keyword))
    if described := _valid(header, "StudyDescription"):
        source.StudyDescription = described
    for keyword in ("Rows", "Columns"):
        setattr(source, keyword, header.integer(keyword))
    source.Modality = modality if (modality := header.code("Modality")) else "CR"
    source.InstanceNumber = max(1, header.integer("InstanceNumber", 1))
    for keyword in ("BurnedInAnnotation", "PatientOrientation"):
        if (value := header.value(keyword)) is not None:
            setattr(source, keyword, value)
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        spacing = header.numbers(keyword)
        if len(spacing) == 2 and all(0 < one < 1000 for one in spacing):
            setattr(source, keyword, [f"{one:.10g}"[:16] for one in spacing])
    return source


def _valid(header: Attributes, keyword: str) -> str | PersonName:
    """The element as the standard allows it; "" for what it does not."""
    value: Any = header.value(keyword)
    if value is None:
        return ""
    try:
        return _FORMS.get(keyword, _text)(keyword, value)
    except (ValueError, TypeError, AttributeError, UnicodeError):
        return ""


def _text(keyword: str, value: object) -> str:
    text = str(value).strip("\0 ")
    return text if len(text) <= _LONGEST.get(keyword, 64) and "\\" not in text else ""


def _name(keyword: str, value: object) -> PersonName:
    # Anew from its text: else it keeps the bytes of the film's own alphabet.
    name = PersonName(str(value))
    if any(len(group) > 64 for group in str(name).split("=")) or "\\" in str(name):
        raise ValueError
    return name


def _sex(keyword: str, value: object) -> str:
    return sex if (sex := str(value).strip().upper()) in ("M", "F", "O") else ""


def _date(keyword: str, value: object) -> str:
    day = DA(str(value).strip())
    return f"{day:%Y%m%d}" if day else ""


def _time(keyword: str, value: object) -> str:
    moment = TM(str(value).strip())
    return f"{moment:%H%M%S}" if moment else ""


_FORMS: dict[str, Callable[[str, object], Any]] = {
    **dict.fromkeys(("PatientName", "ReferringPhysicianName"), _name),
    **dict.fromkeys(("PatientBirthDate", "StudyDate"), _date),
    "StudyTime": _time,
    "PatientSex": _sex,
}
