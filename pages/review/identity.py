"""As which reader somebody answers, and who leads a study."""

import streamlit as st

from pages.shared.access import READER_LINK, current_user, get_access, permitted
from xraycore.access import Action, Role
from xraycore.errors import ReaderStudyError
from xraycore.reader_study import Author, Reader, ReaderStudyRepository, Study, StudyLead
from xraycore.reader_study.invitations import hash_token

# State of the session: the reader who has said to be one, and what the session is called.
_ME, _SESSION = "review-me", "review-author-session"


def signs_in() -> bool:
    """Whether readers are known by a sign-in or a link, and not by their own word."""
    return get_access().served


def link_secret() -> str:
    """The secret of the reader's link that was opened; "" for none."""
    return st.query_params.get(READER_LINK, "")


def find_reader(repository: ReaderStudyRepository, study: Study) -> Reader | None:
    """As whom somebody answers a study that he is invited to; of a served app only."""
    lead = StudyLead(repository.engine)
    if (token := link_secret()) and (reader := lead.invited(study, token=token)):
        return reader
    return lead.invited(study, login=current_user().id)


def has_claimed(reader: Reader) -> bool:
    """Whether the session has said that it is this reader: a link alone may be another's."""
    return st.session_state.get(_ME) == reader.id


def claim(reader: Reader) -> None:
    """Takes the session's word that it is this reader, which counts on one's own computer only."""
    st.session_state[_ME] = reader.id


def authorise(repository: ReaderStudyRepository, study: Study, reader: Reader) -> Author:
    """Who answers as this reader, asked at the moment at which he does.

    Raises:
        ReaderStudyError: If he may not, or no longer.
    """
    known = permitted(Action.ANSWER) and (
        find_reader(repository, study) == reader if signs_in() else has_claimed(reader)
    )
    if not known:
        raise ReaderStudyError(
            f"you are not known here as {reader.name}: sign in again, or open your link"
        )
    return _author()


def leads(study: Study) -> bool:
    """Whether who is asking leads this study."""
    return permitted(Action.LEAD, study.owner)


def _author() -> Author:
    session = st.session_state.setdefault(_SESSION, Author().session)
    user = current_user()
    if Role.INVITED in user.roles:
        # Which of a reader's links it was: a new one ends those before it.
        return Author(f"link {hash_token(link_secret())[:12]}", session)
    return Author(user.id, session)
