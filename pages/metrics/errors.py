"""The films behind the figures: confusion matrices, worst errors, one film."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from pages.components.confusion_matrix import confusion_matrix
from pages.components.film_grid import Tile, film_grid
from pages.components.film_viewer import HELP, film_panel, size_and_depth
from pages.metrics.cache import (
    DisplayedComparison,
    draw_heatmap_thumbnail,
    draw_thumbnail,
    read_film,
)
from pages.metrics.likeness import FILM, offer_likeness
from pages.metrics.similar import show_films_like
from pages.shared.cache import film_locator
from pages.shared.film_picker import compare_button
from pages.shared.layout import choose_page, plain, plain_option
from pages.shared.tables import show_plain_table, show_table
from xraycore.datasets.labels import LabelScheme
from xraycore.errors import WeightsError
from xraycore.evaluation.comparison import films_behind
from xraycore.evaluation.evaluator import describe_films, top_losses
from xraycore.imaging import Radiograph, RadiographError
from xraycore.models.cards import list_trained, read_card, stored_title
from xraycore.utils.text import percent

CELL = "cell"
PER_PAGE = 12


def show_errors(display: DisplayedComparison) -> None:
    """Confusion matrices, the films behind a cell, and the worst errors."""
    st.markdown("**What is called what** (confusion matrix). Click a cell to see its films.")
    chosen = _read_cell(display)
    classes = display.comparison.scheme.classes
    across = 3 if len(classes) < 4 else 2
    for start in range(0, len(display.names), across):
        for column, name in zip(
            st.columns(across, gap="medium"), display.names[start:], strict=False
        ):
            with column:
                st.markdown(f"**{plain(display.titles[name])}**")
                confusion_matrix(
                    display.scores(name)["confusion"],
                    classes,
                    key=f"confusion-{name}",
                    label=f"Confusion matrix of {display.titles[name]}",
                    selected=chosen[1:] if chosen and chosen[0] == name else None,
                    on_open=lambda truth, said, name=name: st.query_params.__setitem__(
                        CELL, "~".join((name, classes[truth], classes[said]))
                    ),
                )
    st.caption("Percentages are shares of the row, of the films that truly are of that class.")
    if chosen:
        _show_cell(display, *chosen)
    st.divider()
    _show_worst(display)


def _read_cell(display: DisplayedComparison) -> tuple[str, int, int] | None:
    """The cell in the link, if there is one and it is of what is display."""
    name, _, labels = st.query_params.get(CELL, "").partition("~")
    label, _, said = labels.partition("~")
    classes = display.comparison.scheme.classes
    if name in display.names and label in classes and said in classes:
        return name, classes.index(label), classes.index(said)
    return None


def _show_cell(display: DisplayedComparison, name: str, truth: int, said: int) -> None:
    classes = display.comparison.scheme.classes
    places = films_behind(display.comparison, name, classes[truth], classes[said])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(
            f"{plain(display.titles[name])}: {len(places):,} films of {plain(classes[truth])} "
            f"called {plain(classes[said])}",
            anchor=False,
        )
        st.button(
            "Close", key="close-cell", icon=":material/close:", on_click=_forget, args=(CELL,)
        )
    films = describe_films(display.comparison.models[name], display.comparison.scheme, places)
    _list_films(display, films, name, key=f"cell-{name}-{truth}-{said}")


def _show_worst(display: DisplayedComparison) -> None:
    st.markdown("**Most surely wrong** (top losses)")
    name = st.segmented_control(
        "Model",
        display.names,
        default=display.names[0],
        required=True,
        format_func=lambda name: plain_option(display.titles[name]),
        key="loss-model",
        persist_state="session",
        label_visibility="collapsed",
    )
    films = top_losses(display.comparison.models[name], display.comparison.scheme)
    if not films:
        st.success(f"{plain(display.titles[name])} is right on all of these films.")
        return
    st.caption(
        "Look at these first: wrong labels, films of something else, and what the model leans on "
        "show here."
    )
    _list_films(display, films, name, key=f"losses-{name}")


def _list_films(
    display: DisplayedComparison, films: Sequence[dict], model: str, *, key: str
) -> None:
    """A page of thumbnails, where the files are here, and the table of all.

    Args:
        display: What the page shows.
        films: What a model says of them, see `describe_films`.
        model: Its name.
        key: Unique on the page.
    """
    if not films:
        st.info("No film.")
        return
    first, part = choose_page(films, PER_PAGE, key=f"page-{key}", persist_state="session")
    paths = [film_locator().path(film["source"], film["file"]) for film in part]
    pictures = _draw_pictures(
        paths, [film["said"] for film in part], model, display.comparison.scheme, key
    )
    tiles = [
        Tile(
            picture,
            film["file"],
            (f"is {film['label']}", f"said {film['said']}, {percent(film['probability'], 1)}"),
            id=f"{film['source']}/{film['file']}",
        )
        for film, picture in zip(part, pictures, strict=True)
        if picture is not None
    ]
    if tiles:
        film_grid(tiles, key=f"grid-{key}", tile=150, on_open=_open)
    else:
        st.caption("The pictures are not on this computer (set XRAYCORE_DATA); their names are.")

    table = f"table-{key}-{first}"

    def pick() -> None:
        if rows := st.session_state[table].selection.rows:
            _open(f"{part[rows[0]]['source']}/{part[rows[0]]['file']}")
            # A row that stays selected could not be clicked again, only unselected.
            st.session_state[table] = {"selection": {"rows": [], "columns": [], "cells": []}}

    show_table(
        pd.DataFrame([film | {"probability": 100 * film["probability"]} for film in part]),
        key=table,
        on_select=pick,
        selection_mode="single-row",
        height="content",
        column_config={
            "source": "Source",
            "file": st.column_config.TextColumn("File", help="Select a row to open its film."),
            "label": "Truth",
            "said": "Model says",
            "probability": st.column_config.NumberColumn("Probability", format="%.1f %%"),
        },
    )
    st.caption(f"Films {first + 1:,} to {first + len(part):,} of {len(films):,}, the surest first.")


def _draw_pictures(
    paths: Sequence[Path | None], said: Sequence[str], model: str, scheme: LabelScheme, key: str
) -> list[np.ndarray | None]:
    """Thumbnails, with the model's heat for what it said where that is asked for."""
    plain_ones = [path and draw_thumbnail(path) for path in paths]
    if model not in list_trained() or all(picture is None for picture in plain_ones):
        return plain_ones
    title = stored_title(model)
    asked = st.toggle(
        f"Show where {title} looked",
        key=f"heat-{key}",
        persist_state="session",
        help="Grad-CAM of what the network said; of Pneumonia, of the kind that it finds most "
        "probable. Violet is little evidence, yellow much, on one scale for all films.",
    )
    if not asked:
        return plain_ones
    try:
        with st.spinner(f"Asking {title} about {len(paths)} films …"):
            card = read_card(model)
            weights = card["weights"]["sha256"]
            kinds = {
                label: tuple(name for name in card["classes"] if scheme.label(name) == label)
                for label in said
            }
            return [
                path and draw_heatmap_thumbnail(path, model, weights, kinds[label])
                for path, label in zip(paths, said, strict=True)
            ]
    except WeightsError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return plain_ones


