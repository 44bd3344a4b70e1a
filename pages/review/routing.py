"""The review database of the app, and what of it the link names."""

import streamlit as st

from xraycore.config import database_url
from xraycore.reader_study import Reader, ReaderStudyRepository, Study, open_database

# Query parameters: a reload, or a bookmark, reopens the same place.
STUDY, READER, AT, PART = "study", "reader", "at", "part"
READ, RESULTS = "Read", "Results"
# State of the session: the reader who has said to be one.
_ME = "review-me"
# Value of AT when all is read.
END = "end"


@st.cache_resource(max_entries=4, show_spinner=False)
def _open(url: str | None) -> ReaderStudyRepository:
    return ReaderStudyRepository(open_database(url))


def open_repository() -> ReaderStudyRepository:
    """The app's studies.

    Raises:
        ReaderStudyError: If the database cannot be opened.
    """
    return _open(database_url())


def read_link(repository: ReaderStudyRepository) -> tuple[Study | None, Reader | None]:
    """The study and the reader that the link names, as far as there are such.

    Raises:
        ReaderStudyError: If the database cannot be read.
    """
    wanted = st.query_params.get(STUDY)
    if wanted is None:
        return None, None
    study = next((one for one in repository.studies() if str(one.id) == wanted), None)
    if study is None:
        st.warning("The study of this link is not in the database; here are those that are.")
    by_id = {str(one.id): one for one in repository.readers()}
    return study, by_id.get(st.query_params.get(READER, ""))


def make_link(study: Study) -> str:
    """The link to send to readers: of the study, and of none of them."""
    place = (st.context.url or "").partition("?")[0].rstrip("/")
    return f"{place}?{STUDY}={study.id}"


def has_claimed(reader: Reader) -> bool:
    """Whether the session has said that it is this reader: a link alone may be another's."""
    return st.session_state.get(_ME) == reader.id


def claim(reader: Reader) -> None:
    """Takes the session's word that it is this reader; fit for a callback."""
    st.session_state[_ME] = reader.id


def go_to(study: Study | None, reader: Reader | None = None, *, part: str = READ) -> None:
    """Makes the link name a study, a reader and a part; fit for a callback."""
    link = {}
    if study:
        link = {STUDY: str(study.id), PART: part}
    if reader:
        link[READER] = str(reader.id)
    st.query_params.from_dict(link)


def stay_at(number: int | str) -> None:
    """Makes the link name a place of the worklist; fit for a callback."""
    st.query_params[AT] = str(number)
