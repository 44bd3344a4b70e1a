"""The recipes of the field: their commands parse, and one runs from films to scores."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from tests.small_store import draw_sets
from tools.results.experiments import write_recipes
from xraycore.cli import main  # noqa: F401  (the commands register)
from xraycore.cli.app import app
from xraycore.datasets.labels import canonical_label, parse_classes
from xraycore.models.registry import MODELS
from xraycore.training.experiments import EXPERIMENTS, Arm

COMMANDS = typer.main.get_command(app).commands


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_every_command_of_a_recipe_is_one_of_ours(experiment):
    classes = parse_classes(experiment.classes)
    for arm in experiment.arms:
        assert arm.model in MODELS
        asked = experiment.train_arguments(arm, Path("films"), Path("runs"), "none", "1e-3")
        for name, *arguments in (*asked, experiment.rate_arguments(arm, Path("films"), "imagenet")):
            context = COMMANDS[name].make_context(name, list(arguments))
            assert parse_classes(context.params["classes"]) == classes
            assert context.params["datasets"] == [Path("films") / one for one in experiment.sets]
            assert context.params["films"] == experiment.films
    name, *arguments = experiment.evaluate_arguments(Path("films"))
    assert COMMANDS[name].make_context(name, arguments).params["datasets"]
    if experiment.unseen:
        assert canonical_label(experiment.unseen_label) in classes.values()


def test_two_arms_of_one_network_lie_apart():
    for experiment in EXPERIMENTS.values():
        places = [
            experiment.weights_folder(arm.store, Path("runs")) / arm.model
            for arm in experiment.arms
        ]
        assert len(set(places)) == len(places)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The recipe of COVID-19, with the smallest network and on drawn films."""
    draw_sets(tmp_path / "data")
    small = {"films": 12, "arms": (Arm("basic_cnn", 1),), "unseen": "covid_radiography/COVID"}
    experiment = replace(EXPERIMENTS["covid"], **small)
    monkeypatch.setitem(EXPERIMENTS, "covid", experiment)
    return tmp_path


@pytest.mark.timeout(900)  # Six commands, each of which starts TensorFlow.
def test_a_recipe_runs_from_films_to_a_page(small, run_cli, caplog):
    measured = small / "measured"
    asked = ("recipe", "covid", "--data", small / "data", "--runs", small / "runs")
    code, out, err = run_cli(
        *asked, "--pretrained", small, "--out", measured / "recipe-covid.json", "--json"
    )
    assert code == 0, err
    found = json.loads(out)
    assert found == json.loads((measured / "recipe-covid.json").read_text())
    (arm,) = found["arms"]
    assert (arm["start"], arm["weights"]) == ("from scratch", "none")
    assert float(arm["rate"]) > 0
    assert sum(arm["unseen"].values()) == 24
    judged = found["stores"]["models"]
    assert judged["classes"] == ["Normal", "Viral pneumonia", "COVID-19"]
    confusion = judged["models"]["basic_cnn"]["scores"]["confusion"]
    assert sum(map(sum, confusion)) == judged["films"]

    write_recipes(measured, small / "recipes.md")
    text = (small / "recipes.md").read_text()
    assert f"Learning rate from the range test: {arm['rate']}." in text
    assert f"| **COVID-19** | {' | '.join(map(str, confusion[2]))} |" in text
    assert f"right in {arm['unseen'].get('COVID-19', 0) / 24:.3f} [" in text
    assert f"Trained on 12 films, validated on {arm['films']['val']}." in text
    assert text.count("Not measured yet.") == len(EXPERIMENTS) - 1

    # Called again it trains, finds and ships nothing twice, and says the same.
    assert " lr-find " in caplog.text and " ship " in caplog.text
    caplog.clear()
    code, out, err = run_cli(*asked, "--pretrained", small, "--json")
    assert json.loads(out)["arms"] == found["arms"]
    assert " evaluate " in caplog.text
    assert " lr-find " not in caplog.text and " ship " not in caplog.text

    # Figures of another form of the recipe are not shown as if they were of this one.
    EXPERIMENTS["covid"] = replace(EXPERIMENTS["covid"], films=13)
    write_recipes(measured, small / "recipes.md")
    assert (small / "recipes.md").read_text().count("Not measured yet.") == len(EXPERIMENTS)


def test_transfer_is_not_compared_with_itself(run_cli, tmp_path):
    for one in EXPERIMENTS["few"].sets:
        (tmp_path / one).mkdir()
    asked = ("recipe", "few", "--data", tmp_path, "--runs", tmp_path / "runs")
    code, _, err = run_cli(*asked, "--pretrained", tmp_path)
    assert (code, "xception_imagenet_notop.weights.h5: expected ImageNet" in err) == (2, True)


def test_a_recipe_says_what_it_lacks(run_cli, tmp_path):
    code, _, err = run_cli("recipe", "few", "--data", tmp_path, "--runs", tmp_path / "runs")
    assert (code, err.count("\n")) == (2, 1)
    assert "needs the folders" in err
    code, _, err = run_cli("recipe", "soup", "--data", tmp_path, "--runs", tmp_path)
    assert (code, "must be one of pneumonia, few, covid" in err) == (2, True)
