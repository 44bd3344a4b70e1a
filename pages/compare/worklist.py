"""All films that are open, with every model's answer, those the models disagree on first."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from pages.shared.film_picker import select_film
from pages.shared.jobs import Job, poll
from pages.shared.open_films import OpenFilm, OpenFilms
from xraycore.errors import Cancelled
from xraycore.evaluation.ensemble import agree, disagreement
from xraycore.models.cards import card_sha256, stored_title
from xraycore.models.classifier import Prediction
from xraycore.utils.progress import Progress, ProgressCallback
from xraycore.utils.text import percent


def answers_of(film: OpenFilm, names: Sequence[str]) -> list[Prediction] | None:
    """What the models, as they are now, said of a film; None while one has not been asked."""
    each = [film.answers.get(name, ("", None)) for name in names]
    now = [card_sha256(name) for name in names]
    return [answer for _, answer in each] if now == [card for card, _ in each] else None


def note_answers(film: OpenFilm, predictions: Sequence[Prediction]) -> None:
    """Keeps what models said of a film."""
    for one in predictions:
        film.answers[one.model] = (card_sha256(one.model), _light(one))


def ask_for(opened: OpenFilms, names: Sequence[str]) -> None:
    """Has every model look at every film, in the background, and says how far it is."""
    films = list(opened.films.values())
    missing = [film for film in films if answers_of(film, names) is None]
    job = opened.worklist_job
    if not missing:
        opened.worklist_job = None
        return
    if job is None or (job.done and not job.error):
        job = opened.worklist_job = Job(lambda report: _ask(missing, opened, names, report))
        if job.wait() and not job.error:
            return
    if not job.done:
        with st.container(horizontal=True, vertical_alignment="center"):
            poll(job)
            st.button("Stop", on_click=job.stop, icon=":material/stop:", key="stop-worklist")
        return
    if not isinstance(job.error, Cancelled):
        st.error(job.failure, icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{len(missing):,} of {len(films):,} films have not been looked at.")
        st.button(
            "Go on",
            on_click=setattr,
            args=(opened, "worklist_job", None),
            icon=":material/play_arrow:",
            key="resume-worklist",
        )


def _ask(
    films: Sequence[OpenFilm],
    opened: OpenFilms,
    names: Sequence[str],
    report: ProgressCallback,
) -> None:
    for number, film in enumerate(films):
        for place, name in enumerate(names):
            if film.key not in opened.films:  # It was closed meanwhile.
                break
            share = (number + place / len(names)) / len(films)
            words = f"{stored_title(name)} looks at film {number + 1} of {len(films)}"
            report(Progress(share, words))
            # Of one that is being closed there is no answer, and the next film is not to wait.
            with contextlib.suppress(Cancelled):
                note_answers(film, [film.analysis.prediction(name)])


def _light(prediction: Prediction) -> Prediction:
    """The answer without the feature map: of hundreds of films these would fill the memory."""
    nothing = np.zeros((0, 0, 1), np.float32)
    return replace(prediction, features=nothing, grey=nothing)


def show_worklist(opened: OpenFilms, names: Sequence[str]) -> None:
    """The table of the open films; a row that is clicked becomes the film that is looked at."""
    films = list(opened.films.values())
    ask_for(opened, names)
    rows, order = [], []
    for film in films:
        answers = answers_of(film, names)
        apart = _apart(answers)
        rows.append(_row(film, film is opened.current, names, answers, apart))
        order.append((answers is None, not answers or agree(answers), -(apart or 0.0)))
    places = sorted(range(len(films)), key=order.__getitem__)
    import pandas as pd  # Late: a page is painted sooner without.

    from pages.shared.tables import show_table

    table = pd.DataFrame([rows[place] for place in places])

    keys = [films[place].key for place in places]

    def picked() -> None:
        if chosen := st.session_state["worklist"].selection.rows:
            select_film(keys[chosen[0]])

    # The browser keeps the number of the row that was clicked: after another film was chosen
    # elsewhere, or the rows were sorted anew, that is not the row of the film that is shown.
    # All three lists: else what the browser sends back is not equal, and counts as a click.
    shown = [row for row, place in enumerate(places) if films[place] is opened.current]
    st.session_state["worklist"] = {"selection": {"rows": shown, "columns": [], "cells": []}}
    show_table(
        table,
        key="worklist",
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
    shown: bool,
    names: Sequence[str],
    answers: Sequence[Prediction] | None,
    apart: float | None,
) -> dict:
    row = {
        "Shown": "▶" if shown else "",
        "Film": film.thumbnail,
        "Name": film.title,
        "Apart": apart,
    }
    for place, name in enumerate(names):
        one = answers[place] if answers else None
        said = f"{one.label} {percent(one.probabilities[one.label])}" if one else "…"
        row[stored_title(name)] = said
    return row | {"Warnings": _warnings(answers)}


def _warnings(answers: Sequence[Prediction] | None) -> str:
    return " ".join(dict.fromkeys(text for one in answers or () for text in one.warnings))
