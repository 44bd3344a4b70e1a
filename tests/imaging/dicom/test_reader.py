"""DICOM: what is kept of a file, privacy, and what is refused."""

import pickle
import struct
import tracemalloc
import zlib
from dataclasses import asdict

import numpy as np
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from tests.dicom_files import bits12, encapsulated
from xraycore.imaging import RadiographError, read_radiograph
from xraycore.imaging.dicom import header, reader
from xraycore.imaging.dicom.codestream import read_codestream
from xraycore.imaging.dicom.reader import decode_dicom
from xraycore.imaging.film_warnings import warning_codes


def test_info(read):
    info = read(
        bits12([[0, 1], [2, 3], [4, 5]]),
        BitsStored=10,
        Modality="DX",
        ViewPosition="PA",
        PixelSpacing=["0.2", "0.2"],
        ImagerPixelSpacing=["1", "1"],
    ).info
    assert (info.format, info.width, info.height, info.bit_depth) == ("DICOM", 2, 3, 10)
    assert (info.modality, info.view_position) == ("DX", "PA")
    assert info.pixel_spacing == (0.2, 0.2)
    assert info.spacing_on_patient


@pytest.mark.parametrize("useless", [["0", "0"], ["0.1", "-1"], "", ["0.1"]])
def test_spacing_falls_back_to_the_detectors(read, useless):
    values = bits12([[0, 1]])
    detector = read(values, PixelSpacing=useless, ImagerPixelSpacing=["0.2", "0.2"])
    assert detector.info.pixel_spacing == (0.2, 0.2)
    assert not detector.info.spacing_on_patient
    # The detector's, twice: nobody measured how much larger the film shows things.
    both = read(values, PixelSpacing=["0.1", "0.1"], ImagerPixelSpacing=["0.1", "0.1"])
    assert not both.info.spacing_on_patient
    assert read(values, PixelSpacing=useless).info.pixel_spacing is None


def test_films_of_one_study_are_told_by_a_hash_of_its_uid(read, ramp):
    first, second, other = (
        read(ramp, StudyInstanceUID=f"1.2.826.0.1.77.{n}", SOPInstanceUID=f"1.2.{place}").info.study
        for place, n in enumerate((1, 1, 2))
    )
    assert first == second != other
    assert len(first) == 16
    assert read(ramp, StudyInstanceUID="").info.study is None


def test_nothing_that_identifies_a_patient_is_kept(read, ramp):
    planted = {
        "PatientName": "Planted^Nomen",
        "PatientID": "PLANTED-77-ID",
        "PatientBirthDate": "19610203",
        "StudyDate": "20190817",
        "AccessionNumber": "ACC9911882",
        "InstitutionName": "Planted Clinic",
        "ReferringPhysicianName": "Planted^Doctor",
        "StudyInstanceUID": "1.2.826.0.1.77.88.99",
        "SeriesInstanceUID": "1.2.826.0.1.77.88.100",
        "SOPInstanceUID": "1.2.826.0.1.77.88.101",
        "DeviceSerialNumber": "SER-PLANTED",
        "ImageComments": "Planted comment",
        "PatientComments": "Planted remark",
        "ViewPosition": "PLANTED NOMEN",
    }
    xray = read(ramp, WindowCenter="128", WindowWidth="256", **planted)
    kept = [repr(xray), repr(asdict(xray)), pickle.dumps(xray).decode("latin-1")]
    for text in kept:
        assert "MONOCHROME2" in text  # so the search looks at the right thing
        for value in [*planted.values(), "Planted", "PLANTED", "77.88", "1.2.840"]:
            assert value not in text
    assert xray.info.view_position is None


@pytest.mark.parametrize("keyword", ["Modality", "BodyPartExamined", "ViewPosition"])
def test_messages_do_not_repeat_free_text(read, keyword):
    xray = read(bits12([[0, 1]]), **{keyword: "DOE JANE LATERAL"})
    assert "DOE" not in str(xray)
    assert "doe" not in " ".join(xray.warnings)


def refusal(data):
    with pytest.raises(RadiographError) as caught:
        read_radiograph(data, name="film.dcm")
    message = str(caught.value)
    assert message.startswith("film.dcm: expected ")
    assert "; received " in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("modality", ["CT", "MR", "MG", "US", "XA", "RF", "mg "])
def test_other_modalities_are_refused_by_name(dicom_bytes, modality):
    assert f"modality {modality.strip().upper()}" in refusal(
        dicom_bytes(bits12([[0, 1]]), Modality=modality)
    )


@pytest.mark.parametrize("modality", ["CR", "DX", "RG"])
def test_projection_radiographs_are_accepted(read, modality):
    xray = read(bits12([[0, 1]]), Modality=modality)
    assert xray.info.modality == modality
    assert not any("modality" in warning for warning in xray.warnings)


@pytest.mark.parametrize("modality", ["OT", "", None, "DR", "cr", "X-RAY", "DX1"])
def test_uncertain_modalities_are_accepted_with_a_warning(read, modality):
    xray = read(bits12([[0, 1]]), Modality=modality)
    assert xray.info.modality == {"OT": "OT", "cr": "CR"}.get(modality)
    assert warning_codes(xray.warnings)[0] == "modality"


