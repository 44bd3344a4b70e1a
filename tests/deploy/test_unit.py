"""The service that deploy/ describes."""

import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

UNIT = ROOT / "deploy" / "xraycore.service"


@pytest.fixture
def unit(tmp_path):
    """The unit with a program that is here."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here to check deploy/xraycore.service with")
    text = UNIT.read_text()
    program = "/opt/xraycore/.venv/bin/xraycore"
    assert f"ExecStart={program} serve --settings" in text
    file = tmp_path / UNIT.name
    file.write_text(text.replace(f"ExecStart={program}", f"ExecStart={sys.executable}"))
    return file


def analyze(*arguments):
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_systemd_takes_every_line_of_it(unit):
    found = analyze("verify", unit)
    assert (found.returncode, found.stderr) == (0, "")
    # It would have told: a line that it does not know is one.
    unit.write_text(unit.read_text().replace("ProtectHome=yes", "ProtectHouse=yes"))
    assert "ProtectHouse" in analyze("verify", unit).stderr


def test_it_may_do_little(unit):
    # 10 is a service that may do all, 0 one that may do nothing; 2 is "OK".
    assert analyze("security", "--offline=true", "--threshold=20", unit).returncode == 0
    assert analyze("security", "--offline=true", "--threshold=5", unit).returncode != 0


def test_a_restart_leaves_trainings_at_work():
    assert "\nKillMode=process\n" in UNIT.read_text()
