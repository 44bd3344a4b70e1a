"""What a DICOM header says about its film that makes a reading of it doubtful."""

import re
from collections.abc import Sequence
from datetime import date

from xraycore.imaging.dicom.attributes import Attributes
from xraycore.imaging.film_warnings import BURNED_IN, FilmWarning

# PS3.3 C.7.3.1.1.1: computed radiography, digital radiography, digitised film.
PROJECTION_MODALITIES = ("CR", "DX", "RG")
# What PS3.3 C.7.3.1.1.1 calls something else. Any other word is a device's own, as DR or X-RAY.
_OTHERS = (
    "ANN AR ASMT AU BDUS BI BMD CD CFM CT CTPROTOCOL DD DF DG DM DMS DOC ECG EEG EMG EOG EPS ES"
    " FA FID FS GM HC HD IO IOL IVOCT IVUS KER KO LEN LP LS M3D MA MG MR MS NM OAM OCT OP OPM OPR"
    " OPT OPTBSV OPTENF OPV OSS PA PLAN POS PR PT PX REG RESP RF RTDOSE RTIMAGE RTINTENT RTPLAN"
    " RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SEG SM SMR SR SRF ST STAIN TEXTUREMAP TG US VA VF XA"
    " XAPROTOCOL XC"
)
OTHER_MODALITIES = frozenset(_OTHERS.split())
FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1.1"

# View Position as the standard has it and as devices write it.
_LATERAL = re.compile(r"\b(LL|RL|LAT(ERAL\w*)?|L ?LAT|R ?LAT|SEITL\w*|PROFIL\w*|LATERO\w*)\b")
_OBLIQUE = re.compile(r"\b(RLO|LLO|LAO|RAO|LPO|RPO|OBL(IQUE?)?\w*)\b")
_OTHER_VIEW = re.compile(r"\b(LLD|RLD|DECUB\w*|LORDOTIC|APICAL|AXIAL|AX|TANGENTIAL|MLO|CC|XCCL)\b")
_FRONTAL = re.compile(r"\b(PA|AP|FRONTAL|POST\w* ANT\w*|ANT\w* POST\w*)\b")
# SNOMED codes of View Code Sequence (PS3.16 CID 4010), as they are and as they were.
_LATERAL_CODES = ("399067008", "399173006", "399198007", "R-102CD", "R-10236", "R-10232")
_OBLIQUE_CODES = ("399135007", "399356000", "399006002", "399038007", "399182000")
# Of Body Part Examined in the languages that devices speak; what else stands there is no chest.
_CHEST = re.compile(
    "CHEST|THORA|TORA|LUNG|PULM|BRUSTKORB|POITRINE|PECHO|PEITO|RIB|STERN|HEART|MEDIAST|CARDI|"
    "CXR|^THX|BRUST|PNEUMO|PLUCA|BORST|GÖĞÜS|GOGUS|ГРУД|ЛЕГК|ОГК|胸|肺|"
    "WHOLE|BODY|TRUNK|TORSO|CLAVIC|UNKNOWN|OTHER|UNDEFINED|NOT SPECIFIED|^N/?A$|^NONE$"
)
# Whole years. The children that networks were trained on are 1 to 5 years old, all others adults.
_CHILDREN, _ADULT = (1, 5), 18


def statements(header: Attributes) -> list[FilmWarning]:
    """A warning for each thing that the header says against reading its film as a chest film."""
    warnings = [_modality(header), _view(header), _raw(header), _body_part(header), _age(header)]
    warnings += [_orientation(header), _burned_in(header)]
    return [warning for warning in warnings if warning is not None]


def _burned_in(header: Attributes) -> FilmWarning | None:
    if header.code("BurnedInAnnotation") != "YES":
        return None
    text = (
        "The DICOM file says that text is burnt into its film. It may name the patient: look "
        "before a picture of it leaves this computer."
    )
    return FilmWarning(BURNED_IN, text)


def _modality(header: Attributes) -> FilmWarning | None:
    modality = header.code("Modality")
    as_written = str(header.value("Modality") or "").strip()
    if as_written in PROJECTION_MODALITIES:
        return None
    # Free text may hold anything, so only codes are repeated.
    known = {"": "missing", "OT": "“other” (OT)"}
    code = re.fullmatch(r"[A-Z0-9]{1,4}", as_written)
    term = known.get(modality) or (f"“{modality}”" if code else "no term of the standard")
    text = f"The modality in the DICOM file is {term}: it may not be a radiograph."
    return FilmWarning("modality", text)


