"""The films of lessons: generated ones with their truth, a teacher's, and those of the data."""

import numpy as np
import pytest

from tests.lessons.test_reading import TWO_FILMS, lesson  # noqa: F401  (a fixture)
from tests.pages.conftest import png
from xraycore.errors import LessonError
from xraycore.lessons import read_lesson
from xraycore.lessons.films import NAME, open_film
from xraycore.lessons.schema import FilmTable


@pytest.fixture
def taught(lesson):  # noqa: F811
    return read_lesson(lesson())


def test_a_generated_film_knows_its_opacity(taught):
    ill = open_film(taught, FilmTable(phantom=7, opacity="focal"))
    clear = open_film(taught, FilmTable(phantom=7))
    assert ill.finding and ill.generated and not clear.finding and clear.place is None
    changed = np.abs(ill.read().pixels - clear.read().pixels) > 0
    shape = changed.shape
    rows = (np.arange(shape[0]) * ill.place.shape[0]) // shape[0]
    columns = (np.arange(shape[1]) * ill.place.shape[1]) // shape[1]
    place = ill.place[np.ix_(rows, columns)]
    # What was changed lies in the place, but for its edge.
    assert changed.any() and place[changed].mean() > 0.95
    assert ill.key != clear.key and ill.read().info.name == NAME


def test_a_plant_changes_the_film_and_not_the_truth(taught):
    plain = open_film(taught, FilmTable(phantom=7))
    planted = open_film(taught, FilmTable(phantom=7, plant="marker"))
    assert not planted.finding and planted.key != plain.key
    changed = planted.read().pixels != plain.read().pixels
    assert 0 < changed.mean() < 0.05 and not changed[changed.shape[0] // 2 :].any()


def test_a_teachers_film_has_the_truth_that_he_gives(taught):
    first, second = (open_film(taught, step.film) for step in taught.steps)
    assert first.finding and not second.finding and not first.generated
    rows, columns = np.nonzero(first.place)
    height, width = first.place.shape
    assert rows.min() / height == pytest.approx(0.2, abs=0.01)
    assert (columns.max() + 1) / width == pytest.approx(0.4, abs=0.01)
    # A file may be called after the finding.
    assert first.read().info.name == NAME


def test_a_real_film_stands_in_where_the_data_are(taught, tmp_path, monkeypatch):
    film = FilmTable(phantom=7)
    real = FilmTable(data="ill/images", number=2, finding=True, masks="ill/masks")
    monkeypatch.setenv("XRAYCORE_DATA", str(tmp_path / "nothing"))
    assert open_film(taught, film, real).generated
    with pytest.raises(LessonError, match="film 2 of the folder ill/images"):
        open_film(taught, real)
    for name in ("one", "two"):
        for folder in ("images", "masks"):
            (tmp_path / "data" / "ill" / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / "data" / "ill" / folder / f"{name}.png").write_bytes(png(3))
    monkeypatch.setenv("XRAYCORE_DATA", str(tmp_path / "data"))
    found = open_film(taught, film, real)
    assert found.finding and not found.generated and found.place.any()
    assert "two.png" in found.key


def test_boxes_belong_to_films_with_a_finding():
    with pytest.raises(ValueError, match="finding = true"):
        FilmTable(file="a.png", finding=False, boxes=[[0.1, 0.1, 0.2, 0.2]])
    with pytest.raises(ValueError, match="below"):
        FilmTable(data="a/../../b", finding=False)
    assert TWO_FILMS
