"""What docstrings show as typed at a prompt comes out as they show it."""

import doctest
import importlib
import pkgutil

import pytest

import xraycore


@pytest.mark.slow
def test_examples_at_a_prompt_come_out_as_shown():
    """Of every module of the library."""
    shown = failed = 0
    for module in pkgutil.walk_packages(xraycore.__path__, "xraycore."):
        if module.name.endswith(("__main__", ".migrations.env")):
            continue
        found = doctest.testmod(importlib.import_module(module.name))
        shown, failed = shown + found.attempted, failed + found.failed
    assert failed == 0
    assert shown >= 8, "examples were lost"
