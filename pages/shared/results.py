"""Work that takes long: what begins it, how far it is; its result stays with the film."""

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.access import current_user, fragment
from pages.shared.analysis import Key
from pages.shared.jobs import Job, poll
from pages.shared.layout import plain
from pages.shared.open_films import OpenFilm
from xraycore.access import Action
from xraycore.errors import Cancelled
from xraycore.jobs.queue import EVALUATION, turn
from xraycore.utils.progress import ProgressCallback, part_of

# Gives results by key; runs in a thread of its own, which knows no session.
Work = Callable[[ProgressCallback], Mapping[Key, object]]

# In place of a model's name and weights: what is about one film and several models.
SEVERAL = "several models"

# Keys of the work that this run of the page shows.
_SHOWN = "shown-jobs"


def long_work(
    film: OpenFilm, key: Key, work: Work, *, doing: str, button: str = "", about: str = ""
) -> object | None:
    """The result of long work; until there is one, what begins it or how far it is, and None.

    Args:
        film: What it is about.
        key: Of the result.
        work: Gives it, and maybe more.
        doing: What is being done, in words.
        button: What begins it; without one it begins by itself.
        about: Said beside the button.
    """
    if (found := film.analysis.long_result(key)) is not None:
        return found
    st.session_state.setdefault(_SHOWN, set()).add(key)
    if key not in film.jobs and not button and key not in film.stopped:
        _begin(film, key, work, doing)
    job = film.jobs.get(key)
    if job and job.wait():
        if job.error is None:
            del film.jobs[key]
            film.analysis.keep(job.result)
            return film.analysis.long_result(key)
        if isinstance(job.error, Cancelled):
            del film.jobs[key]
            job = None
            film.stopped.add(key)
    if job is None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                plain(button or "Begin again"),
                key=f"begin-{_name(key)}",
                icon=":material/play_arrow:",
                on_click=_begin_in_turn,
                args=(film, key, work, doing),
            )
            st.caption(
                f"Stopped. {plain(about)}" if key in film.stopped else plain(about), width="stretch"
            )
    elif job.error:
        st.error(job.failure, icon=":material/error:")
        st.button("Try again", key=f"again-{_name(key)}", on_click=film.jobs.pop, args=(key,))
    else:
        poll(job)
        _stop_button(key, job)
    return None


def show_other_work(
    films: Iterable[OpenFilm], shown: OpenFilm, of: Key, side: DeltaGenerator
) -> None:
    """Work that goes on and that this run of the page does not show.

    Args:
        films: Those that are open.
        shown: The one that is on the page.
        of: Model and weights that are on the page.
        side: Where it is told.
    """
    here = st.session_state.pop(_SHOWN, set())
    others = {
        (film, key): job
        for film in films
        for key, job in film.jobs.items()
        if not job.done and not (film is shown and key in here)
    }
    if others:
        with side:
            _poll_others(others, shown, of)


@fragment(Action.LOOK, Action.ANSWER, run_every=1)
def _poll_others(others: Mapping[tuple[OpenFilm, Key], Job], shown: OpenFilm, of: Key) -> None:
    """How far each job is; reruns the page once one has ended, which may leave none to follow."""
    if any(job.done for job in others.values()):
        st.rerun()
    st.divider()
    st.caption("Going on meanwhile")
    for (film, key), job in others.items():
        same = film is shown and (key[1 : 1 + len(of)] == of or key[1] == SEVERAL)
        st.progress(
            job.share,
            text=plain(job.words) if same else f"{plain(job.words)}, of another film or model",
        )
        _stop_button((film.key, *key), job)


def _begin(film: OpenFilm, key: Key, work: Work, doing: str) -> None:
    film.stopped.discard(key)
    film.jobs[key] = Job(lambda report: work(part_of(report, activity=doing)))


def _begin_in_turn(film: OpenFilm, key: Key, work: Work, doing: str) -> None:
    """What somebody asks for with a button takes minutes: it waits until it is his turn."""
    user = current_user().id

    def work_in_turn(report: ProgressCallback) -> Mapping[Key, object]:
        with turn(EVALUATION, user, report):
            return work(part_of(report, activity=doing))

    film.stopped.discard(key)
    film.jobs[key] = Job(work_in_turn)


def _stop_button(key: Key, job: Job) -> None:
    st.button("Stop", key=f"stop-{_name(key)}", icon=":material/stop_circle:", on_click=job.stop)


def _name(key: Key) -> str:
    """Short and the same for the same key, for the key of a widget."""
    return sha256(repr(key).encode()).hexdigest()[:12]
