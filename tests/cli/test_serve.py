"""`xraycore serve`."""

import os
import sys
from pathlib import Path

from tests.access.served import OIDC
from xraycore.config import HOME


def test_the_server_takes_the_place_of_the_command(run_cli, monkeypatch, tmp_path):
    """What a service manager stops is the server itself, and no child of it is left."""
    became = []

    def execve(program, words, variables):
        became.append((program, words, variables))
        raise SystemExit(0)

    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.chdir(tmp_path)
    assert run_cli("serve", "--port", "8600", "--open-to-everybody")[0] == 0
    ((program, words, variables),) = became
    assert program == words[0] == sys.executable
    assert words[1:5] == ["-m", "streamlit", "run", str(HOME / "serve.py")]
    assert words[-2:] == ["--", "--open-to-everybody"]
    assert "--server.port=8600" in words
    assert variables["FORWARDED_ALLOW_IPS"] == ""
    assert Path.cwd() == HOME


def test_an_interface_for_programs_is_open_to_nobody_by_accident(run_cli, tmp_path):
    code, printed, said = run_cli("serve-api", "--address", "0.0.0.0")
    assert (code, printed) == (2, "")
    assert "where others can reach it" in said
    settings = tmp_path / "xraycore.toml"
    settings.write_text(OIDC)
    code, _, said = run_cli("serve-api", "--address", "0.0.0.0", "--settings", settings)
    assert code == 2
    assert "put a proxy that signs them in" in said
