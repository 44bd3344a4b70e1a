import pytest

from tests.access.served import OIDC, PROXY, settings_of
from xraycore.access import Role, decide_access
from xraycore.access.settings import read_connections, read_settings
from xraycore.config import launched_environment, pacs_credentials
from xraycore.errors import AccessError

ROLES = """
[roles]
claim = "realm.groups"
everyone = "viewer"
users = { ada = ["study-lead", "operator"] }
groups = { radiology = "reader" }
"""


def test_a_file_says_how_people_sign_in_and_who_they_are(tmp_path):
    found = settings_of(tmp_path, OIDC + ROLES)
    assert found.origin == "https://xray.example.org"
    assert (found.oidc.user, found.oidc.hours) == ("sub", 12)
    assert found.roles.everyone == (Role.VIEWER,)
    assert found.roles.users == {"ada": (Role.STUDY_LEAD, Role.OPERATOR)}
    assert found.roles.groups == {"radiology": (Role.READER,)}


def test_secrets_may_come_from_the_environment(tmp_path, monkeypatch):
    lines = [line for line in OIDC.splitlines() if "secret" not in line]
    with pytest.raises(AccessError, match=r"oidc\.client_secret: .*oidc\.cookie_secret: "):
        settings_of(tmp_path, "\n".join(lines))
    monkeypatch.setenv("XRAYCORE_OIDC_SECRET", "of the provider")
    monkeypatch.setenv("XRAYCORE_COOKIE_SECRET", "c" * 32)
    found = settings_of(tmp_path, "\n".join(lines))
    assert (found.oidc.client_secret, found.oidc.cookie_secret) == ("of the provider", "c" * 32)


def test_no_secret_is_shown(tmp_path):
    shown = repr(settings_of(tmp_path, OIDC)) + repr(settings_of(tmp_path, PROXY))
    assert "the provider's" not in shown
    assert "0123456789abcdef" not in shown
    assert "abcdefghijkl" not in shown


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("url = 3", "url"),
        ('url = "xray.example.org"', "url must be"),
        (OIDC + PROXY[PROXY.index("[proxy]") :], "one way to sign in"),
        (OIDC.replace('"0123456789abcdef', '"short'), r"oidc\.cookie_secret"),
        (PROXY.replace('"abcdefghijklmnop', '"'), "a secret needs 32"),
        (PROXY.replace("10.0.0.2", "the proxy"), "proxy"),
        (OIDC + "secret = 1\n", r"oidc\.secret"),
        (OIDC + '[roles]\neveryone = "local"\n', r"roles\.everyone.*expected one of the roles"),
        ('roots = ["films"]\n' + OIDC, "written out from /"),
        ("not TOML", "expected TOML"),
        (OIDC + 'user = "name"\n', r"oidc\.user.*no two people have"),
        ('roots = ["/"]\n' + OIDC, "all of the computer"),
    ],
)
def test_what_cannot_be_is_named_and_its_value_is_not(tmp_path, text, where):
    with pytest.raises(AccessError, match=where) as raised:
        settings_of(tmp_path, text)
    assert str(raised.value).startswith(str(tmp_path))
    assert "the provider's" not in str(raised.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(AccessError, match="cannot be read"):
        read_settings(tmp_path / "none.toml")


def networks(text: str, *, secret: bool = True) -> str:
    lines = [one for one in PROXY.splitlines() if secret or not one.startswith("secret")]
    return "\n".join(lines).replace('"10.0.0.2", "10.1.0.0/24"', text)


@pytest.mark.parametrize(
    "everybody",
    [
        *("0.0.0.0/0", "0.0.0.0/1", "8.0.0.0/6", "203.0.0.0/16"),
        *("::/0", "2000::/3", "::ffff:0:0/96", "::/64"),
    ],
)
def test_no_network_of_everybody_is_the_proxys(tmp_path, everybody):
    with pytest.raises(AccessError, match="not those of everybody"):
        settings_of(tmp_path, networks(f'"10.0.0.2", "{everybody}"'))


@pytest.mark.parametrize(
    "own", ["10.0.0.0/8", "172.17.0.0/16", "203.0.113.0/24", "fd00::/8", "2001:db8:1:2::/64", "::1"]
)
def test_a_departments_own_network_may_be_the_proxys(tmp_path, own):
    assert len(settings_of(tmp_path, networks(f'"{own}"')).proxy.networks) == 1


@pytest.mark.parametrize("shared", ["127.0.0.1", "::1", "10.0.0.0/30"])
def test_an_address_that_others_have_too_needs_a_secret(tmp_path, shared):
    assert settings_of(tmp_path, networks('"10.0.0.2"', secret=False)).proxy.secret == ""
    with pytest.raises(AccessError, match="needs a secret"):
        settings_of(tmp_path, networks(f'"{shared}"', secret=False))


def test_a_root_whose_name_would_be_taken_for_two(tmp_path):
    root = tmp_path / "a:b"
    root.mkdir()
    with pytest.raises(AccessError, match="may have no : in their names"):
        settings_of(tmp_path, f'roots = ["{root}"]\n{OIDC}')


PACS = '[pacs.hospital]\nurl = "https://pacs.example.org/dicom-web"\n'


def test_a_file_of_a_pacs_alone_says_nothing_of_visitors(tmp_path, monkeypatch):
    found = settings_of(tmp_path, PACS)
    assert (found.url, found.pacs["hospital"].seconds) == ("", 60)
    # It makes no address known that an app which is open to everybody would answer to.
    assert decide_access("0.0.0.0", found, open_to_everybody=True).settings is None
    monkeypatch.setenv("XRAYCORE_SETTINGS", str(tmp_path / "xraycore.toml"))
    assert read_connections()["hospital"].place == "hospital (https://pacs.example.org/dicom-web)"


def test_a_command_needs_none_of_the_apps_secrets_to_ask_a_pacs(tmp_path, monkeypatch):
    lines = [line for line in OIDC.splitlines() if "secret" not in line]
    file = tmp_path / "xraycore.toml"
    file.write_text("\n".join(lines) + f"\n{PACS}")
    monkeypatch.setenv("XRAYCORE_SETTINGS", str(file))
    assert list(read_connections()) == ["hospital"]
    monkeypatch.delenv("XRAYCORE_SETTINGS")
    assert read_connections() == {}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (PACS.replace("hospital", "Our_PACS"), r"pacs\.Our_PACS.*small letters"),
        (PACS + 'password = "told-here"\n', r"pacs\.hospital\.password: Extra inputs"),
        (PACS.replace("https://", "https://ada:told-here@"), "no credentials"),
    ],
)
def test_credentials_do_not_belong_into_the_file(tmp_path, text, where):
    with pytest.raises(AccessError, match=where) as raised:
        settings_of(tmp_path, text)
    assert "told-here" not in str(raised.value)


def test_what_is_launched_gets_no_credentials_of_a_pacs(monkeypatch):
    monkeypatch.setenv("XRAYCORE_PACS_HOSPITAL_PASSWORD", "secret")
    assert "XRAYCORE_PACS_HOSPITAL_PASSWORD" not in launched_environment()
    assert repr(pacs_credentials("hospital")) == "PacsCredentials()"
    assert pacs_credentials("hospital").password == "secret"
