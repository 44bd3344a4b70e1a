"""Films are scored and objects written back into a real Orthanc, by a network that comes along."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from pydicom import dcmread

from tests.conftest import ROOT
from tests.pacs.orthanc import as_file, free_port, make_film
from tests.report.dicom.findings import faults_of
from tests.report.dicom.test_objects import said
from xraycore.access.connections import Connection, NamedConnection
from xraycore.errors import PacsError
from xraycore.imaging.box import Box
from xraycore.pacs.dimse import send
from xraycore.reader_study import Answer, ReaderStudyRepository, ToRead, open_database

STUDY, SENT = "1.2.826.1", "1.2.826.2"


@pytest.fixture(scope="module")
def filled(orthanc):
    orthanc.push(make_film(study=STUDY, seed=1, size=256))
    return orthanc


def objects_of(orthanc, study):
    """The objects that Orthanc has of a study, by modality."""
    found = {}
    for modality in ("OT", "SEG", "SR"):
        read = [dcmread(io.BytesIO(one)) for one in orthanc.files(modality)]
        found[modality] = [one for one in read if one.StudyInstanceUID == study]
    return found


def test_what_is_found_is_written_back_and_reads_the_same(filled, pacs_settings, run_cli, tmp_path):
    address = f"dicomweb://orthanc/{STUDY}"
    code, out, _ = run_cli("predict", address, "--model", "basic_cnn", "--json")
    answer = json.loads(out)
    assert code == 0 and answer["error"] is None
    code, out, err = run_cli(
        *("pacs", "report", address, "--model", "basic_cnn", "--json"),
        *("--send", "orthanc", "--out", tmp_path / "objects"),
    )
    assert (code, err) == (0, "")
    row = json.loads(out)
    assert row["error"] is None and row["answer"] == answer["answer"]
    assert len(row["objects"]) == 6
    found = objects_of(filled, STUDY)
    assert [len(one) for one in found.values()] == [1, 1, 1]
    values = said(found["SR"][0])
    assert ("Probability", answer["opacity"]["probability"]) in values
    assert ("Least probability called an opacity", round(answer["opacity"]["threshold"], 6)) in (
        values
    )
    assert ("Answer of the network", answer["answer"]) in values
    assert ("Viral pneumonia", answer["probabilities"]["Viral pneumonia"]) in values
    for file in (tmp_path / "objects").iterdir():
        assert faults_of(file.read_bytes(), tmp_path / "object.dcm") == []
        kept = dcmread(file)
        (back,) = found[kept.Modality]
        assert back == kept

    # By C-STORE too: it is the same object, and Orthanc has it once.
    code, out, _ = run_cli(
        *("pacs", "report", address, "--model", "basic_cnn", "--json", "--send", "archive")
    )
    assert code == 0 and json.loads(out)["error"] is None
    assert [len(one) for one in objects_of(filled, STUDY).values()] == [1, 1, 1]
    # What was written back is no film of the study.
    code, out, _ = run_cli("predict", address, "--model", "basic_cnn", "--json")
    assert code == 0 and len(out.splitlines()) == 1


def test_what_is_no_dicom_film_gets_an_error_line(run_cli, tmp_path):
    (tmp_path / "film.png").write_bytes(b"\x89PNG")
    code, out, _ = run_cli(
        *("pacs", "report", tmp_path / "film.png", "--model", "basic_cnn", "--json"),
        *("--out", tmp_path / "objects"),
    )
    assert code == 0 and "expected a DICOM film" in json.loads(out)["error"]
    assert not list((tmp_path / "objects").iterdir())
    code, _, err = run_cli("pacs", "report", tmp_path / "film.png", "--model", "basic_cnn")
    assert code == 2 and "name where objects go" in err


def test_marks_of_readers_are_written_back(filled, pacs_settings, run_cli, tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYCORE_DATABASE", f"sqlite:///{tmp_path}/reviews.sqlite3")
    film = make_film(study=STUDY, seed=1, size=256)
    file = tmp_path / "film.dcm"
    file.write_bytes(as_file(film))
    from xraycore.utils.files import sha256

    engine = open_database()
    reviews = ReaderStudyRepository(engine)
    study = reviews.create_study(
        "Pilot", [ToRead(sha256(file), "vgg16", "grad_cam", "COVID-19")], seed=1, blinded=False
    )
    reader = reviews.add_reader("Ada")
    (entry,) = reviews.worklist(reader, study)
    reviews.save_review(
        reader, entry.item, Answer("disagree", 2, boxes=[Box(0.25, 0.25, 0.5, 0.75)]), seconds=3
    )
    engine.dispose()
    code, out, err = run_cli("reviews", "dicom", "Pilot", file, "--send", "orthanc", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["answer"] == "1 readers"
    (report,) = [
        one
        for one in objects_of(filled, STUDY)["SR"]
        if one.ManufacturerModelName == "xraycore reader study"
    ]
    values = said(report)
    assert ("Does the finding lie where the heatmap says?", "Disagree") in values
    assert ("Grade of the heatmap, 1 to 5", 2.0) in values
    code, _, err = run_cli("reviews", "dicom", "None", file, "--send", "orthanc")
    assert code == 2 and "Known: Pilot" in err


def test_who_listens_answers_this_computer_only(run_cli):
    code, _, err = run_cli("listen", "--from", "PACS", "--address", "0.0.0.0")
    assert code == 2 and "--open-network" in err


@pytest.mark.slow
def test_a_film_that_is_sent_is_scored_and_written_back(filled, pacs_settings, tmp_path):
    port = free_port()
    command = [sys.executable, "-m", "xraycore", "listen", "--from", "TESTS", "--to", "orthanc"]
    command += ["--model", "basic_cnn", "--port", str(port), "--spool", str(tmp_path / "spool")]
    log = tmp_path / "listen.log"
    with log.open("w") as errors:
        running = subprocess.Popen(command, cwd=ROOT, env=os.environ, stderr=errors)
    to = Connection(
        host="127.0.0.1", port=port, called_aet="XRAYCORE", calling_aet="TESTS", seconds=10
    )
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            try:
                send(NamedConnection(name="us", to=to), [make_film(study=SENT, seed=3, size=256)])
                break
            except PacsError:
                time.sleep(0.2)
        found = {}
        while time.monotonic() < deadline and not found.get("SR"):
            time.sleep(0.2)
            found = objects_of(filled, SENT)
        assert [len(one) for one in found.values()] == [1, 1, 1], log.read_text()
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=30) == 0
    assert "not for diagnosis" in log.read_text().lower()
