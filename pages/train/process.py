"""A process of its own on a page: how far it is, how it is stopped, why it failed."""

import math
from pathlib import Path

import streamlit as st

from pages.shared.access import acts, fragment
from pages.shared.layout import plain
from xraycore.access import Action
from xraycore.jobs.process import Status, last_lines, status, stop


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def words_of(now: Status) -> str:
    """What a process does, in one line."""
    if now.place is not None:
        when = "" if now.place.seconds is None else f", in about {duration(now.place.seconds)}"
        return f"Waiting for its turn: {now.place}{when} …"
    if now.phase == "stopping":
        return "Stopping after this batch …"
    if not now.activity:
        return "Starting: TensorFlow and the list of films take 10 to 30 seconds …"
    words = now.activity[:1].upper() + now.activity[1:]
    if now.epochs:
        words = f"Stage “{plain(now.activity)}”, epoch {now.epoch} of {now.epochs}"
        words += ": judging the validation films" if now.judging else ""
    if now.seconds_left is not None and 0 < now.done < 1:
        words += f" · about {duration(math.ceil(now.seconds_left))} left"
    return f"{words} …"


def follow_process(folder: Path, key: str) -> None:
    """Draws how far a job is with a button to stop it; reruns the page once it has ended."""
    _poll(folder)
    st.button(
        "Stop",
        key=f"stop-{key}",
        icon=":material/stop_circle:",
        on_click=stop_process,
        args=(folder,),
        kwargs={"at_once": True},
    )


@acts(Action.TRAIN)
def stop_process(folder: Path, *, at_once: bool = False) -> None:
    """Ends what works in a folder, whoever began it; fit for a callback."""
    stop(folder, at_once=at_once)


@fragment(Action.TRAIN, run_every=0.7)
def _poll(folder: Path) -> None:
    now = status(folder)
    if not now.alive:
        st.rerun()
    st.progress(min(1.0, now.done), text=words_of(now))


def show_failure(now: Status, folder: Path) -> None:
    """Why a job failed, and the last lines that it left."""
    st.error(plain(now.error or "The process failed."), icon=":material/error:")
    lines = last_lines(folder)
    if lines and lines != [now.error]:
        st.caption("The last lines of its log")
        st.code("\n".join(lines), language=None, wrap_lines=True)
