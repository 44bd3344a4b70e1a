"""What the environment sets."""

import pytest

from xraycore.config import Limits, limits
from xraycore.errors import ArgumentError


def test_limits_are_those_of_the_environment_and_else_the_defaults(monkeypatch):
    monkeypatch.delenv("XRAYCORE_LIMITS")
    assert limits() == Limits()
    monkeypatch.setenv("XRAYCORE_LIMITS", "trainings=3, disk_gb=0.5")
    assert limits() == Limits(trainings=3, disk_gb=0.5)


@pytest.mark.parametrize("text", ["trainings", "trainings=many", "films=0", "disk_gb=nan", "no=1"])
def test_a_limit_that_is_none_is_told(monkeypatch, text):
    monkeypatch.setenv("XRAYCORE_LIMITS", text)
    with pytest.raises(ArgumentError, match=f"XRAYCORE_LIMITS: .*of_user.*Received: '{text}'"):
        limits()
