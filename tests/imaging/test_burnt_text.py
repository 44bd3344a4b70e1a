"""Text that is burnt into the border of a film, and all that only looks like it."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.dicom_files import make_dicom
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.imaging import read_radiograph
from xraycore.imaging.burnt_text import BORDER, FEWEST, LOWEST, find_text
from xraycore.imaging.film_warnings import warning_codes

NAME = "DOE, JANE 1961-03-04"


@pytest.fixture(scope="module", params=[512, 1400])
def phantom(request) -> np.ndarray:
    return make_phantom(3, opacity=True, size=request.param).pixels


def burn(
    pixels: np.ndarray,
    text: str = NAME,
    *,
    at: tuple[float, float] = (0.02, 0.02),
    share: float = 0.03,
    grey: int = 255,
    label: bool = False,
) -> np.ndarray:
    """The film with text whose upper left corner is at these shares of its height and width."""
    image = Image.fromarray((pixels * 255).astype(np.uint8))
    draw, (height, width) = ImageDraw.Draw(image), pixels.shape
    place = at[1] * width, at[0] * height
    font = ImageFont.load_default(round(share * height))
    if label:
        left, top, right, bottom = draw.textbbox(place, text, font=font)
        draw.rectangle((left - 8, top - 8, right + 8, bottom + 8), fill=255 - grey)
    draw.text(place, text, font=font, fill=grey)
    return np.asarray(image, np.float32) / 255


def png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", (pixels * 255).astype(np.uint8))[1].tobytes()


def test_a_film_without_text_has_none(phantom):
    assert find_text(phantom) == []


@pytest.mark.parametrize("at", [(0.02, 0.02), (0.02, 0.6), (0.94, 0.02), (0.94, 0.6)])
def test_a_name_in_any_corner_is_found_where_it_is(phantom, at):
    boxes = find_text(burn(phantom, at=at))
    assert boxes
    for box in boxes:
        assert at[0] - 0.01 < box.top < box.bottom < at[0] + 0.06
        assert at[1] - 0.01 < box.left < box.right


@pytest.mark.parametrize("marks", [{"grey": 200}, {"grey": 0, "label": True}, {"share": 0.06}])
def test_grey_text_a_label_and_large_letters_are_found(phantom, marks):
    assert find_text(burn(phantom, **marks))


def test_text_that_runs_up_or_down_a_side_is_found(phantom):
    turned = np.rot90(burn(np.rot90(phantom))).copy()
    (first, *_) = find_text(turned)
    assert first.bottom - first.top > 4 * (first.right - first.left)


def test_jpeg_leaves_text_that_is_found(phantom):
    stored = io.BytesIO()
    Image.fromarray((burn(phantom) * 255).astype(np.uint8)).save(stored, "JPEG", quality=75)
    assert warning_codes(read_radiograph(stored.getvalue()).warnings) == ["burned-in"]


@pytest.mark.parametrize("marker", ["L", "R", "AP", "L MK"])
def test_a_side_marker_is_no_text_of_a_patient(phantom, marker):
    assert find_text(burn(phantom, marker, share=0.05)) == []
    assert find_text(burn(phantom, marker, share=0.1)) == []


def test_a_row_needs_its_letters(phantom):
    assert find_text(burn(phantom, "H" * (FEWEST - 1))) == []
    assert find_text(burn(phantom, "H" * FEWEST))


def blocks(
    number: int, height: int = 16, *, other=None, top=20, left=20, step=20, jump=0, over=0.8
) -> np.ndarray:
    """A dark film of 600 pixels a side with a row of upright strokes.

    Args:
        number: Of strokes, which are 5 pixels thick.
        height: Of a stroke.
        other: Of each other one; None for the same.
        top: Of the row.
        left: Of the first stroke.
        step: From one to the next.
        jump: How much lower each other one begins.
        over: How much brighter than the film a stroke is.
    """
    film = np.full((600, 600), 0.2, np.float32)
    for one in range(number):
        x, y = left + step * one, top + jump * (one % 2)
        high = other if other and one % 2 else height
        film[y : y + high, x : x + 5] = 0.2 + over
    return film


def test_letters_too_low_to_be_read_count_for_nothing():
    assert find_text(blocks(8, LOWEST, step=11))
    assert find_text(blocks(8, LOWEST - 1, step=11)) == []


def test_what_goes_up_and_down_is_no_line():
    assert find_text(blocks(8, jump=2))
    assert find_text(blocks(8, jump=6)) == []


def test_only_the_border_is_looked_at():
    inside = round(BORDER * 600) + 5
    assert find_text(blocks(8, top=inside - 30, left=inside))
    assert find_text(blocks(8, top=inside, left=inside)) == []


@pytest.mark.parametrize(
    ("found", "lost"),
    [
        # How bright, of 255: letters that differ by 32 are none.
        ({"over": 34 / 255}, {"over": 31 / 255}),
        # 1.3 heights from one to the next.
        ({"step": 25}, {"step": 27}),
        # Small letters beside large ones.
        ({"other": 9}, {"other": 8}),
        # Five in a row that is hardly longer than it is high are a mark, and no word.
        ({"number": 5, "height": 23, "step": 12}, {"number": 5, "height": 25, "step": 12}),
        # A letter is not as high as a sixth of the film.
        ({"height": 96, "step": 50}, {"height": 97, "step": 50}),
    ],
)
def test_where_letters_begin_and_end(found, lost):
    assert find_text(blocks(**{"number": 8} | found))
    assert find_text(blocks(**{"number": 8} | lost)) == []


@pytest.mark.parametrize(("specks", "crowded"), [(4, False), (5, True)])
def test_a_row_among_much_else_is_one_by_chance(specks, crowded):
    film = blocks(8)
    for one in range(specks):
        film[16:18, 26 + 20 * one : 29 + 20 * one] = 1
    assert (find_text(film) == []) == crowded


def test_bands_as_thick_as_ribs_are_no_letters():
    film = np.full((600, 600), 0.2, np.float32)
    for one in range(8):
        film[20 + 30 * one : 35 + 30 * one, 20:50] = 0.9
    assert find_text(film) == []


def test_coarse_grain_is_no_text():
    grain = np.random.default_rng(0).random((150, 150)).astype(np.float32)
    film = cv2.resize(grain, (600, 600), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    assert find_text(film) == []


def test_a_warning_travels_with_the_film_once():
    burnt = burn(make_phantom(1, size=400).pixels)
    (warning,) = read_radiograph(png(burnt)).warnings
    assert warning.code == "burned-in"
    assert "seems to be burnt" in warning
    stored = make_dicom((burnt * 255).astype(np.uint8), BurnedInAnnotation="YES")
    said = [one for one in read_radiograph(stored).warnings if one.code == "burned-in"]
    assert len(said) == 1
    assert said[0].startswith("The DICOM file says")
    silent = read_radiograph(make_dicom((burnt * 255).astype(np.uint8), BurnedInAnnotation="NO"))
    assert "burned-in" in warning_codes(silent.warnings)
