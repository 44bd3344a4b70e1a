"""The page's address says what is shown: a link opens it again, and one change is one step back."""

import time
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

# State of the session: the last step, until the browser is known to have taken it.
_STEPPED = "address-stepped"
# Seconds after a step in which a request may have been on its way before the browser heard of it.
_ON_ITS_WAY = 4.0


@dataclass(frozen=True)
class _Stepped:
    """A step: the addresses that it, and those just before it, left; where it led; and when."""

    left: tuple[dict[str, str], ...]
    then: dict[str, str]
    at: float


def read_address(name: str) -> str | None:
    """A parameter of the address."""
    return st.query_params.get(name)


def catch_up() -> None:
    """Takes an address that the last step has left for the one that it led to.

    A request that the browser sent before it heard of the step still says the old address: of a
    second click that follows the first at once, or of a part of the page that draws itself again.
    A press of Back says it too, and is believed. Asked for at the head of a page that steps.
    """
    stepped: _Stepped | None = st.session_state.get(_STEPPED)
    if stepped is None:
        return
    context = get_script_run_ctx()
    back = context is not None and context.is_history_navigation
    late = not back and time.monotonic() - stepped.at < _ON_ITS_WAY
    now = st.query_params.to_dict()
    if late and now != stepped.then and now in stepped.left:
        st.query_params.from_dict(stepped.then)
    elif not late:
        del st.session_state[_STEPPED]


def step(**changes: str | None) -> None:
    """Changes parameters of the address at once, which the browser's Back takes back at once.

    Fit for a callback. Not on a page whose widgets are bound to the address: Streamlit keeps these
    parameters for itself.

    Args:
        changes: New values; None takes a parameter away.
    """
    catch_up()
    now = st.query_params.to_dict()
    then = {name: value for name, value in (now | changes).items() if value is not None}
    if then != now:
        last: _Stepped | None = st.session_state.get(_STEPPED)
        left = (*(last.left if last else ()), now)
        # Noted first: a request that comes just now ends this run with the next line.
        st.session_state[_STEPPED] = _Stepped(left, then, time.monotonic())
        st.query_params.from_dict(then)
