"""nginx with the configuration of deploy/, in front of an app."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

HOST, SECRET, PASSWORD = "xray.example.org", "s" * 40, "a password"
NGINX = ROOT / "deploy" / "nginx"


@dataclass
class Proxy:
    """A running nginx.

    Attributes:
        port: Of TLS.
        plain: Of HTTP.
        certificate: What it shows, to be trusted.
    """

    port: int
    plain: int
    certificate: Path

    @property
    def url(self) -> str:
        """Where visitors reach the app."""
        return f"https://{HOST}:{self.port}"

    def context(self) -> ssl.SSLContext:
        """Trusts the proxy's certificate, and no other."""
        return ssl.create_default_context(cafile=str(self.certificate))


def find_nginx() -> str:
    """The installed nginx; on Debian as root it is installed if missing."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "nginx-core"], check=False)
        found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        message = "no nginx found: install it (apt-get install nginx) for the tests of deploy/"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def replaced(text: str, **pairs: str) -> str:
    """The text with each `old` in it replaced; one that is not in it is a fault of the test."""
    for old, new in pairs.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def write_configuration(folder: Path, app_port: int, port: int, plain: int) -> Path:
    """The shipped files with this test's places; nginx's main file around them."""
    (folder / "passwords").write_text(
        "ada:"
        + subprocess.run(
            ["openssl", "passwd", "-apr1", PASSWORD], check=True, capture_output=True, text=True
        ).stdout
    )
    (folder / "sign-in.conf").write_text(
        replaced(
            (NGINX / "sign-in.conf.example").read_text(),
            **{
                "/etc/nginx/xraycore/": f"{folder}/",
                "CHANGE-ME-CHANGE-ME-CHANGE-ME-CHANGE-ME": SECRET,
            },
        )
    )
    site = replaced(
        (NGINX / "xraycore.conf").read_text(),
        **{
            "/etc/ssl/certs/xray.example.org.pem": f"{folder}/certificate.pem",
            "/etc/ssl/private/xray.example.org.key": f"{folder}/key.pem",
            "/etc/nginx/xraycore/": f"{folder}/",
            "127.0.0.1:8501": f"127.0.0.1:{app_port}",
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "access_log /var/log/nginx/xraycore.log xraycore;": (
                f"access_log {folder}/xraycore.log xraycore; access_log {folder}/access.log probe;"
            ),
            "listen 80": f"listen 127.0.0.1:{plain}",
        },
    )
    (folder / "site.conf").write_text(site)
    temporary = "".join(
        f"    {kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "nginx.conf"
    main.write_text(
        f"pid {folder}/pid;\nerror_log {folder}/error.log;\nuser root;\n"
        "events { worker_connections 256; }\n"
        "http {\n    log_format probe '$request_method $uri $status $request_length';\n"
        f"    access_log {folder}/access.log probe;\n{temporary}"
        f"    include {folder}/site.conf;\n}}\n"
    )
    subject = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    files = ["-keyout", folder / "key.pem", "-out", folder / "certificate.pem"]
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    subprocess.run(
        [*made, "-nodes", "-days", "2", *subject, *files], check=True, capture_output=True
    )
    return main


@contextmanager
def running_proxy(folder: Path, app_port: int, port: int) -> Iterator[Proxy]:
    """nginx in front of the app of a port, until the end of the block."""
    plain = free_port()
    main = write_configuration(folder, app_port, port, plain)
    process = subprocess.Popen([find_nginx(), "-c", main, "-g", "daemon off;"])
    try:
        _wait_for(port, process, folder)
        yield Proxy(port, plain, folder / "certificate.pem")
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(port: int, process: subprocess.Popen, folder: Path) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"nginx does not start: {(folder / 'error.log').read_text()}")
