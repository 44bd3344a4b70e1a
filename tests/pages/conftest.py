"""Films as a user would upload them, and the app as AppTest sees it."""

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT


def png(seed: int = 0, shape: tuple[int, int] = (300, 240)) -> bytes:
    """A smooth grey film as PNG bytes."""
    noise = np.random.default_rng(seed).random(shape, dtype=np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 12)
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    return cv2.imencode(".png", (smooth * 255).astype(np.uint8))[1].tobytes()


@pytest.fixture
def app(monkeypatch) -> AppTest:
    """The app, run once."""
    monkeypatch.chdir(ROOT)
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120).run()
