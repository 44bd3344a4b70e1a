"""DICOM files made in memory, so that each test knows every stored value."""

import io
import warnings

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid


def make_dataset(values, syntax=ExplicitVRLittleEndian, **elements):
    """A CR data set of stored values (H, W) or (H, W, 3), and elements to set or (None) to drop."""
    values = np.asarray(values)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["test"])
    meta.TransferSyntaxUID = syntax
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.Modality = "CR"
    dataset.SamplesPerPixel = 1 if values.ndim == 2 else 3
    dataset.PhotometricInterpretation = "MONOCHROME2"
    if values.ndim == 3:
        dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 0
    dataset.Rows, dataset.Columns = values.shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = 8 * values.itemsize
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    dataset.PixelData = values.tobytes()
    dataset["PixelData"].VR = "OW"
    for keyword, value in elements.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset.HighBit = elements.get("HighBit", dataset.get("BitsStored", 1) - 1)
    return dataset


def make_dicom(values, compress=None, **elements):
    """The bytes of such a data set as a file, of which some break the standard on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = make_dataset(values, **elements)
        if compress is not None:
            dataset.compress(compress, generate_instance_uid=False)
        file = io.BytesIO()
        dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


@pytest.fixture(scope="session")
def dicom_dataset():
    """Returns a function: stored values (H, W) and elements to set -> a CR data set."""
    return make_dataset


@pytest.fixture(scope="session")
def dicom_bytes():
    """Returns a function: stored values and elements -> the bytes of a DICOM file."""
    return make_dicom


def bits12(values):
    return np.array(values, np.uint16)


def lut(entries, first, bits, data):
    """A sequence of one look-up table."""
    item = Dataset()
    item.LUTDescriptor = [entries, first, bits]
    item.LUTData = data
    item["LUTDescriptor"].VR = "US"
    item["LUTData"].VR = "OW" if isinstance(data, bytes) else "US"
    return [item]


def encapsulated(dataset, frame, syntax):
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
