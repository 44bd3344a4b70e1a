"""What a study lead does on the page: invites readers, makes their links, ends the reading."""

import streamlit as st

from pages.review.identity import leads
from pages.review.routing import make_link
from pages.shared.access import acts, current_user, require
from pages.shared.faults import guarded
from pages.shared.layout import plain
from xraycore.access import Action
from xraycore.reader_study import ReaderStudyError, ReaderStudyRepository, Study, StudyLead
from xraycore.reader_study.checks import MAX_NAME

_LINK, _PROBLEM = "review-new-link", "review-invite-problem"


def show_readers(repository: ReaderStudyRepository, study: Study) -> None:
    """Who is invited, the form that invites another, and what was done to the study."""
    lead = StudyLead(repository.engine)
    with st.popover("Readers", icon=":material/group:", type="tertiary"):
        for one in lead.invitations(study):
            how = plain(one.login) if one.login else "by a link"
            st.markdown(f"{plain(one.reader.name)} · {how}")
        if study.finished is None:
            _ask_reader(repository, study)
        for event in lead.events(study):
            who = f" by {plain(event.who)}" if event.who else ""
            st.caption(f"{event.at:%Y-%m-%d %H:%M} UTC: {plain(event.kind)}{who}")


def show_end(repository: ReaderStudyRepository, study: Study) -> None:
    """The button that ends the reading, for the lead of a study that is still read."""
    if study.finished is not None or not leads(study):
        return
    st.button(
        "Finish the study",
        key=f"finish-{study.id}",
        icon=":material/lock:",
        on_click=_finish,
        args=(repository, study),
        help="No answer is taken from then on, and none can be changed. It cannot be undone.",
    )


@acts(Action.LEAD)
@guarded
def unblind(repository: ReaderStudyRepository, study: Study) -> None:
    """Opens the results of a blinded study to its lead, which is kept; fit for a callback."""
    require(Action.LEAD, owner=study.owner)
    StudyLead(repository.engine).unblind(study, who=current_user().id)
    st.session_state[unblinded_key(study)] = True


def unblinded_key(study: Study) -> str:
    """State of the session: whether its user has opened the results of a blinded study."""
    return f"opened-{study.id}"


@acts(Action.LEAD)
@guarded
def _finish(repository: ReaderStudyRepository, study: Study) -> None:
    require(Action.LEAD, owner=study.owner)
    StudyLead(repository.engine).finish(study, who=current_user().id)


def _ask_reader(repository: ReaderStudyRepository, study: Study) -> None:
    name = st.text_input(
        "Name", key=f"invite-name-{study.id}", max_chars=MAX_NAME, placeholder="As results show it"
    )
    login = st.text_input(
        "Sign-in",
        key=f"invite-login-{study.id}",
        placeholder="Empty: a link of his own",
        help="What the sign-in knows him by. Without it he gets a link that is shown once, here: "
        "whoever has it answers as this reader.",
    )
    st.button(
        "Invite",
        key=f"invite-{study.id}",
        icon=":material/person_add:",
        on_click=_invite,
        args=(repository, study, name, login),
    )
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(plain(problem), icon=":material/person_off:")
    if made := st.session_state.pop(_LINK, None):
        reader, link = made
        st.caption(f"The link of {plain(reader)}. Copy it now: it is not shown again.")
        st.code(link, None)


@acts(Action.LEAD)
def _invite(repository: ReaderStudyRepository, study: Study, name: str, login: str) -> None:
    try:
        require(Action.LEAD, owner=study.owner)
        reader, secret = StudyLead(repository.engine).invite(
            study, name, login=login, who=current_user().id
        )
    except ReaderStudyError as error:
        st.session_state[_PROBLEM] = str(error)
        return
    if secret:
        st.session_state[_LINK] = (reader.name, make_link(study, secret))
