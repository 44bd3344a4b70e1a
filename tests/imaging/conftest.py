"""Images made in memory, so that each test knows every stored value."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def ramp():
    """uint8 (160, 192): a film-like ramp from 0 to 255, so that it draws no warning."""
    columns = np.linspace(0, 255, 192)[None, :]
    rows = np.linspace(-20, 20, 160)[:, None]
    return np.clip(columns + rows, 0, 255).astype(np.uint8)
