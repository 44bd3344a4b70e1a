"""Lungs and heat as a Segmentation: which pixels of the film itself they are."""

import cv2
import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.seg import Segmentation, SegmentDescription
from pydicom.uid import ExplicitVRLittleEndian

from xraycore.anatomy.segmenter import segmenter_sha256
from xraycore.config import NOTICE, VERSION
from xraycore.report.dicom import codes
from xraycore.report.dicom.finding import MANUFACTURER, FilmFinding

LUNGS, HEAT = 1, 2


def segment_film(finding: FilmFinding, number: int = 1) -> Segmentation:
    """The lungs found on the film, and where heat reaches the finding's threshold, as two segments.

    On the film's stored grid. A segment that has no pixel is there all the same: that nothing was
    found is a finding.
    """
    masks = np.stack([lungs_on_film(finding), heatmap_on_film(finding)], axis=-1)
    segmentation = Segmentation(
        source_images=[finding.source],
        pixel_array=masks[None].astype(np.uint8),
        segmentation_type="BINARY",
        segment_descriptions=[_describe_lungs(), _describe_heatmap(finding)],
        series_instance_uid=finding.series_uid("segmentation"),
        series_number=902,
        sop_instance_uid=finding.uid("segmentation"),
        instance_number=number,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=finding.title,
        software_versions=VERSION,
        device_serial_number=finding.weights[:64] or "none",
        content_label="XRAYCORE",
        content_description=NOTICE,
        omit_empty_frames=False,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        series_description="xraycore lungs and heat: research, not for diagnosis",
    )
    segmentation.PatientOrientation = finding.source.get("PatientOrientation")
    # A reader is named by it; nobody has read this.
    segmentation.ContentCreatorName = ""
    return segmentation


def lungs_on_film(finding: FilmFinding) -> np.ndarray:
    """Bool (Rows, Columns); all false where no lungs were found."""
    mask = finding.prediction.lungs.mask.astype(np.float32)
    size = (finding.source.Columns, finding.source.Rows)
    return cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR) > 0.5


def heatmap_on_film(finding: FilmFinding) -> np.ndarray:
    """Bool (Rows, Columns): where heat reaches the threshold."""
    return finding.heat >= finding.threshold


def _describe_lungs() -> SegmentDescription:
    return SegmentDescription(
        LUNGS,
        "Lungs",
        codes.ANATOMICAL,
        codes.LUNG,
        "AUTOMATIC",
        AlgorithmIdentificationSequence(
            "xraycore lungs",
            codes.NEURAL_NETWORK,
            VERSION,
            parameters={"weights": segmenter_sha256() or "none"},
        ),
    )


def _describe_heatmap(finding: FilmFinding) -> SegmentDescription:
    scale = finding.heatmap.scale
    full = "own maximum" if scale is None else f"{scale:.6g}"
    return SegmentDescription(
        HEAT,
        f"Heat from {finding.threshold:.0%} of full heat on"[:64],
        codes.SPATIAL,
        codes.SALIENCY,
        "AUTOMATIC",
        AlgorithmIdentificationSequence(
            finding.method[:64],
            codes.NEURAL_NETWORK,
            VERSION,
            parameters={
                "model": finding.prediction.model,
                "weights": finding.weights,
                "threshold": f"{finding.threshold:g}",
                "full heat": full,
            },
        ),
        anatomic_regions=[codes.LUNG],
    )
