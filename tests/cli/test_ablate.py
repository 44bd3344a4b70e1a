"""What the command of the ablation asks for, and the table that it prints."""

import json

import pytest

from tests.training.conftest import disc_folder  # noqa: F401  (a fixture)
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
