import time

import pytest

from tests.access.served import OIDC, PROXY, settings_of
from xraycore.access import Mode, Role, decide_access
from xraycore.access.identity import sends_secret
from xraycore.access.modes import Access, is_loopback
from xraycore.access.roles import NOBODY
from xraycore.errors import AccessError


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST.", "::1"])
def test_on_its_own_computer_everything_is_allowed_to_its_user(address):
    access = decide_access(address, None, open_to_everybody=False)
    assert (access.mode, access.served) == (Mode.LOCAL, False)
    assert access.user().roles == {Role.LOCAL}


@pytest.mark.parametrize(
    "address", ["", None, "0.0.0.0", "::", "10.0.0.3", "xray.example.org", "unix:///tmp/app"]
)
def test_elsewhere_it_does_not_start_without_a_way_to_tell_people_apart(address):
    assert not is_loopback(address)
    with pytest.raises(AccessError, match="--open-to-everybody"):
        decide_access(address, None, open_to_everybody=False)


def test_a_file_without_a_sign_in_is_none(tmp_path):
    settings = settings_of(tmp_path, 'url = "https://xray.example.org"')
    with pytest.raises(AccessError):
        decide_access("0.0.0.0", settings, open_to_everybody=False)


@pytest.mark.parametrize(("text", "mode"), [(OIDC, Mode.OIDC), (PROXY, Mode.PROXY)])
def test_a_sign_in_is_asked_for_at_every_address(tmp_path, text, mode):
    settings = settings_of(tmp_path, text)
    for address in ("127.0.0.1", "0.0.0.0"):
        access = decide_access(address, settings, open_to_everybody=False)
        assert access.mode is mode
        assert access.user() is NOBODY
        assert access.user(link=True).roles == {Role.INVITED}
    with pytest.raises(AccessError, match="one of the two"):
        decide_access("0.0.0.0", settings, open_to_everybody=True)


def test_open_to_everybody_gives_the_same_to_all():
    access = decide_access("0.0.0.0", None, open_to_everybody=True)
    claims = {"is_logged_in": True, "sub": "ada", "iat": time.time(), "groups": ["operator"]}
    for user in (access.user(), access.user(claims), access.user(link=True)):
        assert user.roles == {Role.ANYBODY}


def claims(**more) -> dict:
    return {"is_logged_in": True, "sub": "ada", "iat": time.time(), **more}


@pytest.fixture
def oidc(tmp_path) -> Access:
    return Access(Mode.OIDC, settings_of(tmp_path, OIDC))


def test_a_claim_gives_roles_and_its_lack_gives_none(oidc):
    assert oidc.user(claims(groups=["operator", "staff"])).roles == {Role.OPERATOR}
    assert oidc.user(claims(groups="reader")).roles == {Role.READER}
    for none in ({}, {"groups": None}, {"groups": {"operator": 1}}, {"groups": ["local", 3]}):
        user = oidc.user(claims(**none))
        assert (user.id, user.roles) == ("ada", frozenset())


@pytest.mark.parametrize(
    "wrong",
    [
        {"is_logged_in": False},
        {"is_logged_in": "yes"},
        {"sub": ""},
        {"sub": None},
        {"iat": None},
        {"iat": time.time() - 12 * 3600 - 60},
        {"iat": time.time() + 3600},
    ],
)
def test_who_is_not_signed_in_or_was_too_long_ago_is_nobody(oidc, wrong):
    assert oidc.user(claims(groups=["operator"])) is not NOBODY
    assert oidc.user(claims(groups=["operator"], **{**wrong})) is NOBODY


def test_an_address_counts_only_once_it_is_verified(tmp_path):
    text = OIDC + 'user = "email"\n[roles.users]\n"ada@example.org" = "operator"\n'
    access = Access(Mode.OIDC, settings_of(tmp_path, text))
    asked = claims(email="ada@example.org")
    assert access.user(asked) is NOBODY
    assert access.user({**asked, "email_verified": "true"}) is NOBODY
    assert access.user({**asked, "email_verified": True}).roles == {Role.OPERATOR}


def test_groups_are_named_where_the_file_names_any(tmp_path):
    text = OIDC + '[roles]\nclaim = "realm.groups"\n[roles.groups]\nchest = "study-lead"\n'
    access = Access(Mode.OIDC, settings_of(tmp_path, text))
    assert access.user(claims(realm={"groups": ["chest"]})).roles == {Role.STUDY_LEAD}
    # A group that happens to be called as a role is another's.
    assert access.user(claims(realm={"groups": ["operator"]})).roles == set()


def test_a_proxy_says_who_asks_and_his_groups(tmp_path):
    access = Access(Mode.PROXY, settings_of(tmp_path, PROXY))
    headers = {"x-remote-user": "ada", "x-remote-groups": "staff, reader"}
    user = access.user(headers=headers)
    assert (user.id, user.roles, user.known_by) == ("ada", {Role.READER}, "proxy")
    assert access.user(headers={"x-remote-user": " "}) is NOBODY
    # A cookie of a sign-in says nothing here.
    assert access.user(claims(groups=["operator"])) is NOBODY


def test_the_proxys_secret(tmp_path):
    settings = settings_of(tmp_path, PROXY)
    assert sends_secret({"x-xraycore-proxy": "abcdefghijklmnopqrstuvwxyz012345"}, settings)
    assert not sends_secret({"x-xraycore-proxy": "abcdefghijklmnopqrstuvwxyz01234ö"}, settings)
    assert not sends_secret({}, settings)
    without = "\n".join(line for line in PROXY.splitlines() if not line.startswith("secret"))
    alone = without.replace(', "10.1.0.0/24"', "")
    assert sends_secret({}, settings_of(tmp_path, alone))
