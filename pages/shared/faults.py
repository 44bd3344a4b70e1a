"""What a user is told when something goes wrong: what they can mend, or which fault to report."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import streamlit as st

from pages.shared.layout import plain
from xraycore.errors import XrayCoreError, log_fault

Given, Returned = ParamSpec("Given"), TypeVar("Returned")


def describe_error(error: Exception) -> str:
    """What is wrong and can be mended; of a bug the number under which its trace is in the log."""
    if isinstance(error, XrayCoreError | OSError):
        return plain(str(error))
    return f"This is a fault of xraycore itself, {log_fault(error)} in the log."


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Shows what is raised inside it, where it is raised."""
    try:
        yield
    except Exception as error:  # What Streamlit itself raises to stop a run is no Exception.
        st.error(describe_error(error), icon=":material/error:")


def guarded(function: Callable[Given, Returned]) -> Callable[Given, Returned | None]:
    """The function, for a callback or a fragment: what it raises is shown, and it gives None."""

    @functools.wraps(function)
    def call(*arguments: Given.args, **settings: Given.kwargs) -> Returned | None:
        with errors_as_messages():
            return function(*arguments, **settings)

    return call
