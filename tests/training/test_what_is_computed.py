"""What training really computes with: every number of every preset, and what a run makes of it."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from tests.training.support.short_runs import SPEC, recipe
from xraycore.models.architectures import HEAD, build_network
from xraycore.models.registry import get_spec
from xraycore.training import learner
from xraycore.training.augmentation import Augmentation
from xraycore.training.config import Stage, TrainingConfig, preset
from xraycore.training.learner import compile_for, resolve_precision, set_trainable, with_xla
from xraycore.training.trainer import train
from xraycore.utils.precision import computing_in

PLAIN = Augmentation()
STILL = Augmentation(shear=0.0, zoom=0.0)
HOSPITALS = Augmentation(
    shear=0.1, zoom=0.2, rotation=10, shift=0.06, gamma=0.4, contrast=0.3, noise=0.03
)
LOW, FULL = "low resolution", "full resolution"

# Of each preset: whether from ImageNet, network, stages (name, epochs, size, rate, trained from),
# films a batch, epochs without a better one, augmentation.
PRESETS = [
    ("cpu", True, "vgg16", [("head", 1, 128, 1e-3, None), (LOW, 3, 128, 1e-4, "block4"),
                            (FULL, 1, 224, 3e-5, "block4")], 32, 3, PLAIN),
    ("cpu", True, "resnet50", [("head", 1, 128, 1e-3, None), (LOW, 3, 128, 1e-4, "conv4"),
                               (FULL, 1, 224, 3e-5, "conv4")], 32, 3, PLAIN),
    ("cpu", True, "inception_v3", [("head", 1, 128, 1e-3, None), (LOW, 3, 128, 1e-4, ""),
                                   (FULL, 1, 224, 3e-5, "")], 32, 3, PLAIN),
    ("cpu", True, "xception", [("head", 1, 128, 1e-3, None), (LOW, 3, 128, 1e-4, "block7"),
                               (FULL, 1, 224, 3e-5, "block7")], 32, 3, PLAIN),
    ("cpu", False, "basic_cnn", [(LOW, 8, 128, 2e-3, ""), (FULL, 3, 224, 5e-4, "")], 32, 3, PLAIN),
    ("gpu", True, "vgg16", [("head", 2, 224, 1e-3, None), ("all", 15, 224, 1e-4, "")],
     32, 3, PLAIN),
    ("gpu", False, "basic_cnn", [(LOW, 30, 128, 2e-3, ""), (FULL, 20, 224, 5e-4, "")],
     32, 3, PLAIN),
    ("quick", True, "xception", [("all", 10, 96, 1e-4, "")], 16, 10, PLAIN),
    ("quick", False, "basic_cnn", [("all", 20, 64, 3e-3, "")], 8, 20, STILL),
    ("quick", False, "vgg16", [("all", 20, 96, 3e-3, "")], 8, 20, STILL),
    ("shipped", True, "vgg16", [(LOW, 2, 128, 1e-4, "block4"), (FULL, 3, 224, 7.5e-5, "block4")],
     32, 12, HOSPITALS),
    ("shipped", True, "xception", [(LOW, 2, 128, 2e-4, "block7"),
                                   (FULL, 3, 224, 1.5e-4, "block7")], 32, 12, HOSPITALS),
    ("shipped", False, "basic_cnn", [(LOW, 12, 128, 2e-3, ""),
                                     ("high resolution", 8, 224, 5e-4, "")], 32, 12, HOSPITALS),
    ("shipped", False, "resnet50", [(LOW, 12, 96, 2e-3, ""),
                                    ("high resolution", 3, 160, 5e-4, "")], 32, 12, HOSPITALS),
    ("shipped", False, "vgg16", [(LOW, 12, 96, 2e-3, ""), ("high resolution", 3, 224, 5e-4, "")],
     32, 12, HOSPITALS),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "pretrained", "model", "stages", "batch", "patience", "augmentation"),
    PRESETS,
    ids=lambda value: str(value) if isinstance(value, str | bool) else "",
)
def test_presets(name, pretrained, model, stages, batch, patience, augmentation):
    found = preset(name, get_spec(model), pretrained=pretrained)
    assert found.stages == tuple(Stage(*stage) for stage in stages)
    assert (found.batch_size, found.patience) == (batch, patience)
    assert found.freeze_batch_norm == pretrained
    assert found.augmentation == augmentation
    # All else is the same for all of them.
    rest = replace(
        found,
        stages=(Stage("s", 1, 32, 1.0),),
        batch_size=32,
        patience=3,
        freeze_batch_norm=True,
        augmentation=PLAIN,
    )
    assert rest == TrainingConfig((Stage("s", 1, 32, 1.0),))


def test_what_is_not_told_of_a_recipe():
    found = TrainingConfig((Stage("s", 1, 32, 1.0),)).to_json()
    expected = {
        **{"batch_size": 32, "weight_decay": 1e-4, "label_smoothing": 0.05, "dropout": 0.2},
        **{"balance": 0.7, "warmup": 0.1, "patience": 3, "freeze_batch_norm": True},
        **{"view": "lungs", "evidence": 1.0, "painted": 0.0, "averaged": 0.0, "distillation": 0.5},
    }
    assert {name: found[name] for name in expected} == expected


class Reached(Exception):
    """Training began."""


def begun(monkeypatch, discs, folder, wanted, **options):
    """The model that a run would fit, and its batches."""
    seen = {}

    def fit(self, batches, **_):
        seen.update(model=self, batches=batches)
        raise Reached

    monkeypatch.setattr(keras.Model, "fit", fit)
    with pytest.raises(Reached):
        train(discs, SPEC, wanted, folder, **options)
    return seen["model"], seen["batches"]


@pytest.mark.parametrize(
    ("precision", "inside"), [("float32", "float32"), ("mixed_bfloat16", "bfloat16")]
)
def test_a_run_computes_in_its_precision(monkeypatch, discs, tmp_path, precision, inside):
    policy = keras.config.dtype_policy().name
    model, _ = begun(
        monkeypatch, discs, tmp_path, recipe(Stage("all", 1, 32, 1e-3)), precision=precision
    )
    computed = {layer.name: layer.compute_dtype for layer in model.layers if layer.weights}
    # The head's logits are exact in any case, and weights are kept in full.
    assert computed.pop(HEAD) == "float32"
    assert set(computed.values()) == {inside}
    assert {keras.backend.standardize_dtype(w.dtype) for w in model.weights} == {"float32"}
    assert keras.config.dtype_policy().name == policy


def test_a_precision_that_fails_inside_leaves_kerass_own():
    policy = keras.config.dtype_policy().name
    with pytest.raises(Reached), computing_in("mixed_bfloat16"):
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        raise Reached
    assert keras.config.dtype_policy().name == policy
    assert resolve_precision("auto") in ("float32", "mixed_bfloat16")
    with pytest.raises(ValueError, match="one of auto, float32, mixed_bfloat16. Received: 'half'"):
        resolve_precision("half")


def test_a_run_takes_its_numbers_from_the_recipe(monkeypatch, discs, tmp_path):
    wanted = recipe(
        *(Stage("all", 4, 32, 0.02), Stage("more", 1, 32, 0.5)),
        **{"batch_size": 5, "weight_decay": 0.003, "dropout": 0.45, "warmup": 0.25},
        **{"ema_momentum": 0.9, "label_smoothing": 0.2, "lung_loss_weight": 0.7},
    )
    model, batches = begun(monkeypatch, discs, tmp_path, wanted, precision="float32")
    optimizer = model.optimizer
    assert isinstance(optimizer, keras.optimizers.AdamW)
    assert optimizer.weight_decay == 0.003
    assert optimizer.clipnorm == 1.0
    assert (optimizer.clipvalue, optimizer.global_clipnorm) == (None, None)
    assert (optimizer.use_ema, optimizer.ema_momentum) == (True, 0.9)
    (dropout,) = (one for one in model.layers if isinstance(one, keras.layers.Dropout))
    assert dropout.rate == 0.45
    films, truth, weights = batches[0]
    assert len(films) == len(truth["classes"]) == len(weights) == 5
    # 24 films in batches of five: five steps an epoch, twenty in all, of which five warm up.
    assert len(batches) == 5
    rate = [float(optimizer._learning_rate(step)) for step in range(21)]
    assert rate[0] == 0.0
    assert rate[1] == pytest.approx(0.02 / 5)
    assert rate[5] == pytest.approx(0.02)
    # Half of a cosine over the other fifteen.
    cosine = 0.5 * (1 + np.cos(np.pi * np.arange(16) / 15))
    np.testing.assert_allclose(rate[5:], 0.02 * cosine, atol=1e-7)


def test_without_an_average_there_is_none(monkeypatch, discs, tmp_path):
    model, _ = begun(monkeypatch, discs, tmp_path, recipe(Stage("all", 1, 32, 1e-3)))
    assert not model.optimizer.use_ema


def small(wanted, rate):
    return compile_for(build_network(SPEC, 2, size=32), wanted, rate)


def test_weight_decay_by_hand():
    """Without a gradient a step takes rate times decay off every trained weight."""
    model = small(recipe(Stage("all", 1, 32, 1e-3), weight_decay=0.5), 0.1)
    before = [keras.ops.convert_to_numpy(one).copy() for one in model.trainable_variables]
    model.optimizer.apply([keras.ops.zeros(one.shape) for one in model.trainable_variables])
    assert any(np.abs(one).max() > 0.01 for one in before)
    for one, other in zip(before, model.trainable_variables, strict=True):
        np.testing.assert_allclose(other, one * (1 - 0.1 * 0.5), rtol=1e-5)


def test_gradients_are_clipped_to_a_norm_of_one():
    """A gradient a thousand times as large as one of norm 1 leaves the same moments."""
    moments = []
    for strength in (1.0, 1000.0):
        model = small(recipe(Stage("all", 1, 32, 1e-3), weight_decay=0.0), 0.1)
        gradients = [
            keras.ops.full(one.shape, strength / np.sqrt(np.prod(one.shape)))
            for one in model.trainable_variables
        ]
        model.optimizer.apply(gradients)
        moments.append([keras.ops.convert_to_numpy(one) for one in model.optimizer.variables[2:]])
    for one, other in zip(*moments, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("since", ["", "conv3", None])
@pytest.mark.parametrize("frozen", [True, False])
def test_a_stage_trains_what_it_says(since, frozen):
    network = build_network(SPEC, 2, size=32)
    set_trainable(network, Stage("s", 1, 32, 1e-3, since), freeze_batch_norm=frozen)
    trained = {layer.name for layer in network.layers if layer.trainable_weights}
    convolutions = {"": {"conv1", "conv2", "conv3"}, "conv3": {"conv3"}, None: set()}[since]
    norms = set() if frozen else {name.replace("conv", "bn") for name in convolutions}
    assert trained == {HEAD, *convolutions, *norms}


@pytest.mark.parametrize(
    ("backend", "cpu", "wanted"),
    [("tensorflow", True, False), ("tensorflow", False, "auto"), ("jax", True, "auto")],
)
def test_xla_is_left_to_those_whom_it_serves(monkeypatch, backend, cpu, wanted):
    monkeypatch.setattr(learner, "on_cpu", lambda: cpu)
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    assert with_xla() == wanted


def test_what_is_trained_on_a_cpu_is_compiled_without_xla():
    network = build_network(get_spec("basic_cnn"), 2, size=32)
    recipe = TrainingConfig((Stage("all", 1, 32, 1e-3),))
    assert compile_for(network, recipe, 1e-3).jit_compile is with_xla() is False
