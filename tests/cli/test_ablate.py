"""What the command of the ablation asks for, and the table that it prints."""

import json

import pytest

from tests.report.test_shortcuts import MEASURED
from tests.training.conftest import disc_folder  # noqa: F401  (a fixture)
from xraycore.datasets.synthetic.phantom import write_phantoms
from xraycore.training import ablation

ROWS = [
    {"name": "as before", "last": {"loss": 1.0, "val_auc": 0.9, "hit_val": 0.5}},
    {"name": "without more", "last": {"loss": 1.0, "val_auc": 0.8, "auc_more": 0.7}},
]


@pytest.fixture
def asked(monkeypatch):
    """What the library was asked for; it answers with `ROWS`."""
    seen = []

    def fake(manifest, external, spec, folder, **options):
        seen.append((manifest.classes, spec.title, folder, options))
        return {"text": "A short tuning.", "rows": ROWS}

    monkeypatch.setattr(ablation, "ablate", fake)
    return seen


def test_a_table_of_lesions_ends_networks_as_trainings_do(asked, disc_folder, run_cli, tmp_path):  # noqa: F811
    out = tmp_path / "measured" / "table.json"
    files = ["--out", out, "--runs", tmp_path / "runs"]
    options = ["--table", "lesions", "--cache-features", 2, "--added", "more", "--added", "other"]
    classes = ["--classes", "Normal; Pneumonia = Opacity"]
    code, printed, _ = run_cli(
        *("ablate", disc_folder, "--model", "resnet50", *files, *options, *classes)
    )
    assert code == 0
    found, title, folder, given = asked[0]
    assert (title, folder) == ("ResNet50, four stages", tmp_path / "runs")
    assert found == ("Normal", "Pneumonia")
    assert given["table"] == "lesions" and given["feature_draws"] == 2
    assert list(given["added"]) == ["more", "other"]
    # Every score that a line has gets a column; what another lacks is a dash, the loss is not told.
    assert all(word in printed for word in ("val_auc", "hit_val", "auc_more", "–"))
    assert "loss" not in printed
    kept = json.loads(out.read_text())
    assert kept["rows"] == ROWS and kept["command"].startswith("python -m xraycore")


def test_the_older_table_keeps_whole_networks(asked, disc_folder, run_cli, tmp_path):  # noqa: F811
    files = ["--out", tmp_path / "table.json", "--runs", tmp_path / "runs"]
    code, printed, _ = run_cli("ablate", disc_folder, "--model", "resnet50", *files, "--json")
    assert code == 0 and json.loads(printed)["rows"] == ROWS
    assert asked[0][1] == "ResNet50"
    assert asked[0][3]["table"] == "shortcuts" and asked[0][3]["feature_draws"] == 0


def test_shortcut_tells_and_keeps_what_was_measured(run_cli, tmp_path, monkeypatch):
    films, out = tmp_path / "films", tmp_path / "new" / "shortcut.json"
    write_phantoms(films, 20, size=48)
    asked = {}

    def measured(manifest, spec, folder, **given):
        asked.update(given, films=len(manifest.records), spec=spec.name)
        given["keep"](MEASURED)
        return MEASURED

    monkeypatch.setattr("xraycore.training.shortcut_bench.bench_shortcuts", measured)
    given = ("--plant", "tube", "--share", 1, "--share", 0.5, "--out", out, "--runs", tmp_path)
    code, told, _ = run_cli("shortcut", films, *given)
    assert code == 0 and all(one in told for one in ("Marker", "moved", "Grad-CAM", "0.91"))
    assert (asked["label"], asked["plants"], asked["shares"]) == ("Opacity", ["tube"], [0.5, 1.0])
    assert (asked["films"], asked["spec"], asked["known"]) == (40, "basic_cnn", None)
    kept = json.loads(out.read_text())
    assert kept["rows"] == MEASURED["rows"] and kept["command"].startswith("python -m xraycore")
    code, told, _ = run_cli("shortcut", films, *given, "--json")
    assert code == 0 and json.loads(told)["text"] == MEASURED["text"]
    assert asked["known"]["rows"] == MEASURED["rows"]
    code, _, said = run_cli(
        "shortcut", films, "--method", "magic", "--out", out, "--runs", tmp_path
    )
    assert code == 2 and "method must be one of" in said
