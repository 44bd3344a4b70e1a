"""The Metrics page below its title: what to show, and its sections."""

from collections import defaultdict
from collections.abc import Sequence

import streamlit as st

from pages.metrics.cache import DisplayedComparison, board, outcome
from pages.metrics.errors import errors_section, film_of_link
from pages.metrics.scores import (
    calibration_section,
    pairs_section,
    scores_section,
    subgroups_section,
)
from pages.metrics.threshold import threshold_section
from pages.metrics.training import cost_section, training_section
from pages.shared.charts import colours_of
from pages.shared.layout import plain
from xraycore.datasets.manifest import Record
from xraycore.evaluation.comparison import ModelComparison, list_film_sets, list_views
from xraycore.evaluation.ensemble import ENSEMBLE
from xraycore.evaluation.model_index import StoredModel


def readable(entries: list[StoredModel]) -> list[StoredModel]:
    """Entries whose predictions can be read; an error on the page for each of the others."""
    found = []
    for entry in entries:
        problem = entry.problem
        if not problem and entry.has_predictions:
            stored = outcome(entry)
            problem = str(stored) if isinstance(stored, ValueError) else None
            if not problem:
                found.append(entry)
        if problem:
            st.error(f"{plain(entry.title)} is left out. {plain(problem)}", icon=":material/error:")
    return found


def choose(entries: list[StoredModel]) -> DisplayedComparison | None:
    """What to show: the view, the films, the models."""
    outcomes = {entry.name: outcome(entry) for entry in entries}
    views = {view.name: view for view in list_views(outcomes)}
    left, middle = st.columns([3, 2], gap="medium")
    name = left.segmented_control(
        "Classes (view)",
        list(views),
        default=next(iter(views)),
        required=True,
        format_func=lambda name: views[name].title,
        key="view",
        bind="query-params",
        help="A coarser view sums the probabilities of its classes.",
    )
    # A link may clear it: `?view=`.
    view = views[name or next(iter(views))]
    sets = {films.title: films for films in list_film_sets(outcomes, view)}
    if not sets:
        st.info(f"No stored predictions of films of two classes for the view {plain(view.title)}.")
        return None
    chosen = middle.selectbox(
        "Films",
        list(sets),
        key="films",
        bind="query-params",
        help="No model was trained on films of the test set or of other hospitals; by those of "
        "other hospitals the best epoch of some was chosen (see About the models).",
    )
    found = board(entries, view, sets[chosen])
    titles = {entry.name: entry.title for entry in entries} | {ENSEMBLE: "Ensemble"}
    # A row of their own: beside the others five names do not fit on a small screen.
    names = st.pills(
        "Models",
        list(found.models),
        selection_mode="multi",
        default=list(found.models),
        format_func=titles.get,
        key="models",
        bind="query-params",
        help="The ensemble is the mean of the shipped models' probabilities.",
    )
    _say_what_is_judged(found, titles)
    if not names:
        st.info("Choose a model to see its scores.", icon=":material/arrow_upward:")
        return None
    names = [name for name in found.models if name in names]
    return DisplayedComparison(
        entries, sets[chosen], found, names, colours_of(list(found.models), ENSEMBLE)
    )


def _say_what_is_judged(found: ModelComparison, titles: dict[str, str]) -> None:
    text = f"{_films_and_patients(found.records)}: " + ", ".join(
        f"{label} {count:,}" for label, count in found.counts.items()
    )
    if found.dropped:
        text += f". {found.dropped:,} more are left out: not every model has predictions of them"
    if found.members:
        text += ". Ensemble: mean probability of " + ", ".join(titles[m] for m in found.members)
    for name, why in found.left_out.items():
        text += f". {titles[name]} is left out: {why}"
    st.caption(plain(text + "."))


def _films_and_patients(records: Sequence[Record]) -> str:
    """How many they are; where each film of a source has a patient of its own, none is named."""
    sources: dict[str, list[str]] = defaultdict(list)
    for record in records:
        sources[record.source].append(record.group)
    nameless = sum(len(all_) for all_ in sources.values() if len(set(all_)) == len(all_))
    patients = len({record.group for record in records}) - nameless
    known, text = len(records) - nameless, f"{len(records):,} films"
    if not known:
        return f"{text}, patients unknown"
    if not nameless:
        return f"{text} of {patients:,} patients"
    return f"{text} ({known:,} of {patients:,} patients; for {nameless:,} none is named)"


def show(entries: list[StoredModel]) -> None:
    """The sections; only the open one is computed."""
    judged = readable(entries)
    if not judged:
        st.info(
            "No stored predictions yet. Train a model and ship it, and its scores appear here: "
            "`python -m xraycore train`, then `python -m xraycore ship`.",
            icon=":material/monitoring:",
        )
        if any((entry.folder / "history.csv").is_file() for entry in entries):
            training_section(entries)
        return
    shown = choose(judged)
    if shown is None:
        return
    draw = {
        "Scores": lambda: scores_section(shown),
        "Threshold": lambda: threshold_section(shown),
        "Errors": lambda: errors_section(shown),
        "Calibration": lambda: calibration_section(shown),
        "Pairs": lambda: pairs_section(shown),
        "Subgroups": lambda: subgroups_section(shown),
        "Training": lambda: training_section(entries),
        "Size and time": lambda: cost_section(shown),
    }
    tabs = st.tabs(list(draw), key="section", on_change="rerun", bind="query-params")
    for tab, section in zip(tabs, draw.values(), strict=True):
        if tab.open:
            with tab:
                section()
    film_of_link(shown)
