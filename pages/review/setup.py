"""The form that sets up a reading study, and the work behind it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from pages.review.routing import go_to
from pages.shared import cache
from pages.shared.jobs import Job, follow
from pages.shared.layout import plain
from pages.shared.open_films import open_films, say_refused, upload_films, usable_models
from xraycore.attribution.registry import METHODS
from xraycore.datasets.locator import MOST_PHANTOMS, Read, draw_records, phantom_number
from xraycore.datasets.public import list_datasets
from xraycore.errors import Cancelled, DatasetError, WeightsError
from xraycore.imaging import read_radiograph
from xraycore.models.cards import read_card
from xraycore.models.classifier import Classifier
from xraycore.models.registry import MODELS
from xraycore.reader_study import ReaderStudyError, ReaderStudyRepository, Study
from xraycore.reader_study.records import MAX_NAME
from xraycore.reader_study.setup import ANSWER, FINDING, list_heatmaps
from xraycore.utils.progress import ProgressCallback, part_of
from xraycore.utils.text import pluralise

OPENED, GENERATED = "Opened here", "Generated"
MOST_FILMS = 200
_TARGETS = {FINDING: "Its most probable finding", ANSWER: "Its answer, Normal too"}
_MAKING, _PROBLEM, _REFUSED = "review-making", "review-setup-problem", "review-left-out"


def show_setup(reviews: ReaderStudyRepository) -> None:
    """The form, or how far the new study is."""
    st.subheader("Set up a study", anchor=False)
    job: Job | None = st.session_state.get(_MAKING)
    if job is not None:
        _show_making(job)
        return
    trained = usable_models()
    if not trained:
        return
    title = st.text_input(
        "Title",
        key="title",
        max_chars=MAX_NAME,
        placeholder="e.g. Pilot, consolidation, two readers",
        bind="query-params",
    )
    films = _choose_films()
    models = st.pills(
        "Networks",
        trained,
        selection_mode="multi",
        default=trained,
        format_func=lambda name: MODELS[name].title,
        key="study-models",
        persist_state="session",
        help="Each reads every film.",
    )
    left, right = st.columns(2)
    methods = left.multiselect(
        "Heatmap methods",
        list(METHODS),
        default=[next(iter(METHODS))],
        format_func=lambda name: METHODS[name].title,
        key="study-methods",
        persist_state="session",
        help="\n".join(f"- **{m.title}**: {m.summary} Cost: {m.cost}." for m in METHODS.values()),
    )
    classes = dict.fromkeys(label for name in models for label in read_card(name)["classes"])
    target = right.selectbox(
        "The heat is evidence for",
        [*_TARGETS, *classes],
        format_func=lambda one: _TARGETS.get(one, one),
        key="study-target",
        persist_state="session",
        help="Of each network on each film. There is no place to mark for Normal.",
    )
    blinded = left.toggle(
        "Blinded",
        value=True,
        key="blinded",
        persist_state="session",
        help="Readers see neither which network and method made the heat nor what the network "
        "says. Each map is drawn up to its own maximum: only some methods have a scale, which "
        "would tell them apart.",
    )
    seed = right.number_input(
        "Seed of the random order",
        0,
        2**31,
        1,
        key="seed",
        persist_state="session",
        help="Each reader reads in another order, the same whenever he comes back. The seed also "
        "draws the films of a data set.",
    )
    number = films.count * len(models) * len(methods)
    st.caption(
        f"{pluralise(films.count, 'film')} × {pluralise(len(models), 'network')} × "
        f"{pluralise(len(methods), 'method')} = "
        f"**{pluralise(number, 'heatmap')} to judge**. Boxes that a reader has drawn on a film "
        "before he saw heat on it are offered again with the next heatmap of the same film."
    )
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(plain(problem), icon=":material/error:")
    if st.button("Set up", key="set-up", type="primary", icon=":material/add:"):
        known = {study.name.casefold() for study in reviews.studies()}
        problem = _problem(title, number, known)
        if problem:
            st.error(plain(problem), icon=":material/error:")
            return
        classifiers = _load(models)
        if classifiers is None:
            return
        st.session_state[_MAKING] = Job(
            partial(
                _make,
                reviews,
                title=title,
                films=films,
                models=classifiers,
                methods=methods,
                target=target,
                blinded=blinded,
                seed=int(seed),
            )
        )
        st.rerun()


def _load(models: list[str]) -> list[Classifier] | None:
    """The networks; None, and an error on the page, if one cannot be loaded."""
    try:
        with st.spinner("Loading the networks …"):
            return [cache.classifier(name) for name in models]
    except WeightsError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None


def _problem(title: str, heatmaps: int, known: set[str]) -> str | None:
    if not title.strip():
        return "Give the study a title."
    if " ".join(title.split()).casefold() in known:
        return f"There is a study named {title} already. Choose another title."
    if not heatmaps:
        return "Choose at least one film, one network and one method."
    return None


@dataclass(frozen=True)
class Films:
    """The films of a study: how many, what lists how each is read, and whether they stay here."""

    count: int
    ways: Callable[[int], list[Read]]
    public: bool


def _choose_films() -> Films:
    opened, datasets = open_films(), list_datasets()
    source = st.pills(
        "Films",
        [GENERATED, OPENED, *datasets],
        default=OPENED if opened else GENERATED,
        required=True,
        key="study-films",
        persist_state="session",
        format_func=lambda one: f"{OPENED} ({len(opened)})" if one == OPENED else one,
        help="Generated films show no patient. Of a public data set, films are drawn by lot, as "
        "many of each class as can be, from its test split where it has one.",
    )
    if source == OPENED:
        upload_films()
        say_refused()
        st.caption("Opened films are not kept: each reader opens the same files.")
        ways = [film.read for film in opened.values()]
        return Films(len(ways), lambda seed: ways, public=False)
    most = MOST_PHANTOMS if source == GENERATED else MOST_FILMS
    count = int(_number(source, most))
    if source == GENERATED:
        ways = [partial(phantom_number, number) for number in range(count)]
        return Films(count, lambda seed: ways, public=True)
    return Films(count, partial(_drawn, datasets[source], count), public=True)


def _number(source: str, most: int) -> float:
    return st.number_input(
        "How many films", 1, most, 5, key=f"count-{source}", persist_state="session"
    )


def _drawn(dataset: Path, count: int, seed: int) -> list[Read]:
    return [partial(read_radiograph, r.path) for r in draw_records(dataset, count, seed=seed)]


def _make(
    reviews: ReaderStudyRepository,
    report: ProgressCallback,
    *,
    title: str,
    films: Films,
    models: list[Classifier],
    methods: list[str],
    target: str,
    blinded: bool,
    seed: int,
) -> tuple[Study, list[str]]:
    heatmaps, refused = list_heatmaps(
        films.ways(seed),
        models,
        methods,
        target=target,
        public=cache.film_locator() if films.public else None,
        report=part_of(report, activity="running the networks on the films"),
    )
    return reviews.create_study(title, heatmaps, seed=seed, blinded=blinded), refused


def _show_making(job: Job) -> None:
    if not job.wait():
        follow(job)
        st.button("Stop", key="stop-making", icon=":material/stop_circle:", on_click=job.stop)
        return
    del st.session_state[_MAKING]
    if isinstance(job.error, ReaderStudyError | DatasetError):
        st.session_state[_PROBLEM] = str(job.error)
    elif job.error and not isinstance(job.error, Cancelled):
        raise job.error
    elif job.result:
        study, st.session_state[_REFUSED] = job.result
        go_to(study)
    st.rerun()


def say_unreadable() -> None:
    """Once, which files were left out of the study that was just set up."""
    for text in st.session_state.pop(_REFUSED, ()):
        st.warning(f"Left out of the study: {plain(text)}", icon=":material/broken_image:")
