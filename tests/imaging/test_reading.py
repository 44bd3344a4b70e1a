"""Films read by several processes at once."""

import numpy as np
import psutil
import pytest

from tests.imaging.pictures import encode
from xraycore.errors import RadiographError
from xraycore.imaging import read_radiograph, worker
from xraycore.imaging.reading import FilmReader


def decoding_processes() -> set[int]:
    return {
        child.pid
        for child in psutil.Process().children()
        if len(child.cmdline()) > 2 and "worker" in child.cmdline()[2]
    }


def test_films_come_in_their_order_and_what_is_none_stands_in_its_place(ramp):
    films = [encode(np.roll(ramp, shift, 1)) for shift in range(12)]
    films[5] = b"no film"
    with FilmReader(read_radiograph, processes=3) as reader:
        found = list(reader.read(films))
    assert [source for source, _ in found] == films
    assert isinstance(found[5][1], RadiographError)
    for shift, (_, film) in enumerate(found):
        if shift != 5:
            np.testing.assert_array_equal(film.pixels, np.roll(ramp, shift, 1) / np.float32(255))


@pytest.mark.skipif(not worker.SUPPORTED, reason="no memory to share on this system")
def test_its_processes_are_kept_between_calls_and_end_with_it(ramp):
    before = decoding_processes()
    with FilmReader(read_radiograph, processes=2) as reader:
        list(reader.read([encode(ramp)] * 8))
        first = decoding_processes() - before
        list(reader.read([encode(ramp)] * 8))
        assert decoding_processes() - before == first
        assert 1 <= len(first) <= 2
    assert not first & decoding_processes()


def test_every_process_that_was_begun_is_stopped(monkeypatch):
    begun, stopped = [], []

    class Counted:
        def use_here(self):
            begun.append(self)

        def stop(self):
            stopped.append(self)

    monkeypatch.setattr("xraycore.imaging.reading.Worker", Counted)
    with FilmReader(str.upper, processes=2) as reader:
        assert [film for _, film in reader.read("abcdef")] == list("ABCDEF")
        assert 1 <= len(begun) <= 2 and not stopped
    assert stopped == begun


def test_it_reads_no_farther_ahead_than_it_may(ramp):
    asked = []

    def sources():
        for number in range(100):
            asked.append(number)
            yield encode(ramp)

    with FilmReader(read_radiograph, processes=2) as reader:
        films = reader.read(sources())
        next(films)
        assert len(asked) == 5
        films.close()
        assert len(asked) == 5


def test_a_fault_of_our_own_is_raised_and_no_bad_film():
    def read(source):
        raise ZeroDivisionError(source)

    with FilmReader(read, processes=2) as reader, pytest.raises(ZeroDivisionError, match="first"):
        list(reader.read(["first"]))
