"""The answer on two levels as a Structured Report, TID 1500 "Measurement Report" (PS3.16)."""

from collections.abc import Sequence

from highdicom.seg import Segmentation
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    ComprehensiveSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    ReferencedSegmentationFrame,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as dicom_codes
from pydicom.sr.coding import Code
from pydicom.uid import generate_uid

from xraycore.config import NOTICE, VERSION
from xraycore.imaging.film_warnings import warning_codes
from xraycore.models.levels import CANNOT_TELL, NONE, KindAnswer
from xraycore.report.dicom import codes
from xraycore.report.dicom.finding import MANUFACTURER, FilmFinding
from xraycore.report.dicom.segmentation import HEAT, LUNGS, heatmap_on_film, lungs_on_film

Group = MeasurementsAndQualitativeEvaluations | PlanarROIMeasurementsAndQualitativeEvaluations
_MAX_TEXT = 1024


def report_answer(
    finding: FilmFinding, segmentation: Segmentation, number: int = 1
) -> ComprehensiveSR:
    """The report of a film: both levels, all probabilities, operating point, trust, warnings.

    Args:
        finding: What was found.
        segmentation: Of the same finding, whose segments it refers to.
        number: Of the object in its series.
    """
    return write_sr(
        finding.source,
        device_observer(finding.title, finding.weights),
        [
            _opacity(finding),
            *_kinds(finding),
            _classes(finding),
            _region(finding, segmentation, LUNGS),
            _region(finding, segmentation, HEAT),
        ],
        evidence=[finding.source, segmentation],
        uids=(finding.series_uid("report"), finding.uid("report")),
        model=finding.title,
        number=number,
    )


def write_sr(
    source: Dataset,
    observer: ObserverContext,
    groups: Sequence[Group],
    *,
    evidence: Sequence[Dataset],
    uids: tuple[str, str],
    model: str,
    number: int = 1,
) -> ComprehensiveSR:
    """A measurement report on a film, of the film's study.

    Args:
        source: Header of the film.
        observer: Who says it.
        groups: What is said.
        evidence: The film, and what else groups refer to.
        uids: Of the series, and of the object.
        model: Name of what made it.
        number: Of the object in its series.
    """
    by_device = observer[0].ConceptCodeSequence[0].CodeValue == dicom_codes.DCM.Device.value
    context = (
        ObservationContext(observer_device_context=observer)
        if by_device
        else ObservationContext(observer_person_context=observer)
    )
    content = MeasurementReport(
        context,
        procedure_reported=codes.CHEST_X_RAY,
        imaging_measurements=list(groups),
        title=dicom_codes.DCM.ImagingMeasurementReport,
    )
    report = ComprehensiveSR(
        evidence=list(evidence),
        content=content[0],
        series_instance_uid=uids[0],
        series_number=903,
        sop_instance_uid=uids[1],
        instance_number=number,
        manufacturer=MANUFACTURER,
        is_complete=True,
        series_description="xraycore report: research, not for diagnosis",
        manufacturer_model_name=model,
        software_versions=VERSION,
        coding_schemes=list(codes.SCHEMES),
        specific_character_set="ISO_IR 192",
    )
    return report


def device_observer(title: str, weights: str) -> ObserverContext:
    """The software as who observes: a network with its weights."""
    return ObserverContext(
        CodedConcept.from_code(dicom_codes.DCM.Device),
        DeviceObserverIdentifyingAttributes(
            uid=generate_uid(entropy_srcs=["xraycore", VERSION, title, weights]),
            name="xraycore",
            manufacturer_name=MANUFACTURER,
            model_name=title,
            serial_number=weights or "none",
        ),
    )


def add_text(group: Group, name: Code, text: str) -> None:
    """Says something in words within a group (TID 1501 has room for it)."""
    item = TextContentItem(
        CodedConcept.from_code(name), text[:_MAX_TEXT], RelationshipTypeValues.CONTAINS
    )
    group[0].ContentSequence.append(item)


def _opacity(finding: FilmFinding) -> Group:
    """Level 1: is there an opacity?"""
    answer = finding.answer
    measurements, evaluations = [], []
    if answer is not None:
        first = answer.opacity
        measurements = [
            measure(codes.PROBABILITY, first.probability),
            measure(codes.OPERATING_POINT, first.point.threshold),
        ]
        if first.answer is not None:
            present = (
                codes.PRESENT
                if first.positive
                else codes.ABSENT
                if first.answer == NONE
                else codes.INDETERMINATE
            )
            evaluations = [QualitativeEvaluation(codes.OPACITY, present)]
    group = _whole_film(finding, "Opacity", codes.OPACITY, measurements, evaluations)
    add_text(group, codes.ANSWER, finding.reading)
    if answer is not None:
        origin = f"Operating point: {answer.opacity.point.title} ({answer.opacity.point.origin})"
        add_text(group, codes.COMMENT, origin)
        if answer.opacity.trust:
            add_text(group, codes.TRUST, answer.opacity.trust.text)
        if not answer.scope.inside:
            add_text(group, codes.ANSWER, answer.scope.text)
    warnings = finding.prediction.warnings
    for code, text in zip(warning_codes(warnings), warnings, strict=True):
        add_text(group, codes.WARNING, f"{code}: {text}" if code else text)
    add_text(group, codes.COMMENT, NOTICE)
    return group


