"""Codes of what is said: SNOMED CT, RadLex and DICOM's own; ours only where these have none."""

import hashlib

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom.sr.coding import Code

from xraycore.datasets.labels import BACTERIAL, COVID, NORMAL, VIRAL

OURS = "99XRAYCORE"
SCHEMES = (
    CodingSchemeIdentificationItem(OURS, name="xraycore"),
    CodingSchemeIdentificationItem("RADLEX", name="RadLex"),
)
OPACITY = Code("RID28530", "RADLEX", "opacity")
LUNG = Code("39607008", "SCT", "Lung")
CHEST_X_RAY = Code("399208008", "SCT", "Plain chest X-ray")
PRESENT = Code("52101004", "SCT", "Present")
ABSENT = Code("272519000", "SCT", "Absent")
INDETERMINATE = Code("82334004", "SCT", "Indeterminate")
PROBABILITY = Code("122157", "DCM", "Probability")
COMMENT = Code("121106", "DCM", "Comment")
SALIENCY = Code("130404", "DCM", "Saliency")
ANATOMICAL = Code("91723000", "SCT", "Anatomical Structure")
SPATIAL = Code("309825002", "SCT", "Spatial and Relational Concept")
NEURAL_NETWORK = Code("123110", "DCM", "Artificial Intelligence")
MARK = Code("mark", OURS, "Where a reader marked the finding")
NO_FINDING = Code("no-finding", OURS, "A reader says that there is no finding")
VERDICT = Code("verdict", OURS, "Does the finding lie where the heatmap says?")
GRADE = Code("grade", OURS, "Grade of the heatmap, 1 to 5")
ANSWER = Code("answer", OURS, "Answer of the network")
WARNING = Code("warning", OURS, "Warning")
TRUST = Code("trust", OURS, "How often such an answer was right elsewhere")
OPERATING_POINT = Code("operating-point", OURS, "Least probability called an opacity")
HEAT_THRESHOLD = Code("heat-threshold", OURS, "Least heat of the segment, of full heat")
HEAT_SHARE = Code("heat-in-lungs", OURS, "Share of the heat that lies in the lungs")
AREA_SHARE = Code("area", OURS, "Share of the film that the segment covers")
_KNOWN = {
    NORMAL: Code("17621005", "SCT", "Normal"),
    "Pneumonia": Code("233604007", "SCT", "Pneumonia"),
    BACTERIAL: Code("53084003", "SCT", "Bacterial pneumonia"),
    VIRAL: Code("75570004", "SCT", "Viral pneumonia"),
    COVID: Code("840539006", "SCT", "COVID-19"),
}
_MAX_MEANING = 64


def code_of(label: str) -> Code:
    """The code of a class, ours where no scheme is known to have one."""
    if label in _KNOWN:
        return _KNOWN[label]
    digest = hashlib.sha256(label.encode()).hexdigest()[:10]
    return Code(f"class-{digest}", OURS, label[:_MAX_MEANING])


def verdict_code(verdict: str) -> Code:
    """The code of what a reader says of a heatmap."""
    return Code(f"verdict-{verdict}"[:16], OURS, verdict.capitalize())
