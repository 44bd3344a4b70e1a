"""Every registered network is the flat graph with a linear head that the heatmaps rely on."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from xraycore.errors import ArgumentError
from xraycore.models.architectures import HEAD, build_network
from xraycore.models.registry import MODELS, get_spec, list_models, title_of

FEATURE_SHAPES = {
    "basic_cnn": (14, 14, 192),
    "vgg16": (14, 14, 512),
    "resnet50": (14, 14, 2048),
    "inception_v3": (10, 10, 2048),
    "xception": (14, 14, 2048),
}


@pytest.fixture(scope="module", params=MODELS)
def spec(request):
    return get_spec(request.param)


@pytest.fixture
def network(spec, random_classifier):
    return random_classifier(spec.name).network


def test_flat(network):
    assert not [layer.name for layer in network.layers if isinstance(layer, keras.Model)]


def test_input_is_grey(spec, network):
    assert network.input_shape == (None, spec.input_size, spec.input_size, 1)
    assert spec.input_size == 224


def test_outputs_are_logits_and_the_feature_layers_map(spec, network):
    logits, features = network.outputs
    assert logits is network.get_layer(HEAD).output
    assert features is network.get_layer(spec.feature_layer).output
    assert logits.shape == (None, 4)
    assert features.shape == (None, *FEATURE_SHAPES[spec.name])
    assert network.get_layer("pooled").input is features


def test_the_early_layer_is_finer(spec, network):
    side = 25 if spec.name == "inception_v3" else 28
    early = network.get_layer(spec.early_layer).output
    assert early.shape[1:3] == (side, side)
    assert side >= 2 * FEATURE_SHAPES[spec.name][0]


def test_head_is_linear(network):
    assert network.get_layer(HEAD).activation is keras.activations.linear
    assert isinstance(network.get_layer("pooled"), keras.layers.GlobalAveragePooling2D)


def test_features_are_never_negative(spec, random_classifier):
    """Grad-CAM++'s closed form and Layer-CAM's meaning need it."""
    grey = np.random.default_rng(0).random((1, 224, 224, 1)).astype(np.float32)
    _, features = random_classifier(spec.name).forward(grey)
    assert features.min() >= 0
    assert features.max() > 0


# What makes the last grid: a pooling and a convolution beside it, or the convolutions of branches.
LAST_HALVING = {
    "resnet50": ["Conv2D", "Conv2D"],
    "inception_v3": ["Conv2D", "Conv2D", "MaxPooling2D"],
    "xception": ["Conv2D", "MaxPooling2D"],
}


@pytest.mark.parametrize("name", LAST_HALVING)
def test_the_last_halving_is_left_out_and_all_else_kept(name):
    spec = get_spec(name)
    plain = build_network(replace(spec, finer_map=False), 3, size=128)
    finer = build_network(spec, 3, size=128)
    changed = [
        (before, after)
        for before, after in zip(plain.layers, finer.layers, strict=True)
        if getattr(before, "strides", None) != getattr(after, "strides", None)
    ]
    assert sorted(type(before).__name__ for before, _ in changed) == LAST_HALVING[name]
    for before, after in changed:
        assert tuple(before.strides) == (2, 2)
        assert tuple(after.strides) == (1, 1)
    assert [w.shape for w in plain.weights] == [w.shape for w in finer.weights]
    # InceptionV3 does not pad: 6 cells become 2 by halving, 4 without.
    cells = {"resnet50": (4, 8), "inception_v3": (2, 4), "xception": (4, 8)}[name]
    assert [net.output_shape[1][1] for net in (plain, finer)] == list(cells)


def preprocessed(network, grey):
    inside = keras.Model(network.input, network.get_layer("preprocessing").output)
    return np.asarray(inside(grey))


@pytest.mark.parametrize("name", [name for name, spec in MODELS.items() if spec.imagenet])
def test_preprocessing_is_the_backbones_own(name, random_classifier):
    grey = np.linspace(0, 1, 224 * 224, dtype=np.float32).reshape(1, 224, 224, 1)
    colour = np.repeat(grey * 255, 3, axis=-1)
    expected = getattr(keras.applications, name).preprocess_input(colour.copy())
    found = preprocessed(random_classifier(name).network, grey)
    np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())


def test_preprocessing_of_the_basic_cnn(random_classifier):
    grey = np.full((1, 224, 224, 1), 0.75, np.float32)
    found = preprocessed(random_classifier("basic_cnn").network, grey)
    np.testing.assert_allclose(found, np.full((1, 224, 224, 1), 0.5))


def test_a_preprocessing_that_there_is_not_is_refused():
    with pytest.raises(ArgumentError, match="unit, tf or caffe. Received: 'torch'"):
        build_network(replace(get_spec("basic_cnn"), preprocessing="torch"), 2, size=64)


def test_the_cpu_preset_finds_the_layer_it_trains_from(spec, network):
    assert any(layer.name.startswith(spec.cpu_unfreeze_from) for layer in network.layers)


def test_each_network_has_its_own_layers_and_starting_points():
    assert {
        name: (spec.preprocessing, spec.input_size, spec.feature_layer, spec.early_layer,
               spec.imagenet, spec.cpu_unfreeze_from, spec.tune_from, spec.finer_map,
               [(end.name, end.layer) for end in spec.ends])
        for name, spec in MODELS.items()
    } == {
        "basic_cnn": ("unit", 224, "pool3", "relu3", None, "", "", False, []),
        "vgg16": ("caffe", 224, "block5_conv3", "block4_conv3", "VGG16", "block4", "block5",
                  False, []),
        "resnet50": ("caffe", 224, "conv5_block3_out", "conv3_block4_out", "ResNet50", "conv4",
                     "conv4_block4", True, [("stage4", "conv4_block6_out")]),
        "inception_v3": ("tf", 224, "mixed10", "mixed2", "InceptionV3", "", "mixed5", True,
                         [("mixed7", "mixed7")]),
        "xception": ("tf", 224, "block14_sepconv2_act", "block4_sepconv2_act", "Xception",
                     "block7", "block11", True, [("block12", "block13_sepconv1_act")]),
    }  # fmt: skip


def test_another_size_and_number_of_classes():
    network = build_network(get_spec("basic_cnn"), 2, size=64)
    assert [output.shape for output in network.outputs] == [(None, 2), (None, 4, 4, 192)]


# Title, cells and channels at 224 px, and millions of parameters, with four classes.
ENDS = {
    ("resnet50", "stage4"): ("ResNet50, four stages", (14, 14, 1024), 8.6),
    ("inception_v3", "mixed7"): ("InceptionV3, eight modules", (12, 12, 768), 9.0),
    ("xception", "block12"): ("Xception, twelve blocks", (14, 14, 728), 14.1),
}


def test_ends_are_the_entries_own():
    assert {(s.name, end.name) for s in MODELS.values() for end in s.ends} == set(ENDS)
    assert {(name, s.default_end) for name, s in MODELS.items() if s.ends} == set(ENDS)
    assert get_spec("vgg16").default_end == get_spec("vgg16").end == "full"


@pytest.mark.parametrize(("name", "end"), ENDS)
def test_a_network_ends_earlier(name, end):
    spec = get_spec(name, end)
    title, shape, millions = ENDS[name, end]
    network = build_network(spec, 4)
    logits, features = network.outputs
    assert (spec.title, spec.end, spec.name) == (title, end, name)
    assert features.shape == (None, *shape)
    assert features is network.get_layer(spec.feature_layer).output
    assert network.get_layer("pooled").input is features
    assert logits is network.get_layer(HEAD).output
    assert network.count_params() / 1e6 == pytest.approx(millions, abs=0.1)
    early = network.get_layer(spec.early_layer).output
    assert early.shape[1] >= 2 * shape[0]
    grey = np.random.default_rng(0).random((1, 224, 224, 1)).astype(np.float32)
    assert np.asarray(network(grey)[1]).min() >= 0
    assert any(layer.name.startswith(spec.cpu_unfreeze_from) for layer in network.layers)
    assert get_spec(name, "full") == MODELS[name]


def test_an_unknown_end_is_refused_with_the_list():
    with pytest.raises(ValueError, match="resnet50 must be stage4 or full. Received: 'stage3'"):
        get_spec("resnet50", "stage3")


def test_names_are_the_entries_own():
    assert list_models() == list(MODELS) == list(FEATURE_SHAPES)
    assert all(name == spec.name for name, spec in MODELS.items())


def test_unknown_name_is_refused_with_the_list():
    with pytest.raises(
        ValueError, match="one of basic_cnn, vgg16, .*xception. Received: 'alexnet'"
    ):
        get_spec("alexnet")


def test_a_title_is_the_name_where_no_network_has_it():
    assert title_of("xception", "block12") == "Xception, twelve blocks"
    assert title_of("xception") == "Xception"
    assert title_of("alexnet") == "alexnet"
    assert title_of("xception", "block3") == "xception"
