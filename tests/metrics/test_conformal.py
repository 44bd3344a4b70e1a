import numpy as np
import pytest

from xraycore.errors import ArgumentError
from xraycore.metrics.conformal import (
    expected_share,
    fewest_for,
    kind_sets,
    lower_bound,
    upper_bound,
)


def test_bounds_by_hand():
    # Of 19 values the 18th: (19 + 1) 0.9.
    values = np.arange(1.0, 20.0)
    assert (upper_bound(values[::-1], 0.1), lower_bound(values, 0.1)) == (18.0, 2.0)
    # Of 9 the 9th and last; 8 are too few.
    assert upper_bound(np.arange(9.0), 0.1) == 8.0
    with pytest.raises(ArgumentError, match=r"needs 9 films or more\. Received: 8"):
        upper_bound(np.arange(8.0), 0.1)
    for rate in (0, 1):
        with pytest.raises(ArgumentError, match="error_rate must be in"):
            upper_bound(values, rate)
    assert [fewest_for(rate) for rate in (0.05, 0.1, 0.2)] == [19, 9, 4]


def test_one_more_value_exceeds_its_bound_as_often_as_was_said():
    rng = np.random.default_rng(0)
    kept = [
        rng.random() <= upper_bound(rng.random(20), 0.1) for _ in range(4000)
    ]  # The 19th of 20: 19 / 21 of the time.
    assert np.mean(kept) == pytest.approx(19 / 21, abs=0.015)
    mean, low, high = expected_share(20, 0.1)
    assert mean == pytest.approx(19 / 21)
    # Beta(19, 2): 5 % below 0.784, 5 % above 0.982.
    assert (low, high) == pytest.approx((0.784, 0.982), abs=0.002)


def test_kinds_of_which_films_are_too_few_have_no_bound():
    kinds = kind_sets({"A": np.linspace(0.1, 1, 10), "B": np.ones(3)}, (0.1,))
    assert kinds == {"0.1": {"A": pytest.approx(0.1)}}
