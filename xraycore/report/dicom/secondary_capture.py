"""The film with heat laid over it and a legend burnt in, as a Secondary Capture."""

import cv2
import numpy as np
from highdicom.sc import SCImage
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from xraycore.config import NOTICE, VERSION
from xraycore.imaging.overlay import overlay
from xraycore.report.dicom.finding import MANUFACTURER, FilmFinding

# Longest side of the film in the picture, in pixels: a PACS has the film itself.
LONGEST = 1536
# Narrower ones are enlarged, each pixel to a square: the legend needs the room.
NARROWEST = 512
_NOTICE = "RESEARCH, NOT FOR DIAGNOSIS"
_FONT, _INK, _ALARM = cv2.FONT_HERSHEY_SIMPLEX, (225, 225, 225), (255, 180, 84)
# Letters of a line, so that it fits a picture of any width.
_LETTERS = 76


def capture_overlay(finding: FilmFinding, number: int = 1) -> SCImage:
    """The overlay as an object of the film's study, with what it must not be taken for in it."""
    source = finding.source
    picture = overlay(finding.radiograph, finding.heatmap, opacity=0.6, longest=LONGEST)
    times = -(-NARROWEST // picture.shape[1])
    picture = picture.repeat(times, axis=0).repeat(times, axis=1)
    image = SCImage(
        pixel_array=draw_legend(picture, legend(finding)),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        # It wants one; what the film does not say is taken out again below.
        patient_orientation=("L", "F"),
        study_instance_uid=source.StudyInstanceUID,
        series_instance_uid=finding.series_uid("capture"),
        series_number=901,
        sop_instance_uid=finding.uid("capture"),
        instance_number=number,
        manufacturer=MANUFACTURER,
        patient_id=source.PatientID,
        patient_name=source.PatientName,
        patient_birth_date=source.PatientBirthDate,
        patient_sex=source.PatientSex,
        accession_number=source.AccessionNumber,
        study_id=source.StudyID,
        study_date=source.StudyDate or None,
        study_time=source.StudyTime or None,
        referring_physician_name=source.ReferringPhysicianName,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        specific_character_set="ISO_IR 192",
        series_description="xraycore heat: research, not for diagnosis",
        manufacturer_model_name=finding.title,
        software_versions=VERSION,
    )
    image.PatientOrientation = source.get("PatientOrientation")
    image.Laterality = ""
    image.ImageType = ["DERIVED", "SECONDARY"]
    image.DerivationDescription = f"{finding.method}, {finding.title}. {NOTICE}"
    image.SourceImageSequence = [_reference(source)]
    # The legend tells nothing of the patient; what is burnt into the film is in its copy too.
    if "BurnedInAnnotation" in source:
        image.BurnedInAnnotation = source.BurnedInAnnotation
    return image


def legend(finding: FilmFinding) -> list[str]:
    """The lines under the picture, the first of which says what it is not."""
    scale = finding.heatmap.scale
    full = "the map's own maximum" if scale is None else f"{scale:.4g}"
    return [
        _NOTICE,
        f"{finding.title}: {finding.reading}",
        f"Heat: {finding.method}; full at {full}",
        f"weights {finding.weights[:16]} card {finding.prediction.card_sha256[:16] or 'none'}",
        f"xraycore {VERSION}" + (f", site {finding.site.name}" if finding.site else ""),
    ]


def draw_legend(picture: np.ndarray, lines: list[str]) -> np.ndarray:
    """The picture, uint8 RGB (H, W, 3), with lines of text on a black band below it."""
    # Seven pixels a letter at this size of the font, and a margin.
    scale = picture.shape[1] / (_LETTERS * 7.6)
    height = max(10, round(22 * scale))
    wrapped = [part for line in lines for part in _wrap(_plain(line))]
    band = np.zeros((height * len(wrapped) + height // 2, picture.shape[1], 3), np.uint8)
    for number, line in enumerate(wrapped):
        place = (height // 3, height * (number + 1) - height // 5)
        color = _ALARM if line == _NOTICE else _INK
        cv2.putText(
            band, line, place, _FONT, 0.45 * scale, color, max(1, round(scale)), cv2.LINE_AA
        )
    return np.vstack([picture, band])


def _plain(text: str) -> str:
    """What the font has no letters for, replaced."""
    return text.replace("×", "x").replace("–", "-").encode("ascii", "replace").decode()


def _wrap(line: str) -> list[str]:
    rows = [""]
    for word in line.split():
        longer = f"{rows[-1]} {word}".strip()
        if len(longer) <= _LETTERS:
            rows[-1] = longer
        else:
            rows.append(f"  {word}")
    return rows


def _reference(source: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = source.SOPClassUID
    item.ReferencedSOPInstanceUID = source.SOPInstanceUID
    return item
