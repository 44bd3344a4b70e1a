from dataclasses import replace

import numpy as np
import pytest

from pages.widgets.viewer import _spacing, changed_film
from xraycore.imaging import Radiograph
from xraycore.imaging.radiograph import RadiographInfo

INFO = RadiographInfo("a.dcm", "0" * 64, "DICOM", width=2000, height=3000, bit_depth=12)


@pytest.mark.parametrize(
    ("info", "spacing"),
    [
        (INFO, [2000, 3000, "px", ""]),
        (
            replace(INFO, pixel_spacing=(0.1, 0.2), spacing_on_patient=True),
            [400.0, 300.0, "mm", ""],
        ),
        (replace(INFO, pixel_spacing=(0.1, 0.2)), [400.0, 300.0, "mm", " on the detector"]),
    ],
)
def test_a_changed_film_is_measured_as_the_one_that_it_was(info, spacing):
    film = Radiograph(np.full((3000, 2000), 0.5, np.float32), info)
    changed = changed_film(film)
    assert changed.pixels.shape == (1024, 683)
    assert _spacing(film) == spacing
    assert _spacing(changed) == spacing
