"""A thread that is ahead of who takes what it makes."""

import threading
import time

import pytest

from xraycore.utils.ahead import run_ahead


def test_the_items_come_in_their_order():
    assert list(run_ahead(range(50), most=3)) == list(range(50))
    assert list(run_ahead([])) == []


def test_it_is_never_far_ahead():
    made = []

    def items():
        for number in range(100):
            made.append(number)
            yield number

    ahead = run_ahead(items(), most=2)
    next(ahead)
    deadline = time.monotonic() + 5
    while len(made) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) == 4  # The one taken, two that wait, one in hand.
    ahead.close()


def test_an_error_is_raised_where_it_came_up():
    def items():
        yield 1
        raise KeyError("second")

    ahead = run_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(KeyError, match="second"):
        next(ahead)


def test_the_thread_ends_and_what_it_reads_is_closed_where_the_taker_stops():
    closed, before = [], threading.active_count()

    def items():
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    ahead = run_ahead(items(), most=1)
    next(ahead)
    ahead.close()
    assert closed == [True]
    assert threading.active_count() == before
