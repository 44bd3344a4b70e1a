"""What a DICOM header says against reading its film as a frontal chest film."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from tests.dicom_files import make_dicom
from xraycore.imaging import read_radiograph
from xraycore.imaging.film_warnings import warning_codes


@pytest.fixture
def codes(ramp):
    def read(**elements):
        return warning_codes(read_radiograph(make_dicom(ramp, **elements)).warnings)

    return read


def code(value, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return [item]


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"ViewPosition": "PA"}, []),
        ({"BurnedInAnnotation": "YES"}, ["burned-in"]),
        ({"BurnedInAnnotation": "NO"}, []),
        ({"BurnedInAnnotation": ""}, []),
        ({"BurnedInAnnotation": "YES"}, ["burned-in"]),
        ({"BurnedInAnnotation": "NO"}, []),
        ({"BurnedInAnnotation": ""}, []),
        ({"ViewPosition": "AP"}, []),
        ({"ViewPosition": ""}, []),
        ({"ViewPosition": "LL"}, ["lateral"]),
        ({"ViewPosition": "RL"}, ["lateral"]),
        ({"ViewPosition": "LATERAL"}, ["lateral"]),
        ({"ViewPosition": "L-LAT"}, ["lateral"]),
        ({"ViewPosition": "LAT"}, ["lateral"]),
        ({"ViewPosition": "RLO"}, ["oblique"]),
        ({"ViewPosition": "LAO"}, ["oblique"]),
        ({"ViewPosition": "OBLIQUE"}, ["oblique"]),
        ({"ViewPosition": "LLD"}, ["projection"]),
        ({"ViewPosition": "LORDOTIC"}, ["projection"]),
        ({"ViewCodeSequence": code("399067008", "lateral")}, ["lateral"]),
        ({"ViewCodeSequence": code("399173006", "")}, ["lateral"]),
        ({"ViewCodeSequence": code("399135007", "left anterior oblique")}, ["oblique"]),
        ({"ViewCodeSequence": code("272479007", "postero-anterior")}, []),
        ({"PatientOrientation": ["L", "F"]}, []),
        ({"PatientOrientation": ["LF", "FR"]}, []),
        ({"PatientOrientation": ["R", "F"]}, ["orientation"]),
        ({"PatientOrientation": ["L", "H"]}, ["orientation"]),
        ({"PatientOrientation": ["F", "L"]}, ["orientation"]),
        ({"PatientOrientation": "L"}, []),
        ({"BodyPartExamined": "CXR"}, []),
        ({"BodyPartExamined": "BRUST PA"}, []),
        ({"PatientOrientation": ["A", "F"]}, ["lateral"]),
        ({"PatientOrientation": ["P", "F"], "ViewPosition": "PA"}, []),
        ({"SeriesDescription": "Chest lat."}, ["lateral"]),
        ({"SeriesDescription": "Chest PA and lat"}, []),
        ({"SeriesDescription": "W Chest bilateral"}, []),
        ({"PresentationIntentType": "FOR PROCESSING"}, ["raw"]),
        ({"PresentationIntentType": "FOR PRESENTATION"}, []),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1.1"}, ["raw"]),
        ({"BodyPartExamined": "CHEST"}, []),
        ({"BodyPartExamined": "Thorax"}, []),
        ({"BodyPartExamined": "CHEST_TO_ABDOMEN"}, []),
        ({"BodyPartExamined": ""}, []),
        ({"BodyPartExamined": "HAND"}, ["body-part"]),
        ({"BodyPartExamined": "ABDOMEN"}, ["body-part"]),
        ({"AnatomicRegionSequence": code("8205005", "Wrist")}, ["body-part"]),
        ({"AnatomicRegionSequence": code("51185008", "Chest")}, []),
        ({"PatientAge": "055Y"}, []),
        ({"PatientAge": "62"}, []),
        ({"PatientAge": "018Y"}, []),
        ({"PatientAge": "001Y"}, []),
        ({"PatientAge": "005Y"}, []),
        ({"PatientAge": "012M"}, []),
        ({"PatientAge": "070M"}, []),
        ({"PatientAge": "072M"}, ["age"]),
        ({"PatientAge": "006Y"}, ["age"]),
        ({"PatientAge": "017Y"}, ["age"]),
        ({"PatientAge": "003M"}, ["age"]),
        ({"PatientAge": "010D"}, ["age"]),
        ({"PatientAge": "050W"}, ["age"]),
        ({"PatientAge": "young"}, []),
        ({"PatientBirthDate": "20100301", "StudyDate": "20240101"}, ["age"]),
        ({"PatientBirthDate": "19500301", "StudyDate": "20240101"}, []),
        ({"PatientBirthDate": "20100301"}, []),
    ],
)
def test_statements(codes, elements, expected):
    assert codes(**elements) == expected


def test_each_fault_has_a_warning_of_its_own(codes):
    found = codes(
        Modality="OT",
        ViewPosition="LL",
        PresentationIntentType="FOR PROCESSING",
        BodyPartExamined="KNEE",
        PatientAge="010Y",
    )
    assert found == ["modality", "lateral", "raw", "body-part", "age"]


def test_dates_and_ages_are_not_kept(ramp):
    born = {"PatientBirthDate": "20100301", "StudyDate": "20240101", "PatientAge": "013Y"}
    text = repr(read_radiograph(make_dicom(np.asarray(ramp), **born)))
    assert "6 to 17 years" in text
    assert not any(value in text for value in ("20100301", "20240101", "013Y", "13 years"))
