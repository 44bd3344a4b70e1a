"""Where a visitor names a data set: a field for any path on one's own computer, else a list."""

import re
from pathlib import Path

import streamlit as st

from pages.shared.access import acts, get_access, permitted
from pages.shared.faults import guarded
from pages.shared.film_memory import drop_upload
from pages.shared.layout import ask_path, plain, plain_option
from xraycore.access import Action
from xraycore.access.paths import list_folders, named_path
from xraycore.config import cache_folder
from xraycore.datasets.public import list_datasets, offered_folders
from xraycore.datasets.synthetic.flawed_dataset import LABELS_FILE
from xraycore.datasets.uploaded import unpack_dataset
from xraycore.errors import XrayCoreError

KEY = "dataset"
# State of the session: what it uploaded, what was wrong with that, how often; what was picked.
_UPLOADED, _PROBLEM, _ROUND = "uploaded-datasets", "archive-problem", "archive-round"
_PICKED = "offered-dataset"
_PHANTOMS = re.compile(r".*/phantoms-\d{2,4}")


def ask_datasets(label: str, *, help: str) -> str:
    """What is named in the field, or chosen of the list, or uploaded as a ZIP; "" for nothing.

    Of a served app the list has what the server offers; who may name folders types others beside
    them, in the folders that the server's settings name.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = ask_place(plain(label), plain(help))
        # What is unpacked stays on the disk: not for everybody who may look.
        if permitted(Action.TRAIN):
            with st.popover("or a ZIP", icon=":material/folder_zip:"):
                _ask_archive()
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(plain(problem), icon=":material/folder_zip:")
    return text


def ask_place(label: str, help: str) -> str:
    """The field or the list; label and help are Markdown."""
    options = {
        "bind": "query-params",
        "placeholder": "/path/to/folder or /path/to/labels.csv",
        "help": help,
    }
    if not get_access().served:
        return ask_path(label, KEY, icon=":material/folder_open:", **options)
    offered = _offered()
    if permitted(Action.NAME_FOLDER):
        text = ask_path(label, KEY, icon=":material/folder_open:", **options)
        if not text:
            st.pills(
                "Folders that this server offers",
                list(offered),
                format_func=lambda path: plain_option(offered[path]),
                key=_PICKED,
                on_change=_pick,
            )
        return text
    # A link, or a button, may name what is not in the list: then nothing is chosen.
    if st.session_state.get(KEY) not in (None, *offered):
        st.session_state[KEY] = None
    chosen = st.selectbox(
        label,
        list(offered),
        index=None,
        format_func=lambda text: offered.get(text, text),
        key=KEY,
        bind="query-params",
        placeholder="Choose a data set",
        help=help,
    )
    return chosen or ""


def _ask_archive() -> None:
    """The uploader of a data set as a ZIP archive."""
    round_ = st.session_state.setdefault(_ROUND, 0)
    key = f"dataset-archive-{round_}"
    st.file_uploader(
        "A data set as a ZIP archive",
        type="zip",
        key=key,
        on_change=_take_archive,
        args=(key,),
        help="Folders as below, packed; up to 256 MB here. It is unpacked into this app's cache, "
        "listed under *Train → Storage*, and forgotten with what is cleared there.",
    )
    st.caption("With a folder for each class in it, or a CSV file. Only films of nobody, or yours.")


def _pick() -> None:
    if path := st.session_state.get(_PICKED):
        st.session_state[KEY], st.session_state[_PICKED] = path, None


@acts(Action.TRAIN)
@guarded
def _take_archive(widget: str) -> None:
    upload = st.session_state.get(widget)
    if upload is None or not hasattr(upload, "getvalue"):
        return
    try:
        with st.spinner(f"Unpacking {plain(upload.name)} …"):
            folder = unpack_dataset(upload.name, upload)
    except (XrayCoreError, OSError) as error:
        st.session_state[_PROBLEM] = str(error)
    else:
        st.session_state.setdefault(_UPLOADED, {})[str(folder)] = folder.name
        st.session_state[KEY] = str(folder)
    drop_upload(upload)
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def named_datasets(text: str) -> tuple[str, ...]:
    """The paths of a text that has semicolons between them, each one that may be named here.

    Raises:
        PathError: If one may not.
        ArgumentError: If one is no path.
    """
    names = [name.strip() for name in text.split(";")]
    # Phantoms that are not drawn yet are offered too.
    places = map(Path, filter(_PHANTOMS.fullmatch, names))
    drawn = [place for place in places if place.parent == cache_folder().absolute()]
    offered = [*offered_folders(), *drawn]
    return tuple(str(named_path(name, offered)) for name in names if name)


def _offered() -> dict[str, str]:
    """Path -> what the list calls it."""
    known = {str(place): name for name, place in list_datasets().items()}
    flawed = cache_folder() / "flawed-dataset" / LABELS_FILE
    drawn = {str(flawed): "Generated films with planted faults"}
    mine = st.session_state.get(_UPLOADED, {})
    return known | drawn | mine | {str(place): place.name for place in list_folders()}
