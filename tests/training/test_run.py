import json
import os
from pathlib import Path

import pytest

from xraycore.models.registry import get_spec
from xraycore.training.config import preset
from xraycore.training.run import Run, State, environment
from xraycore.utils.files import write_json


def config(**changes):
    recipe = preset("cpu", get_spec("vgg16"), pretrained=True)
    return {
        "model": "vgg16",
        "classes": ["Normal", "Opacity"],
        "recipe": recipe.to_json(),
        "teachers": ["basic_cnn"],
        "chosen_on": ["ef" * 32],
        "seed": 0,
        "start": "imagenet",
        "manifest_sha256": "ab" * 32,
        "lungs_sha256": "12" * 32,
        **changes,
    }


class FakeNetwork:
    """Saves a word in place of weights."""

    def __init__(self, word):
        self.word = word

    def save_weights(self, path):
        Path(path).write_text(self.word)


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "run")
    run.start(config(), resume=False)
    return run


def finish_epoch(run, state):
    state.epoch += 1
    state.total_epochs += 1
    state.best_choice, state.stale = -0.5, state.stale + 1
    state.history.append({"epoch": state.total_epochs, "loss": 0.7, "val_loss": 0.5})
    FakeNetwork(f"epoch {state.total_epochs}").save_weights(run.last_weights(state))
    run.commit(state)


def test_a_fresh_folder_starts_at_nothing(tmp_path):
    run = Run(tmp_path / "deep" / "run")
    assert run.start(config(), resume=True) == State()
    assert run.config == json.loads(json.dumps(config()))


def test_an_existing_run_is_not_started_anew(run):
    with pytest.raises(ValueError, match="holds a run already"):
        run.start(config(), resume=False)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "xception"},
        {"end": "stage4"},
        {"classes": ["Opacity", "Normal"]},
        {"seed": 1},
        {"start": "none"},
        {"teachers": []},
        {"chosen_on": []},
        {"manifest_sha256": "cd" * 32},
        {"lungs_sha256": "cd" * 32},
        {"recipe": preset("quick", get_spec("vgg16"), pretrained=True).to_json()},
    ],
)
def test_another_configuration_is_not_resumed(run, change):
    with pytest.raises(ValueError, match=f"another {next(iter(change))}"):
        run.start(config(**change), resume=True)


def test_another_recipe_is_told_by_what_differs(run):
    recipe = {**config()["recipe"], "batch_size": 7}
    with pytest.raises(ValueError) as refused:
        run.start(config(recipe=recipe), resume=True)
    assert str(refused.value).endswith(
        "another recipe: {'batch_size': 32}. Received: {'batch_size': 7}"
    )


def test_a_run_from_before_a_recipe_had_an_option_is_resumed(run):
    held = config()
    del held["recipe"]["painted"]
    (run.folder / "run.json").write_text(json.dumps(held))
    assert run.start(config(), resume=True) == State()
    with pytest.raises(ValueError, match="another recipe: {'painted': 0.0}"):
        run.start(config(recipe=config()["recipe"] | {"painted": 0.5}), resume=True)
    held["recipe"]["of_tomorrow"] = 1
    (run.folder / "run.json").write_text(json.dumps(held))
    with pytest.raises(ValueError, match="another recipe: {'of_tomorrow': 1}"):
        run.start(config(), resume=True)


def test_command_and_precision_may_change(run):
    assert run.start(config(command="again", precision="float32"), resume=True) == State()


def test_committed_state_comes_back_with_its_weights_only(run):
    state = State()
    for _ in range(3):
        finish_epoch(run, state)
    found = run.start(config(), resume=True)
    assert found == state
    assert (found.best_choice, found.stale) == (-0.5, 3)
    assert [file.name for file in run.folder.glob("last-*")] == ["last-3.weights.h5"]
    assert run.last_weights(found).read_text() == "epoch 3"
    assert (run.folder / "history.csv").read_text().splitlines() == [
        "epoch,loss,val_loss",
        "1,0.7,0.5",
        "2,0.7,0.5",
        "3,0.7,0.5",
    ]


def test_a_kill_before_the_commit_leaves_the_epoch_before(run):
    state = State()
    finish_epoch(run, state)
    FakeNetwork("half of epo").save_weights(run.folder / "last-2.weights.h5")
    found = run.state()
    assert found.total_epochs == 1
    assert run.last_weights(found).read_text() == "epoch 1"


def test_a_kill_while_writing_leaves_the_old_file(run, monkeypatch):
    state = State()
    finish_epoch(run, state)
    run.save_best(FakeNetwork("best of epoch 1"))

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        finish_epoch(run, state)
    with pytest.raises(KeyboardInterrupt):
        run.save_best(FakeNetwork("best of epoch 2"))
    found = run.state()
    assert found.total_epochs == 1
    assert run.last_weights(found).read_text() == "epoch 1"
    assert run.best_weights.read_text() == "best of epoch 1"


def test_a_kill_while_writing_leaves_the_old_history(run, monkeypatch):
    state = State()
    finish_epoch(run, state)
    before = (run.folder / "history.csv").read_text()

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("xraycore.utils.files.sync", killed)
    with pytest.raises(KeyboardInterrupt):
        finish_epoch(run, state)
    assert (run.folder / "history.csv").read_text() == before


def test_what_a_killed_process_left_half_written_goes_when_the_run_goes_on(run):
    finish_epoch(run, State())
    half = run.folder / ".part-0a1b2c3d.last-2.weights.h5"
    half.write_bytes(b"half")
    assert run.start(config(), resume=True).total_epochs == 1
    assert not half.exists()
    assert run.last_weights(run.state()).exists()


def test_a_folder_without_a_run_says_so(tmp_path):
    with pytest.raises(ValueError, match=r"expected a run's folder with run\.json"):
        _ = Run(tmp_path).config


def test_json_is_replaced_whole(tmp_path):
    file = tmp_path / "file.json"
    write_json(file, {"a": 1})
    with pytest.raises(TypeError):
        write_json(file, {"a": object()})
    assert json.loads(file.read_text()) == {"a": 1}


def test_environment_without_git(monkeypatch):
    assert environment()["keras"].startswith("3.")
    monkeypatch.setenv("PATH", "")
    assert environment()["commit"] is None
