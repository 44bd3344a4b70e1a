"""Features of frozen layers, computed once: the same training, the same films, on a full disk."""

from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from tests.eager import EAGER
from tests.training.support.short_runs import SPEC, STILL, assert_same_weights, recipe, weights_in
from xraycore.errors import ArgumentError
from xraycore.models.architectures import build_network
from xraycore.models.registry import get_spec
from xraycore.training import feature_cache
from xraycore.training.augmentation import Augmentation
from xraycore.training.batches import BatchSequence, load_images
from xraycore.training.config import Stage
from xraycore.training.feature_cache import split_frozen, with_features
from xraycore.training.learner import set_trainable
from xraycore.training.trainer import train

pytestmark = EAGER

CHANGES = Augmentation(shear=0.1, zoom=0.2, gamma=0.3, noise=0.02)
TOP = recipe(Stage("top", 2, 32, 1e-3, "conv3"), augmentation=CHANGES)


@pytest.fixture
def start(tmp_path):
    keras.utils.set_random_seed(5)
    file = tmp_path / "start.weights.h5"
    build_network(SPEC, 2, size=32).save_weights(file)
    return str(file)


@pytest.fixture
def network():
    keras.utils.set_random_seed(5)
    network = build_network(SPEC, 2, size=32)
    set_trainable(network, TOP.stages[0], freeze_batch_norm=False)
    return network


@pytest.fixture
def films(discs):
    return load_images(discs.split("train"), 32, "film")


@pytest.fixture
def passes(monkeypatch):
    """Films that went through a trunk, in order; `stop_after` batches the machine dies."""
    seen = SimpleNamespace(films=0, stop_after=None)
    split = feature_cache.split_frozen

    def counted(network):
        trunk, tail = split(network)

        def predict_on_batch(batch):
            if seen.stop_after is not None and seen.films >= seen.stop_after:
                raise KeyboardInterrupt
            seen.films += len(batch)
            return trunk(batch, training=False)

        monkeypatch.setattr(trunk, "predict_on_batch", predict_on_batch)
        return trunk, tail

    monkeypatch.setattr(feature_cache, "split_frozen", counted)
    return seen


def test_a_training_on_features_is_the_training_on_films(discs, tmp_path, start):
    # As many sets of changes as epochs: every epoch sees what it would see of the films.
    options = {"weights": start, "precision": "float32"}
    plain = train(discs, SPEC, TOP, tmp_path / "plain", **options)
    kept = train(discs, SPEC, replace(TOP, feature_draws=2), tmp_path / "kept", **options)
    for one, other in zip(plain.state().history, kept.state().history, strict=True):
        for name in ("loss", "val_loss", "val_inside"):
            assert one[name] == pytest.approx(other[name], abs=2e-4), name
    for one, other in zip(
        weights_in(plain.best_weights), weights_in(kept.best_weights), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=2e-3)


