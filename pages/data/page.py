from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.access import enter, fragment
from pages.shared.faults import describe_error
from pages.shared.jobs import Job, poll
from pages.shared.label_policy import ask_label_policy
from pages.shared.layout import name_tab, page_header, plain
from pages.shared.path_field import ask_datasets, named_datasets
from xraycore.access import Action
from xraycore.config import cache_folder, data_folder
from xraycore.datasets.index import default_index
from xraycore.datasets.labelling import LabelPolicy
from xraycore.datasets.public import CITATIONS, list_datasets
from xraycore.datasets.synthetic.flawed_dataset import LABELS_FILE, write_flawed_dataset
from xraycore.errors import Cancelled, XrayCoreError
from xraycore.utils.progress import ProgressCallback, part_of

if TYPE_CHECKING:
    from xraycore.datasets.audit.audit import Audit

LAYOUTS = """<folder>/{train,val,test}/<class>/*.png     splits that the data set brings
<folder>/<class>/*.png                      no splits
<folder>=<class>                            films of one class in one folder
<file>.csv                                  path,label[,split,group]; group is the patient
NIH, CheXpert, MIMIC-CXR-JPG, PadChest, VinDr-CXR, RSNA, SIIM-ACR, COVID-QU-Ex and the COVID-19
Radiography Database as they are downloaded"""
STOPPED = "stopped-dataset"


def flawed_dataset() -> Path:
    """Where the generated data set with planted faults lies once it was asked for."""
    return cache_folder() / "flawed-dataset" / LABELS_FILE


class SurveyJob(Job):
    """The survey of data sets.

    Attributes:
        known: What of the audit is known so far, with its topics; None at the start.
    """

    known: "tuple[Audit, tuple[str, ...]] | None" = None

    def __init__(self, datasets: str, labels: str):
        # Here, and not in the thread: what may not be named is not even looked for.
        places = named_datasets(datasets)

        def work(report: ProgressCallback) -> object:
            from xraycore.datasets.audit.overview import survey_dataset

            if datasets == str(flawed_dataset()) and not flawed_dataset().exists():
                folder = flawed_dataset().parent
                write_flawed_dataset(folder, report=part_of(report, activity="generating films"))
            return survey_dataset(
                places,
                LabelPolicy.parse(labels),
                store=default_index(),
                report=report,
                on_part=self._learn,
            )

        super().__init__(work, Action.SURVEY)

    def _learn(self, known: "Audit", topics: tuple[str, ...]) -> None:
        self.known = known, topics


# Who asks for one after another, as an address can, has the oldest ones end.
@st.cache_resource(max_entries=4, show_spinner=False, on_release=lambda job: job.stop())
def survey_job(datasets: str, labels: str = "") -> SurveyJob:
    """The survey of data sets, begun once for all sessions; what it measures is kept on disk."""
    return SurveyJob(datasets, labels)


def forget(datasets: str, labels: str) -> None:
    """Reads the data sets anew from the next run on."""
    survey_job.clear(datasets, labels)
    st.session_state.pop(STOPPED, None)


def stop(datasets: str, labels: str, job: SurveyJob) -> None:
    """Stops a survey; what it has measured is kept."""
    job.stop()
    survey_job.clear(datasets, labels)
    st.session_state[STOPPED] = datasets


def open_dataset(place: Path | str) -> None:
    """Puts a data set into the text field."""
    st.session_state["dataset"] = str(place)


def choose_dataset() -> str:
    """What stands in the text field."""
    return ask_datasets(
        "Data set",
        help="A folder on the computer that runs this app, or a CSV file; several with "
        "semicolons between them. Films are only read, never changed or sent anywhere.",
    )


