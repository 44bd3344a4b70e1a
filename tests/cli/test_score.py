"""The command score: what it prints, what it refuses, and that it goes on."""

import json

import pytest

from tests.scoring import fake


def test_an_archive_is_scored_once_and_summed_up(run_cli, tmp_path):
    fake.write_films(tmp_path / "films", 5)
    networks, lungs = fake.without_networks()
    command = ("score", tmp_path / "films", "--out", tmp_path / "out", "--model", "basic_cnn")
    with networks, lungs:
        code, printed, said = run_cli(*command, "--error-rate", 0)
        assert code == 0
        assert "5 films in 1 shard under" in said and "Not for diagnosis" in said
        assert "share of films by all" in printed and "basic_cnn: drift" in printed
        (file,) = (tmp_path / "out" / "shards").iterdir()
        written = file.stat().st_mtime_ns
        code, printed, _ = run_cli(*command, "--error-rate", 0, "--json")
    assert (code, file.stat().st_mtime_ns) == (0, written)
    found = json.loads(printed)
    assert (found["films"], found["unread"]) == (5, 0)
    assert list(found["models"]) == ["basic_cnn"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--engine", "dask"], "--engine dask and --scheduler"),
        (["--scheduler", "tcp://127.0.0.1:9"], "--engine dask and --scheduler"),
        (["--engine", "spark"], "--engine must be one of local, dask"),
        (["--keep", "pixels"], "--keep must be of features, maps"),
        (["--error-rate", "0.3"], "--error-rate must be 0, 0.05"),
        (["--runtime", "jax"], "runtime must be one of tensorflow, openvino"),
        (["--site", "nowhere"], "basic_cnn has no profile of the site 'nowhere'"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_written(run_cli, tmp_path, options, told):
    fake.write_films(tmp_path / "films", 1)
    out = tmp_path / "out"
    code, printed, said = run_cli(
        "score", tmp_path / "films", "--out", out, "--model", "basic_cnn", *options
    )
    assert (code, printed) == (2, "")
    assert told in said
    assert not out.exists()
