import json

import pytest

from tests.datasets.film_files import draw, write


@pytest.fixture
def folder(tmp_path):
    """Four films and a copy of one of them."""
    for number in range(4):
        write(tmp_path / "set" / ("normal", "covid")[number % 2] / f"{number}.png", draw(number))
    write(tmp_path / "set" / "virus" / "copy.png", draw(0))
    return tmp_path / "set"


def test_audit_json_is_one_document_and_nothing_else(run_cli, folder):
    code, out, _ = run_cli("audit", folder, "--json")
    assert code == 0
    assert out.count("\n") == 1
    said = json.loads(out)
    assert said["counts"] == {"": {"Normal": 2, "Viral pneumonia": 1, "COVID-19": 2}}
    assert [len(same["paths"]) for same in said["copies"]] == [2]
    assert said["copies"][0]["labels_disagree"] is True


def test_audit_prints_tables_and_advice(run_cli, folder):
    code, out, _ = run_cli("audit", folder)
    text = " ".join(out.split())
    assert code == 0
    assert "5 films of 5 patients" in text
    assert "Byte-identical files: 1" in text
    assert "WARNING 2 files are byte-identical to another" in text
    assert "One of two classes is wrong: find out which." in text


def test_audit_of_some_classes(run_cli, folder):
    code, out, _ = run_cli("audit", folder, "--classes", "Well = normal; Ill = covid", "--json")
    assert code == 0
    assert json.loads(out)["counts"] == {"": {"Ill": 2, "Well": 2}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("audit", "nowhere"), "nowhere: expected a data set folder or a CSV file"),
        (("audit", "nowhere", "--classes", "a; a"), "names the label 'a' twice"),
        (("phantoms", "--out", "x", "--per-class", "0"), "per_class must be at least 1"),
        (("phantoms",), "Missing option '--out'"),
    ],
)
def test_errors_are_one_line_and_code_2(run_cli, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, out, err = run_cli(*arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err


def test_phantoms_are_a_data_set(run_cli, tmp_path):
    code, out, err = run_cli(
        "phantoms", "--out", tmp_path / "drawn", "--per-class", 2, "--size", 96
    )
    assert (code, out) == (0, "")
    assert "4 phantoms" in err
    code, out, _ = run_cli("audit", tmp_path / "drawn", "--json")
    said = json.loads(out)
    assert code == 0
    assert said["counts"] == {"": {"Normal": 2, "Opacity": 2}}
    assert said["unreadable"] == []


def test_phantoms_follow_the_seed(run_cli, tmp_path):
    for name, seed in (("a", 5), ("b", 5), ("c", 9)):
        arguments = ("--per-class", 1, "--size", 64, "--seed", seed)
        assert run_cli("phantoms", "--out", tmp_path / name, *arguments)[0] == 0
    films = {
        name: sorted(path.read_bytes() for path in (tmp_path / name).rglob("*.png"))
        for name in "abc"
    }
    assert films["a"] == films["b"] != films["c"]
