"""The review database of the app, and what of it the link names."""

import streamlit as st

from pages.review.identity import find_reader, signs_in
from pages.shared.access import READER_LINK, get_access
from xraycore.config import database_url
from xraycore.reader_study import Reader, ReaderStudyRepository, Study, open_database

# Query parameters: a reload, or a bookmark, reopens the same place.
STUDY, READER, AT, PART = "study", "reader", "at", "part"
# Of the link that readers get: it shows the reading, and not what the organiser does.
FOR, READERS = "for", "readers"
READ, RESULTS = "Read", "Results"
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
    """The study that the link names and who reads it, as far as there are such.

    On one's own computer the link names the reader; of a served app it is who is invited.

    Raises:
        ReaderStudyError: If the database cannot be read.
    """
    wanted = st.query_params.get(STUDY)
    if wanted is None:
        return None, None
    study = next((one for one in repository.studies() if str(one.id) == wanted), None)
    if study is None:
        st.warning("The study of this link is not in the database; here are those that are.")
    if signs_in():
        return study, find_reader(repository, study) if study else None
    by_id = {str(one.id): one for one in repository.readers()}
    return study, by_id.get(st.query_params.get(READER, ""))


def make_link(study: Study, secret: str = "") -> str:
    """The link to send to readers: of the study, and of none of them; of one by his secret."""
    link = f"{_place()}?{STUDY}={study.id}&{FOR}={READERS}"
    return f"{link}&{READER_LINK}={secret}" if secret else link


def make_own_link(study: Study) -> str:
    """The organiser's link: to the results, with all that he can do."""
    return f"{_place()}?{STUDY}={study.id}&{PART}={RESULTS}"


def reads_only() -> bool:
    """Whether the page was opened by a link for readers."""
    return st.query_params.get(FOR) == READERS


def _place() -> str:
    """Where the page is: as the browser sees it, or as a served app says that it is known."""
    settings = get_access().settings
    place = f"{settings.url.rstrip('/')}/review" if settings else st.context.url or ""
    return place.partition("?")[0].rstrip("/")


def go_to(study: Study | None, reader: Reader | None = None, *, part: str = READ) -> None:
    """Makes the link name a study, a reader and a part; fit for a callback."""
    link = {}
    if study:
        link = {STUDY: str(study.id), PART: part}
    if reader and not get_access().served:
        link[READER] = str(reader.id)
    if secret := st.query_params.get(READER_LINK):
        link[READER_LINK] = secret
    if study and reads_only():
        link[FOR] = READERS
    st.query_params.from_dict(link)


def stay_at(number: int | str) -> None:
    """Makes the link name a place of the worklist; fit for a callback."""
    st.query_params[AT] = str(number)
