"""The form that sets up a reading study, and the work behind it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from pages.review.film_selection import StudyFilms, choose_films
from pages.review.routing import go_to
from pages.shared import cache
from pages.shared.access import current_user
from pages.shared.analysis import Analysis
from pages.shared.film_picker import usable_models
from pages.shared.jobs import Job, poll
from pages.shared.layout import plain
from xraycore.access import Action
from xraycore.attribution.registry import METHODS
from xraycore.errors import Cancelled, XrayCoreError
from xraycore.imaging import Radiograph
from xraycore.models.cards import read_card, stored_title
from xraycore.models.classifier import Prediction
from xraycore.reader_study import ReaderStudyRepository, Study
from xraycore.reader_study.checks import MAX_NAME, MAX_QUESTION
from xraycore.reader_study.setup import ANSWER, FINDING, list_heatmaps
from xraycore.utils.progress import ProgressCallback, part_of
from xraycore.utils.text import pluralise

_TARGETS = {FINDING: "Its most probable finding", ANSWER: "Its answer, Normal too"}
_JOB, _PROBLEM, _REFUSED = "review-making", "review-setup-problem", "review-left-out"


@dataclass(frozen=True)
class StudyForm:
    """What is entered of a new study; see `ReaderStudyRepository.create_study`."""

    title: str
    question: str
    finding: str
    films: StudyFilms
    models: list[str]
    methods: list[str]
    target: str
    blinded: bool
    seed: int

    @property
    def heatmaps(self) -> int:
        """How many there are to judge."""
        return self.films.count * len(self.models) * len(self.methods)

    def problem(self, studies: Sequence[Study]) -> str | None:
        """Why it cannot be set up beside these studies; None where it can."""
        title = " ".join(self.title.split())
        if not title:
            return "Give the study a title."
        if title.casefold() in {study.name.casefold() for study in studies}:
            return f"There is a study named {title} already. Choose another title."
        if not self.heatmaps:
            return "Choose at least one film, one network and one method."
        return None

    def create(
        self, repository: ReaderStudyRepository, owner: str, report: ProgressCallback
    ) -> tuple[Study, list[str]]:
        """The study, and why films are left out; its networks answer first."""

        def predict(radiograph: Radiograph) -> Iterable[Prediction]:
            return map(Analysis(lambda: radiograph).prediction, self.models)

        heatmaps, refused = list_heatmaps(
            self.films.list_reads(self.seed),
            predict,
            self.methods,
            target=self.target,
            public=cache.film_locator() if self.films.public else None,
            report=part_of(report, activity="running the networks on the films"),
        )
        study = repository.create_study(
            self.title,
            heatmaps,
            seed=self.seed,
            blinded=self.blinded,
            owner=owner,
            question=self.question,
            finding=self.finding,
        )
        return study, refused


def show_setup(repository: ReaderStudyRepository) -> None:
    """The form, or how far the new study is."""
    st.subheader("Set up a study", anchor=False)
    job: Job | None = st.session_state.get(_JOB)
    if job is not None:
        _show_job(job)
        return
    if not (trained := usable_models()):
        return
    form = _ask(trained)
    st.caption(
        f"{pluralise(form.films.count, 'film')} × {pluralise(len(form.models), 'network')} × "
        f"{pluralise(len(form.methods), 'method')} = "
        f"**{pluralise(form.heatmaps, 'heatmap')} to judge**. Boxes that a reader has drawn on a "
        "film before he saw heat on it are offered again with the next heatmap of the same film."
    )
    problem = st.session_state.pop(_PROBLEM, None)
    if st.button("Set up", key="set-up", type="primary", icon=":material/add:"):
        problem = form.problem(repository.studies())
        if not problem:
            work = partial(form.create, repository, current_user().id)
            st.session_state[_JOB] = Job(work, Action.LEAD)
            st.rerun()
    if problem:
        st.error(plain(problem), icon=":material/error:")


def _ask(trained: list[str]) -> StudyForm:
    title = st.text_input(
        "Title",
        key="title",
        max_chars=MAX_NAME,
        placeholder="e.g. Pilot, consolidation, two readers",
        bind="query-params",
    )
    asked, marked = st.columns(2)
    question = asked.text_input(
        "Question to the readers",
        key="question",
        max_chars=MAX_QUESTION,
        placeholder="e.g. Does the heat lie where you see pneumonia?",
        persist_state="session",
        help="Stands above every heatmap, with what is to be marked.",
    )
    finding = marked.text_input(
        "Finding to mark",
        key="finding",
        max_chars=MAX_QUESTION,
        placeholder="e.g. every consolidation, effusions left out",
        persist_state="session",
    )
    films = choose_films()
    models = st.pills(
        "Networks",
        trained,
        selection_mode="multi",
        default=trained,
        format_func=stored_title,
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
    return StudyForm(title, question, finding, films, models, methods, target, blinded, int(seed))


def _show_job(job: Job) -> None:
    if not job.wait():
        poll(job)
        st.button("Stop", key="stop-making", icon=":material/stop_circle:", on_click=job.stop)
        return
    del st.session_state[_JOB]
    if isinstance(job.error, XrayCoreError):
        st.session_state[_PROBLEM] = str(job.error)
    elif job.error and not isinstance(job.error, Cancelled):
        raise job.error
    elif job.result:
        study, st.session_state[_REFUSED] = job.result
        go_to(study)
    st.rerun()


def show_refused() -> None:
    """Once, which files were left out of the study that was just set up."""
    for text in st.session_state.pop(_REFUSED, ()):
        st.warning(f"Left out of the study: {plain(text)}", icon=":material/broken_image:")