def _open(film: str) -> None:
    st.query_params[FILM] = film


def _forget(name: str) -> None:
    st.query_params.pop(name, None)


def show_linked_film(display: DisplayedComparison) -> None:
    """Opens the film that the link names."""
    if not (wanted := st.query_params.get(FILM)):
        return
    source, _, file = wanted.partition("/")
    place = display.comparison.place(source, file)
    if place is None:
        st.warning(f"{plain(wanted)} is not among these films; choose other films above.")
    else:
        _film_dialog(display, place)


@st.dialog("Film", width="large", on_dismiss=lambda: _forget(FILM))
def _film_dialog(display: DisplayedComparison, place: int) -> None:
    comparison = display.comparison
    record, classes = comparison.records[place], comparison.scheme.classes
    path = film_locator().path(record.source, record.path.name)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        radiograph = _show_film(path)
    with right:
        st.markdown(f"**{plain(record.path.name)}**")
        st.markdown(
            f"{plain(record.source)} · truth: **{plain(classes[comparison.y_true[place]])}**"
        )
        rows = [
            {
                "Model": display.titles[name],
                "Says": classes[one.called[place]],
                "Probability": percent(one.probability[place].max(), 1),
                "Of the truth": percent(one.probability[place, one.y_true[place]], 1),
            }
            for name, one in comparison.models.items()
        ]
        show_plain_table(pd.DataFrame(rows), hide_index=True)
        if path:
            st.caption(plain(str(path)))
            offer_likeness(f"{record.source}/{record.path.name}")
        if radiograph:
            compare_button(path)
    if radiograph:
        show_films_like(display, place, path, radiograph)


def _show_film(path: Path | None) -> Radiograph | None:
    if path is None:
        st.info("The picture is not on this computer.", icon=":material/image_not_supported:")
        return None
    try:
        radiograph = read_film(path)
    except RadiographError as error:
        st.error(plain(str(error)), icon=":material/broken_image:")
        return None
    film_panel(radiograph, key="metrics-film", label=f"Film {radiograph.info.name}", group="dialog")
    st.caption(f"{size_and_depth(radiograph.info)}  \n{HELP}")
    return radiograph
