import csv
import json
from dataclasses import replace

import pytest

from pages.train.config import RECIPES
from xraycore.cli.main import main
from xraycore.errors import ArgumentError
from xraycore.training.config import PRESETS, Stage, TrainingConfig
from xraycore.training.plan import (
    Plan,
    check_name,
    expected_seconds,
    free_name,
    is_name,
    measured_speeds,
)
from xraycore.training.settings import SETTINGS

CHANGES = {
    **{"epochs": 2, "learning_rate": 0.1, "batch_size": 4, "view": "film"},
    **{"lung_loss_weight": 1.0, "lesion_loss_weight": 0.5},
    **{"weight_decay": 0.001, "balance": 0.5, "phantoms": 100},
    **{"synthetic_opacity_rate": 0.5, "feature_draws": 2, "augmentation": "none"},
}
RECIPE = TrainingConfig((Stage("low", 2, 100, 1e-3), Stage("full", 3, 200, 1e-4)))


def history(folder, rows):
    """Writes size and images a second of each epoch."""
    folder.mkdir(parents=True)
    with (folder / "history.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerows([("size", "images_per_second"), *rows])
    return folder


def test_a_plan_is_the_command_line_and_the_recipe_that_it_gives():
    changes = {"epochs": 7, "learning_rate": 2e-4, "view": "film"}
    changes |= {"lung_loss_weight": 0.0, "synthetic_opacity_rate": 0.5}
    plan = Plan(("/films", "/more films"), "vgg16", "quick", changes=changes)
    assert plan.train_arguments("/runs/one") == [
        *("train", "/films", "/more films", "--model", "vgg16", "--preset", "quick"),
        *("--epochs", "7", "--lr", "0.0002", "--view", "film", "--evidence", "0"),
        *("--painted", "0.5", "--out", "/runs/one"),
    ]
    recipe = plan.recipe()
    assert (recipe.stages[-1].epochs, recipe.stages[-1].learning_rate) == (7, 2e-4)
    assert (recipe.view, recipe.lung_loss_weight, recipe.synthetic_opacity_rate) == (
        "film",
        0.0,
        0.5,
    )
    # The finder tries rates itself, on the same films and changes.
    changes = {"learning_rate": 1.0, "augmentation": "zoom=0.1"}
    finder = Plan(("/films",), "vgg16", "quick", "imagenet", 50, changes)
    assert finder.rate_arguments() == [
        *("lr-find", "/films", "--model", "vgg16", "--preset", "quick", "--weights", "imagenet"),
        *("--films", "50", "--augment", "zoom=0.1", "--json"),
    ]


def test_a_plan_ends_a_network_where_trainings_do_unless_told():
    default, told = Plan(("/films",), "resnet50"), Plan(("/films",), "resnet50", end="full")
    assert default.spec.title == "ResNet50, four stages"
    assert "--end" not in default.train_arguments("/runs/one")
    assert told.spec.title == "ResNet50"
    arguments = told.train_arguments("/runs/one")
    assert arguments[arguments.index("--end") + 1] == "full"


@pytest.mark.parametrize("command", ["train_arguments", "rate_arguments"])
def test_the_command_line_knows_every_option_of_a_plan(tmp_path, capsys, command):
    plan = Plan(
        (str(tmp_path / "gone"),), "basic_cnn", films=9, changes=CHANGES, seed=3, end="full"
    )
    if command == "train_arguments":
        plan = replace(plan, choose_on=("/b",), teacher=("vgg16",), precision="float32")
        plan = replace(plan, fold="2/5")
    assert set(CHANGES) == set(SETTINGS)
    given = [tmp_path / "run"] if command == "train_arguments" else []
    with pytest.raises(SystemExit):
        main(getattr(plan, command)(*given))
    assert "gone: expected a data set folder" in capsys.readouterr().err


def test_mistakes_of_a_plan_are_told():
    with pytest.raises(ValueError, match="epochs must be positive"):
        Plan(("/films",), "vgg16", changes={"epochs": 0}).recipe()
    with pytest.raises(ValueError, match="augmentation expects NAME=NUMBER"):
        Plan(("/films",), "vgg16", changes={"augmentation": "shake"}).recipe()


@pytest.mark.parametrize("resume", [False, True])
def test_a_plan_comes_back_from_its_command_line_wherever_one_stands(tmp_path, monkeypatch, resume):
    monkeypatch.chdir(tmp_path)
    more = {"choose_on": ("b.csv#label",), "teacher": ("vgg16", "xception"), "seed": 3}
    more |= {
        "end": "full",
        "classes": "Normal; Sick = a | b",
        "precision": "float32",
        "changes": CHANGES,
    }
    plan = Plan(("films", "/more films"), "basic_cnn", "gpu", "start.weights.h5", 9, **more)
    assert plan.datasets == (str(tmp_path / "films"), "/more films")
    words = plan.train_arguments("run", resume=resume)
    monkeypatch.chdir("/")
    assert Plan.parse(words) == plan
    assert Plan.parse(words).train_arguments(tmp_path / "run", resume=resume) == words
    typed = ["train", "--model", "basic_cnn", "films", "--out", "x", "--json", "more"]
    assert Plan.parse(typed, "/home/ann").datasets == ("/home/ann/films", "/home/ann/more")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "expected a command line of train. Received: \\[\\]"),
        (["ship", "/run", "/films"], "expected a command line of train. Received"),
        (["train", "/films"], "the following arguments are required: --model"),
        (["train", "/films", "--model", "vgg16", "--shell", "rm"], "unrecognized arguments"),
        (["train", "/films", "--model", "vgg17"], "model must be one of"),
        (["train", "/films", "--model", "vgg16", "--epochs", "0"], "epochs must be positive"),
        (["train", "/films", "--model", "vgg16", "--epochs", "many"], "invalid int value: 'many'"),
    ],
)
def test_what_is_no_plan_is_refused(words, said):
    with pytest.raises(ArgumentError, match=said):
        Plan.parse(words)


