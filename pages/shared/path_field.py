"""Where a visitor names a data set: a field for any path on one's own computer, else a list."""

import re
from pathlib import Path

import streamlit as st

from pages.shared.access import get_access, permitted
from pages.shared.layout import ask_path
from xraycore.access import Action
from xraycore.access.paths import list_folders, named_path
from xraycore.config import cache_folder
from xraycore.datasets.public import list_datasets, offered_folders
from xraycore.datasets.synthetic.flawed_dataset import LABELS_FILE

KEY = "dataset"
_PHANTOMS = re.compile(r".*/phantoms-\d{2,4}")


def ask_datasets(label: str, *, help: str) -> str:
    """What is named in the field, or chosen of the list; "" for nothing.

    Of a served app the list has what the server offers; who may name folders types others beside
    them, in the folders that the server's settings name.
    """
    options = {
        "bind": "query-params",
        "placeholder": "/path/to/folder or /path/to/labels.csv",
        "help": help,
    }
    if not get_access().served or permitted(Action.NAME_FOLDER):
        return ask_path(label, KEY, icon=":material/folder_open:", **options)
    offered = _offered()
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
    return known | drawn | {str(place): place.name for place in list_folders()}
