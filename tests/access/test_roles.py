import pytest

from xraycore.access import Action, Role, User, may, roles_that_may
from xraycore.access.roles import GIVEN, NOBODY, PERMITTED

LOOKING = {Action.LOOK, Action.UPLOAD, Action.SURVEY}


def user(*roles: Role, id: str = "ada") -> User:
    return User(id, "Ada", frozenset(roles), "sign-in")


def test_each_role_may_what_it_is_for_and_nothing_else():
    assert {role: set(of) for role, of in PERMITTED.items()} == {
        Role.VIEWER: LOOKING,
        Role.READER: {*LOOKING, Action.ANSWER, Action.ASK_PACS},
        Role.STUDY_LEAD: {*LOOKING, Action.ANSWER, Action.LEAD, Action.ASK_PACS},
        Role.OPERATOR: {*LOOKING, Action.TRAIN, Action.PROMOTE, Action.NAME_FOLDER},
        Role.LOCAL: set(Action),
        Role.INVITED: {Action.ANSWER},
        Role.ANYBODY: {Action.LOOK, Action.UPLOAD},
    }


@pytest.mark.parametrize("action", Action)
def test_who_has_no_role_may_nothing(action):
    assert not may(NOBODY, action)
    assert not may(user(), action)


def test_roles_add_up():
    both = user(Role.STUDY_LEAD, Role.OPERATOR)
    assert may(both, Action.LEAD) and may(both, Action.TRAIN)


def test_what_has_an_owner_is_done_by_him_alone():
    lead = user(Role.STUDY_LEAD)
    assert may(lead, Action.LEAD, owner="ada")
    assert may(lead, Action.LEAD, owner="")
    assert not may(lead, Action.LEAD, owner="bob")
    # To own something gives no role.
    assert not may(user(Role.VIEWER), Action.LEAD, owner="ada")
    # Who has no name of his own owns nothing of anybody.
    assert not may(user(Role.STUDY_LEAD, id=""), Action.LEAD, owner="bob")
    assert may(user(Role.LOCAL, id=""), Action.LEAD, owner="bob")


def test_the_roles_that_may():
    assert roles_that_may(Action.TRAIN) == [Role.OPERATOR]
    assert roles_that_may(Action.ANSWER) == [Role.READER, Role.STUDY_LEAD]
    assert roles_that_may(Action.LOOK) == list(GIVEN)