def test_names_of_runs(tmp_path):
    assert check_name("run-2.b_C", tmp_path) == "run-2.b_C"
    for bad in ("", "..", "-x", "a/b", "a b", "x" * 61, "é"):
        assert not is_name(bad)
        with pytest.raises(ValueError, match="a run's name has 1 to 60"):
            check_name(bad, tmp_path)
    assert free_name("vgg16", "cpu", tmp_path) == "vgg16-cpu"
    (tmp_path / "vgg16-cpu").mkdir()
    (tmp_path / "vgg16-cpu-2").mkdir()
    assert free_name("vgg16", "cpu", tmp_path) == "vgg16-cpu-3"
    with pytest.raises(ValueError, match="vgg16-cpu in .* already"):
        check_name("vgg16-cpu", tmp_path)


def test_the_cost_follows_from_measured_speeds():
    # 2 x 600 films at 60 a second, 3 x 600 at 10 a second.
    assert expected_seconds(RECIPE, 600, {100: 60.0, 200: 10.0}) == pytest.approx(20 + 180)
    # A film of twice the side costs four times as much.
    assert expected_seconds(RECIPE, 600, {100: 60.0}) == pytest.approx(20 + 1800 / 15)
    assert expected_seconds(RECIPE, 600, {}) is None


def test_speeds_are_those_of_the_model_and_the_latest_count(tmp_path):
    shipped = history(tmp_path / "vgg16", [(128, 6.0), (224, 2.0)])
    other = history(tmp_path / "xception", [(128, 90.0)])
    own = history(tmp_path / "runs" / "mine", [(224, 3.0), (224, 4.0)])
    (own / "run.json").write_text(json.dumps({"model": "vgg16"}))
    broken = history(tmp_path / "runs" / "broken", [("many", "few")])
    (broken / "run.json").write_text("{}")
    found = measured_speeds("vgg16", [shipped, other, own, broken, tmp_path / "gone"])
    assert found == {128: 6.0, 224: 4.0}
    # Films whose features were computed before are trained on at another speed.
    cached = tmp_path / "cached" / "vgg16"
    cached.mkdir(parents=True)
    (cached / "history.csv").write_text("size,feature_draws,images_per_second\n224,2,40.0\n")
    assert measured_speeds("vgg16", [cached]) == {}


def test_every_preset_is_offered_in_words():
    assert set(RECIPES) == set(PRESETS)
