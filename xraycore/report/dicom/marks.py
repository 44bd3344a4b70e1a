"""What readers of a study marked on a film, as a Structured Report."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from highdicom.sr import (
    CodedConcept,
    ComprehensiveSR,
    ImageRegion,
    MeasurementsAndQualitativeEvaluations,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as dicom_codes
from pydicom.uid import generate_uid

from xraycore.config import NOTICE, VERSION
from xraycore.errors import ArgumentError
from xraycore.imaging.box import Box
from xraycore.report.dicom import codes
from xraycore.report.dicom.structured_report import Group, add_text, measure, write_sr


@dataclass(frozen=True)
class FilmMarks:
    """What one reader says of a film and a heatmap on it.

    Attributes:
        reader: The reader's name, as results show it.
        about: Which heatmap was judged, in words.
        verdict: "agree", "disagree" or "unsure"; None for none.
        grade: 1 to 5; None for none.
        boxes: Where the reader says that the finding is.
        no_finding: Whether the reader says that there is none.
    """

    reader: str
    about: str
    verdict: str | None = None
    grade: int | None = None
    boxes: Sequence[Box] = ()
    no_finding: bool = False


def report_marks(
    source: Dataset, study: str, reader: str, marks: Sequence[FilmMarks], number: int = 1
) -> ComprehensiveSR:
    """A report of what one reader of a study says of a film; a region a box, on the film's pixels.

    Args:
        source: Header of the film, see `read_source`.
        study: Name of the reading study.
        reader: Whose marks they are.
        marks: One a heatmap of the film.
        number: Of the object in its series.

    Raises:
        ArgumentError: If there is no mark.
    """
    if not marks:
        raise ArgumentError(f"expected what {reader} said of the film; received nothing.")
    parts = (source.SOPInstanceUID, study, reader, VERSION)
    groups: list[Group] = []
    for place, one in enumerate(marks):
        entropy = [*map(str, parts), str(place), repr(one)]
        groups += _groups(source, study, one, entropy)
    said = [*map(str, parts), *map(repr, marks)]
    observer = ObserverContext(
        CodedConcept.from_code(dicom_codes.DCM.Person),
        # Parts of a name stand between carets: of one that a reader chose all is the first.
        PersonObserverIdentifyingAttributes(
            name=reader.replace("^", " ").replace("=", " ")[:63] + "^"
        ),
    )
    return write_sr(
        source,
        observer,
        groups,
        evidence=[source],
        uids=(
            generate_uid(entropy_srcs=["marks", source.StudyInstanceUID, study, VERSION]),
            generate_uid(entropy_srcs=["marks", *said]),
        ),
        model="xraycore reader study",
        number=number,
    )


def _groups(source: Dataset, study: str, marks: FilmMarks, entropy: list[str]) -> list[Group]:
    evaluations = []
    if marks.verdict:
        evaluations.append(QualitativeEvaluation(codes.VERDICT, codes.verdict_code(marks.verdict)))
    if marks.no_finding:
        evaluations.append(QualitativeEvaluation(codes.NO_FINDING, codes.PRESENT))
    whole = MeasurementsAndQualitativeEvaluations(
        TrackingIdentifier(generate_uid(entropy_srcs=[*entropy, "film"]), "Reading"),
        measurements=[measure(codes.GRADE, marks.grade)] if marks.grade else [],
        qualitative_evaluations=evaluations,
        source_images=[SourceImageForMeasurementGroup.from_source_image(source)],
    )
    add_text(whole, codes.COMMENT, f"Reading study {study}. Heatmap: {marks.about}. {NOTICE}")
    groups: list[Group] = [whole]
    for place, box in enumerate(marks.boxes):
        uid = generate_uid(entropy_srcs=[*entropy, f"box {place}"])
        groups.append(
            PlanarROIMeasurementsAndQualitativeEvaluations(
                TrackingIdentifier(uid, f"Mark {place + 1}"),
                referenced_region=ImageRegion(
                    "POLYLINE",
                    _outline(box, source.Rows, source.Columns),
                    SourceImageForRegion.from_source_image(source),
                ),
                finding_type=codes.MARK,
            )
        )
    return groups


def _outline(box: Box, rows: int, columns: int) -> np.ndarray:
    """The closed outline of a box, (5, 2) columns and rows in pixels of the film."""
    left, right = box.left * columns, box.right * columns
    top, bottom = box.top * rows, box.bottom * rows
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    return np.array(corners, np.float32)
