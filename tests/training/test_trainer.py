from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.eager import EAGER
from tests.training.support.short_runs import (
    SPEC,
    STILL,
    assert_same_weights,
    recipe,
    scripted_validation,
    weights_in,
)
from xraycore.datasets.manifest import Manifest
from xraycore.errors import DatasetError, WeightsError
from xraycore.models.architectures import build_network
from xraycore.training import trainer
from xraycore.training.batches import BatchSequence
from xraycore.training.config import Stage
from xraycore.training.trainer import train

ROOT = Path(__file__).resolve().parents[2]


pytestmark = EAGER


@pytest.fixture
def start_file(tmp_path):
    """Random starting weights in a file."""
    keras.utils.set_random_seed(5)
    file = tmp_path / "start.weights.h5"
    build_network(SPEC, 2, size=32).save_weights(file)
    return file


def test_a_resumed_epoch_sees_the_films_of_the_interrupted_one(discs, tmp_path, monkeypatch):
    seen = []

    class Recorded(BatchSequence):
        def start(self, epoch):
            super().start(epoch)
            if (self, epoch, self.order.tolist()) not in seen:  # Built for it, and begun.
                seen.append((self, epoch, self.order.tolist()))

    monkeypatch.setattr(trainer, "BatchSequence", Recorded)
    wanted = recipe(Stage("head", 2, 32, 1e-3, None), Stage("all", 1, 32, 1e-3))

    def interrupt(progress):
        if progress.activity == "head" and progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(discs, SPEC, wanted, tmp_path / "run", report=interrupt)
    run = train(discs, SPEC, wanted, tmp_path / "run", resume=True)
    assert [epoch for _, epoch, _ in seen] == [0, 1, 1, 2]
    assert seen[1][1:] == seen[2][1:]
    assert seen[0][2] != seen[1][2]
    assert [row["stage"] for row in run.state().history] == ["head", "head", "all"]


def test_a_finished_run_is_left_alone(discs, tmp_path, monkeypatch):
    wanted = recipe(Stage("head", 1, 32, 1e-3, None))
    run = train(discs, SPEC, wanted, tmp_path / "run")
    before = {file.name: file.read_bytes() for file in run.folder.iterdir()}

    def no_reading(*_):
        raise AssertionError("a film was read")

    monkeypatch.setattr(trainer, "load_images", no_reading)
    again = train(discs, SPEC, wanted, tmp_path / "run", resume=True)
    assert again.state() == run.state()
    assert {file.name: file.read_bytes() for file in run.folder.iterdir()} == before


def test_a_stage_ends_once_validation_no_longer_improves(discs, tmp_path):
    wanted = recipe(Stage("all", 9, 32, STILL), patience=2, freeze_batch_norm=True)
    state = train(discs, SPEC, wanted, tmp_path / "run").state()
    # The first epoch is the best, the next two are no better.
    assert [row["epoch"] for row in state.history] == [1, 2, 3]
    assert len({row["val_loss"] for row in state.history}) == 1
    assert state.stage == 1


def test_a_stage_starts_from_the_best_weights_of_the_one_before(discs, tmp_path, monkeypatch):
    weights = scripted_validation(monkeypatch, [0.5, 0.9, 0.7, 0.4])
    wanted = recipe(Stage("low", 3, 32, 1e-2), Stage("high", 1, 64, STILL), freeze_batch_norm=True)
    run = train(discs, SPEC, wanted, tmp_path / "run")
    first, second, third, later = weights
    assert_same_weights(later, first)
    assert not np.array_equal(second[0], first[0])
    assert not np.array_equal(third[0], first[0])
    assert_same_weights(weights_in(run.best_weights), first)
    assert [row["size"] for row in run.state().history] == [32, 32, 32, 64]


