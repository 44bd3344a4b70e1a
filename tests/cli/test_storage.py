"""`xraycore storage`."""

import json

import pytest


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYCORE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("XRAYCORE_CACHE", str(tmp_path / "cache"))
    for name, size in (("runs/mine/best", 9_000), ("runs/other/best", 5_000), ("cache/x", 20_000)):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes([1]) * size)
    return tmp_path


def test_what_is_kept_is_listed_and_deleted_by_name(run_cli, folders):
    code, out, _ = run_cli("storage", "list", "--json")
    found = json.loads(out)["kept"]
    assert code == 0
    assert [(one["kind"], one["name"]) for one in found] == [
        ("cache", "x"),
        ("run", "mine"),
        ("run", "other"),
    ]
    code, out, _ = run_cli("storage", "delete", "mine", "x", "--json")
    assert [one["name"] for one in json.loads(out)["deleted"]] == ["mine", "x"]
    assert [file.name for file in (folders / "runs").iterdir()] == ["other"]
    code, _, said = run_cli("storage", "delete", "mine")
    assert (code, said) == (2, "mine: expected names that `storage list` shows.\n")


def test_runs_expire_only_where_that_is_asked_for(run_cli, folders):
    _, out, _ = run_cli("storage", "expire", "--days", "0", "--json")
    assert [one["name"] for one in json.loads(out)["deleted"]] == ["x"]
    _, out, _ = run_cli("storage", "expire", "--days", "0", "--runs", "--json")
    assert {one["name"] for one in json.loads(out)["deleted"]} == {"mine", "other"}
