"""Who has signed out stays so."""

import json
import stat
import time

import pytest

from tests.access.served import OIDC, settings_of
from xraycore.access import Access, Mode
from xraycore.access.roles import NOBODY
from xraycore.access.sign_outs import SignOuts
from xraycore.errors import AccessError, StorageError

NOW = int(time.time())


def test_a_sign_out_ends_the_sign_in_and_those_before_it():
    found = SignOuts()
    found.note("ada", NOW - 10)
    assert found.ended("ada", NOW - 10)
    assert found.ended("ada", NOW - 600)
    # By the provider's clock, which may be behind: signing in again works at once.
    assert not found.ended("ada", NOW - 9)
    assert not found.ended("bob", NOW - 10)


def test_an_older_tab_that_signs_out_too_brings_nobody_back():
    found = SignOuts()
    found.note("ada", NOW)
    found.note("ada", NOW - 60)
    assert found.ended("ada", NOW)


def test_a_restart_forgets_no_sign_out(tmp_path):
    file = tmp_path / "state" / "sign-outs.json"
    SignOuts(file, 3600).note("ada", NOW)
    assert SignOuts(file, 3600).ended("ada", NOW)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "ada" not in file.read_text()


def test_what_would_have_ended_by_itself_is_not_kept(tmp_path):
    file = tmp_path / "sign-outs.json"
    found = SignOuts(file, 3600)
    found.note("ada", NOW - 3700)
    found.note("bob", NOW - 600)
    assert len(json.loads(file.read_text())["ended"]) == 1
    assert SignOuts(file, 3600).ended("bob", NOW - 3500)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"ended": {"ada": 1}}', '{"ended": {"' + "0" * 64 + '": "x"}}']
)
def test_a_file_that_cannot_be_read_is_not_taken_for_nobody(tmp_path, text):
    file = tmp_path / "sign-outs.json"
    file.write_text(text)
    with pytest.raises(AccessError, match=r"sign-outs\.json"):
        SignOuts(file, 3600)


def test_a_full_disk_is_said_and_the_sign_out_holds_all_the_same(tmp_path, monkeypatch):
    found = SignOuts(tmp_path / "sign-outs.json", 3600)

    def full(*_, **__):
        raise StorageError("full")

    monkeypatch.setattr(SignOuts, "_keep", full)
    with pytest.raises(StorageError):
        found.note("ada", NOW)
    assert found.ended("ada", NOW)


def test_whoever_asks_with_a_sign_in_that_has_ended_is_nobody(tmp_path):
    """Pages and what the gateway lets through ask this."""
    access = Access(Mode.OIDC, settings_of(tmp_path, OIDC))
    claims = {"is_logged_in": True, "sub": "ada", "iat": NOW}
    assert access.user(claims).id == "ada"
    access.sign_outs.note("ada", NOW)
    assert access.user(claims) is NOBODY
    assert access.user({**claims, "iat": NOW + 1}).id == "ada"
    assert [role.value for role in access.user(claims, link=True).roles] == ["invited"]
