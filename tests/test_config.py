"""What the environment sets."""

import pytest

from xraycore.config import Limits, limits, loads_ahead
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


def test_networks_are_loaded_ahead_unless_it_is_said_otherwise(monkeypatch):
    monkeypatch.delenv("XRAYCORE_LOAD")
    assert loads_ahead()
    monkeypatch.setenv("XRAYCORE_LOAD", "asked")
    assert not loads_ahead()
    monkeypatch.setenv("XRAYCORE_LOAD", "later")
    with pytest.raises(ArgumentError, match="XRAYCORE_LOAD: expected ahead or asked. Recei"):
        loads_ahead()