def _kinds(finding: FilmFinding) -> list[Group]:
    """Level 2: of which kind; none where level 1 says that there is none."""
    kind = finding.answer.kind if finding.answer else None
    if kind is None:
        return []
    groups = [_kind(finding, kind, name) for name in kind.probabilities]
    add_text(groups[0], codes.COMMENT, kind.rests_on)
    return groups


def _kind(finding: FilmFinding, kind: KindAnswer, name: str) -> Group:
    code = codes.code_of(name)
    said = (
        codes.INDETERMINATE
        if kind.answer == CANNOT_TELL
        else codes.PRESENT
        if kind.answer == name
        else codes.ABSENT
    )
    group = _whole_film(
        finding,
        f"Kind: {name}",
        code,
        [measure(codes.PROBABILITY, kind.probabilities[name])],
        [QualitativeEvaluation(code, said)],
    )
    if kind.answer == name and kind.trust:
        add_text(group, codes.TRUST, kind.trust.text)
    return group


def _classes(finding: FilmFinding) -> Group:
    """The probability of each class that the network knows, as it gives them."""
    found = finding.prediction.probabilities
    measurements = [measure(codes.code_of(name), value) for name, value in found.items()]
    return _whole_film(finding, "Probabilities of all classes", None, measurements, [])


def _whole_film(
    finding: FilmFinding,
    title: str,
    code: Code | None,
    measurements: list[Measurement],
    evaluations: list[QualitativeEvaluation],
) -> Group:
    return MeasurementsAndQualitativeEvaluations(
        _tracking(finding, title),
        finding_type=code,
        algorithm_id=_algorithm(finding),
        finding_sites=[FindingSite(codes.LUNG)],
        measurements=measurements,
        qualitative_evaluations=evaluations,
        source_images=[SourceImageForMeasurementGroup.from_source_image(finding.source)],
    )


def _region(finding: FilmFinding, segmentation: Segmentation, segment: int) -> Group:
    """A segment, and how much of the film it covers."""
    mask = lungs_on_film(finding) if segment == LUNGS else heatmap_on_film(finding)
    measurements = [measure(codes.AREA_SHARE, float(mask.mean()))]
    if segment == HEAT:
        measurements.append(measure(codes.HEAT_THRESHOLD, finding.threshold))
        inside = finding.prediction.lungs.fraction_in_lungs(
            finding.heatmap.values, finding.heatmap.box
        )
        if inside == inside:  # Not where no lungs were found.
            measurements.append(measure(codes.HEAT_SHARE, inside))
    reference = ReferencedSegmentationFrame.from_segmentation(segmentation, segment_number=segment)
    for item in reference:
        # A segment is named by its number, and a film has no frames (PS3.3, 10.3).
        item.ReferencedSOPSequence[0].pop("ReferencedFrameNumber", None)
    group = PlanarROIMeasurementsAndQualitativeEvaluations(
        _tracking(finding, "Lungs" if segment == LUNGS else "Heat"),
        referenced_segment=reference,
        finding_type=codes.LUNG if segment == LUNGS else codes.SALIENCY,
        algorithm_id=_algorithm(finding),
        measurements=measurements,
    )
    if segment == HEAT:
        add_text(group, codes.COMMENT, f"{finding.method}. Heat is evidence, and no finding.")
    return group


def _tracking(finding: FilmFinding, title: str) -> TrackingIdentifier:
    return TrackingIdentifier(uid=finding.uid(f"group {title}"), identifier=title)


def _algorithm(finding: FilmFinding) -> AlgorithmIdentification:
    return AlgorithmIdentification(
        finding.title,
        f"xraycore {VERSION}",
        parameters=[
            f"weights sha256 {finding.weights}",
            f"card sha256 {finding.prediction.card_sha256 or 'none'}",
            f"site {finding.site.name if finding.site else 'none'}",
        ],
    )


def measure(name: Code, value: float) -> Measurement:
    """A number without a unit, to six digits."""
    return Measurement(name, round(float(value), 6), dicom_codes.UCUM.NoUnits)
