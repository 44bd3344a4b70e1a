"""The commands that ask a PACS, on a real Orthanc."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest

from tests.pacs.orthanc import PASSWORD, PATIENT, make_film
from xraycore.anatomy.lung_field import LungField
from xraycore.datasets.labels import CHEST4
from xraycore.errors import RadiographError
from xraycore.imaging.box import Box
from xraycore.models.classifier import Prediction
from xraycore.scoring.pipeline import ScoredFilm

SMALL, LARGE, OTHER = "1.2.826.1", "1.2.826.2", "1.2.826.3"
FILMS = 300


@pytest.fixture(scope="module")
def filled(orthanc):
    """A study of two films, one of 300 of which the 150th is broken, one of another patient."""
    orthanc.push(*(make_film(study=SMALL, seed=n, number=n + 1) for n in range(2)))
    orthanc.push(make_film(study=OTHER, seed=5, PatientID="PID-2", StudyDate="20260401"))
    film = make_film(study=LARGE, size=32, StudyDate="20260201")
    whole = film.PixelData
    for number in range(1, FILMS + 1):
        film.PixelData = whole[:100] if number == FILMS // 2 else whole
        film.InstanceNumber = number
        film.file_meta.MediaStorageSOPInstanceUID = film.SOPInstanceUID = f"{LARGE}.{number}"
        orthanc.push(film)
    return orthanc


class SayNormal:
    """What stands for networks: each film that can be read is called normal."""

    def __init__(self, classifiers, read, processes):
        self.classifiers, self.read = classifiers, read

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def score(self, files):
        for file in files:
            try:
                film = self.read(file)
            except RadiographError as error:
                yield ScoredFilm(file, None, error=error)
                continue
            said = [
                Prediction(
                    one.spec.name,
                    CHEST4,
                    np.array([4, 0, 0, 0], np.float32),
                    np.zeros((1, 1, 1), np.float32),
                    np.zeros((1, 1, 1), np.float32),
                    Box(),
                    LungField(np.ones((128, 128), bool), Box()),
                )
                for one in self.classifiers
            ]
            yield ScoredFilm(file, film.info, said)


@pytest.fixture
def stand_in(monkeypatch):
    model = SimpleNamespace(spec=SimpleNamespace(name="basic_cnn"), card={})
    monkeypatch.setattr("xraycore.cli.predict.load_models", lambda _: [model])
    monkeypatch.setattr("xraycore.cli.predict.FilmScorer", SayNormal)


def test_a_study_of_300_films_of_which_one_is_broken(filled, pacs_settings, stand_in, run_cli):
    code, out, err = run_cli("predict", f"dicomweb://orthanc/{LARGE}", "--json")
    assert (code, err) == (0, "")
    rows = [json.loads(line) for line in out.splitlines()]
    assert len(rows) == FILMS
    assert {row["path"].rpartition("/")[0] for row in rows} == {rows[0]["path"].rpartition("/")[0]}
    assert rows[0]["path"].startswith(f"dicomweb://orthanc/{LARGE}/")
    (bad,) = [row for row in rows if row["error"]]
    assert "expected a DICOM chest radiograph" in bad["error"]
    assert sum(row["label"] == "Normal" for row in rows) == FILMS - 1
    assert PATIENT not in out


def test_a_pacs_that_dies_in_the_middle(filled, pacs_settings, stand_in, run_cli, monkeypatch):
    from xraycore.cli import predict

    opened = predict.read_file

    def dying(path):
        if filled.process and path.name == f"{LARGE}.11":
            filled.kill()
        return opened(path)

    monkeypatch.setattr(predict, "read_file", dying)
    code, out, err = run_cli("predict", f"dicomweb://orthanc/{LARGE}", "--json")
    filled.start()
    assert code == 2
    # What was answered before stands; then one line says who no longer answers.
    assert [json.loads(line)["error"] for line in out.splitlines()] == [None] * 10
    assert err.count("\n") == 1
    assert f"orthanc ({filled.url}): asked for film {LARGE}.11; received no connection" in err


def test_search_lists_what_there_is(filled, pacs_settings, run_cli):
    code, out, err = run_cli("pacs", "search", "orthanc", "--from", "2026-03-01", "--json")
    assert (code, err) == (0, "")
    assert [(one["uid"], one["day"], one["instances"]) for one in json.loads(out)] == [
        (OTHER, "2026-04-01", 1),
        (SMALL, "2026-03-01", 2),
    ]
    code, out, _ = run_cli("pacs", "search", "orthanc", "--patient", "PID-2")
    assert code == 0 and "PID-2" in out and PATIENT not in out


def test_what_is_fetched_is_a_data_set(filled, pacs_settings, run_cli, tmp_path):
    folder = tmp_path / "films"
    code, out, _ = run_cli(
        *("pacs", "fetch", "orthanc", "--from", "2026-03-01", "--out", folder),
        *("--label", "healthy", "--json"),
    )
    assert code == 0
    assert json.loads(out) == {"folder": str(folder), "films": 3, "errors": [], "more": False}
    with (folder / "labels.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert {row["label"] for row in rows} == {"Normal"}
    groups = {row["path"].split("/")[0]: row["group"] for row in rows}
    assert groups[SMALL] != groups[OTHER] and PATIENT not in str(rows)

    from xraycore.datasets.manifest import read_manifest

    manifest = read_manifest([folder / "labels.csv"])
    assert sorted(record.path.parent.name for record in manifest.records) == [SMALL, SMALL, OTHER]

    # Nothing is fetched twice.
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*.dcm")}
    code, out, _ = run_cli("pacs", "fetch", "orthanc", SMALL, "--out", folder, "--json")
    assert code == 0 and json.loads(out)["films"] == 2
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*.dcm")} == before
    assert len((folder / "labels.csv").read_text().splitlines()) == 4


def test_fetch_wants_to_know_what(filled, pacs_settings, run_cli, tmp_path):
    for asked in ((), (SMALL, "--patient", "x"), ("../etc",)):
        code, _, err = run_cli("pacs", "fetch", "orthanc", *asked, "--out", tmp_path / "no")
        assert code == 2 and err.count("\n") == 1


def test_check_asks_all_services(filled, pacs_settings, run_cli):
    code, out, _ = run_cli("pacs", "check", "orthanc", "--json")
    assert (code, json.loads(out)) == (0, {"DICOMweb": "answers, with a study"})
    code, out, _ = run_cli("pacs", "check", "archive", "--json")
    assert (code, json.loads(out)) == (0, {"C-STORE": "answers a C-ECHO"})


def test_list_names_no_credentials(filled, pacs_settings, run_cli):
    code, out, _ = run_cli("pacs", "list")
    assert code == 0 and "password" in out and PASSWORD not in out
    code, out, _ = run_cli("pacs", "list", "--json")
    assert [one["name"] for one in json.loads(out)] == ["orthanc", "archive"]
    assert PASSWORD not in out


def test_a_service_that_nobody_offers(run_cli, monkeypatch, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text('[pacs.gone]\nhost = "127.0.0.1"\nport = 9\nseconds = 2\n')
    monkeypatch.setenv("XRAYCORE_SETTINGS", str(file))
    code, out, err = run_cli("pacs", "check", "gone")
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert "gone (ANY-SCP at 127.0.0.1:9): asked for a C-ECHO; received no connection" in err


def test_an_archive_is_a_search_too(filled, pacs_settings):
    from xraycore.scoring.listing import list_films, read_listed

    found = list(list_films("dicomweb://orthanc?date=20260301-20260301"))
    assert len(found) == 2 and len({film.id for film in found}) == 2
    assert found[0].place.startswith(f"dicomweb://orthanc/{SMALL}/")
    assert read_listed(found[0]).info.width == 96
