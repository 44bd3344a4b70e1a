"""Films of other hospitals that are in the data sets already."""

import cv2
import numpy as np
import pytest

from xraycore.datasets.audit.leakage import drop_overlap
from xraycore.datasets.manifest import Manifest, Record
from xraycore.errors import DatasetError


def noise(seed: int) -> np.ndarray:
    """A picture like no other, coarse enough to survive another encoding."""
    small = np.random.default_rng(seed).integers(0, 255, (40, 40), dtype=np.uint8)
    return cv2.resize(small, (256, 256), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def film(tmp_path):
    """`film(source, name, picture, group)`: the record of a film written to a file."""

    def write(source, name, picture, group):
        file = tmp_path / source / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(cv2.imencode(file.suffix, picture)[1].tobytes())
        return Record(file, "Normal", "", f"{source}/{group}", source)

    return write


def test_copies_go_with_all_films_of_their_patients(film, caplog):
    home = Manifest(tuple(film("home", f"{n}.png", noise(n), f"h{n}") for n in range(3)))
    abroad = [
        film("abroad", "copy.jpg", noise(1), "ada"),
        film("abroad", "later.png", noise(10), "ada"),
        film("abroad", "other.png", noise(11), "bob"),
    ]
    elsewhere = [
        film("elsewhere", "x.png", noise(12), "ada"),
        film("elsewhere", "y.png", noise(13), "y"),
    ]
    found = drop_overlap([Manifest(tuple(abroad)), Manifest(tuple(elsewhere))], home)
    assert [one.records for one in found] == [(abroad[2],), tuple(elsewhere)]
    assert "abroad: 2 of 3 films are copies" in caplog.text
    assert "elsewhere" not in caplog.text


def test_copies_within_the_external_films_are_no_matter(film):
    home = Manifest((film("home", "a.png", noise(0), "a"),))
    twice = Manifest(
        (film("abroad", "b.png", noise(1), "b"), film("abroad", "c.jpg", noise(1), "c"))
    )
    assert drop_overlap([twice], home) == [twice]


def test_a_set_of_which_nothing_is_left_is_refused(film):
    home = Manifest((film("home", "a.png", noise(0), "a"),))
    abroad = Manifest((film("abroad", "b.jpg", noise(0), "b"),))
    with pytest.raises(DatasetError, match="abroad: expected films that are not in the other"):
        drop_overlap([abroad], home)


def test_a_file_that_is_no_film_stays(film, tmp_path):
    home = Manifest((film("home", "a.png", noise(0), "a"),))
    bad = tmp_path / "bad.png"
    bad.write_text("no film")
    abroad = Manifest((Record(bad, "Normal", "", "abroad/bad", "abroad"),))
    assert drop_overlap([abroad], home) == [abroad]