@pytest.mark.parametrize(
    ("elements", "received"),
    [
        ({"PhotometricInterpretation": "CMYK"}, "CMYK pixels"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "PALETTE COLOR pixels with"),
        ({"NumberOfFrames": 2}, "2 frames"),
        ({"Rows": 0}, "empty image"),
        ({"Rows": 9000, "Columns": 9000}, "81 megapixels"),
        ({"Rows": 5}, "damaged"),
        ({"BitsAllocated": 12}, "12 bits"),
        ({"PixelData": None}, "without pixels (Computed Radiography Image Storage)"),
    ],
)
def test_files_that_hold_no_radiograph(dicom_bytes, elements, received):
    assert received in refusal(dicom_bytes(bits12([[0, 1]]), **elements))


@pytest.mark.parametrize(
    ("name", "received"),
    [
        ("rtstruct.dcm", "RT Structure Set Storage"),
        ("DICOMDIR", "Media Storage Directory Storage"),
        ("rtplan_truncated.dcm", "without pixels"),
    ],
)
def test_other_dicom_objects(name, received):
    path = get_testdata_file(name, download=False)
    with open(path, "rb") as file:
        assert received in refusal(file.read())


@pytest.mark.parametrize("syntax", [None, RLELossless, JPEG2000Lossless])
def test_truncated_pixels(dicom_bytes, wide, syntax):
    data = dicom_bytes(wide, BitsStored=12, compress=syntax)
    refusal(data[: int(len(data) * 0.6)])


def test_a_stream_larger_than_the_header_says_is_not_decoded(dicom_bytes, wide):
    data = dicom_bytes(wide, BitsStored=12, compress=JPEG2000Lossless)
    start = data.find(b"\xff\x4f\xff\x51")
    claimed = data[: start + 8] + (60_000).to_bytes(4, "big") * 2 + data[start + 16 :]
    assert "60000 x 60000" in refusal(claimed)


def test_a_deflated_file_cannot_grow_without_bound(dicom_bytes, monkeypatch):
    monkeypatch.setattr(header, "MAX_INFLATED", 10_000)
    data = dicom_bytes(np.zeros((4000, 4000), np.uint8), syntax=DeflatedExplicitVRLittleEndian)
    assert len(data) < 20_000
    tracemalloc.start()
    try:
        with pytest.raises(RadiographError, match="damaged"):
            decode_dicom(data, "film.dcm")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000  # of 16 MB
    finally:
        tracemalloc.stop()


def test_more_runs_than_pixels_are_not_decoded(dicom_dataset):
    header = struct.pack("<16I", 1, 64, *[0] * 14)
    runs = header + b"\x81\0" * 100_000  # 128 zeros each
    data = encapsulated(dicom_dataset(np.zeros((4, 4), np.uint8)), runs, RLELossless)
    assert "run-length coding" in refusal(data)


@pytest.mark.parametrize(
    ("bits", "samples", "most"),
    [
        # 64 x 100 pixels of a byte: a byte more in 64, eight a row, and 128 for headers.
        (8, 1, 6400 + 100 + 8 * 64 + 128),
        (12, 1, 12800 + 200 + 8 * 64 + 128),
        (16, 3, 38400 + 600 + 8 * 64 + 128),
    ],
)
def test_run_lengths_may_take_a_little_more_than_the_pixels(bits, samples, most):
    frame = Dataset()
    frame.Rows, frame.Columns, frame.SamplesPerPixel, frame.BitsAllocated = 64, 100, samples, bits
    frame.file_meta = FileMetaDataset()
    frame.file_meta.TransferSyntaxUID = RLELossless
    reader._check_run_lengths(frame, bytes(most), "film")
    with pytest.raises(RadiographError, match=f"{most + 1} bytes for"):
        reader._check_run_lengths(frame, bytes(most + 1), "film")


def test_codestream_sizes():
    quantisation = b"\xff\xdb\x00\x04ab"
    frame = b"\x00\x0b\x08" + (300).to_bytes(2, "big") + (400).to_bytes(2, "big") + b"\x01"
    for marker in (b"\xff\xc0", b"\xff\xc3", b"\xff\xf7"):
        stream = b"\xff\xd8" + quantisation + b"\xff" + marker + frame
        assert read_codestream(stream) == (400, 300, 8, 1, marker[1])
    with pytest.raises(ValueError, match="without a size"):
        read_codestream(b"\xff\xd8" + quantisation)
    assert read_codestream(zlib.compress(b"run lengths")) is None


@pytest.mark.realdata
def test_real_dicom_radiographs(real_data):
    films = {path.name[:8]: read_radiograph(path) for path in (real_data / "dicom").glob("*.dcm")}
    negative, positive, large = films["Fake_MON"], films["1.2.276."], films["RG1_J2KI"]
    # The first is the second, relabelled MONOCHROME1.
    np.testing.assert_allclose(negative.pixels, 1 - positive.pixels, atol=1e-6)
    assert positive.info.pixel_spacing == (0.168, 0.168)
    assert (large.info.width, large.info.height, large.info.bit_depth) == (1841, 1955, 15)
    assert large.info.pixel_spacing is None  # the file says 0.000
    assert all(film.warnings == () for film in films.values())
    # Air beside the shoulders is dark, the mediastinum is not.
    assert np.median(large.pixels[:100, :100]) < np.median(large.pixels[900:1100, 850:950])
