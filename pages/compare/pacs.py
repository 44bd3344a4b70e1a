"""A study out of a PACS: searched for, and opened with the patient's earlier ones."""

from collections.abc import Callable
from datetime import date
from importlib.util import find_spec
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.access import acts, permitted
from pages.shared.faults import errors_as_messages, guarded
from pages.shared.film_picker import display_name, open_file
from pages.shared.layout import plain
from pages.shared.open_films import OpenFilm, open_films
from xraycore.access import Action
from xraycore.access.settings import read_connections
from xraycore.errors import RadiographError
from xraycore.imaging.dicom.statements import PROJECTION_MODALITIES
from xraycore.pacs.address import MODALITIES, MOST_STUDIES, Address, StudyQuery
from xraycore.utils.text import pluralise

if TYPE_CHECKING:
    from xraycore.pacs.dicomweb import FoundStudy

# Earlier studies that are opened with one, the newest.
PRIORS = 3
# No film is older.
_FIRST_DAY = date(1895, 11, 8)
_FOUND, _CHOSEN = "pacs-found", "pacs-study"


def offer_pacs(on_open: Callable[[OpenFilm], object]) -> None:
    """A search, where the settings name a PACS and who is asking may ask it.

    Args:
        on_open: Called with the first film that was opened.
    """
    if not permitted(Action.ASK_PACS):
        return
    with errors_as_messages():
        names = [name for name, one in read_connections().items() if one.to.url]
        if not names:
            return
        with st.popover("From a PACS", icon=":material/dns:", width="stretch"):
            if find_spec("dicomweb_client") is None:
                st.info("This needs `pip install 'xraycore[dicom]'`.", icon=":material/download:")
                return
            _ask(names)
            _offer_studies(on_open)


def _ask(names: list[str]) -> None:
    """What to search for; what is found lies in the session's state until the next search."""
    with st.form("pacs-search", border=False):
        if len(names) > 1:
            st.selectbox("PACS", names, key="pacs-name")
        else:
            st.session_state["pacs-name"] = names[0]
        st.date_input(
            "Days",
            value=(),
            min_value=_FIRST_DAY,
            key="pacs-days",
            format="YYYY-MM-DD",
            help="Of the study: the first day and the last. Any where none is chosen.",
        )
        st.pills(
            "Modality",
            PROJECTION_MODALITIES,
            default=MODALITIES,
            selection_mode="multi",
            key="pacs-modalities",
        )
        st.text_input("Patient's ID", key="pacs-patient", help="As the PACS has it, whole.")
        st.form_submit_button("Search", icon=":material/search:", on_click=_search)


@acts(Action.ASK_PACS)
@guarded
def _search() -> None:
    from xraycore.pacs.films import open_pacs  # Late, as below: it needs an extra.

    state = st.session_state
    state[_FOUND] = None
    state.pop(_CHOSEN, None)
    days: tuple[date, ...] = state["pacs-days"]
    query = StudyQuery(
        days[0] if days else None,
        days[-1] if days else None,
        tuple(state["pacs-modalities"]),
        state["pacs-patient"].strip(),
    )
    with st.spinner("Searching …"):
        state[_FOUND] = (state["pacs-name"], open_pacs(state["pacs-name"]).search(query))


def _offer_studies(on_open: Callable[[OpenFilm], object]) -> None:
    if not st.session_state.get(_FOUND):
        return
    _, found = st.session_state[_FOUND]
    if not found:
        st.info("No study fits.", icon=":material/search_off:")
        return
    studies = {one.uid: one for one in found}
    st.selectbox(
        f"Study, of {len(found)} that fit"
        + (" (there may be more)" if len(found) >= MOST_STUDIES else ""),
        list(studies),
        index=None,
        format_func=lambda uid: _describe(studies[uid]),
        placeholder="Choose a study",
        key=_CHOSEN,
    )
    st.checkbox(
        "With earlier studies of the patient",
        key="pacs-priors",
        help=f"Up to {PRIORS} that have films, the newest. They stand behind it in the worklist.",
    )
    st.button(
        "Open study",
        type="primary",
        icon=":material/folder_open:",
        disabled=not st.session_state.get(_CHOSEN),
        on_click=_open,
        args=(on_open,),
    )


@acts(Action.ASK_PACS)
@guarded
def _open(on_open: Callable[[OpenFilm], object]) -> None:
    """Opens the films of the chosen study; one that cannot be read is told, the others open."""
    from xraycore.pacs.films import list_films, open_pacs

    state, films = st.session_state, open_films()
    name, found = state[_FOUND]
    study = next((one for one in found if one.uid == state[_CHOSEN]), None)
    if study is None:
        return
    studies = [study]
    read: list[OpenFilm] = []
    refused: list[str] = []
    with st.spinner(f"Fetching films from {plain(name)} …"):
        if state["pacs-priors"]:
            studies += open_pacs(name).priors(study, PRIORS)
        for one in studies:
            for number, film in enumerate(list_films(Address(name, one.uid)), start=1):
                _add(_title(one, number), film, read, refused)
    films.open(read)
    if read:
        # Patients' names are shown for the choice, and forgotten with it.
        state[_FOUND] = None
        on_open(films.films[read[0].key])
    films.refused = refused


def _add(
    title: str,
    film: Address,
    read: list[OpenFilm],
    refused: list[str],
) -> None:
    from xraycore.pacs.films import fetch_film

    films = open_films()
    try:
        data = fetch_film(film)
        films.check_room(title, len(data), read)
        shown = display_name(title, [*films.films.values(), *read])
        read.append(open_file(shown, data))
    except RadiographError as error:
        refused.append(str(error))


def _title(study: "FoundStudy", number: int) -> str:
    """What a film is called where names are shown: never by its patient."""
    day = study.day.isoformat() if study.day else "no date"
    return f"{day} {'/'.join(study.modalities) or 'film'} {number}"


def _describe(study: "FoundStudy") -> str:
    parts = (
        study.day.isoformat() if study.day else "no date",
        "/".join(study.modalities),
        study.description,
        study.name,
        study.patient,
        pluralise(study.instances, "object") if study.instances else "",
    )
    return " · ".join(filter(None, parts))
