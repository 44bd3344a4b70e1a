"""Which films a training learns from, is judged on, and chooses its best epoch by."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tests.eager import EAGER
from tests.training.support.short_runs import (
    SPEC,
    STILL,
    assert_same_weights,
    even_start,
    only,
    recipe,
    scripted_validation,
    weights_in,
)
from xraycore.datasets.labels import BACTERIAL, COVID, VIRAL
from xraycore.datasets.manifest import Manifest
from xraycore.training import trainer
from xraycore.training.batches import load_images
from xraycore.training.config import Stage
from xraycore.training.trainer import train
from xraycore.utils.progress import Progress

pytestmark = EAGER


def test_the_best_epoch_is_that_of_the_highest_choice(discs, tmp_path, monkeypatch):
    """The loss rises, the external AUROC decides."""
    weights = scripted_validation(monkeypatch, [0.3, 0.5, 0.9], [0.6, 0.8, 0.7])
    wanted = recipe(Stage("all", 3, 32, 1e-2))
    abroad = only(discs, "val", "abroad", {"Opacity": COVID})
    run = train(discs, SPEC, wanted, tmp_path / "run", external=[abroad])
    # (0.5 + 0.6) / 2, (0.5 + 0.8) / 2, (0.5 + 0.7) / 2.
    assert [row["choice"] for row in run.state().history] == [0.55, 0.65, 0.6]
    assert len(weights) == 3
    assert_same_weights(weights_in(run.best_weights), weights[1])
    assert not np.array_equal(weights[1][0], weights[2][0])


def test_external_films_are_judged_but_never_trained_on(discs, tmp_path):
    wanted = recipe(Stage("all", 1, 32, 1e-3))
    home = only(discs, "val", "abroad", {"Opacity": COVID})
    run = train(discs, SPEC, wanted, tmp_path / "run", external=[home])
    alone = train(discs, SPEC, wanted, tmp_path / "alone")
    row, without = run.state().history[0], alone.state().history[0]
    # The films are those of the home validation, so the AUROC is the same.
    assert row["auc_abroad"] == row["val_auc"]
    assert row["choice"] == pytest.approx(row["val_auc"], abs=1e-5)
    assert without["choice"] == pytest.approx(-without["val_loss"], abs=1e-5)
    assert row["loss"] == pytest.approx(without["loss"], rel=2e-3)
    assert run.config["chosen_on"] == [home.fingerprint()]
    with pytest.raises(ValueError, match="another chosen_on"):
        train(discs, SPEC, wanted, tmp_path / "run", resume=True)


def test_a_label_that_is_a_set_of_the_classes(discs, tmp_path):
    """Trained on two classes, and on films of which nobody knows which of the two."""
    names = {"Normal": BACTERIAL, "Opacity": VIRAL}
    # Every third film is of the set: 4 of 12 and 2 of 6 of either class.
    films = Manifest(
        tuple(
            replace(r, label="Pneumonia" if number % 3 == 0 else names[r.label])
            for number, r in enumerate(discs.records)
        )
    )
    wanted = recipe(
        Stage("all", 1, 32, STILL), label_smoothing=0.0, lung_loss_weight=0.0, balance=0.0
    )
    start = even_start(tmp_path / "start.weights.h5", [np.log(3.0), 0.0])
    run = train(films, SPEC, wanted, tmp_path / "run", weights=start)
    assert run.config["classes"] == [BACTERIAL, VIRAL]
    assert run.config["split_sizes"]["val"] == {BACTERIAL: 4, VIRAL: 4, "Pneumonia": 4}
    row = run.state().history[0]
    # Probabilities 3/4 and 1/4: a film of the set costs nothing and is right.
    expected = -(np.log(3 / 4) + np.log(1 / 4)) / 3
    assert row["loss"] == pytest.approx(expected, abs=1e-4)
    assert row["val_loss"] == pytest.approx(expected, abs=1e-5)
    assert row["val_accuracy"] == pytest.approx(2 / 3, abs=1e-5)
    assert row["accuracy"] == pytest.approx(2 / 3, abs=1e-5)


def test_teachers_are_asked_about_training_films_and_imitated(discs, tmp_path, monkeypatch):
    asked, checked = [], []

    def certain(names, films, classes, report):
        asked.append((list(names), films.records, tuple(classes)))
        # As large as the teachers see them, though the run trains on smaller ones.
        assert films.pixels.shape[1:] == (48, 48)
        report(Progress(0.5, "asking the teachers"))
        return np.tile(np.array([[1.0, 0.0]], np.float32), (len(films.records), 1))

    monkeypatch.setattr(trainer, "teach", certain)
    monkeypatch.setattr(trainer, "check_teachers", lambda *told: checked.append(told))
    monkeypatch.setattr(trainer, "size_for", lambda names: 48 if names else 0)
    start = even_start(tmp_path / "start.weights.h5", [2.0, 0.0])
    reported = []
    wanted = recipe(Stage("all", 1, 32, STILL), lung_loss_weight=0.0, distillation=1.0)
    teachers, classes = ["vgg16", "xception"], ("Normal", "Opacity")
    taught = partial(train, discs, SPEC, wanted, tmp_path / "run", weights=start, teachers=teachers)
    run = taught(report=reported.append)
    assert checked == [(teachers, classes, "film")]
    assert asked == [(teachers, discs.split("train"), classes)]
    # Whatever a film's label, the teachers are certain of the first class.
    assert run.state().history[0]["loss"] == pytest.approx(np.log(1 + np.exp(-2)), abs=1e-4)
    assert run.config["teachers"] == ["vgg16", "xception"]
    assert [p.done for p in reported if p.activity == "asking the teachers"] == [0.5]
    # A run that was interrupted does not ask again.
    (run.folder / "state.json").unlink()
    taught(resume=True)
    assert len(asked) == 1


def test_the_view_of_the_recipe_is_what_is_read(discs, tmp_path, monkeypatch):
    views = []

    def watched(records, size, view, report):
        views.append((len(records), size, view))
        return load_images(records, size, view, report)

    monkeypatch.setattr(trainer, "load_images", watched)
    wanted = recipe(Stage("low", 1, 32, STILL, None), Stage("high", 1, 64, STILL, None))
    abroad = only(discs, "val", "abroad", {"Opacity": COVID})
    train(discs, SPEC, wanted, tmp_path / "run", external=[abroad])
    # At the largest size of all stages: to train, to validate, to choose by.
    assert views == [(24, 64, "film"), (12, 64, "film"), (12, 64, "film")]


def test_training_reads_no_test_film(discs, tmp_path, monkeypatch):
    read = []

    def watched(records, *rest):
        read.extend(record.split for record in records)
        return load_images(records, *rest)

    monkeypatch.setattr(trainer, "load_images", watched)
    with_test = Manifest(
        discs.records + tuple(replace(r, split="test") for r in discs.split("val"))
    )
    run = train(with_test, SPEC, recipe(Stage("head", 1, 32, 1e-3, None)), tmp_path / "run")
    assert set(read) == {"train", "val"}
    assert run.config["split_sizes"]["test"] == {"Normal": 6, "Opacity": 6}
