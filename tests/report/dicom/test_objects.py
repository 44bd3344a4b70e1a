"""Objects about a film: valid, of its study, with what was found, and no patient more."""

import io
import warnings

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.datadict import keyword_for_tag

from tests.pacs.orthanc import NAME, PATIENT, as_file, make_film
from tests.report.dicom.findings import CARD, LOGITS, WEIGHTS, faults_of, make_finding
from xraycore.config import NOTICE
from xraycore.errors import ArgumentError, RadiographError
from xraycore.imaging.box import Box
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.report.dicom import read_source, write_objects
from xraycore.report.dicom.marks import FilmMarks, report_marks
from xraycore.report.dicom.secondary_capture import draw_legend, legend

# Of the patient and study modules; all of them may be in an object, with the film's own value.
OF_PATIENT = {
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID"),
    *("StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber"),
    "StudyDescription",
}


@pytest.fixture(scope="module")
def objects():
    return [read(one) for one in write_objects(make_finding())]


def read(one):
    """An object as it is read again from its file."""
    return dcmread(io.BytesIO(as_file(one)))


def said(report):
    """(what is said, its value) of all items of a report, in order."""
    found = []
    for item in _walk(report.ContentSequence):
        name = item.get("ConceptNameCodeSequence")
        if not name:
            continue
        value = (
            float(item.MeasuredValueSequence[0].NumericValue)
            if item.ValueType == "NUM"
            else item.ConceptCodeSequence[0].CodeMeaning
            if item.ValueType == "CODE"
            else item.get("TextValue")
        )
        found.append((name[0].CodeMeaning, value))
    return found


def _walk(items):
    for item in items:
        yield item
        yield from _walk(item.get("ContentSequence", ()))


def test_objects_are_valid(objects, orthanc, tmp_path):
    assert [one.Modality for one in objects] == ["OT", "SEG", "SR"]
    for one in objects:
        assert faults_of(as_file(one), tmp_path / "object.dcm") == []


def test_objects_belong_to_the_films_study_and_refer_to_the_film(objects):
    film = make_film(seed=1)
    capture, segmentation, report = objects
    for one in objects:
        assert one.StudyInstanceUID == film.StudyInstanceUID
        assert one.SeriesInstanceUID != film.SeriesInstanceUID
    assert capture.SourceImageSequence[0].ReferencedSOPInstanceUID == film.SOPInstanceUID
    frame = segmentation.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0]
    assert frame.SourceImageSequence[0].ReferencedSOPInstanceUID == film.SOPInstanceUID
    series = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    known = {one.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for one in series}
    assert known == {film.SOPInstanceUID, segmentation.SOPInstanceUID}


def test_of_the_patient_they_say_what_the_film_says_and_nothing_else(objects):
    film = dcmread(io.BytesIO(as_file(make_film(seed=1, InstitutionName="Told to nobody"))))
    for one in objects:
        for element in one:
            if keyword_for_tag(element.tag) in OF_PATIENT:
                assert element.value == film[element.tag].value, element
        shown = one.to_json()
        for private in ("Told to nobody", "Hospital of the test"):
            assert private not in shown
        for element in one.iterall():
            keyword = keyword_for_tag(element.tag)
            if keyword not in OF_PATIENT and element.VR != "SQ" and keyword != "PixelData":
                text = str(element.value)
                assert PATIENT not in text and NAME.split("^")[0] not in text, element


def test_a_film_that_names_nobody_stays_so():
    bare = make_film(seed=1)
    for keyword in OF_PATIENT - {"StudyInstanceUID"}:
        delattr(bare, keyword)
    for one in map(read, write_objects(make_finding(bare))):
        for keyword in OF_PATIENT - {"StudyInstanceUID", "StudyDescription"}:
            assert not one.get(keyword), keyword


