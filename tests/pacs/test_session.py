"""What a server may do to who asks it: nothing without bounds, and no credentials get out."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from xraycore.access.connections import Connection, NamedConnection
from xraycore.errors import AccessError, PacsError, RadiographError
from xraycore.pacs import session
from xraycore.pacs.address import MOST_FILMS, Address, StudyQuery
from xraycore.pacs.dicomweb import DicomWeb, read_parts

SECRET = "s3cret-ü"


@contextlib.contextmanager
def server(answer):
    """The address of a server whose `answer(handler)` writes what it says; and what was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, dict(self.headers)))
            with contextlib.suppress(OSError):  # Who asked has gone.
                answer(self)

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}/dicom-web", asked
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


def say(handler, body, kind="application/dicom+json", status=200, **headers):
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def ask(url, **more):
    connection = NamedConnection(name="far", to=Connection(url=url, **more))
    return DicomWeb(connection).search(StudyQuery(modalities=()))


@pytest.fixture(autouse=True)
def _credentials(monkeypatch):
    monkeypatch.setenv("XRAYCORE_PACS_FAR_USER", "ada")
    monkeypatch.setenv("XRAYCORE_PACS_FAR_PASSWORD", SECRET)


@pytest.fixture(autouse=True)
def _nothing_logged(caplog):
    yield
    assert not caplog.records


def refusal(answer, **more):
    """The error of a search that is answered so."""
    with server(answer) as (url, _), pytest.raises(PacsError) as raised:
        ask(url, **more)
    text = str(raised.value)
    assert text.startswith(f"far ({url}): asked for a list of studies; received ")
    assert SECRET not in text and "ada" not in text
    return text


def test_credentials_are_sent_to_the_server_and_told_nobody(monkeypatch):
    with server(lambda one: say(one, b"[]")) as (url, asked):
        assert ask(url) == []
        monkeypatch.setenv("XRAYCORE_PACS_FAR_TOKEN", "of-today")
        assert ask(url) == []
    assert [headers["Authorization"] for _, headers in asked] == [
        "Basic YWRhOnMzY3JldC3DvA==",  # ada:s3cret-ü
        "Bearer of-today",
    ]


def test_credentials_that_no_header_can_hold_are_in_no_error_and_in_no_log(monkeypatch, caplog):
    monkeypatch.setenv("XRAYCORE_PACS_FAR_TOKEN", f"{SECRET}\nX-More: 1")
    with (
        server(lambda one: say(one, b"[]")) as (url, asked),
        pytest.raises(AccessError, match="XRAYCORE_PACS_FAR_TOKEN") as raised,
    ):
        ask(url)
    assert not asked
    assert SECRET not in str(raised.value) and SECRET not in caplog.text


def test_wrong_credentials_say_where_the_right_ones_go():
    text = refusal(lambda one: say(one, b"ada may not", status=401))
    assert "status 401" in text and "XRAYCORE_PACS_FAR_PASSWORD" in text and "may not" not in text


def test_a_redirection_is_not_followed():
    seen = []

    def elsewhere(one):
        seen.append(one.path)
        say(one, b"", status=302, Location="http://127.0.0.1:9/else")

    assert "another address" in refusal(elsewhere)
    assert len(seen) == 1


def test_an_answer_that_does_not_come_ends_the_wait():
    waiting = threading.Event()
    begun = time.monotonic()
    try:
        assert "within 0.3 s" in refusal(lambda one: waiting.wait(20), seconds=0.3)
    finally:
        waiting.set()
    assert time.monotonic() - begun < 5


def test_an_answer_that_trickles_ends_too():
    def trickle(one):
        one.send_response(200)
        one.send_header("Content-Length", "1000000")
        one.end_headers()
        for _ in range(200):
            one.wfile.write(b" ")
            one.wfile.flush()
            time.sleep(0.05)

    begun = time.monotonic()
    assert "within 0.5 s" in refusal(trickle, seconds=0.5)
    assert time.monotonic() - begun < 5


