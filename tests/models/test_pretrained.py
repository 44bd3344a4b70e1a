"""Starting weights: what is copied, and what is refused."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from xraycore.errors import ArgumentError
from xraycore.models import pretrained
from xraycore.models.architectures import build_network, without_last_halving
from xraycore.models.pretrained import download_imagenet, imagenet_file, load_pretrained
from xraycore.models.registry import MODELS, get_spec

pytestmark = pytest.mark.slow

# All backbones take 96 px, which is quicker than 224; the weights fit any size.
SIZE = 96


@pytest.fixture(scope="module")
def vgg16_file(tmp_path_factory):
    """VGG16 as keras.applications builds it without top, with random weights, and its file."""
    keras.utils.set_random_seed(0)
    backbone = keras.applications.VGG16(include_top=False, weights=None)
    file = tmp_path_factory.mktemp("imagenet") / "backbone.weights.h5"
    backbone.save_weights(file)
    return backbone, str(file)


@pytest.fixture(scope="module")
def whole_file(tmp_path_factory):
    """A basic CNN of three classes and its file."""
    keras.utils.set_random_seed(0)
    network = build_network(get_spec("basic_cnn"), 3, size=SIZE)
    file = tmp_path_factory.mktemp("whole") / "network.weights.h5"
    network.save_weights(file)
    return network, str(file)


def fresh(name, classes=3):
    keras.utils.set_random_seed(1)
    return build_network(get_spec(name), classes, size=SIZE)


def assert_same_weights(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_backbones_file_is_copied_exactly(vgg16_file):
    backbone, file = vgg16_file
    network = fresh("vgg16")
    head = network.get_layer("logits").get_weights()
    load_pretrained(network, get_spec("vgg16"), file)
    convolutions = [layer.name for layer in backbone.layers if layer.weights]
    assert len(convolutions) == 13
    for name in convolutions:
        assert_same_weights(
            network.get_layer(name).get_weights(), backbone.get_layer(name).get_weights()
        )
    assert_same_weights(network.get_layer("logits").get_weights(), head)


@pytest.mark.parametrize("name", ["inception_v3", "xception", "resnet50"])
def test_every_layer_gets_its_own_weights_where_branches_meet(name, monkeypatch):
    """A backbone's layers are matched by their order; two alike must not be swapped."""
    network, spec = fresh(name), get_spec(name)
    backbone = getattr(keras.applications, spec.imagenet)(
        include_top=False, weights=None, input_shape=(SIZE, SIZE, 3)
    )
    monkeypatch.setattr(keras.applications, spec.imagenet, lambda **_: backbone)
    load_pretrained(network, spec, "imagenet")
    # The same weights under the strides that ours has.
    weights = backbone.get_weights()
    backbone = without_last_halving(keras.Model(backbone.input, [backbone.output] * 2))
    backbone.set_weights(weights)
    grey = np.random.default_rng(0).random((1, SIZE, SIZE, 1)).astype(np.float32)
    inputs = keras.Model(network.input, network.get_layer("preprocessing").output)(grey)
    expected = np.asarray(backbone(inputs)[1])
    scale = expected.max()
    assert scale > 0
    np.testing.assert_allclose(np.asarray(network(grey)[1]) / scale, expected / scale, atol=1e-4)


def test_a_whole_networks_file_is_copied_exactly(whole_file):
    original, file = whole_file
    network = fresh("basic_cnn")
    load_pretrained(network, get_spec("basic_cnn"), file)
    assert_same_weights(network.get_weights(), original.get_weights())


@pytest.mark.parametrize("name", [name for name, spec in MODELS.items() if spec.ends])
def test_a_shorter_network_starts_from_a_longer_one(name, tmp_path):
    """Its map is the longer one's there, and its head is its own."""
    keras.utils.set_random_seed(0)
    longer, spec = build_network(get_spec(name), 3, size=SIZE), get_spec(name)
    longer.save_weights(file := str(tmp_path / "longer.weights.h5"))
    spec = get_spec(spec.name, spec.default_end)
    keras.utils.set_random_seed(1)
    shorter = build_network(spec, 4, size=SIZE)
    head = shorter.get_layer("logits").get_weights()
    load_pretrained(shorter, spec, file)
    assert_same_weights(shorter.get_layer("logits").get_weights(), head)
    grey = np.random.default_rng(0).random((1, SIZE, SIZE, 1)).astype(np.float32)
    there = keras.Model(longer.input, longer.get_layer(spec.feature_layer).output)
    expected = np.asarray(there(grey))
    assert expected.max() > 0
    np.testing.assert_allclose(np.asarray(shorter(grey)[1]), expected, atol=1e-4 * expected.max())
    # And from its own file, with its head.
    shorter.save_weights(file)
    again = build_network(spec, 4, size=SIZE)
    load_pretrained(again, spec, file)
    assert_same_weights(again.get_weights(), shorter.get_weights())
    with pytest.raises(ValueError, match=f"does not fit {name}"):
        load_pretrained(build_network(spec, 5, size=SIZE), spec, file)


