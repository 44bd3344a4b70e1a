"""What nginx tells the app of who is asking, and what it writes down of a request."""

import base64
import http.client
import http.server
import socket
import threading
import time

import pytest

from tests.deploy.proxy import HOST, PASSWORD, free_port, running_proxy

pytestmark = pytest.mark.slow


@pytest.fixture
def told():
    """Port of a server in the app's place, and the headers of each request that reached it."""
    seen = []

    class Echo(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], seen
        server.shutdown()


def test_a_visitor_gives_himself_no_name_and_no_group_and_no_secret_is_logged(tmp_path, told):
    app_port, seen = told
    user = base64.b64encode(f"ada:{PASSWORD}".encode()).decode()
    said = {"X-Remote-User": "eve", "X-Remote-Groups": "operator", "X-Xraycore-Proxy": "guess"}
    with running_proxy(tmp_path, app_port, free_port()) as proxy:
        connection = http.client.HTTPSConnection(HOST, proxy.port, timeout=20)
        raw = socket.create_connection(("127.0.0.1", proxy.port), 20)
        connection.sock = proxy.context().wrap_socket(raw, server_hostname=HOST)
        headers = {"Host": f"{HOST}:{proxy.port}", "Authorization": f"Basic {user}", **said}
        connection.request("GET", "/review?study=1&key=SECRET-OF-A-LINK", headers=headers)
        assert connection.getresponse().status == 200
        connection.close()
        log, end = tmp_path / "xraycore.log", time.monotonic() + 10
        while not log.read_text() and time.monotonic() < end:
            time.sleep(0.05)
    assert [one.get_all("X-Remote-User") for one in seen] == [["ada"]]
    assert [one.get_all("X-Remote-Groups") for one in seen] == [None]
    assert "GET /review" in log.read_text()
    assert "SECRET-OF-A-LINK" not in log.read_text()
