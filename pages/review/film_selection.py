"""Which films a new study has: generated, opened here, or of a public data set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from pages.shared.film_picker import say_refused, upload_films
from pages.shared.layout import plain, plain_option
from pages.shared.open_films import open_films
from pages.shared.tables import show_table
from xraycore.datasets.labels import order_classes
from xraycore.datasets.locator import (
    MOST_PHANTOMS,
    Read,
    draw_records,
    list_study_records,
    phantom_number,
)
from xraycore.datasets.manifest import Record
from xraycore.datasets.public import list_datasets
from xraycore.errors import XrayCoreError
from xraycore.imaging import read_radiograph
from xraycore.utils.text import pluralise

OPENED, GENERATED = "Opened here", "Generated"
MOST_FILMS = 200
BY_LOT, ONE_BY_ONE = "Drawn by lot", "One by one"


@dataclass(frozen=True)
class StudyFilms:
    """The films of a study: how many, what lists how each is read, and whether they stay here."""

    count: int
    list_reads: Callable[[int], list[Read]]
    public: bool


def choose_films() -> StudyFilms:
    """The fields that choose them."""
    films, datasets = open_films().films, list_datasets()
    source = st.pills(
        "Films",
        [GENERATED, OPENED, *datasets],
        default=OPENED if films else GENERATED,
        required=True,
        key="study-films",
        persist_state="session",
        format_func=lambda one: f"{OPENED} ({len(films)})" if one == OPENED else plain_option(one),
        help="Generated films show no patient. Of a public data set, films are drawn by lot, as "
        "many of each class as can be, from its test split where it has one; or chosen one by one.",
    )
    if source == OPENED:
        return _choose_opened()
    if source == GENERATED:
        return _choose_generated()
    return _choose_of_dataset(datasets[source], source)


def _choose_opened() -> StudyFilms:
    upload_films()
    say_refused()
    films = open_films().films
    chosen = list(films)
    if len(films) > 1:
        # By what is open: another film that is opened is chosen too.
        chosen = st.multiselect(
            "Which of them",
            list(films),
            default=list(films),
            format_func=lambda key: films[key].title if key in films else key,
            key=f"study-opened-{len(films)}",
        )
    st.caption("Opened films are not kept: each reader opens the same files.")
    reads = [films[key].analysis.radiograph for key in chosen]
    return StudyFilms(len(reads), lambda seed: reads, public=False)


def _choose_generated() -> StudyFilms:
    if _ask_way(GENERATED) == BY_LOT:
        numbers: Sequence[int] = range(_ask_count(MOST_PHANTOMS, GENERATED))
    else:
        numbers = st.multiselect(
            "Which of them",
            range(MOST_PHANTOMS),
            default=[0, 1, 2],
            format_func=lambda number: f"Film {number + 1}",
            key="study-generated",
        )
    reads = [partial(phantom_number, number) for number in numbers]
    return StudyFilms(len(reads), lambda seed: reads, public=True)


def _choose_of_dataset(place: Path, source: str) -> StudyFilms:
    try:
        records = _records(str(place))
    except XrayCoreError as error:
        st.error(plain(str(error)), icon=":material/folder_off:")
        return StudyFilms(0, lambda seed: [], public=True)
    labels = order_classes(record.label for record in records)
    wanted = st.multiselect(
        "Only films of",
        labels,
        format_func=plain_option,
        key=f"study-classes-{source}",
        placeholder="All classes",
        help="What the data set says of a film; readers are not told.",
    )
    some = [record for record in records if not wanted or record.label in wanted]
    if _ask_way(source) == BY_LOT:
        count = _ask_count(min(MOST_FILMS, len(some)), f"{source}-{len(some)}")

        def draw(seed: int) -> list[Read]:
            drawn = draw_records(some, count, seed=seed)
            return [partial(read_radiograph, record.path) for record in drawn]

        return StudyFilms(count, draw, public=True)
    chosen = _tick(some, source)[:MOST_FILMS]
    reads: list[Read] = [partial(read_radiograph, record.path) for record in chosen]
    return StudyFilms(len(reads), lambda seed: reads, public=True)


def _ask_way(source: str) -> str:
    return st.segmented_control(
        "How they are chosen",
        [BY_LOT, ONE_BY_ONE],
        default=BY_LOT,
        required=True,
        format_func=lambda way: "The first" if (way, source) == (BY_LOT, GENERATED) else way,
        key=f"study-way-{source}",
    )


def _ask_count(most: int, source: str) -> int:
    # At least 1, so that the field can be drawn where a filter leaves no film.
    return int(
        st.number_input(
            "How many films",
            min(1, most),
            most,
            min(5, most),
            key=f"count-{source}",
            persist_state="session",
        )
    )


def _tick(records: Sequence[Record], source: str) -> list[Record]:
    """The films whose rows are ticked in a table that can be searched and sorted."""
    found = show_table(
        pd.DataFrame(
            {
                "File": record.path.name,
                "Class": record.label,
                "Patient": record.group.partition("/")[2],
                "Age": record.age,
            }
            for record in records
        ),
        key=f"study-table-{source}-{len(records)}",
        height=260,
        on_select="rerun",
        selection_mode="multi-row",
    )
    rows = [row for row in found.selection.rows if row < len(records)]
    more = f"; the first {MOST_FILMS} are taken" if len(rows) > MOST_FILMS else ""
    st.caption(
        f"{pluralise(len(rows), 'film')} of {len(records):,} ticked{more}. The glass at the "
        "table's corner searches."
    )
    return [records[row] for row in rows]


@st.cache_data(max_entries=4, show_spinner="Listing the films …")
def _records(place: str) -> list[Record]:
    return list_study_records(place)
