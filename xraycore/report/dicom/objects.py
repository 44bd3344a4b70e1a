"""All objects about a film, in the order in which one refers to another."""

from pydicom.dataset import Dataset

from xraycore.report.dicom.finding import FilmFinding
from xraycore.report.dicom.secondary_capture import capture_overlay
from xraycore.report.dicom.segmentation import segment_film
from xraycore.report.dicom.structured_report import report_answer


def write_objects(finding: FilmFinding) -> list[Dataset]:
    """The Secondary Capture, the Segmentation and the Structured Report of a finding."""
    segmentation = segment_film(finding)
    return [
        capture_overlay(finding),
        segmentation,
        report_answer(finding, segmentation),
    ]
