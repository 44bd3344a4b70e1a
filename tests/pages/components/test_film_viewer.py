import base64
from dataclasses import replace

import cv2
import numpy as np
import pytest

from pages.components.film_viewer import FilmPicture, size_and_depth, spacing
from xraycore.imaging import Radiograph
from xraycore.imaging.radiograph import RadiographInfo

INFO = RadiographInfo("a.dcm", "0" * 64, "DICOM", width=2000, height=3000, bit_depth=12)


@pytest.mark.parametrize(
    ("info", "told"),
    [
        (INFO, [2000, 3000, "px", ""]),
        (
            replace(INFO, pixel_spacing=(0.1, 0.2), spacing_on_patient=True),
            [400.0, 300.0, "mm", ""],
        ),
        (replace(INFO, pixel_spacing=(0.1, 0.2)), [400.0, 300.0, "mm", " on the detector"]),
    ],
)
def test_a_changed_film_is_measured_as_the_one_that_it_was(info, told):
    film, darker = (Radiograph(np.full((3000, 2000), g, np.float32), info) for g in (0.5, 0.4))
    plain, changed = FilmPicture(film), FilmPicture(film, changed=True)
    assert spacing(plain.info) == spacing(changed.info) == told
    assert plain.subject == changed.subject == plain.id == film.info.sha256
    assert changed.id not in (plain.id, FilmPicture(darker, changed=True).id)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "2000 × 3000 px, 12 bit (shown at 1,024 px, 8 bit)"),
        ({"bit_depth": 8}, "2000 × 3000 px, 8 bit (shown at 1,024 px)"),
        ({"width": 700, "height": 1024}, "700 × 1024 px, 12 bit (shown at 8 bit)"),
        ({"width": 700, "height": 1024, "bit_depth": 8}, "700 × 1024 px, 8 bit"),
    ],
)
def test_a_reduced_film_is_said_to_be_that(changed, said):
    assert size_and_depth(replace(INFO, **changed)) == said


def test_what_is_said_is_what_is_sent():
    film = Radiograph(np.full((3000, 2000), 0.5, np.float32), replace(INFO, sha256="of this test"))
    data = base64.b64decode(FilmPicture(film).url.partition(",")[2])
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert (max(picture.shape), picture.dtype) == (1024, np.uint8)