def test_none_leaves_the_random_start():
    network = fresh("basic_cnn")
    before = network.get_weights()
    load_pretrained(network, get_spec("basic_cnn"), "none")
    assert_same_weights(network.get_weights(), before)


def test_a_network_of_other_classes_is_refused(whole_file):
    with pytest.raises(ValueError, match="network.weights.h5 does not fit basic_cnn"):
        load_pretrained(fresh("basic_cnn", classes=5), get_spec("basic_cnn"), whole_file[1])


def test_a_whole_network_of_another_architecture_is_refused(whole_file):
    with pytest.raises(ValueError, match="does not fit vgg16"):
        load_pretrained(fresh("vgg16"), get_spec("vgg16"), whole_file[1])


def test_a_backbone_of_another_architecture_is_refused_and_the_network_left(vgg16_file):
    network = fresh("xception")
    before = network.get_weights()
    with pytest.raises(ValueError, match="does not fit xception"):
        load_pretrained(network, get_spec("xception"), vgg16_file[1])
    assert_same_weights(network.get_weights(), before)


def test_no_backbone_file_fits_a_network_without_imagenet_weights(vgg16_file):
    with pytest.raises(ValueError, match="basic_cnn has no ImageNet weights"):
        load_pretrained(fresh("basic_cnn"), get_spec("basic_cnn"), vgg16_file[1])
    with pytest.raises(ValueError, match="basic_cnn has no ImageNet weights"):
        load_pretrained(fresh("basic_cnn"), get_spec("basic_cnn"), "imagenet")


@pytest.mark.parametrize("weights", ["nowhere.weights.h5", "imagenet21k", "model.h5", ""])
def test_no_such_weights(weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.h5").write_bytes(b"an existing file of another format")
    with pytest.raises(ValueError, match=f"imagenet, none or an existing .*{weights!r}"):
        load_pretrained(fresh("basic_cnn"), get_spec("basic_cnn"), weights)


def test_a_file_that_is_no_hdf5_is_refused(tmp_path):
    file = tmp_path / "text.weights.h5"
    file.write_text("not HDF5")
    with pytest.raises(ValueError, match="text.weights.h5 does not fit vgg16"):
        load_pretrained(fresh("vgg16"), get_spec("vgg16"), str(file))


def test_imagenet_takes_the_registrys_application(monkeypatch, vgg16_file):
    """Keras' download is stood in for by a network that it would fill."""
    backbone, _ = vgg16_file
    asked = []

    def application(**options):
        asked.append(options)
        return backbone

    network = fresh("vgg16")
    monkeypatch.setattr(keras.applications, "VGG16", application)
    load_pretrained(network, get_spec("vgg16"), "imagenet")
    assert asked == [{"include_top": False, "weights": "imagenet"}]
    assert_same_weights(
        network.get_layer("block5_conv3").get_weights(),
        backbone.get_layer("block5_conv3").get_weights(),
    )


def test_every_imagenet_name_exists():
    for spec in MODELS.values():
        assert spec.imagenet is None or callable(getattr(keras.applications, spec.imagenet))


def test_weights_of_none_of_a_networks_ends_are_refused(monkeypatch):
    ended = SimpleNamespace(
        input_shape=(None, 224, 224, 1), outputs=[None, SimpleNamespace(shape=(None, 14, 14, 64))]
    )
    monkeypatch.setattr(pretrained, "build_network", lambda *given, **options: ended)
    with pytest.raises(ValueError, match="no end of resnet50 has 7 channels"):
        pretrained._load_whole(ended, get_spec("resnet50", "stage4"), "a.weights.h5", (7, 4))


def test_a_job_of_the_app_downloads_nothing(monkeypatch, tmp_path):
    def download(**_):
        raise AssertionError("it was asked for")

    network = fresh("vgg16")
    monkeypatch.setattr(keras.applications, "VGG16", download)
    monkeypatch.setenv("XRAYCORE_JOB", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(ArgumentError, match="xraycore weights imagenet vgg16"):
        load_pretrained(network, get_spec("vgg16"), "imagenet")
    imagenet_file(get_spec("vgg16")).parent.mkdir()
    imagenet_file(get_spec("vgg16")).touch()
    with pytest.raises(AssertionError, match="it was asked for"):
        load_pretrained(network, get_spec("vgg16"), "imagenet")


@pytest.mark.parametrize("spec", [spec for spec in MODELS.values() if spec.imagenet])
def test_imagenet_weights_are_looked_for_where_keras_keeps_them(monkeypatch, tmp_path, spec):
    asked = []

    def fetch(name, *_, **options):
        asked.append(tmp_path / options["cache_subdir"] / name)
        raise InterruptedError

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", fetch)
    with pytest.raises(ArgumentError, match=f"ImageNet weights of {spec.name}"):
        download_imagenet(spec.name)
    assert asked == [imagenet_file(spec)]
