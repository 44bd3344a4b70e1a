"""All films that are open, with every model's answer, those the models disagree on first."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from pages.shared import cache
from pages.shared.jobs import Job, follow
from pages.shared.open_films import OpenFilm, current_key, look_at, open_films
from xraycore.errors import Cancelled
from xraycore.evaluation.ensemble import agree, disagreement
from xraycore.models.cards import card_sha256
from xraycore.models.classifier import Prediction
from xraycore.models.registry import MODELS
from xraycore.utils.progress import Progress, ProgressCallback
from xraycore.utils.text import percent

# Answers of the session, by film and model: what the table and the exports are drawn from.
_ANSWERS, _JOB, _CARDS = "worklist-answers", "worklist-job", "worklist-cards"


def answers_of(film: OpenFilm, names: Sequence[str]) -> list[Prediction] | None:
    """What the models said of an open film; None while one of them has not been asked."""
    found = st.session_state.setdefault(_ANSWERS, {})
    each = [found.get((film.key, name)) for name in names]
    return None if None in each else each


def forget_older(names: Sequence[str]) -> None:
    """Forgets what models said whose cards are others by now, and of films that were closed."""
    cards = {name: card_sha256(name) for name in names}
    if st.session_state.get(_CARDS) != cards:
        st.session_state[_CARDS] = cards
        st.session_state[_ANSWERS] = {}
        if job := st.session_state.pop(_JOB, None):
            job.stop()
    found = st.session_state[_ANSWERS]
    for key in [key for key in tuple(found) if key[0] not in open_films()]:
        del found[key]


def note_answers(key: str, predictions: Sequence[Prediction]) -> None:
    """Keeps what the models said of a film."""
    found = st.session_state.setdefault(_ANSWERS, {})
    found.update(((key, one.model), _light(one)) for one in predictions)


def ask_for(films: Sequence[OpenFilm], names: Sequence[str]) -> None:
    """Has every model look at every film, in the background, and says how far it is."""
    found = st.session_state.setdefault(_ANSWERS, {})
    missing = [film for film in films if answers_of(film, names) is None]
    job: Job | None = st.session_state.get(_JOB)
    if not missing:
        st.session_state[_JOB] = None
        return
    if job is None or (job.done and not job.error):
        opened = open_films()
        job = st.session_state[_JOB] = Job(
            lambda report: _ask(missing, opened, names, found, report)
        )
        if job.wait() and not job.error:
            return
    if not job.done:
        with st.container(horizontal=True, vertical_alignment="center"):
            follow(job)
            st.button("Stop", on_click=job.stop, icon=":material/stop:", key="stop-worklist")
        return
    if not isinstance(job.error, Cancelled):
        st.error(str(job.error), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{len(missing):,} of {len(films):,} films have not been looked at.")
        st.button(
            "Go on",
            on_click=st.session_state.__setitem__,
            args=(_JOB, None),
            icon=":material/play_arrow:",
            key="resume-worklist",
        )


def _ask(
    films: Sequence[OpenFilm],
    opened: Mapping[str, OpenFilm],
    names: Sequence[str],
    found: dict[tuple[str, str], Prediction],
    report: ProgressCallback,
) -> None:
    for number, film in enumerate(films):
        if film.key not in opened:
            continue
        try:
            xray = film.read()
            for place, name in enumerate(names):
                share = (number + place / len(names)) / len(films)
                words = f"{MODELS[name].title} looks at film {number + 1} of {len(films)}"
                report(Progress(share, words))
                found[film.key, name] = _light(cache.prediction(name, xray))
        finally:
            # Closed meanwhile: it was let go of, and then looked at.
            if film.key not in opened:
                film.forget()


def _light(prediction: Prediction) -> Prediction:
    """The answer without the feature map: of hundreds of films these would fill the memory."""
    nothing = np.zeros((0, 0, 1), np.float32)
    return replace(prediction, features=nothing, grey=nothing)


def show_worklist(names: Sequence[str]) -> None:
    """The table of the open films; a row that is clicked becomes the film that is looked at."""
    films = list(open_films().values())
    ask_for(films, names)
    rows, order = [], []
    for film in films:
        answers = answers_of(film, names)
        apart = _apart(answers)
        rows.append(_row(film, names, answers, apart))
        order.append((answers is None, not answers or agree(answers), -(apart or 0.0)))
    places = sorted(range(len(films)), key=order.__getitem__)
    import pandas as pd  # Late: a page is painted sooner without.

    table = pd.DataFrame([rows[place] for place in places])

    def picked() -> None:
        if chosen := st.session_state["worklist"].selection.rows:
            look_at(films[places[chosen[0]]].key)

    # The browser keeps the number of the row that was clicked: after another film was chosen
    # elsewhere, or the rows were sorted anew, that is not the row of the film that is shown.
    # All three lists: else what the browser sends back is not equal, and counts as a click.
    shown = [row for row, place in enumerate(places) if films[place].key == current_key()]
    st.session_state["worklist"] = {"selection": {"rows": shown, "columns": [], "cells": []}}
    st.dataframe(
        table,
        key="worklist",
        hide_index=True,
        on_select=picked,
        selection_mode="single-row-required",
        height=min(38 + 48 * len(films), 330),
        row_height=48,
        column_config={
            "Shown": st.column_config.TextColumn("", width=30, help="The film that is shown"),
            "Film": st.column_config.ImageColumn("Film", width=60),
            "Name": st.column_config.TextColumn("Name", width="medium"),
            "Apart": st.column_config.NumberColumn(
                "Apart",
                format="%.2f bit",
                help="How far the models' probabilities are apart (Jensen-Shannon divergence): 0 "
                "where all say the same.",
            ),
        },
    )
    st.caption("Where the answers differ most comes first. Select a row to see its film.")


def _apart(answers: Sequence[Prediction] | None) -> float | None:
    if not answers or len(answers) < 2 or len({one.classes for one in answers}) > 1:
        return None
    return disagreement(answers)


def _row(
    film: OpenFilm,
    names: Sequence[str],
    answers: Sequence[Prediction] | None,
    apart: float | None,
) -> dict:
    row = {
        "Shown": "▶" if film.key == current_key() else "",
        "Film": film.thumbnail,
        "Name": film.title,
        "Apart": apart,
    }
    for place, name in enumerate(names):
        one = answers[place] if answers else None
        said = f"{one.label} {percent(one.probabilities[one.label])}" if one else "…"
        row[MODELS[name].title] = said
    return row | {"Warnings": _warnings(answers)}


def _warnings(answers: Sequence[Prediction] | None) -> str:
    return " ".join(dict.fromkeys(text for one in answers or () for text in one.warnings))
