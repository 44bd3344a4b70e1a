"""A step of the address is not lost to a request that was sent before the browser heard of it."""

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared import address


def page() -> None:
    import streamlit as st

    from pages.shared.address import catch_up, read_address, step

    catch_up()
    st.button("film 2", on_click=lambda: step(film="2"))
    st.button("grid", on_click=lambda: step(layout="grid"))
    st.text(f"{read_address('film')} {read_address('layout')}")


@pytest.fixture
def app():
    app = AppTest.from_function(page)
    app.query_params["film"] = "1"
    return app.run()


def asks_with_the_old_address(app) -> AppTest:
    """The browser, before it heard of the step."""
    app.query_params.clear()
    app.query_params["film"] = "1"
    return app


def said(app) -> str:
    assert not app.exception
    return app.text[0].value


def test_a_second_action_that_still_says_the_old_address_adds_to_the_first(app):
    app.button[0].click().run()
    asks_with_the_old_address(app).button[1].click().run()
    assert said(app) == "2 grid"
    # Nor does a third, whichever of the two it knows.
    asks_with_the_old_address(app).run()
    assert said(app) == "2 grid"
    app.query_params["film"], app.query_params["layout"] = "2", []
    app.run()
    assert said(app) == "2 grid"


def test_back_to_the_address_that_was_left_is_believed(app, monkeypatch):
    app.button[0].click().run()
    context = address.get_script_run_ctx
    monkeypatch.setattr(
        address, "get_script_run_ctx", lambda: SimpleNamespace(is_history_navigation=True)
    )
    asks_with_the_old_address(app).run()
    assert said(app) == "1 None"
    # From then on it is where the visitor is.
    monkeypatch.setattr(address, "get_script_run_ctx", context)
    app.run()
    assert said(app) == "1 None"


def test_an_address_that_is_asked_for_later_is_believed(app, monkeypatch):
    app.button[0].click().run()
    now = address.time.monotonic()
    monkeypatch.setattr(address.time, "monotonic", lambda: now + 5)
    asks_with_the_old_address(app).run()
    assert said(app) == "1 None"