def show_start() -> None:
    """The empty state: data sets to open, and how one must be laid out."""
    st.subheader("Name a folder of films above, or open one of these", anchor=False)
    known = list_datasets()
    cells = [cell for _ in range(0, len(known) + 1, 3) for cell in st.columns(3)]
    with cells[0].container(border=True, height="stretch"):
        st.markdown("**Generated films with planted faults**")
        st.caption(
            "Drawn films of no person, with a copy across splits, a patient in two splits, a "
            "broken file and a shortcut: see what this page finds."
        )
        st.button(
            "Generate and open",
            key="open-flawed-dataset",
            icon=":material/school:",
            on_click=open_dataset,
            args=(flawed_dataset(),),
        )
    for cell, (name, place) in zip(cells[1:], known.items(), strict=False):
        with cell.container(border=True, height="stretch"):
            st.markdown(f"**{plain(name)}**")
            st.caption(CITATIONS[name])
            st.button("Open", key=f"open-{name}", on_click=open_dataset, args=(place,))
    show_layouts()


def show_layouts() -> None:
    """What can be opened."""
    st.caption(
        "What can be opened: JPEG, PNG, TIFF, BMP, WebP, HEIC, AVIF or DICOM films, laid out as"
    )
    st.code(LAYOUTS, language=None)


def show_progress(datasets: str, labels: str, job: SurveyJob) -> None:
    """The loading state, with a way out."""
    poll(job)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Stop",
            icon=":material/stop_circle:",
            key="stop",
            on_click=stop,
            args=(datasets, labels, job),
        )
        st.caption("Each film is read once; the next time the same films take seconds.")
    _show_known(job)


@fragment(Action.SURVEY, run_every=1.0)
def _show_known(job: SurveyJob) -> None:
    """What of the audit is known already."""
    if job.known is None or job.done:
        return
    from pages.data.overview import show_part

    show_part(*job.known)


def _places(datasets: str) -> list[Path]:
    """The folders and files that are named, without the class that may stand behind one."""
    named = (Path(name) for name in named_datasets(datasets))
    places = [
        one if one.exists() else one.with_name(one.name.rpartition("=")[0] or one.name)
        for one in named
    ]
    root = data_folder()
    # Of the public sets the folder that holds them has the notes.
    shared = [root] if root and any(place.is_relative_to(root) for place in places) else []
    return [*places, *shared]


def _scored(datasets: str) -> Path | None:
    """The folder that is named, where it holds what `xraycore score` wrote."""
    from pages.data.archive import find_archive

    try:
        return find_archive(named_datasets(datasets))
    except XrayCoreError:
        return None  # Said where it is read as a data set.


def show_error(datasets: str, labels: str, error: Exception) -> None:
    """What is wrong with the folder, and what to do."""
    st.error(describe_error(error), icon=":material/folder_off:")
    st.button("Try again", key="again", on_click=forget, args=(datasets, labels))
    show_layouts()


enter(Action.SURVEY)
page_header(
    "Data",
    "What is in a folder of chest X-rays, what is wrong with it, and what to do about it.",
)
datasets = choose_dataset()
labels = ask_label_policy() if datasets and not _scored(datasets) else ""
if datasets:
    name_tab("Data", Path(datasets).name)
if not datasets:
    show_start()
elif archive := _scored(datasets):
    from pages.data.archive import show_archive

    try:
        show_archive(archive)
    except XrayCoreError as error:
        st.error(describe_error(error), icon=":material/folder_off:")
elif st.session_state.get(STOPPED) == datasets:
    st.info("Stopped. What was measured so far is kept.", icon=":material/stop_circle:")
    st.button("Go on", key="go-on", on_click=forget, args=(datasets, labels))
else:
    try:
        job = survey_job(datasets, labels)
    except XrayCoreError as error:
        show_error(datasets, labels, error)
        st.stop()
    if not job.wait():
        show_progress(datasets, labels, job)
    elif isinstance(job.error, Cancelled):
        forget(datasets, labels)
        st.rerun()
    elif job.error:
        show_error(datasets, labels, job.error)
    else:
        from pages.data.notes import show_notes
        from pages.data.overview import show_survey

        show_notes(_places(datasets))
        show_survey(job.result, job.began, on_again=lambda: forget(datasets, labels))
