"""What a session keeps of its results, and the work that goes on elsewhere."""

import threading
from functools import partial

import pytest
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.testing.v1 import AppTest, local_script_runner

from tests.pages.explain.explain_page import said, wait
from xraycore.utils.progress import Progress


def many_results():
    import streamlit as st

    from pages.shared.results import kept, long_work

    def count(name):
        st.session_state[name] = st.session_state.get(name, 0) + 1
        return name

    count("runs")
    found = long_work(
        ("long", "film"), lambda report: {("long", "film"): count("long")}, doing="Long work"
    )
    for number in range(150):
        kept(("used", "film"), lambda: count("used"))
        kept(("brief", "film", number), lambda: count("brief"))
    st.text(found)


def test_brief_results_push_out_neither_long_ones_nor_what_is_in_use():
    app = AppTest.from_function(many_results).run().run()
    assert not app.exception
    assert app.text[0].value == "long"
    assert app.session_state["runs"] == 2
    assert app.session_state["long"] == 1
    assert app.session_state["used"] == 1
    assert len(app.session_state["results"]) == 100


def test_long_results_are_forgotten_too_the_unread_ones_first():
    def read_first_and_last():
        import streamlit as st

        from pages.shared.results import long_work, result

        made = st.session_state.setdefault("made", [])

        def work(number):
            return long_work(
                ("long", number),
                lambda report: made.append(number) or {("long", number): number},
                doing="Long work",
            )

        for number in range(120):
            work(number)
            result(("long", 0))
        work(0)
        work(1)

    app = AppTest.from_function(read_first_and_last, default_timeout=60).run()
    assert not app.exception
    assert len(app.session_state["long-results"]) == 100
    assert app.session_state["made"] == [*range(120), 1]


class Gate:
    """Holds the work of the page below until it is told to go on."""

    report = None
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

    key = ("kind", "film", *st.session_state["of"])
    if st.session_state.get("here", True):
        st.text(long_work(key, work, doing="Hiding parts") or "")
    show_other_work(("film", "vgg16", "weights"))


@pytest.fixture
def working():
    """`working(model, weights)`: the page while work on them goes on elsewhere."""
    Gate.begun, Gate.go_on = threading.Event(), threading.Event()

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
    next(iter(app.session_state["jobs"].values())).wait(10)
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
