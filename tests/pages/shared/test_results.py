"""Long work that goes on while another part of the app is looked at."""

import os
import threading
import time
from functools import partial

import pytest
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.testing.v1 import AppTest, local_script_runner

from pages.shared.open_films import OpenFilm
from tests.pages.conftest import png
from tests.pages.explain.explain_page import said, wait
from xraycore.jobs.queue import EVALUATION, add_ticket, leave, list_tickets
from xraycore.utils.progress import Progress


class Gate:
    """Holds the work of the page below until it is told to go on."""

    film = report = None
    begun, go_on = threading.Event(), threading.Event()


def page_with_work():
    import streamlit as st

    from pages.shared.results import long_work, show_other_work
    from tests.pages.shared.test_results import Gate

    st.session_state["runs"] = st.session_state.get("runs", 0) + 1

    def work(report):
        Gate.report = report
        Gate.begun.set()
        Gate.go_on.wait(20)
        return {key: "found"}

    key = ("kind", *st.session_state["of"])
    if st.session_state.get("here", True):
        st.text(long_work(Gate.film, key, work, doing="Hiding parts") or "")
    show_other_work([Gate.film], Gate.film, ("vgg16", "weights"), st.container())


@pytest.fixture
def working():
    """`working(model, weights)`: the page while work on them goes on elsewhere."""
    Gate.begun, Gate.go_on = threading.Event(), threading.Event()
    Gate.film = OpenFilm.of_file("film.png", png(1))

    def open_page(*of):
        app = AppTest.from_function(page_with_work, default_timeout=20)
        app.session_state["of"] = of
        app.run()
        assert Gate.begun.wait(10)
        Gate.report(Progress(0.25))
        app.session_state["here"] = False
        return app.run()

    yield open_page
    Gate.go_on.set()


@pytest.fixture
def tick(monkeypatch):
    """`tick(app)` runs what a timer of the page runs each second, and no more than that."""
    sent, parse = [], local_script_runner.parse_tree_from_messages
    monkeypatch.setattr(
        local_script_runner,
        "parse_tree_from_messages",
        lambda messages: parse(sent.append(list(messages)) or messages),
    )

    def run_fragment(app):
        # A run of the page sets its timers; what they run sets none.
        runs = [[m.auto_rerun for m in run if m.WhichOneof("type") == "auto_rerun"] for run in sent]
        (timer,) = next(filter(None, reversed(runs)))
        assert timer.interval == 1
        timed = partial(RerunData, fragment_id_queue=[timer.fragment_id], is_auto_rerun=True)
        with monkeypatch.context() as only:
            only.setattr(local_script_runner, "RerunData", timed)
            app.run()
        assert not app.exception

    return run_fragment


def bars(app) -> list[tuple[int, str]]:
    return [(bar.proto.value, bar.proto.text) for bar in app.get("progress")]


def test_the_bars_of_work_elsewhere_move_without_a_run_of_the_page(tick, working):
    app = working("vgg16", "weights")
    assert "Going on meanwhile" in said(app)
    assert bars(app) == [(25, "Hiding parts")]
    runs = app.session_state["runs"]
    Gate.report(Progress(0.75))
    tick(app)
    assert bars(app) == [(75, "Hiding parts")]
    assert app.session_state["runs"] == runs
    Gate.go_on.set()
    next(iter(Gate.film.jobs.values())).wait(10)
    tick(app)
    assert app.session_state["runs"] == runs + 1
    wait(app, lambda: "Going on meanwhile" not in said(app))


@pytest.mark.parametrize(
    ("of", "elsewhere"),
    [
        (("vgg16", "weights"), False),
        (("vgg16", "older weights"), True),
        (("several models", ("weights", "others")), False),
        (("resnet50", "weights"), True),
    ],
)
def test_work_on_something_else_says_so(working, of, elsewhere):
    ((_, text),) = bars(working(*of))
    assert ("of another film or model" in text) == elsewhere


def test_what_a_button_begins_waits_for_its_turn():
    def page_with_button():
        import streamlit as st

        from pages.shared.results import long_work
        from tests.pages.shared.test_results import Gate

        def work(report):
            return {("kind", "vgg16"): "found"}

        key = ("kind", "vgg16")
        st.text(long_work(Gate.film, key, work, doing="Hiding", button="Begin") or "nothing yet")

    Gate.film = OpenFilm.of_file("film.png", png(1))
    other = add_ticket(os.getpid, EVALUATION)
    try:
        app = AppTest.from_function(page_with_button, default_timeout=20).run()
        app.button[0].click().run()
        job = Gate.film.jobs["kind", "vgg16"]
        end = time.monotonic() + 10
        while not job.words.startswith("Waiting for its turn: next"):
            assert time.monotonic() < end, job.words
            time.sleep(0.05)
        assert not job.done
    finally:
        leave(other)
    assert job.wait(10)
    assert app.run().text[0].value == "found"
    assert list_tickets() == []