def test_best_weights_survive_a_kill_before_they_are_saved(discs, tmp_path, monkeypatch):
    weights = scripted_validation(monkeypatch, [0.9, 0.5])
    wanted = recipe(Stage("all", 2, 32, 1e-2))
    save = trainer.Run.save_best

    def killed_at_the_second(run, network):
        if run.state().total_epochs == 2:
            raise KeyboardInterrupt
        save(run, network)

    monkeypatch.setattr(trainer.Run, "save_best", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        train(discs, SPEC, wanted, tmp_path / "run")
    monkeypatch.setattr(trainer.Run, "save_best", save)
    run = train(discs, SPEC, wanted, tmp_path / "run", resume=True)
    assert run.state().total_epochs == 2
    assert_same_weights(weights_in(run.best_weights), weights[1])


def test_frozen_layers_stay_bit_for_bit(discs, tmp_path, start_file):
    wanted = recipe(Stage("top", 1, 32, 1e-2, "conv3"))
    run = train(discs, SPEC, wanted, tmp_path / "run", weights=str(start_file))
    before, after = build_network(SPEC, 2, size=32), build_network(SPEC, 2, size=32)
    before.load_weights(start_file)
    after.load_weights(run.best_weights)
    for name in ("conv1", "bn1", "conv2", "bn2"):
        assert_same_weights(
            before.get_layer(name).get_weights(), after.get_layer(name).get_weights()
        )
    for name in ("conv3", "bn3", "logits"):
        for old, new in zip(
            before.get_layer(name).get_weights(), after.get_layer(name).get_weights(), strict=True
        ):
            assert not np.array_equal(old, new), name


def test_batch_norm_keeps_its_statistics_where_asked(discs, tmp_path, start_file):
    wanted = recipe(Stage("all", 1, 32, 1e-2), freeze_batch_norm=True)
    run = train(discs, SPEC, wanted, tmp_path / "run", weights=str(start_file))
    before, after = build_network(SPEC, 2, size=32), build_network(SPEC, 2, size=32)
    before.load_weights(start_file)
    after.load_weights(run.best_weights)
    assert_same_weights(before.get_layer("bn2").get_weights(), after.get_layer("bn2").get_weights())
    assert not np.array_equal(
        before.get_layer("conv2").get_weights()[0], after.get_layer("conv2").get_weights()[0]
    )


def test_what_does_not_fit_is_told_before_a_folder_is_made(discs, tmp_path, monkeypatch):
    wanted, folder = recipe(Stage("all", 1, 32, STILL)), tmp_path / "run"
    with pytest.raises(ValueError, match="must know the classes Normal, Opacity"):
        train(discs, SPEC, wanted, folder, teachers=["vgg16"])
    with pytest.raises(ValueError, match="different sources"):
        train(discs, SPEC, wanted, folder, external=[discs, discs])
    with pytest.raises(ValueError, match="view must be one of lungs, film. Received: 'foo'"):
        replace(wanted, view="foo")
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path / "none"))
    with pytest.raises(WeightsError, match="vgg16 has no trained weights"):
        train(discs, SPEC, wanted, folder, teachers=["vgg16"])
    assert not folder.exists()


def test_progress_rises_to_one_by_the_area_of_films(discs, tmp_path):
    reported = []
    wanted = recipe(Stage("low", 2, 32, 1e-3), Stage("high", 1, 64, 1e-3))
    train(discs, SPEC, wanted, tmp_path / "run", report=reported.append)
    reading = [p.done for p in reported if p.activity == "reading films"]
    # Both splits fit into one chunk each: 24 of 36 films, then all of them.
    np.testing.assert_allclose(reading, [24 / 36, 1.0])
    training = [p for p in reported if p.activity != "reading films"]
    # 2 x 32^2 of 2 x 32^2 + 64^2 is a third; six batches an epoch.
    np.testing.assert_allclose(
        [p.done for p in training], [*np.arange(1, 13) / 36, *(1 / 3 + np.arange(1, 7) / 9)]
    )
    assert [(p.activity, p.epoch, p.epochs) for p in training[5::6]] == [
        ("low", 1, 2),
        ("low", 2, 2),
        ("high", 1, 1),
    ]
    assert all(np.isfinite(p.loss) for p in training)


def test_a_diverged_run_says_so_and_commits_nothing(discs, tmp_path):
    wanted = recipe(Stage("all", 2, 32, 1e38))
    with pytest.raises(ValueError, match="no longer finite"):
        train(discs, SPEC, wanted, tmp_path / "run")
    assert not (tmp_path / "run" / "state.json").exists()


def test_weights_that_do_not_fit_leave_no_folder(discs, tmp_path):
    file = tmp_path / "vgg.weights.h5"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save_weights(file)
    for weights in (str(file), "imagenet", str(tmp_path / "missing.weights.h5")):
        with pytest.raises(ValueError, match="weights|fit"):
            train(discs, SPEC, recipe(Stage("all", 1, 32, 1e-3)), tmp_path / "run", weights=weights)
        assert not (tmp_path / "run").exists()


def test_precision_is_put_back(discs, tmp_path):
    before = keras.config.dtype_policy()
    train(
        discs,
        SPEC,
        recipe(Stage("head", 1, 32, 1e-3, None)),
        tmp_path / "run",
        precision="mixed_bfloat16",
    )
    assert keras.config.dtype_policy() == before
    with pytest.raises(ValueError, match="Received: 'float16'"):
        train(discs, SPEC, recipe(Stage("s", 1, 32, 1e-3)), tmp_path / "b", precision="float16")
    assert not (tmp_path / "b").exists()


def test_classes_without_films_are_refused(discs, tmp_path):
    wanted = recipe(Stage("all", 1, 32, 1e-3))
    one = Manifest(tuple(r for r in discs.records if r.label == "Normal"))
    with pytest.raises(DatasetError, match="at least two classes"):
        train(one, SPEC, wanted, tmp_path / "run")
    no_validation = Manifest(
        tuple(r for r in discs.records if r.split == "train" or r.label == "Normal")
    )
    with pytest.raises(DatasetError, match="split 'val'; there is none of Opacity"):
        train(no_validation, SPEC, wanted, tmp_path / "run")


def test_no_backend_is_imported_by_name():
    for file in (ROOT / "xraycore" / "training").glob("*.py"):
        text = file.read_text()
        for backend in ("tensorflow", "torch", "jax"):
            assert f"import {backend}" not in text, file
            assert f"from {backend}" not in text, file