def test_values_that_break_the_standard_are_left_empty(orthanc, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # That they do is what pydicom warns of.
        film = make_film(
            seed=1,
            PatientSex="FEMALE",
            PatientBirthDate="29.02.1960",
            StudyTime="noon",
            StudyID="S" * 40,
            PatientName="Я^Анна",
            SpecificCharacterSet="ISO_IR 144",
        )
        found = write_objects(make_finding(film))
    for one in found:
        assert [one.PatientSex, one.PatientBirthDate, one.StudyTime, one.StudyID] == [""] * 4 or (
            not any([one.PatientSex, one.PatientBirthDate, one.StudyTime, one.StudyID])
        )
        assert str(read(one).PatientName) == "Я^Анна"
        assert faults_of(as_file(one), tmp_path / "object.dcm") == []


def test_the_same_finding_is_the_same_object_and_another_is_another():
    first, again = write_objects(make_finding()), write_objects(make_finding())
    other = write_objects(make_finding(threshold=0.25))
    assert [one.SOPInstanceUID for one in first] == [one.SOPInstanceUID for one in again]
    assert not {one.SOPInstanceUID for one in first} & {one.SOPInstanceUID for one in other}
    assert len({one.SeriesInstanceUID for one in first}) == 3


def test_the_capture_shows_heat_and_says_what_it_is_not(objects):
    capture = objects[0]
    assert capture.ImageType == ["DERIVED", "SECONDARY"] and NOTICE in capture.DerivationDescription
    pixels = capture.pixel_array
    # Six times as large as the film of 96 px, so that its legend can be read.
    assert pixels.shape[1:] == (576, 3) and pixels.shape[0] > 576
    # The heat's cell is coloured, the corner across from it is grey.
    assert np.ptp(pixels[216, 216].astype(int)) > 40 and np.ptp(pixels[540, 540].astype(int)) == 0
    assert pixels[576:].any()
    lines = legend(make_finding())
    assert lines[0] == "RESEARCH, NOT FOR DIAGNOSIS"
    assert "Opacity (90 %)" in lines[1] and WEIGHTS[:16] in lines[3] and CARD[:16] in lines[3]


@pytest.mark.parametrize("width", [512, 700, 1536])
def test_the_legend_fits_a_picture_of_any_width(width):
    drawn = draw_legend(np.zeros((8, width, 3), np.uint8), legend(make_finding()))
    assert drawn.shape[1] == width and drawn[8:].any()
    # Nothing runs out of the picture at the right.
    assert not drawn[8:, -1].any()


def test_what_is_burnt_into_the_film_is_burnt_into_its_copy():
    burnt = write_objects(make_finding(make_film(seed=1, BurnedInAnnotation="YES")))[0]
    assert burnt.BurnedInAnnotation == "YES"
    assert "BurnedInAnnotation" not in write_objects(make_finding())[0]


def test_segments_are_the_films_own_pixels(objects):
    segmentation = objects[1]
    assert (segmentation.Rows, segmentation.Columns) == (96, 96)
    lungs, heat = segmentation.SegmentSequence
    assert (lungs.SegmentLabel, heat.SegmentLabel) == ("Lungs", "Heat from 50% of full heat on")
    assert "threshold=0.5" in heat.SegmentationAlgorithmIdentificationSequence[
        0
    ].AlgorithmParameters.replace(" ", "").replace("'", "")
    masks = segmentation.pixel_array.astype(bool)
    expected = np.zeros((96, 96), bool)
    expected[24:72, 12:36] = expected[24:72, 60:84] = True
    assert (masks[0] != expected).mean() < 0.01
    # Bilinear between cells of 24 px: half of full heat within half a cell around the centre.
    assert masks[1][36, 36] and not masks[1][36, 61] and not masks[1][61, 36]
    assert 0.02 < masks[1].mean() < 0.08


def test_a_film_without_lungs_or_heat_has_empty_segments(orthanc, tmp_path):
    cold = make_finding(lungs=False, threshold=1.0)
    cold.heatmap.values[:] = 0
    for one in write_objects(cold):
        assert faults_of(as_file(one), tmp_path / "object.dcm") == []
    assert not read(write_objects(cold)[1]).pixel_array.any()


def test_the_report_says_both_levels_with_numbers_and_words(objects):
    report = objects[2]
    found = said(report)
    assert ("opacity", "Present") in found
    assert ("Probability", 0.9) in found
    assert ("Least probability called an opacity", 0.4) in found
    assert ("Comment", "Operating point: Chosen abroad (external)") in found
    assert (
        "Answer of the network",
        "Opacity (90 %); kind: Viral pneumonia (70 % of the kinds)",
    ) in (found)
    assert ("Warning", "age: Not of the age that it knows.") in found
    assert ("Comment", NOTICE) in found
    assert any(name.startswith("How often") and "80 %" in text for name, text in found)
    # Level 2: of the kinds, viral with 0.63 / 0.9.
    assert ("Viral pneumonia", "Present") in found and ("COVID-19", "Absent") in found
    assert ("Probability", 0.7) in found
    # All classes, as the network gives them.
    values = {name: value for name, value in found if isinstance(value, float)}
    classes = ("Normal", "Bacterial pneumonia", "Viral pneumonia", "COVID-19")
    assert [values[name] for name in classes] == pytest.approx(np.exp(LOGITS).tolist(), abs=1e-6)
    assert values["Least heat of the segment, of full heat"] == 0.5
    assert values["Share of the heat that lies in the lungs"] > 0.5


def test_a_report_has_codes_that_others_know(objects):
    codes = {
        (one.CodeValue, one.CodingSchemeDesignator)
        for item in _walk(objects[2].ContentSequence)
        for one in [*item.get("ConceptNameCodeSequence", ()), *item.get("ConceptCodeSequence", ())]
    }
    for code in ("RID28530", "75570004", "53084003", "840539006", "39607008", "52101004"):
        assert any(value == code for value, _ in codes), code
    assert {scheme for _, scheme in codes} <= {
        *("DCM", "SCT", "RADLEX", "RFC5646", "99XRAYCORE"),
    }


def test_a_film_without_an_answer_gets_a_report_that_says_why(orthanc, tmp_path):
    lateral = FilmWarning("lateral", "A lateral view.")
    report = read(write_objects(make_finding(warnings=(lateral,)))[2])
    found = said(report)
    assert "opacity" not in dict(found)
    assert ("Answer of the network", "No answer: it is no frontal chest film.") in found
    assert faults_of(as_file(report), tmp_path / "object.dcm") == []


def test_highdicom_reads_a_report_again(objects):
    report = highdicom.sr.ComprehensiveSR.from_dataset(objects[2])
    assert len(report.content.get_image_measurement_groups()) == 5
    assert len(report.content.get_planar_roi_measurement_groups()) == 2


def test_marks_of_a_reader_are_regions_on_the_film(orthanc, tmp_path):
    source = read_source(as_file(make_film(seed=1)))
    box = Box(0.25, 0.5, 0.75, 1.0)
    marks = [
        FilmMarks("Reader^2=x", "grad_cam of vgg16 for COVID-19", "agree", 4, (box,)),
        FilmMarks("Reader^2=x", "rise of vgg16 for COVID-19", "unsure", None, (), True),
    ]
    report = read(report_marks(source, "Pilot", "Reader^2=x", marks))
    assert faults_of(as_file(report), tmp_path / "object.dcm") == []
    (region,) = [one for one in _walk(report.ContentSequence) if one.ValueType == "SCOORD"]
    # Columns and rows of the corners, closed: the box is half the height and the right half.
    assert list(region.GraphicData) == [48, 24, 96, 24, 96, 72, 48, 72, 48, 24]
    found = said(report)
    assert ("Does the finding lie where the heatmap says?", "Agree") in found
    assert ("Grade of the heatmap, 1 to 5", 4.0) in found
    assert ("A reader says that there is no finding", "Present") in found
    assert report.StudyInstanceUID == source.StudyInstanceUID
    with pytest.raises(ArgumentError, match="received nothing"):
        report_marks(source, "Pilot", "Reader 2", [])


@pytest.mark.parametrize(
    ("data", "received"),
    [(b"PNG" * 100, "none|without a valid StudyInstanceUID"), (b"", "none|without")],
)
def test_what_is_no_dicom_film_has_no_study(data, received):
    with pytest.raises(RadiographError, match=received):
        read_source(data, "a.png")


def test_a_film_must_say_which_it_is():
    with pytest.raises(RadiographError, match="without a valid SeriesInstanceUID"):
        read_source(as_file(make_film(SeriesInstanceUID="")), "a.dcm")
    with pytest.raises(ArgumentError, match=r"Received: 0"):
        make_finding(threshold=0)
