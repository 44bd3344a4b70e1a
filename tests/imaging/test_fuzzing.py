"""Ten thousand mutated films are films or RadiographErrors, and so is what fuzzing once found."""

from pathlib import Path

import pytest

from tests.imaging.fuzzing import ends_well, films, fuzz

pytestmark = pytest.mark.slow

FOUND = sorted((Path(__file__).parent / "found").glob("*"))


@pytest.mark.parametrize("seed", range(4))
def test_mutated_films(seed):
    starts = films()
    assert all(ends_well(data) for data in starts.values())
    tried, found = fuzz(list(starts.values()), seed, seconds=60, most=2500)
    assert tried > 100
    assert found == []


def test_what_was_found():
    assert [file.name for file in FOUND if not ends_well(file.read_bytes())] == []
