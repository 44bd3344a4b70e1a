"""What all sessions share."""

from functools import partial
from types import SimpleNamespace

import pytest

from pages.shared import cache
from tests.pages.conftest import png
from xraycore.imaging import RadiographError, read_radiograph


def test_a_film_that_is_warned_about_has_no_track_record(monkeypatch):
    answer = SimpleNamespace(model="basic_cnn", label="Normal", probabilities={"Normal": 0.9})
    clean, warned = warned_of(answer, ()), warned_of(answer, ("No lungs.",))
    assert cache.track_record_of(clean).startswith("Track record: of 100 test films")
    assert cache.track_record_of(warned).startswith("No track record: a film that is warned")
    monkeypatch.setattr(cache, "_test_outcome", lambda *_: None)
    assert cache.track_record_of(clean) is None


def warned_of(answer, warnings):
    return SimpleNamespace(**vars(answer), warnings=warnings)


def test_a_file_that_could_not_be_read_is_tried_again(tmp_path):
    file = tmp_path / "film.png"
    file.write_bytes(b"no picture")
    with pytest.raises(RadiographError):
        cache.read_film("film of this test", partial(read_radiograph, file))
    file.write_bytes(png(1))
    film = cache.read_film("film of this test", partial(read_radiograph, file))
    assert cache.read_film("film of this test", partial(read_radiograph, file)) is film
