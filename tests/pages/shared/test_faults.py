"""What a user is told when something goes wrong, and what the log has of it."""

import logging
import re

import pytest
from streamlit.testing.v1 import AppTest

from xraycore.errors import DatasetError, RadiographError

FAULT = re.compile(r"This is a fault of xraycore itself, (F[0-9A-F]{6}) in the log\.")


def logged(caplog) -> str:
    """All that the log has, traces too."""
    formatter = logging.Formatter()
    return "\n".join(formatter.format(record) for record in caplog.records)


def check_fault(app, caplog, words: str) -> None:
    """One error on the page, without what went wrong inside; the log has that, by its number."""
    assert not app.exception
    (error,) = app.error
    number = FAULT.search(error.value)[1]
    assert words not in error.value
    trace = logged(caplog)
    assert number in trace
    assert words in trace
    assert "Traceback" in trace


@pytest.mark.parametrize("error", [TypeError("a bug"), ValueError("a bug"), KeyError("a bug")])
def test_a_bug_of_a_page_has_its_number_in_the_log(app, monkeypatch, caplog, error):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr("pages.compare.films.show_gallery", broken)
    check_fault(app.run(), caplog, "a bug")
    # The rest of the page is there.
    assert app.title[0].value == "Compare"
    assert app.file_uploader


@pytest.mark.parametrize(
    "error",
    [DatasetError("films.csv: expected a column"), RadiographError("a*b.png: expected an image")],
)
def test_what_can_be_mended_is_told_as_it_is(app, monkeypatch, caplog, error):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr("pages.compare.films.show_gallery", broken)
    app.run()
    assert app.error[0].value.replace("\\", "").replace("\u2060", "") == str(error)
    assert "Traceback" not in logged(caplog)


def test_a_file_that_is_gone_is_told_by_its_name(app, monkeypatch, tmp_path):
    monkeypatch.setattr(
        "pages.compare.films.show_gallery", lambda *_, **__: (tmp_path / "gone.csv").read_bytes()
    )
    app.run()
    assert "gone.csv" in app.error[0].value.replace("\\", "").replace("\u2060", "")


def page_with_callback():
    import streamlit as st

    from pages.shared.faults import guarded

    @guarded
    def broken(*_, **__):
        raise TypeError("a bug of a callback")

    st.button("Break", on_click=broken)
    st.text("The page goes on.")


def test_a_bug_of_a_callback_has_its_number_too(caplog):
    app = AppTest.from_function(page_with_callback).run()
    app.button[0].click().run()
    check_fault(app, caplog, "a bug of a callback")
    assert app.text[0].value == "The page goes on."


def page_with_fragment():
    import streamlit as st

    from pages.shared.faults import guarded

    @st.fragment
    @guarded
    def part():
        if st.toggle("Break"):
            raise TypeError("a bug of a fragment")

    part()
    st.text("The page goes on.")


def test_a_bug_of_a_fragment_has_its_number_too(caplog):
    app = AppTest.from_function(page_with_fragment).run()
    assert not app.error
    app.toggle[0].set_value(True).run()
    check_fault(app, caplog, "a bug of a fragment")


def test_an_upload_that_meets_a_bug_says_so(app, monkeypatch, caplog):
    def broken(*_):
        raise TypeError("a bug of the reader")

    monkeypatch.setattr("pages.shared.film_picker.unpack", broken)
    app.file_uploader[0].set_value([("film.png", b"any", "image/png")]).run()
    check_fault(app, caplog, "a bug of the reader")
