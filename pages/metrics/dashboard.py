"""The Metrics page below its title: what to show, and its sections."""

from collections import defaultdict
from collections.abc import Sequence

import streamlit as st

from pages.metrics.cache import DisplayedComparison, compare_models, read_predictions
from pages.metrics.errors import show_errors, show_linked_film
from pages.metrics.hospitals import show_hospitals
from pages.metrics.pairs import show_pairs
from pages.metrics.scores import show_calibration, show_scores
from pages.metrics.site import show_sites
from pages.metrics.subgroups import show_subgroups
from pages.metrics.threshold import show_threshold
from pages.metrics.training import show_cost, show_training
from pages.shared.charts import colours_of
from pages.shared.layout import plain, plain_option
from xraycore.datasets.manifest import Record
from xraycore.errors import XrayCoreError
from xraycore.evaluation.comparison import ModelComparison, list_evaluation_sets, list_schemes
from xraycore.evaluation.ensemble import ENSEMBLE
from xraycore.evaluation.model_index import StoredModel


def select_readable(models: list[StoredModel]) -> list[StoredModel]:
    """Those whose predictions can be read; an error on the page for each of the others."""
    usable = []
    for model in models:
        problem = model.problem
        if not problem and model.has_predictions:
            predictions = read_predictions(model)
            if isinstance(predictions, XrayCoreError):
                problem = str(predictions)
            else:
                usable.append(model)
        if problem:
            st.error(f"{plain(model.title)} is left out. {plain(problem)}", icon=":material/error:")
    return usable


def choose_comparison(models: list[StoredModel]) -> DisplayedComparison | None:
    """What to show: the view, the films, the models."""
    predictions = {model.name: read_predictions(model) for model in models}
    schemes = {scheme.name: scheme for scheme in list_schemes(predictions)}
    left, middle = st.columns([3, 2], gap="medium")
    name = left.segmented_control(
        "Classes (view)",
        list(schemes),
        default=next(iter(schemes)),
        required=True,
        format_func=lambda name: plain_option(schemes[name].title),
        key="view",
        bind="query-params",
        help="A coarser view sums the probabilities of its classes.",
    )
    # A link may clear it: `?view=`.
    scheme = schemes[name or next(iter(schemes))]
    sets = {films.title: films for films in list_evaluation_sets(predictions, scheme)}
    if not sets:
        st.info(
            f"No stored predictions of films of two classes for the view {plain(scheme.title)}."
        )
        return None
    chosen = middle.selectbox(
        "Films",
        list(sets),
        key="films",
        bind="query-params",
        help="No model was trained on films of the test set or of other hospitals; by those of "
        "other hospitals the best epoch of some was chosen (see About the models).",
    )
    comparison = compare_models(models, scheme, sets[chosen])
    titles = {model.name: model.title for model in models} | {ENSEMBLE: "Ensemble"}
    # A row of their own: beside the others five names do not fit on a small screen.
    names = st.pills(
        "Models",
        list(comparison.models),
        selection_mode="multi",
        default=list(comparison.models),
        format_func=lambda name: plain_option(titles[name]),
        key="models",
        bind="query-params",
        help="The ensemble is the mean of the shipped models' probabilities.",
    )
    _describe_films(comparison, titles)
    if not names:
        st.info("Choose a model to see its scores.", icon=":material/arrow_upward:")
        return None
    names = [name for name in comparison.models if name in names]
    return DisplayedComparison(
        comparison,
        names,
        titles,
        colours_of(list(comparison.models), ENSEMBLE),
        {model.name: model for model in models},
        sets[chosen],
    )


def _describe_films(comparison: ModelComparison, titles: dict[str, str]) -> None:
    text = f"{_count_patients(comparison.records)}: " + ", ".join(
        f"{label} {count:,}" for label, count in comparison.counts.items()
    )
    if comparison.dropped:
        text += (
            f". {comparison.dropped:,} more are left out: not every model has predictions of them"
        )
    if comparison.members:
        text += ". Ensemble: mean probability of " + ", ".join(
            titles[m] for m in comparison.members
        )
    for name, why in comparison.left_out.items():
        text += f". {titles[name]} is left out: {why}"
    st.caption(plain(text + "."))


def _count_patients(records: Sequence[Record]) -> str:
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


def _show_thresholds(display: DisplayedComparison) -> None:
    show_threshold(display)
    show_sites()


def show_dashboard(models: list[StoredModel]) -> None:
    """The sections; only the open one is computed."""
    usable = select_readable(models)
    if not usable:
        st.info(
            "No stored predictions yet. Train a model and ship it, and its scores appear here: "
            "`python -m xraycore train`, then `python -m xraycore ship`.",
            icon=":material/monitoring:",
        )
        if any((model.folder / "history.csv").is_file() for model in models):
            show_training(models)
        return
    display = choose_comparison(usable)
    if display is None:
        return
    draw = {
        "Scores": lambda: show_scores(display),
        "Threshold": lambda: _show_thresholds(display),
        "Other hospitals": lambda: show_hospitals(display, usable),
        "Errors": lambda: show_errors(display),
        "Calibration": lambda: show_calibration(display),
        "Pairs": lambda: show_pairs(display),
        "Subgroups": lambda: show_subgroups(display),
        "Training": lambda: show_training(models),
        "Size and time": lambda: show_cost(display),
    }
    tabs = st.tabs(list(draw), key="section", on_change="rerun", bind="query-params")
    for tab, section in zip(tabs, draw.values(), strict=True):
        if tab.open:
            with tab:
                section()
    show_linked_film(display)