def test_a_killed_training_on_features_goes_on_with_the_layers_it_had(discs, tmp_path, start):
    options = {"weights": start, "precision": "float32"}
    wanted = replace(TOP, feature_draws=2)

    def kill(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(discs, SPEC, wanted, tmp_path / "killed", report=kill, **options)
    killed = train(discs, SPEC, wanted, tmp_path / "killed", resume=True, **options)
    whole = train(discs, SPEC, wanted, tmp_path / "whole", **options)
    for one, other in zip(killed.state().history, whole.state().history, strict=True):
        assert one["val_loss"] == pytest.approx(other["val_loss"], abs=2e-4)
    for one, other in zip(
        weights_in(killed.best_weights), weights_in(whole.best_weights), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=2e-3)


def test_a_single_set_of_changes_serves_every_epoch(films, network, tmp_path):
    wanted = replace(TOP, feature_draws=2)
    kept = with_features(network, [films], wanted, ("Normal", "Opacity"), tmp_path)[0]
    batches = BatchSequence(
        kept, ("Normal", "Opacity"), (4, 4), batch_size=24, augmentation=CHANGES
    )
    found = []
    for epoch in range(4):
        batches.start(epoch)
        found.append(batches.film(3)[0])
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(found[1], found[3])
    assert np.abs(found[0] - found[1]).max() > 0.01


def test_what_is_drawn_moves_along_with_a_film(films, network, tmp_path):
    lungs, lesions = np.zeros((2, 24, 56, 56), np.uint8)
    lungs[:, 10:40, 5:25] = 255
    lesions[::2, 20:30, 30:50] = 255
    films = replace(films, lungs=lungs, lesions=lesions)
    wanted = replace(TOP, feature_draws=1, synthetic_opacity_rate=0.5)
    classes = ("Normal", "Opacity")
    kept = with_features(network, [films, films], wanted, classes, tmp_path)
    options = {"batch_size": 4, "synthetic_opacity_rate": 0.5, "augmentation": CHANGES}
    plain = BatchSequence(films, classes, (4, 4), **options)
    cached = BatchSequence(kept[0], classes, (4, 4), **options)
    painted = 0
    for i in range(24):
        _, places, drawn = plain.film(i)
        _, found, said = cached.film(i)
        np.testing.assert_allclose(found, places, atol=0.5 / 255 + 1e-6)
        assert said == drawn
        painted += drawn
    assert 0 < painted < 12
    # A film that is judged by is not changed.
    still = BatchSequence(kept[1], classes, (4, 4), batch_size=4)
    np.testing.assert_array_equal(still.film(0)[1][..., 0] * 255, lungs[0])


def test_a_killed_computation_goes_on_where_it_was(films, network, tmp_path, passes, monkeypatch):
    monkeypatch.setattr(feature_cache, "_NOTED", 8)
    wanted, classes = replace(TOP, feature_draws=2), ("Normal", "Opacity")
    passes.stop_after = 36
    with pytest.raises(KeyboardInterrupt):
        with_features(network, [films], wanted, classes, tmp_path / "kept")
    assert passes.films == 36
    passes.stop_after = None
    again = with_features(network, [films], wanted, classes, tmp_path / "kept")[0]
    # Of 48 twelve were left, and four of the second set stood on no note.
    assert passes.films == 36 + 16
    whole = with_features(network, [films], wanted, classes, tmp_path / "whole")[0]
    for one, other in zip(again.features, whole.features, strict=True):
        for i in range(24):
            np.testing.assert_array_equal(one.values[i], other.values[i])
            np.testing.assert_array_equal(one.places[i], other.places[i])


def test_runs_share_what_they_have_in_common(discs, tmp_path, start, passes):
    wanted = replace(TOP, feature_draws=1)
    shared = {"weights": start, "features": tmp_path / "shared", "precision": "float32"}
    train(discs, SPEC, wanted, tmp_path / "a", **shared)
    assert passes.films == 24 + 12
    # Another loss, and no film passes the trunk.
    train(discs, SPEC, replace(wanted, decoupling=0.1), tmp_path / "b", **shared)
    assert passes.films == 36


def test_only_what_is_new_is_computed(films, network, tmp_path, passes):
    def compute(draws=1, **options):
        wanted = replace(TOP, feature_draws=draws)
        with_features(network, [films, films], wanted, ("Normal", "Opacity"), tmp_path, **options)
        return passes.films

    assert compute() == 48
    assert compute() == 48
    # A second set of changes beside the first; another seed, and the unchanged films stay.
    assert compute(draws=2) == 72
    assert compute(seed=1) == 96


def test_another_hospital_costs_its_own_films_only(films, network, tmp_path, passes):
    abroad = replace(films, records=tuple(replace(r, source="abroad") for r in films.records))
    abroad = replace(abroad, pixels=255 - films.pixels)
    wanted, classes = replace(TOP, feature_draws=1), ("Normal", "Opacity")
    alone = with_features(network, [films], wanted, classes, tmp_path)[0].features[0]
    both = with_features(network, [films.joined(abroad)], wanted, classes, tmp_path)[0].features[0]
    assert passes.films == 48
    np.testing.assert_array_equal(both.values[23], alone.values[23])
    later = BatchSequence(
        films.joined(abroad), classes, (4, 4), batch_size=4, augmentation=CHANGES
    ).film(24)[0]
    trunk, _ = split_frozen(network)
    np.testing.assert_allclose(both.values[24], trunk(later[None])[0], atol=2e-3)


def test_other_frozen_weights_are_other_features(films, network, tmp_path, passes):
    wanted, classes = replace(TOP, feature_draws=1), ("Normal", "Opacity")
    before = with_features(network, [films], wanted, classes, tmp_path)[0].features[0].values[0]
    kernel = network.get_layer("conv1").kernel
    kernel.assign(kernel * 1.5)
    after = with_features(network, [films], wanted, classes, tmp_path)[0].features[0].values[0]
    assert passes.films == 48
    assert not np.array_equal(before, after)


def test_a_run_leaves_no_features_behind(discs, tmp_path, start):
    wanted = replace(TOP, feature_draws=1)
    run = train(discs, SPEC, wanted, tmp_path / "run", weights=start)
    assert [row["feature_draws"] for row in run.state().history] == [1, 1]
    assert not (run.folder / "features").exists()
    assert_same_weights(
        weights_in(run.best_weights)[:2], [w for w in _of(start, "conv1", "bn1")][:2]
    )


def _of(file, *names):
    network = build_network(SPEC, 2, size=32)
    network.load_weights(file)
    return [weight for name in names for weight in network.get_layer(name).get_weights()]


def test_a_network_that_is_trained_from_its_first_layer_on_keeps_none(discs, tmp_path):
    wanted = recipe(Stage("all", 1, 32, STILL), feature_draws=1)
    with pytest.raises(ArgumentError, match="basic_cnn is trained from its first layer on"):
        train(discs, SPEC, wanted, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_disk_that_is_too_full_is_told_of_before_anything_is_computed(
    films, network, tmp_path, passes, monkeypatch
):
    # 24 films of 2x2x96 features and what is drawn on them: a GB short of what stays free.
    monkeypatch.setattr(
        feature_cache.shutil, "disk_usage", lambda _: SimpleNamespace(free=feature_cache._SPARE)
    )
    with pytest.raises(ArgumentError, match=r"take 0\.0 GB, and of 2\.1 GB that are free"):
        with_features(
            network, [films], replace(TOP, feature_draws=1), ("Normal", "Opacity"), tmp_path
        )
    assert passes.films == 0


def test_the_room_for_features_is_taken_before_they_are_computed(
    films, network, tmp_path, passes, monkeypatch
):
    def full(handle, start, size):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(feature_cache.os, "posix_fallocate", full, raising=False)
    with pytest.raises(OSError, match="No space left"):
        with_features(
            network, [films], replace(TOP, feature_draws=1), ("Normal", "Opacity"), tmp_path
        )
    assert passes.films == 0


@pytest.mark.parametrize(
    ("name", "end", "since", "place"),
    [
        ("vgg16", "full", "block5", "block4_pool"),
        # Its next blocks add what comes out of this one: between them two tensors are alive.
        ("resnet50", "stage4", "conv4_block4", "conv4_block3_out"),
        # Nothing but the head is trained; the feature map is what the network returns.
        ("vgg16", "full", None, "block5_conv2"),
    ],
)
def test_trunk_and_tail_meet_where_all_goes_through_one_layer(name, end, since, place):
    spec = get_spec(name, end)
    network = build_network(spec, 3, size=64)
    set_trainable(network, Stage("tuning", 1, 64, 1e-4, since), freeze_batch_norm=True)
    trunk, tail = split_frozen(network)
    assert trunk.layers[-1].name == place
    film = np.random.default_rng(0).random((1, 64, 64, 1)).astype(np.float32)
    for one, other in zip(network(film), tail(trunk(film)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert tail.get_layer("logits") is network.get_layer("logits")
