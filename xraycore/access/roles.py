"""One table: which role may do what."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person is to this server.

    The first four are given by a sign-in or the settings file. `LOCAL` is the one user of an app
    that answers his own computer only, `INVITED` one who opened a reader's link without signing in,
    `ANYBODY` a visitor of an app that is open to everybody.
    """

    VIEWER = "viewer"
    READER = "reader"
    STUDY_LEAD = "study-lead"
    OPERATOR = "operator"
    LOCAL = "local"
    INVITED = "invited"
    ANYBODY = "anybody"


# Those that a sign-in or the settings file may give.
GIVEN = (Role.VIEWER, Role.READER, Role.STUDY_LEAD, Role.OPERATOR)


class Action(StrEnum):
    """What a visitor may want to do, in words for a sentence: "this needs somebody who may …"."""

    LOOK = "look at films, models and scores"
    UPLOAD = "open films of his own"
    SURVEY = "look into the data sets that are offered"
    ANSWER = "answer a study"
    LEAD = "lead studies"
    TRAIN = "train networks"
    PROMOTE = "promote a run"
    NAME_FOLDER = "name folders of the server"
    ASK_PACS = "search a PACS and open its films"


_LOOKING = {Action.LOOK, Action.UPLOAD, Action.SURVEY}
PERMITTED: Mapping[Role, frozenset[Action]] = {
    Role.VIEWER: frozenset(_LOOKING),
    # A search shows patients' names: it is for those who read films.
    Role.READER: frozenset(_LOOKING | {Action.ANSWER, Action.ASK_PACS}),
    Role.STUDY_LEAD: frozenset(_LOOKING | {Action.ANSWER, Action.LEAD, Action.ASK_PACS}),
    Role.OPERATOR: frozenset(_LOOKING | {Action.TRAIN, Action.PROMOTE, Action.NAME_FOLDER}),
    Role.LOCAL: frozenset(Action),
    Role.INVITED: frozenset({Action.ANSWER}),
    # Nothing that is kept anywhere.
    Role.ANYBODY: frozenset({Action.LOOK, Action.UPLOAD}),
}


@dataclass(frozen=True)
class User:
    """Who is asking.

    Attributes:
        id: What he is known by for good; "" for who has none, such as the one user of a computer.
        name: To be shown; never what he is known by.
        roles: What he is here; none for who is signed in and has been given nothing.
        known_by: How that is known: "this computer", "sign-in", "proxy", "link" or "nothing".
    """

    id: str
    name: str
    roles: frozenset[Role]
    known_by: str


NOBODY = User("", "", frozenset(), "nothing")


def may(user: User, action: Action, owner: str = "") -> bool:
    """Whether a user may do something.

    Args:
        user: Who is asking.
        action: What he wants to do.
        owner: `User.id` of whom the run or study belongs to that it is done to; "" where it belongs
            to nobody, as what was made on the command line or by the one user of a computer.
    """
    if not any(action in PERMITTED[role] for role in user.roles):
        return False
    return owner in ("", user.id) or Role.LOCAL in user.roles


def roles_that_may(action: Action) -> list[Role]:
    """The roles that can be given and may do it."""
    return [role for role in GIVEN if action in PERMITTED[role]]
