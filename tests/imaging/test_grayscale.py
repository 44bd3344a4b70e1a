"""Windows, tables and ranges at their ends, worked out by hand."""

import numpy as np
import pytest

from xraycore.imaging.grayscale import Table, Window, _without_outliers


@pytest.mark.parametrize(
    ("function", "width", "usable"),
    [
        *(("LINEAR", 0.99, False), ("LINEAR", 1, True), ("LINEAR", 1.5, True)),
        *(("LINEAR_EXACT", 0, False), ("LINEAR_EXACT", 0.5, True)),
        *(("SIGMOID", 0, False), ("SIGMOID", 0.5, True), ("CUBIC", 9, False)),
    ],
)
def test_how_narrow_a_window_may_be(function, width, usable):
    assert (Window(10, width, function)(np.array([9.0, 10.0, 11.0])) is not None) == usable


def test_a_linear_window_of_one_level_is_a_step_half_a_level_lower():
    np.testing.assert_array_equal(Window(10, 1)(np.array([9.0, 9.5, 10.0])), [0, 0, 1])


def test_a_table_of_nothing_but_0_and_1_shows_1_as_white():
    table = Table(0, np.array([0, 1, 1]), 16)
    np.testing.assert_array_equal(table(np.array([0, 1, 2])), [0, 1, 1])


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_the_highest_value_of_the_declared_depth_is_white_and_no_other(bits):
    full = 2**bits - 1
    shown = Table(0, np.array([0, full - 1, full]), bits)(np.array([0, 1, 2]))
    np.testing.assert_array_equal(shown, [0, (full - 1) / full, 1])


def test_a_table_of_less_than_its_depth_has_its_highest_value_as_white():
    places = np.arange(3)
    shown = Table(0, np.array([0, 50, 100]), 16)(places)
    np.testing.assert_array_equal(shown, [0, 0.5, 1])
    np.testing.assert_array_equal(Table(0, np.zeros(3, int), 16)(places), [0, 0, 0])


def test_what_is_far_from_a_single_value_is_no_outlier():
    """All values but one are the same: a range of theirs alone would show nothing."""
    values = np.full(10_000, 100.0)
    values[7] = 5000
    assert _without_outliers(values, 100.0, 5000.0) == (100.0, 5000.0)
