"""The Train page's first step: a data set, and the films it gives to train, choose and test on."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.shared.faults import describe_error
from pages.shared.jobs import Job, poll
from pages.shared.label_policy import ask_label_policy
from pages.shared.layout import plain
from pages.shared.path_field import ask_datasets, named_datasets
from pages.shared.tables import show_counts, show_left_out
from xraycore.access import Action
from xraycore.config import cache_folder
from xraycore.datasets.labelling import LabelPolicy
from xraycore.datasets.manifest import Manifest
from xraycore.datasets.public import CITATIONS, list_datasets
from xraycore.datasets.splits import limit_training, read_splits, trainable_classes
from xraycore.datasets.synthetic.phantom import write_phantoms
from xraycore.errors import XrayCoreError
from xraycore.utils.progress import Progress, part_of

FEWEST, MOST = 10, 1000
SPLIT_TITLES = {
    "train": "Training",
    "val": "Validation (chooses the epoch)",
    "test": "Test (kept for the end)",
}


@dataclass(frozen=True)
class Chosen:
    """A data set that can be trained on.

    Attributes:
        datasets: As `read_manifest` takes them.
        manifest: Its films with their splits, the training films limited.
        films: At most that many training films; None for all.
        labels: How they are read, see `LabelPolicy.parse`; None for the default.
    """

    datasets: tuple[str, ...]
    manifest: Manifest
    films: int | None
    labels: str | None = None


def phantoms_folder(per_class: int) -> Path:
    """Where that many generated films of each class lie once they were asked for."""
    return cache_folder() / f"phantoms-{per_class}"


@st.cache_resource(max_entries=2, show_spinner=False)
def _generating(per_class: int) -> Job:
    """The drawing of phantoms, into a folder that has its name only once it is whole."""

    def work(report):
        folder = phantoms_folder(per_class)
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Of this job alone: another tab or process may draw the same films at the same time.
        with tempfile.TemporaryDirectory(
            prefix=f"{folder.name}.", suffix=".part", dir=folder.parent
        ) as own:
            # A folder in it, since the outer one may be read by this user only.
            part = Path(own) / folder.name
            write_phantoms(
                part,
                per_class,
                report=part_of(report, activity=f"drawing {2 * per_class:,} films"),
            )
            try:
                os.replace(part, folder)
            except OSError:
                # Another job was first: its films are the same.
                if not folder.is_dir():
                    raise

    return Job(work, Action.TRAIN)


@st.cache_resource(max_entries=4, show_spinner=False)
def _splitting(datasets: tuple[str, ...], labels: str) -> Job:
    """The reading of data sets, once for all sessions."""

    def work(report):
        report(Progress(0.0, "looking for films and for copies among them"))
        manifest = read_splits(datasets, policy=LabelPolicy.parse(labels))
        trainable_classes(manifest)
        return manifest

    return Job(work, Action.TRAIN)


def choose_data() -> Chosen | None:
    """The data set that stands in the text field, once it is read; None where there is none."""
    text = ask_datasets(
        "Folder of films, or CSV file",
        help="On the computer that runs this app; several with semicolons between them. A "
        "folder has a folder for each class, with or without train, val and test above them. "
        "Films are only read.",
    )
    if not text:
        _offer()
        return None
    try:
        datasets = named_datasets(text)
    except XrayCoreError as error:
        st.error(plain(str(error)), icon=":material/folder_off:")
        return None
    labels = ask_label_policy()
    again = (datasets, labels)
    count = _phantoms_in(datasets)
    if count and not phantoms_folder(count).exists() and not _ended(_generating(count), *again):
        return None
    job = _splitting(*again)
    return _limited(*again, job.result) if _ended(job, *again) else None


def _forget(datasets: tuple[str, ...], labels: str) -> None:
    """Reads data sets anew from the next run on, and draws phantoms that are gone."""
    _splitting.clear(datasets, labels)
    if count := _phantoms_in(datasets):
        _generating.clear(count)


def forget_all() -> None:
    """Reads all data sets anew from the next run on, and draws films that were deleted."""
    _splitting.clear()
    _generating.clear()


def _ended(job: Job, datasets: tuple[str, ...], labels: str) -> bool:
    """Whether a job gave its result; how far it is, or what went wrong, is drawn."""
    if not job.wait():
        poll(job)
        return False
    if job.error is None:
        return True
    st.error(describe_error(job.error), icon=":material/folder_off:")
    st.button(
        "Read again",
        key="read-again",
        icon=":material/refresh:",
        on_click=_forget,
        args=(datasets, labels),
    )
    return False


def _phantoms_in(datasets: tuple[str, ...]) -> int:
    """How many phantoms of each class a path stands for, drawn or not; 0 for another path."""
    place = Path(datasets[0]) if len(datasets) == 1 else Path()
    number = place.name.removeprefix("phantoms-")
    if place.parent != cache_folder().absolute() or not number.isdecimal():
        return 0
    return int(number) if FEWEST <= int(number) <= MOST else 0


def _offer() -> None:
    """The empty state: films that are drawn, and the public sets that lie here."""
    known = list_datasets()
    with st.container(border=True):
        st.markdown(
            "**No films at hand?** Train on drawn ones, of no person: half of them with "
            "an opacity in the lungs."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            _offer_phantoms()
    if known:
        with st.container(border=True):
            st.markdown("**Public data sets on this computer**")
            with st.container(horizontal=True):
                for name, place in known.items():
                    st.button(
                        plain(name),
                        key=f"use-{name}",
                        icon=":material/folder_open:",
                        help=plain(CITATIONS[name]),
                        on_click=_put,
                        args=(place,),
                    )


def _offer_phantoms() -> None:
    count = st.number_input(
        "Films of each class", FEWEST, MOST, 100, step=10, key="phantoms", width=170
    )
    st.button(
        "Generate phantoms",
        key="generate",
        icon=":material/school:",
        on_click=_put,
        args=(phantoms_folder(int(count)),),
    )


def _put(place: Path) -> None:
    st.session_state["dataset"] = str(place)


def _limited(datasets: tuple[str, ...], labels: str, manifest: Manifest) -> Chosen | None:
    """The data set with its number of training films chosen, and a table of what it holds."""
    total = len(manifest.split("train"))
    fewest = len({record.label for record in manifest.split("train")})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        films = st.number_input(
            "Training films to use",
            min_value=fewest,
            max_value=total,
            value=total,
            step=max(1, total // 20),
            # By their number: films that joined since are used too.
            key=f"films-{total}-{datasets}",
            persist_state="session",
            width=190,
            help="Fewer give a quicker try. As many of each class as can be; the validation and "
            "test films stay whole.",
        )
        st.button(
            "Read again",
            key="read-again",
            icon=":material/refresh:",
            type="tertiary",
            help="After the folder has changed.",
            on_click=_forget,
            args=(datasets, labels),
        )
    if films < total:
        manifest = limit_training(manifest, int(films))
    for layout in manifest.layouts:
        st.markdown(f":material/verified: {plain(layout)}")
    show_counts(manifest.counts(), SPLIT_TITLES)
    if manifest.left_out:
        with st.expander("What is not used, and why", icon=":material/filter_alt:"):
            show_left_out(manifest.left_out)
    st.caption(
        "No patient lies in two splits, and no byte-identical copy of a test film is trained on. "
        "The Data page shows what else is wrong with a data set: look there first."
    )
    return Chosen(datasets, manifest, int(films) if films < total else None, labels or None)