def test_an_answer_without_end_is_cut_off(monkeypatch):
    monkeypatch.setattr(session, "MAX_LIST", 2**20)
    sent = []

    def flood(one):
        one.send_response(200)
        one.end_headers()
        while True:
            one.wfile.write(b"[" * 2**16)
            sent.append(2**16)

    assert "more than 1 MiB" in refusal(flood)
    assert sum(sent) < 2**25


@pytest.mark.parametrize(
    ("body", "kind", "came"),
    [
        (b"<html>Sign in</html>", "text/html", "cannot be read"),
        (b'["a study"]', "application/dicom+json", "another form"),
        (b'[{"0020000D": 3}]', "application/dicom+json", "another form"),
        (b"[" * 100_000, "application/dicom+json", "cannot be read"),
    ],
)
def test_what_is_no_list_of_studies_is_an_error_of_the_server(body, kind, came):
    assert came in refusal(lambda one: say(one, body, kind))


def test_nobody_there(unused=9):
    with pytest.raises(PacsError, match="no connection"):
        ask(f"http://127.0.0.1:{unused}/dicom-web")


def test_a_server_that_knows_no_limit_and_no_pages_is_asked_twice_and_no_more():
    row = '{"0020000D": {"vr": "UI", "Value": ["1.2.%d"]}}'
    body = f"[{','.join(row % number for number in range(500))}]".encode()
    with server(lambda one: say(one, body)) as (url, asked):
        pacs = DicomWeb(NamedConnection(name="far", to=Connection(url=url)))
        found = list(pacs.studies(StudyQuery(modalities=()), page=100))
    assert len(found) == 100 and len(asked) == 2


def test_a_study_of_too_many_films_is_refused():
    row = '{"00080018": {"vr": "UI", "Value": ["1.2.%d"]}}'
    body = f"[{','.join(row % number for number in range(MOST_FILMS + 1))}]".encode()
    with server(lambda one: say(one, body)) as (url, _), pytest.raises(PacsError, match="2001"):
        DicomWeb(NamedConnection(name="far", to=Connection(url=url))).films("1.2")


def test_a_uid_of_a_server_never_becomes_a_path():
    row = b"""[{"00080018": {"vr": "UI", "Value": ["../../../secret"]},
                "0020000E": {"vr": "UI", "Value": ["1.2"]}}]"""
    with server(lambda one: say(one, row)) as (url, _):
        assert DicomWeb(NamedConnection(name="far", to=Connection(url=url))).films("1.2") == []


def test_one_film_that_cannot_be_had_is_an_error_of_that_film():
    film = Address("far", "1.2", "1.3", "1.4")
    for answer in (
        lambda one: say(one, b"", status=404),
        lambda one: say(one, b"--x--", 'multipart/related; boundary="x"'),
    ):
        with server(answer) as (url, _), pytest.raises(RadiographError, match=r"^1\.4: expected"):
            DicomWeb(NamedConnection(name="far", to=Connection(url=url))).fetch(film)


def test_parts_of_an_answer():
    kind = 'multipart/related; type="application/dicom"; boundary=b1'
    body = (
        b"--b1\r\nContent-Type: application/dicom\r\n\r\nA\r\n\r\nB--b1\r\n--b1\r\n\r\nC\r\n--b1--"
    )
    assert read_parts(kind, body) == [b"A\r\n\r\nB--b1", b"C"]
    assert read_parts("application/dicom", b"D") == [b"D"]
    with pytest.raises(ValueError, match="cut short"):
        read_parts(kind, body[:-2])


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({}, "name the url"),
        ({"url": "ftp://a"}, "must be https"),
        ({"url": "https://ada:secret@a"}, "no credentials"),
        ({"url": "http://pacs.example.org"}, "unencrypted"),
        ({"url": "https://a", "store": "c-store"}, "needs a host"),
        ({"host": "a", "called_aet": "A" * 17}, "called_aet"),
    ],
)
def test_a_connection_that_cannot_be(entries, said):
    with pytest.raises(ValueError, match=said):
        Connection(**entries)
