"""The page's address says what is shown: a link opens it again, and one change is one step back."""

import streamlit as st


def read_address(name: str) -> str | None:
    """A parameter of the address."""
    return st.query_params.get(name)


def step(**changes: str | None) -> None:
    """Changes parameters of the address at once, which the browser's Back takes back at once.

    Fit for a callback. Not on a page whose widgets are bound to the address: Streamlit keeps these
    parameters for itself.

    Args:
        changes: New values; None takes a parameter away.
    """
    now = st.query_params.to_dict()
    then = {name: value for name, value in (now | changes).items() if value is not None}
    if then != now:
        st.query_params.from_dict(then)