def _view(header: Attributes) -> FilmWarning | None:
    position = header.code("ViewPosition")
    codes = [item.code("CodeValue") for item in header.items("ViewCodeSequence")]
    words = [item.code("CodeMeaning") for item in header.items("ViewCodeSequence")]
    # Which side of the patient the rows and the columns run to: of a lateral film, its front.
    sides = header.code("PatientOrientation")
    described = " ".join(map(header.code, ("SeriesDescription", "ProtocolName")))
    told = " ".join([position, *words])
    if not told.strip() and not _FRONTAL.search(described):
        told = described
    lateral = _LATERAL.search(told) or any(code in _LATERAL_CODES for code in codes)
    oblique = _OBLIQUE.search(told) or any(code in _OBLIQUE_CODES for code in codes)
    if _OTHER_VIEW.search(told):
        return _another_view("projection", "a projection that is neither PA nor AP")
    if oblique:
        return _another_view("oblique", "an oblique view")
    front = sides[:1].upper() in ("A", "P") and not _FRONTAL.search(told)
    return _another_view("lateral", "a lateral view") if lateral or front else None


def _another_view(code: str, view: str) -> FilmWarning:
    text = f"The DICOM file says that this is {view}: the networks know frontal films only."
    return FilmWarning(code, text)


def _orientation(header: Attributes) -> FilmWarning | None:
    """A frontal film is shown with the patient's left at the right and the feet below."""
    value = header.value("PatientOrientation")
    if isinstance(value, str | bytes) or not isinstance(value, Sequence) or len(value) != 2:
        return None
    rows, columns = (str(side).strip().upper()[:1] for side in value)
    turned = {
        ("R", "F"): "mirrored",
        ("L", "H"): "upside down",
        ("R", "H"): "turned by half",
        ("F", "L"): "turned to its side",
        ("F", "R"): "turned to its side",
        ("H", "L"): "turned to its side",
        ("H", "R"): "turned to its side",
    }.get((rows, columns))
    if turned is None:
        return None
    text = (
        f"The DICOM file says that its film is {turned}: it is shown and read as it is stored, and "
        "the networks know upright films with the patient's left at the right."
    )
    return FilmWarning("orientation", text)


def _raw(header: Attributes) -> FilmWarning | None:
    intent, kind = header.code("PresentationIntentType"), header.code("SOPClassUID")
    if "PROCESSING" not in intent and kind != FOR_PROCESSING:
        return None
    text = (
        "The DICOM file holds raw data of the detector (for processing), not the film that was "
        "made of them: its greys are not those that the networks know."
    )
    return FilmWarning("raw", text)


def _body_part(header: Attributes) -> FilmWarning | None:
    told = header.code("BodyPartExamined")
    if not told:
        regions = header.items("AnatomicRegionSequence")
        told = " ".join(item.code("CodeMeaning") for item in regions).strip()
    if not told or _CHEST.search(told):
        return None
    # A term of the standard is one word in capitals; anything else might hold a name.
    part = f" ({told.lower()})" if re.fullmatch(r"[A-Z]{3,16}", told) else ""
    text = f"The DICOM file says that this is no chest film but another body part{part}."
    return FilmWarning("body-part", text)


def _age(header: Attributes) -> FilmWarning | None:
    years = _years(header)
    if years is None or years >= _ADULT or _CHILDREN[0] <= years < _CHILDREN[1] + 1:
        return None
    young = "is under one year old" if years < 1 else "is from 6 to 17 years old"
    text = (
        f"The DICOM file says that the patient {young}: the networks were trained on children "
        "from 1 to 5 years and on adults."
    )
    return FilmWarning("age", text)


def _years(header: Attributes) -> float | None:
    """Age in years, from the age itself or from two dates; neither is kept."""
    age = re.fullmatch(r"(\d{1,4})\s*([DWMY]?)[A-Z]*", header.code("PatientAge"))
    if age:
        days = {"D": 1, "W": 7, "M": 30.44, "Y": 365.25, "": 365.25}[age[2]]
        # A year that is written as 12M is a year.
        return (int(age[1]) * days + 0.5) / 365.25
    born = _date(header.code("PatientBirthDate"))
    taken = next(filter(None, map(_date, map(header.code, ("ContentDate", "StudyDate")))), None)
    if born is None or taken is None or not 0 <= (taken - born).days < 130 * 365:
        return None
    return ((taken - born).days + 0.5) / 365.25


def _date(text: str) -> date | None:
    digits = re.sub(r"\D", "", text)[:8]
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
