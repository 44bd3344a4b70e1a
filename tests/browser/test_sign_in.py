"""Sign-in by a real browser at a real OpenID Connect provider: what each role may, and may not."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import ROOT
from xraycore.reader_study import ReaderStudyRepository, StudyLead, ToRead, open_database

pytestmark = [pytest.mark.browser, pytest.mark.slow]

USERS = {
    "viewer": ("Vera", "viewer"),
    "reader": ("Rita", "reader"),
    "lead": ("Lena", "study-lead"),
    "operator": ("Otto", "operator"),
    "stranger": ("Sam", "staff"),
}
SETTINGS = """
url = "{url}"
[oidc]
metadata_url = "{provider}/.well-known/openid-configuration"
client_id = "xraycore"
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(server: subprocess.Popen, address: str, log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.3)


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    """Address of a provider that knows these users.

    A process of its own: here every warning is an error, and its libraries give some.
    """
    port, log = free_port(), tmp_path_factory.mktemp("provider") / "log"
    users = [
        json.dumps({"sub": sub, "name": name, "groups": [group]})
        for sub, (name, group) in USERS.items()
    ]
    command = [sys.executable, "-m", "oidc_provider_mock", "--host", "localhost"]
    command += ["--port", str(port), *(f"--user-claims={one}" for one in users)]
    with log.open("w") as file:
        server = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        address = f"http://localhost:{port}"
        wait_for(server, f"{address}/.well-known/openid-configuration", log)
        yield address
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="module")
def served(tmp_path_factory, provider):
    """Address of an app that signs people in, and its database."""
    folder = tmp_path_factory.mktemp("served")
    port = free_port()
    url, database = f"http://localhost:{port}", f"sqlite:///{folder / 'reviews.sqlite3'}"
    with (folder / "log").open("w") as log:
        (folder / "xraycore.toml").write_text(SETTINGS.format(url=url, provider=provider))
        secrets = {"XRAYCORE_OIDC_SECRET": "s", "XRAYCORE_COOKIE_SECRET": "c" * 32}
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "xraycore", "serve", "--port", str(port)),
                *("--settings", str(folder / "xraycore.toml")),
            ],
            cwd=ROOT,
            env=os.environ | secrets | {"XRAYCORE_DATABASE": database},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        wait_for(server, f"{url}/_stcore/health", folder / "log")
        yield url, database
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture
def visit(chromium, served):
    """`visit(path, who)`: a page as that person opens it, signed in; "" for nobody."""
    contexts = []

    def open_page(path: str, who: str = "") -> Page:
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{served[0]}{path}")
        if who:
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("button", name=who, exact=True).click()
            # Not the address that the provider returns to, where the cookie is still to come.
            page.wait_for_url(lambda url: url.startswith(served[0]) and "oauth2callback" not in url)
            expect(page.get_by_test_id("stApp")).to_be_visible()
            expect(page.get_by_role("button", name="Sign in")).to_have_count(0)
            page.goto(f"{served[0]}{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_nobody_sees_anything_before_he_has_signed_in(visit):
    for path in ("/", "/train", "/review?study=1&reader=1", "/data?dataset=/etc/passwd"):
        page = visit(path)
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        expect(page.get_by_role("link", name="About the models")).to_have_count(0)
        assert "root:" not in page.content()


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        (
            "viewer",
            {
                "/data": "open one of these",
                "/train": "You may not train networks: that is for operator",
                "/review": "You may not answer a study",
            },
        ),
        ("reader", {"/review": "You are invited to no study"}),
        ("lead", {"/review": "Set up a study"}),
        (
            "operator",
            {
                "/train": "How a training goes",
                "/review": "You may not answer a study",
                "/data?dataset=/etc/passwd": "may not be named here",
            },
        ),
        ("stranger", {"/about": "you are without a role"}),
    ],
)
def test_each_role_opens_what_it_is_for(visit, served, who, sees):
    page = visit(next(iter(sees)), who)
    for path, seen in sees.items():
        page.goto(f"{served[0]}{path}")
        expect(page.get_by_text(seen).first).to_be_visible()


def test_a_reader_answers_as_himself_and_as_nobody_else(visit, served):
    engine = open_database(served[1])
    reviews, lead = ReaderStudyRepository(engine), StudyLead(engine)
    made = [ToRead("f" * 64, "basic_cnn", "grad_cam", "COVID-19")]
    study = reviews.create_study("Pilot", made, blinded=True, owner="lead")
    lead.invite(study, "Heron", login="reader")
    other, secret = lead.invite(study, "Crane")
    page = visit(f"/review?study={study.id}&reader={other.id}", "reader")
    # The address names another: it says nothing here.
    expect(page.get_by_text("Reader: Heron")).to_be_visible()
    # A link says who, without a sign-in; a wrong one says nobody.
    page = visit(f"/review?study={study.id}&key={secret}")
    expect(page.get_by_text("Reader: Crane")).to_be_visible()
    page = visit(f"/review?study={study.id}&key={secret[:-1]}x")
    expect(page.get_by_text("You are not invited to this study.")).to_be_visible()
    page = visit(f"/about?key={secret}")
    expect(page.get_by_text("You may not look at films")).to_be_visible()
    engine.dispose()


def test_a_sign_out_holds_in_every_tab(visit, served):
    page = visit("/about", "operator")
    other = page.context.new_page()
    other.goto(f"{served[0]}/train")
    expect(other.get_by_text("How a training goes")).to_be_visible()
    page.get_by_text("Otto").click()
    page.get_by_role("button", name="Sign out").click()
    # The provider asks whether its own session is to end as well.
    page.get_by_role("button", name="End session").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    # Its connection is from before, and nobody touches it.
    expect(other.get_by_role("button", name="Sign in")).to_be_visible()
