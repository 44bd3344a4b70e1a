"""What is not used is said by every command that reads a data set."""

import json

import pytest

from tests.datasets.film_files import draw, write
from xraycore.cli.evaluate import films_with_known_labels
from xraycore.datasets.labels import get_label_scheme
from xraycore.datasets.manifest import read_manifest
from xraycore.errors import ArgumentError


@pytest.fixture
def radiography(tmp_path):
    root = tmp_path / "COVID-19_Radiography_Dataset"
    for number, name in enumerate(("COVID", "Normal", "Lung_Opacity")):
        for kind in ("images", "masks"):
            write(root / name / kind / f"{name}.png", draw(number))
    (root / "Normal" / "images" / "broken.png").write_bytes(b"no picture")
    (root / "Normal.metadata.xlsx").touch()
    return root


def test_audit_names_the_layout_and_counts_by_reason(run_cli, radiography):
    code, out, _ = run_cli("audit", radiography, "--json")
    said = json.loads(out)
    assert code == 0
    assert said["layout"] == "COVID-19 Radiography Database: 4 films of 4 patients"
    assert {reason: one["count"] for reason, one in said["left_out"].items()} == {
        "masks, not films": 3,
        "tables and texts": 1,
        "files that cannot be read as a film": 1,
    }
    assert said["left_out"]["tables and texts"]["examples"] == ["Normal.metadata.xlsx"]
    _, out, _ = run_cli("audit", radiography)
    assert said["layout"] in out and "masks, not films" in out


def test_audit_takes_a_policy(run_cli, tmp_path, caplog):
    write(tmp_path / "a.png", draw(0))
    write(tmp_path / "b.png", draw(1))
    (tmp_path / "l.csv").write_text("path,Pneumonia\na.png,-1\nb.png,1\n")
    _, out, _ = run_cli("audit", tmp_path / "l.csv", "--json")
    said = json.loads(out)
    assert "layout" not in said
    assert said["left_out"]["with uncertain labels only"] == {
        "count": 1,
        "examples": ["l.csv, line 2: a.png"],
    }
    assert "left out 1 with uncertain labels only" in caplog.text
    _, out, _ = run_cli("audit", tmp_path / "l.csv", "--json", "--labels", "uncertain=positive")
    assert json.loads(out)["counts"] == {"": {"Pneumonia": 2}}
    code, _, err = run_cli("audit", tmp_path / "l.csv", "--labels", "uncertain=maybe")
    assert code == 2 and "uncertain must be one of leave-out, positive, negative" in err


def test_labels_that_no_model_knows_are_warned_of(tmp_path, caplog):
    for name in ("Normal/a.png", "Tuberculosis/b.png", "Tuberculosis/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    manifest = read_manifest(tmp_path)
    kept = films_with_known_labels(manifest, get_label_scheme("chest4"))
    assert [record.label for record in kept.records] == ["Normal"]
    (left,) = kept.left_out.values()
    assert left.count == 2
    assert "2 films are left out for their labels, Tuberculosis (2); known are" in caplog.text
    with pytest.raises(ArgumentError, match="no film has a label to judge by: Tuberculosis"):
        films_with_known_labels(
            read_manifest(f"{tmp_path}/Tuberculosis=Tuberculosis"), get_label_scheme("chest4")
        )
