"""Elements of a DICOM file one by one: what is there, what is none, what a stream corrects."""

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

from xraycore.imaging.dicom.attributes import Attributes
from xraycore.imaging.dicom.codestream import Codestream
from xraycore.imaging.dicom.reader import _adopt, _photometric


def header(syntax=ExplicitVRLittleEndian, **elements):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return Attributes(dataset)


def test_an_empty_element_is_none():
    film = header(Modality="", WindowCenter=None, PatientID="7", Rows=0)
    assert film.value("Modality") is None
    assert film.value("WindowCenter") is None
    assert film.value("BodyPartExamined") is None
    assert film.value("PatientID") == "7"
    assert film.value("Rows") == 0


@pytest.mark.parametrize(
    ("stated", "samples", "syntax", "expected"),
    [
        ("MONOCHROME1", 1, ExplicitVRLittleEndian, "MONOCHROME1"),
        ("PALETTE_COLOR", 1, ExplicitVRLittleEndian, "PALETTE COLOR"),
        ("RGB", 3, JPEGBaseline8Bit, "RGB"),
        # What does not fit the samples, or is missing, is that of most films.
        ("RGB", 1, ExplicitVRLittleEndian, "MONOCHROME2"),
        ("", 1, JPEGBaseline8Bit, "MONOCHROME2"),
        ("MONOCHROME2", 3, ExplicitVRLittleEndian, "RGB"),
        ("MONOCHROME2", 3, JPEGBaseline8Bit, "YBR_FULL_422"),
        ("", 3, JPEGBaseline8Bit, "YBR_FULL_422"),
    ],
)
def test_which_interpretation_fits_the_samples(stated, samples, syntax, expected):
    film = header(syntax, PhotometricInterpretation=stated)
    assert _photometric(film, samples) == expected
    assert ("PhotometricInterpretation" in film.unusable) == (
        expected != stated.replace("PALETTE_", "PALETTE ")
    )


@pytest.mark.parametrize(("bits", "allocated"), [(1, 8), (8, 8), (9, 16), (12, 16), (16, 16)])
@pytest.mark.parametrize(("samples", "read"), [(1, 1), (3, 3), (4, 1)])
def test_a_stream_says_how_its_samples_are_stored(bits, allocated, samples, read):
    frame = Dataset()
    frame.Rows, frame.Columns = 20, 30
    _adopt(frame, Codestream(30, 20, bits, samples), "film.dcm")
    assert (frame.BitsAllocated, frame.BitsStored) == (allocated, bits)
    assert frame.SamplesPerPixel == read
