"""A site profile from films to answers, on the command line."""

import json

import pytest

from xraycore.datasets.synthetic.phantom import write_phantoms


@pytest.fixture
def films(tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYCORE_SITES", str(tmp_path / "sites"))
    write_phantoms(tmp_path / "films", 10, size=96, seed=40)
    return tmp_path / "films"


def test_from_local_films_to_answers_by_them(run_cli, films):
    asked = ("basic_cnn", films / "Normal", "--abnormal", films / "Opacity", "--site", "ward")
    code, out, _ = run_cli("adapt", *asked, "--json")
    (profile,) = json.loads(out)
    assert (code, profile["name"], profile["normals"], profile["abnormals"]) == (0, "ward", 10, 10)
    film = next((films / "Normal").iterdir())
    _, out, _ = run_cli("predict", film, "--model", "basic_cnn", "--site", "ward", "--json")
    row = json.loads(out)
    assert (row["site"], row["opacity"]["threshold_from"]) == ("ward", "site")
    assert row["opacity"]["threshold"] == profile["threshold"]
    assert set(row["probabilities"]) >= {"Normal", "COVID-19"}
    _, out, _ = run_cli("adapt", "--list", "--json")
    assert json.loads(out) == [profile]
    assert run_cli("adapt", "--remove", "--site", "ward")[0] == 0
    code, _, said = run_cli("predict", film, "--model", "basic_cnn", "--site", "ward")
    assert (code, "has no profile of the site 'ward'" in said) == (2, True)


def test_what_is_missing_is_said(run_cli, films):
    for words, text in (
        (("basic_cnn", films / "Normal"), "needs the name of a site"),
        (("--site", "ward"), "needs a model and local normal films"),
        (("--remove", "--site", "ward"), "there is no profile of the site 'ward'"),
    ):
        code, _, said = run_cli("adapt", *words)
        assert (code, text in said) == (2, True), said
