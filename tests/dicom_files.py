"""DICOM files made in memory, so that each test knows every stored value."""

import io
import warnings

import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid


@pytest.fixture(scope="session")
def dicom_dataset():
    """Returns a function: stored values (H, W) and elements to set -> a CR data set."""

    def build(values, syntax=ExplicitVRLittleEndian, **elements):
        values = np.asarray(values)
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["test"])
        meta.TransferSyntaxUID = syntax
        dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID = ComputedRadiographyImageStorage
        dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        dataset.Modality = "CR"
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.Rows, dataset.Columns = values.shape
        dataset.BitsAllocated = dataset.BitsStored = 8 * values.itemsize
        dataset.PixelRepresentation = int(values.dtype.kind == "i")
        dataset.PixelData = values.tobytes()
        dataset["PixelData"].VR = "OW"
        for keyword, value in elements.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
        dataset.HighBit = elements.get("HighBit", dataset.BitsStored - 1)
        return dataset

    return build


@pytest.fixture(scope="session")
def dicom_bytes(dicom_dataset):
    """Returns a function: stored values and elements -> the bytes of a DICOM file."""

    def build(values, compress=None, **elements):
        with warnings.catch_warnings():
            # Some files break the standard on purpose.
            warnings.simplefilter("ignore")
            dataset = dicom_dataset(values, **elements)
            if compress is not None:
                dataset.compress(compress, generate_instance_uid=False)
            file = io.BytesIO()
            dataset.save_as(file, enforce_file_format=True)
        return file.getvalue()

    return build


def bits12(values):
    return np.array(values, np.uint16)


def encapsulated(dataset, frame, syntax):
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
