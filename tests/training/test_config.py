import json
from dataclasses import replace

import keras
import pytest

from xraycore.models.architectures import HEAD, build_network
from xraycore.models.registry import MODELS, get_spec
from xraycore.training.augmentation import Augmentation
from xraycore.training.config import PRESETS, Stage, TrainingConfig, preset
from xraycore.training.learner import set_trainable

STARTS = [
    (spec.name, pretrained)
    for spec in MODELS.values()
    for pretrained in ([False, True] if spec.imagenet else [False])
]
# Below this, InceptionV3 and Xception have layers that no pixel is left for.
SMALLEST = {"inception_v3": 75, "xception": 71}


@pytest.fixture(scope="module")
def networks():
    """The smallest network of each architecture."""
    return {name: build_network(spec, 3, size=96) for name, spec in MODELS.items()}


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize(("model", "pretrained"), STARTS)
def test_json_brings_a_recipe_back(name, model, pretrained):
    recipe = preset(name, get_spec(model), pretrained=pretrained)
    assert TrainingConfig.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    changed = replace(recipe, augmentation=Augmentation(rotation=5), balance=0.1, patience=9)
    assert TrainingConfig.from_json(json.loads(json.dumps(changed.to_json()))) == changed


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize(("model", "pretrained"), STARTS)
def test_stages_name_layers_that_exist(networks, name, model, pretrained):
    recipe = preset(name, get_spec(model), pretrained=pretrained)
    network = networks[model]
    assert recipe.freeze_batch_norm == pretrained
    for stage in recipe.stages:
        assert stage.size >= SMALLEST.get(model, 32)
        set_trainable(network, stage, freeze_batch_norm=recipe.freeze_batch_norm)
        trained = [layer for layer in network.layers if layer.trainable_variables]
        assert trained[-1].name == HEAD
        if stage.unfreeze_from is None:
            assert len(network.trainable_variables) == 2
            continue
        assert len(trained) > 1
        if stage.unfreeze_from:
            # A block without weights of its own may be named: it begins there.
            names = [layer.name for layer in network.layers]
            named = next(i for i, one in enumerate(names) if one.startswith(stage.unfreeze_from))
            later = [one.name for one in network.layers[named:] if one.trainable_variables]
            assert later == [one.name for one in trained]
        if pretrained:
            assert not any(isinstance(t, keras.layers.BatchNormalization) for t in trained)


@pytest.mark.parametrize("painted", [-0.1, 1.5])
def test_a_share_is_no_more_than_all(painted):
    with pytest.raises(ValueError, match=f"painted must lie between 0 and 1. Received: {painted}"):
        replace(preset("cpu", get_spec("vgg16"), pretrained=True), synthetic_opacity_rate=painted)


def test_statistics_follow_within_an_epoch_of_a_small_set(networks):
    network = networks["basic_cnn"]
    set_trainable(network, Stage("all", 1, 96, 1e-3), freeze_batch_norm=False)
    norms = [one for one in network.layers if isinstance(one, keras.layers.BatchNormalization)]
    assert [norm.momentum for norm in norms] == [0.9] * 3


def test_a_prefix_that_no_layer_has_is_refused(networks):
    with pytest.raises(ValueError, match="starts with 'block9'"):
        set_trainable(
            networks["vgg16"], Stage("all", 1, 96, 1e-3, "block9"), freeze_batch_norm=False
        )


def test_the_shipped_recipe():
    """Low resolution first, then higher; tones change as hospitals'."""
    pretrained = preset("shipped", get_spec("vgg16"), pretrained=True)
    assert pretrained.stages == (
        Stage("low resolution", 2, 128, 1e-4, "block4"),
        Stage("full resolution", 3, 224, 7.5e-5, "block4"),
    )
    fresh = preset("shipped", get_spec("basic_cnn"), pretrained=False)
    assert [(s.epochs, s.size, s.unfreeze_from) for s in fresh.stages] == [
        (12, 128, ""),
        (8, 224, ""),
    ]
    dearest = preset("shipped", get_spec("resnet50"), pretrained=False)
    assert [(s.epochs, s.size) for s in dearest.stages] == [(12, 96), (3, 160)]
    for recipe in (pretrained, fresh, dearest):
        assert recipe.view == "lungs"
        assert recipe.lung_loss_weight > 0
        assert recipe.augmentation.gamma > 0
        assert recipe.augmentation.rotation > 0
        # No stage is cut short: the choice is among all of its epochs.
        assert recipe.patience >= max(stage.epochs for stage in recipe.stages)


def test_tuning_trains_last_layers_at_full_size():
    for model, since, epochs in (("vgg16", "block5", 2), ("resnet50", "conv4_block4", 4)):
        recipe = preset("tune", get_spec(model), pretrained=True)
        (stage,) = recipe.stages
        assert (stage.size, stage.unfreeze_from, stage.epochs) == (224, since, epochs)
        assert recipe.lesion_loss_weight > recipe.lung_loss_weight > 0
        assert recipe.against == "normal"
        assert recipe.phantoms > 0
        assert recipe.augmentation.curve > 0
        assert recipe.patience >= epochs
    # The small network's statistics follow the films.
    assert not preset("tune", get_spec("basic_cnn"), pretrained=True).freeze_batch_norm


def test_a_recipe_from_before_there_was_a_choice_compares_with_all_others():
    old = preset("cpu", get_spec("vgg16"), pretrained=True).to_json()
    del old["against"], old["lesion_evidence"]
    found = TrainingConfig.from_json({**old, "evidence": 0.7})
    assert (found.against, found.lesion_loss_weight) == ("others", 0.7)
    with pytest.raises(ValueError, match="against must be normal or others. Received: 'all'"):
        TrainingConfig.from_json({**old, "against": "all"})


def test_epochs_and_rate_are_those_of_the_last_stage():
    recipe = preset("cpu", get_spec("vgg16"), pretrained=True)
    longer = recipe.adapted({"epochs": 7})
    assert [stage.epochs for stage in longer.stages] == [
        *(stage.epochs for stage in recipe.stages[:-1]),
        7,
    ]
    faster = recipe.adapted({"learning_rate": 0.5})
    assert faster.stages[:-1] == recipe.stages[:-1]
    assert faster.stages[-1] == replace(recipe.stages[-1], learning_rate=0.5)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"size": 0}, {"learning_rate": 0.0}])
def test_a_stage_of_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be positive"):
        Stage(**{"name": "s", "epochs": 1, "size": 32, "learning_rate": 1e-3, **wrong})


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="batch_size must be positive. Received: 0"):
        TrainingConfig((Stage("s", 1, 32, 1e-3),), batch_size=0)


def test_an_unknown_preset_is_refused():
    with pytest.raises(ValueError, match="cpu, gpu, quick, shipped, tune. Received: 'fast'"):
        preset("fast", get_spec("vgg16"), pretrained=True)
