"""Images made in memory, so that each test knows every stored value."""

import numpy as np
import pytest

from xraycore.imaging import read_radiograph


@pytest.fixture(scope="session")
def ramp():
    """uint8 (160, 192): a film-like ramp from 0 to 255, so that it draws no warning."""
    columns = np.linspace(0, 255, 192)[None, :]
    rows = np.linspace(-20, 20, 160)[:, None]
    return np.clip(columns + rows, 0, 255).astype(np.uint8)


@pytest.fixture
def read(dicom_bytes):
    def build_and_read(values, **elements):
        return read_radiograph(dicom_bytes(values, **elements))

    return build_and_read


@pytest.fixture
def wide(ramp):
    return ramp.astype(np.uint16) * 16 + 7


@pytest.fixture
def expected(wide):
    return (wide - 7) / np.float32(255 * 16)
