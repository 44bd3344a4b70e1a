"""What a session has found out, by what it is about: nothing runs twice."""

import threading
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from pages.shared.jobs import Job, follow
from pages.shared.layout import plain
from xraycore.errors import Cancelled
from xraycore.utils.progress import ProgressCallback, part_of

Found = TypeVar("Found")
# What was found, of which film, model and weights, and then of which class, method, ….
Key = tuple
# Gives results by key; runs in a thread of its own.
Work = Callable[[ProgressCallback], Mapping[Key, object]]

# In place of a model's name and weights: what is about one film and several models.
SEVERAL = "several models"

# State of the session: results of brief and of long work; work that runs or failed; keys of what
# was stopped; keys of the work that this run of the page shows.
_BRIEF, _LONG = "results", "long-results"
_JOBS, _STOPPED, _SHOWN = "jobs", "stopped-jobs", "shown-jobs"
# How many of each are kept; a result has at most 5 MB. A look at a film brings some thirty brief
# ones: apart from them, what took minutes stays.
_MOST = {_BRIEF: 100, _LONG: 100}
# A job asks for results too, in a thread of its own.
_TOUCHING = threading.Lock()


def result(key: Key) -> object | None:
    """What was found; None if nothing was yet."""
    stores = [st.session_state.setdefault(store, {}) for store in _MOST]
    with _TOUCHING:
        for found in stores:
            if key in found:
                # To the end: what was asked for longest ago is forgotten first.
                found[key] = found.pop(key)
                return found[key]
    return None


def kept(key: Key, make: Callable[[], Found]) -> Found:
    """The result of brief work, made once."""
    found = result(key)
    if found is None:
        found = make()
        _keep({key: found}, _BRIEF)
    return found


def long_work(
    key: Key, work: Work, *, doing: str, button: str = "", about: str = ""
) -> object | None:
    """The result of long work; until there is one, what begins it or how far it is, and None.

    Args:
        key: Of the result.
        work: Gives it, and maybe more.
        doing: What is being done, in words.
        button: What begins it; without one it begins by itself.
        about: Said beside the button.
    """
    if (found := result(key)) is not None:
        return found
    jobs, stopped = _jobs(), st.session_state.setdefault(_STOPPED, set())
    st.session_state.setdefault(_SHOWN, set()).add(key)
    if key not in jobs and not button and key not in stopped:
        _begin(key, work, doing)
    if key in jobs and jobs[key].wait():
        job = jobs[key]
        if job.error is None:
            del jobs[key]
            _keep(job.result, _LONG)
            return result(key)
        if isinstance(job.error, Cancelled):
            del jobs[key]
            stopped.add(key)
    if key not in jobs:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                button or "Begin again",
                key=f"begin-{_name(key)}",
                icon=":material/play_arrow:",
                on_click=_begin,
                args=(key, work, doing),
            )
            st.caption(f"Stopped. {about}" if key in stopped else about, width="stretch")
    elif jobs[key].error:
        _say_failed(key, jobs[key].error)
    else:
        follow(jobs[key])
        _stop_button(key, jobs[key])
    return None


def forget(film: str) -> None:
    """Lets go of what was found out about a film, by its sha256, and ends the work on it."""
    for key in [key for key in _jobs() if film in key]:
        _jobs().pop(key).stop()
    with _TOUCHING:
        for found in (st.session_state.setdefault(store, {}) for store in _MOST):
            for key in [key for key in found if film in key]:
                del found[key]


def show_other_work(of: Key) -> None:
    """In the sidebar, work that goes on and that this run of the page does not show.

    Args:
        of: Film, model and weights that are on the page.
    """
    shown = st.session_state.pop(_SHOWN, set())
    others = {k: job for k, job in _jobs().items() if k not in shown and not job.done}
    if others:
        with st.sidebar:
            _follow_others(others, of)


@st.fragment(run_every=1)
def _follow_others(others: Mapping[Key, Job], of: Key) -> None:
    """How far each job is; reruns the page once one has ended, which may leave none to follow."""
    if any(job.done for job in others.values()):
        st.rerun()
    st.divider()
    st.caption("Going on meanwhile")
    for key, job in others.items():
        here = key[1 : 1 + len(of)] == of or key[1:3] == (of[0], SEVERAL)
        st.progress(job.share, text=job.words if here else f"{job.words}, of another film or model")
        _stop_button(key, job)


def _jobs() -> dict[Key, Job]:
    return st.session_state.setdefault(_JOBS, {})


def _keep(found: Mapping[Key, object], store: str) -> None:
    results = st.session_state.setdefault(store, {})
    with _TOUCHING:
        results.update(found)
        for key in list(results)[: max(0, len(results) - _MOST[store])]:
            del results[key]


def _begin(key: Key, work: Work, doing: str) -> None:
    context = get_script_run_ctx()

    def run(report: ProgressCallback) -> Mapping[Key, object]:
        # Work may ask for what the app keeps for all sessions, such as loaded models.
        add_script_run_ctx(ctx=context)
        return work(part_of(report, activity=doing))

    st.session_state[_STOPPED].discard(key)
    _jobs()[key] = Job(run)


def _stop_button(key: Key, job: Job) -> None:
    st.button("Stop", key=f"stop-{_name(key)}", icon=":material/stop_circle:", on_click=job.stop)


def _say_failed(key: Key, error: Exception) -> None:
    expected = isinstance(error, ValueError | OSError)
    text = str(error) if expected else f"{type(error).__name__}: {error}"
    st.error(plain(text), icon=":material/error:")
    st.button("Try again", key=f"again-{_name(key)}", on_click=_jobs().pop, args=(key,))


def _name(key: Key) -> str:
    """Short and the same for the same key, for the key of a widget."""
    return sha256(repr(key).encode()).hexdigest()[:12]
