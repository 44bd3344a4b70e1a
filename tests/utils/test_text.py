import pytest

from xraycore.utils.text import join_names, percent


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (0.004, "under 1 %"),
        (0.006, "1 %"),
        (0.125, "12 %"),
        (0.994, "99 %"),
        (0.996, "over 99 %"),
        (1, "100 %"),
    ],
)
def test_what_is_rare_is_not_never(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0.0 %"),
        (0.0004, "under 0.1 %"),
        (0.1234, "12.3 %"),
        (0.9996, "over 99.9 %"),
        (1, "100.0 %"),
    ],
)
def test_decimals(share, text):
    assert percent(share, 1) == text


def test_lists():
    assert join_names(["A"]) == "A"
    assert join_names(["A", "B"]) == "A and B"
    assert join_names(["A", "B", "C"]) == "A, B and C"
