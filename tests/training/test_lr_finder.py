import json
from itertools import pairwise

import keras
import numpy as np
import pytest

from xraycore.models.registry import get_spec
from xraycore.training import lr_finder
from xraycore.training.augmentation import Augmentation
from xraycore.training.config import Stage, TrainingConfig, preset
from xraycore.training.lr_finder import (
    diverges,
    find_learning_rate,
    first_deep_stage,
    smooth,
    suggest,
)

SPEC = get_spec("basic_cnn")
RECIPE = TrainingConfig(
    (Stage("head", 1, 64, 1e-3, None), Stage("all", 1, 32, 1e-3)),
    batch_size=6,
    freeze_batch_norm=False,
    augmentation=Augmentation(shear=0.0, zoom=0.0),
)


def test_smoothing_by_hand():
    # Neighbours at one width weigh exp(-1/2), at two exp(-2).
    near, far = np.exp(-0.5), np.exp(-2.0)
    found = smooth([0.0, 0.0, 3.0], 1.0)
    expected = [
        3 * far / (1 + near + far),
        3 * near / (1 + 2 * near),
        3 / (1 + near + far),
    ]
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(smooth([2.0] * 5, 1.3), [2.0] * 5)


def test_the_suggestion_is_where_the_loss_falls_fastest():
    rates = np.array([1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0])
    # Slopes a decade: 0, -0.25, -0.75, -0.6 before the minimum; the fall after the peak is later.
    assert suggest(rates, np.array([2.0, 2.0, 1.5, 0.5, 0.3, 9.0])) == pytest.approx(1e-3)
    # The steeper fall behind the minimum does not count.
    smoothed = np.array([1.0, 1.0, 0.8, 0.2, 5.0, 0.3])
    assert suggest(rates, smoothed) == pytest.approx(1e-3)


def test_no_suggestion_where_the_loss_never_falls():
    assert suggest(np.array([1e-3, 1e-2, 1e-1]), np.array([1.0, 1.1, 2.0])) is None


def test_divergence_is_more_than_four_times_the_best():
    assert not diverges(np.array([2.0, 1.0, 4.0]))
    assert diverges(np.array([2.0, 1.0, 4.1]))


def test_the_first_deep_stage():
    assert first_deep_stage(RECIPE).name == "all"
    pretrained = preset("cpu", get_spec("vgg16"), pretrained=True)
    assert first_deep_stage(pretrained) == pretrained.stages[1]
    head = TrainingConfig((Stage("head", 1, 64, 1e-3, None),))
    assert first_deep_stage(head).name == "head"


def test_a_real_range_test(discs):
    before = keras.config.dtype_policy()
    reported = []
    curve = find_learning_rate(discs, SPEC, RECIPE, steps=30, report=reported.append)
    assert curve.stage == RECIPE.stages[1]
    assert len(curve.rates) == len(curve.losses) == len(curve.smoothed) <= 30
    assert curve.rates[0] == pytest.approx(1e-7)
    factors = [later / earlier for earlier, later in pairwise(curve.rates)]
    np.testing.assert_allclose(factors, 1e7 ** (1 / 29))
    assert np.isfinite(curve.losses).all()
    assert curve.rates[0] < curve.suggestion < curve.rates[-1]
    assert keras.config.dtype_policy() == before
    assert reported[0].activity == "reading films"
    assert reported[-1].activity == "range test"
    document = json.loads(json.dumps(curve.to_json(), allow_nan=False))
    assert document["suggestion"] == curve.suggestion
    assert document["size"] == 32


def test_the_rate_really_rises(discs, monkeypatch):
    """The rates told are the optimizer's."""
    used = []
    compile_for = lr_finder.compile_for

    def watched(*args):
        learner = compile_for(*args)
        train = learner.train_on_batch

        def train_on_batch(*batch, **options):
            used.append(float(learner.optimizer.learning_rate))
            return train(*batch, **options)

        learner.train_on_batch = train_on_batch
        return learner

    monkeypatch.setattr(lr_finder, "compile_for", watched)
    curve = find_learning_rate(discs, SPEC, RECIPE, steps=10)
    np.testing.assert_allclose(used[: len(curve.rates)], curve.rates, rtol=1e-3)


def test_divergence_ends_the_test_early(discs, monkeypatch):
    monkeypatch.setattr(lr_finder, "HIGHEST", 1e12)
    curve = find_learning_rate(discs, SPEC, RECIPE, steps=30)
    assert curve.diverged
    assert len(curve.rates) < 30
    assert np.isfinite(curve.losses).all()


def test_too_few_steps_are_refused(discs):
    with pytest.raises(ValueError, match="at least 10. Received: 9"):
        find_learning_rate(discs, SPEC, RECIPE, steps=9)
