"""What the weight store saves, gives back, and refuses."""

import json
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import xraycore
from xraycore.anatomy.lung_field import segment_lungs
from xraycore.config import SHIPPED, weights_folder
from xraycore.errors import WeightsError
from xraycore.models import classifier
from xraycore.models.architectures import HEAD, build_network
from xraycore.models.cards import list_trained, read_card, stored_title
from xraycore.models.classifier import OTHER_LUNGS, load_model, predict_each
from xraycore.models.registry import get_spec
from xraycore.utils.checkpoints import describe_weights, save_float16, verified_weights
from xraycore.utils.files import sha256
from xraycore.utils.installation import install
from xraycore.utils.precision import computing_in

CLASSES = ["Normal", "Opacity"]
FILE = "basic_cnn.weights.h5"


def basic_cnn(seed):
    keras.utils.set_random_seed(seed)
    return build_network(get_spec("basic_cnn"), len(CLASSES))


@pytest.fixture(scope="module")
def network():
    """A basic CNN whose batch normalisation is not the identity."""
    network = basic_cnn(0)
    random = np.random.default_rng(0)
    norm = network.get_layer("bn2")
    norm.set_weights([random.uniform(0.5, 2.0, array.shape) for array in norm.get_weights()])
    return network


@pytest.fixture(scope="module")
def grey():
    return np.random.default_rng(1).random((2, 224, 224, 1)).astype(np.float32)


@pytest.fixture
def store(tmp_path, monkeypatch):
    folder = tmp_path / "store"
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(folder))
    return folder


@pytest.fixture
def shipped(store, network):
    """A store with one trained model; returns its folder."""
    folder = store / "basic_cnn"
    folder.mkdir(parents=True)
    save_float16(network, folder / FILE)
    write_card(folder, weights=describe_weights(folder / FILE))
    return folder


def write_card(folder, **entries):
    card = {"training": {}, "scores": {}, "limits": [], "heat_scale": {}}
    card |= {"model": "basic_cnn", "classes": CLASSES, "weights": {}}
    (folder / "card.json").write_text(json.dumps(card | entries))


def test_float16_weights_load_plainly_and_say_the_same(network, grey, tmp_path):
    save_float16(network, tmp_path / FILE)
    loaded = basic_cnn(1)
    assert not np.allclose(loaded(grey)[0], network(grey)[0], rtol=0.1)
    loaded.load_weights(tmp_path / FILE)
    for stored, original in zip(loaded.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(stored, original.astype(np.float16).astype(np.float32))
    # float16 keeps 11 bits of each weight.
    for stored, original in zip(loaded(grey), network(grey), strict=True):
        scale = np.abs(original).max()
        np.testing.assert_allclose(stored / scale, original / scale, atol=2e-3)


def test_float16_weights_take_half_the_room_or_less(tmp_path):
    """A layer of a megabyte; the layout of the file itself costs some kilobytes a layer."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((500,)), keras.layers.Dense(500)])
    network.save_weights(tmp_path / "plain.weights.h5")
    save_float16(network, tmp_path / FILE)
    plain = (tmp_path / "plain.weights.h5").stat().st_size
    assert plain > 1_000_000
    assert 0.25 * plain < (tmp_path / FILE).stat().st_size <= 0.5 * plain
    assert sorted(file.name for file in tmp_path.iterdir()) == [FILE, "plain.weights.h5"]


def test_a_card_describes_its_weight_file(tmp_path):
    file = tmp_path / FILE
    file.write_bytes(b"abc")
    # sha256("abc") is the first example of FIPS 180-2.
    assert describe_weights(file) == {
        "file": FILE,
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "bytes": 3,
    }


def test_weights_beyond_float16_are_kept_as_they_are(tmp_path):
    network = basic_cnn(0)
    network.get_layer("bn2").moving_variance.assign(np.linspace(1.0, 70000.0, 96))
    save_float16(network, tmp_path / FILE)
    loaded = basic_cnn(1)
    loaded.load_weights(tmp_path / FILE)
    for one in ("moving_variance", "gamma"):
        stored, original = (getattr(n.get_layer("bn2"), one).numpy() for n in (loaded, network))
        np.testing.assert_array_equal(stored, original)


def test_a_weight_that_is_no_number_is_refused_and_the_old_file_kept(tmp_path):
    network = basic_cnn(0)
    network.get_layer(HEAD).bias.assign([0.0, np.inf])
    (tmp_path / FILE).write_bytes(b"the old weights")
    with pytest.raises(WeightsError, match="is not finite"):
        save_float16(network, tmp_path / FILE)
    assert [file.name for file in tmp_path.iterdir()] == [FILE]
    assert (tmp_path / FILE).read_bytes() == b"the old weights"


def test_load_model_gives_what_was_stored(shipped, network, grey):
    model = load_model("basic_cnn")
    assert model.classes == tuple(CLASSES)
    assert model.card["weights"]["sha256"] == sha256(shipped / FILE)
    expected = np.asarray(network(grey)[0])
    np.testing.assert_allclose(model.forward(grey)[0], expected, atol=2e-3 * np.abs(expected).max())


def test_no_keras_network_is_built_before_one_is_asked_for(shipped, network, grey, monkeypatch):
    built = []
    monkeypatch.setattr(
        classifier, "build_network", lambda *a, **k: built.append(1) or build_network(*a, **k)
    )
    model = load_model("basic_cnn")
    logits, features = model.forward(grey)
    assert not built
    with computing_in("mixed_bfloat16"):
        # Asked for inside of what TensorFlow traces, as a conversion does.
        traced = tf.function(lambda grey: model.network(grey, training=False)[0])(grey)
        assert model.network is model.network
    np.testing.assert_allclose(traced, logits, rtol=1e-5)
    assert built == [1] and model.network.compute_dtype == "float32"
    for found, expected in zip((logits, features), model.network(grey), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    for found, expected in zip(
        model.head, model.network.get_layer(HEAD).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    # A network that has no graph yet is built at once, and is the same.
    monkeypatch.setattr(classifier, "graph_file", lambda spec: shipped / "none")
    np.testing.assert_allclose(load_model("basic_cnn").forward(grey)[0], logits, rtol=1e-5)
    assert built == [1, 1]


def test_a_network_sees_films_at_the_size_it_was_trained_on(shipped, network):
    write_card(shipped, **json.loads((shipped / "card.json").read_text()) | {"input_size": 96})
    model = load_model("basic_cnn")
    grey = np.random.default_rng(1).random((1, 96, 96, 1)).astype(np.float32)
    with pytest.raises(Exception, match="224|shape"):
        network(grey, training=False)
    small = build_network(get_spec("basic_cnn"), len(CLASSES), size=96)
    small.load_weights(shipped / FILE)
    expected = small(grey, training=False)[0]
    np.testing.assert_allclose(model.forward(grey)[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("entries", "warned"),
    [
        ({"view": "lungs", "lungs_sha256": "0" * 64}, True),
        ({"view": "lungs", "lungs_sha256": sha256(SHIPPED / "lungs" / "lungs.weights.h5")}, False),
        ({"view": "film", "lungs_sha256": "0" * 64}, False),
        ({"view": "lungs"}, False),
    ],
)
def test_another_lung_segmenter_is_warned_of(shipped, film, entries, warned):
    write_card(shipped, **json.loads((shipped / "card.json").read_text()) | entries)
    warnings = load_model("basic_cnn").predict(film).warnings
    assert (OTHER_LUNGS.format(title="Basic CNN") in warnings) is warned


def test_changed_weights_are_refused(shipped):
    with (shipped / FILE).open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    with pytest.raises(WeightsError, match=rf"{FILE}: expected sha256 .*Received: "):
        verified_weights(shipped, read_card("basic_cnn"))
    with pytest.raises(WeightsError, match="expected sha256"):
        load_model("basic_cnn")


def test_missing_weights_are_refused(shipped):
    (shipped / FILE).unlink()
    with pytest.raises(WeightsError, match=f"{FILE}: expected the weights of basic_cnn"):
        load_model("basic_cnn")


@pytest.mark.filterwarnings("ignore:Skipping nested container:UserWarning")
def test_weights_of_another_network_are_refused(shipped):
    """Their checksum is right, so the network itself must refuse them; Keras warns first."""
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    other.save_weights(shipped / FILE)
    write_card(shipped, weights={"file": FILE, "sha256": sha256(shipped / FILE)})
    with pytest.raises(WeightsError, match="expected weights of basic_cnn"):
        load_model("basic_cnn")


def test_missing_card_names_the_trained_models(shipped):
    with pytest.raises(WeightsError, match="vgg16 has no trained weights: .*models: basic_cnn"):
        read_card("vgg16")


def test_a_card_that_changed_is_read_again(shipped):
    before = read_card("basic_cnn")
    before["limits"] = ["written over by a caller"]
    assert read_card("basic_cnn")["limits"] == []
    write_card(shipped, **json.loads((shipped / "card.json").read_text()) | {"limits": ["none"]})
    assert read_card("basic_cnn")["limits"] == ["none"]


def test_several_models_share_the_lungs_and_what_they_see(shipped, network, film, monkeypatch):
    asked, seen = [], []
    monkeypatch.setattr(
        classifier, "segment_lungs", lambda films: asked.append(len(films)) or segment_lungs(films)
    )
    models = [load_model("basic_cnn"), load_model("basic_cnn")]
    for model, (prediction,) in zip(models, predict_each(models, [film]), strict=True):
        seen.append(prediction.grey)
        np.testing.assert_array_equal(prediction.logits, model.predict(film).logits)
    assert asked == [1]
    assert seen[0] is seen[1]


def test_damaged_and_incomplete_cards_are_refused(shipped):
    write_card(shipped)
    card = json.loads((shipped / "card.json").read_text())
    del card["limits"], card["scores"]
    (shipped / "card.json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match="expected the entries .*scores, limits"):
        read_card("basic_cnn")
    (shipped / "card.json").write_text("{")
    with pytest.raises(WeightsError, match="expected JSON"):
        read_card("basic_cnn")


def test_unknown_model_is_refused(store):
    with pytest.raises(ValueError, match="Received: 'alexnet'"):
        read_card("alexnet")


def test_shipped_models_come_in_the_registrys_order(store):
    assert list_trained() == []
    # The lung segmenter lies beside the classifiers and is none.
    for name in ("xception", "vgg16", "unknown", "lungs", "resnet50"):
        (store / name).mkdir(parents=True)
    for name in ("xception", "vgg16", "unknown", "lungs"):
        (store / name / "card.json").write_text("{}")
    assert list_trained() == ["vgg16", "xception"]


def test_the_store_lies_beside_the_package_unless_told(store, monkeypatch):
    assert weights_folder() == store
    monkeypatch.delenv("XRAYCORE_WEIGHTS")
    assert weights_folder() == SHIPPED
    assert weights_folder() == Path(xraycore.__file__).parents[1] / "weights"


def test_install_replaces_the_whole_folder(store, tmp_path):
    for version in ("first", "second"):
        (tmp_path / version).mkdir()
        (tmp_path / version / f"{version}.txt").write_text(version)
        weights = {"file": FILE, "sha256": 64 * "0", "bytes": 1}
        write_card(tmp_path / version, model="vgg16", weights=weights)
        assert install(tmp_path / version, "vgg16") == store / "vgg16"
        assert not (tmp_path / version).exists()
        found = sorted(file.name for file in (store / "vgg16").iterdir())
        assert found == ["card.json", f"{version}.txt"]


@pytest.mark.slow
def test_a_card_tells_where_its_network_ends(store):
    spec = get_spec("resnet50", "stage4")
    keras.utils.set_random_seed(0)
    network = build_network(spec, len(CLASSES), size=64)
    folder = store / "resnet50"
    folder.mkdir(parents=True)
    save_float16(network, folder / "resnet50.weights.h5")
    card = {
        **{"heat_scale": {}, "training": {}, "scores": {}, "limits": []},
        "model": "resnet50",
        "end": "stage4",
        "classes": CLASSES,
        "input_size": 64,
        "weights": describe_weights(folder / "resnet50.weights.h5"),
    }
    (folder / "card.json").write_text(json.dumps(card))
    model = load_model("resnet50")
    assert model.spec == spec
    assert model.network.count_params() == network.count_params()
    np.testing.assert_allclose(model.head[0], network.get_layer(HEAD).get_weights()[0], atol=1e-4)
    # A card that says nothing of it is of a whole network, which these weights are not.
    del card["end"]
    (folder / "card.json").write_text(json.dumps(card))
    with warnings.catch_warnings(), pytest.raises(WeightsError, match="weights of resnet50"):
        warnings.simplefilter("ignore")  # Keras names what is missing before it refuses.
        load_model("resnet50")


def test_a_loaded_network_computes_in_float32_whatever_is_trained_meanwhile():
    with computing_in("mixed_bfloat16"):
        network = load_model("basic_cnn").network
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}


def test_a_title_says_where_the_stored_weights_end(store):
    # Nothing stored, then an ended network, then a whole one, then a card of nobody's.
    assert stored_title("resnet50") == "ResNet50"
    folder = store / "resnet50"
    folder.mkdir(parents=True)
    entries = {"model": "resnet50", "weights": {"file": FILE, "sha256": 64 * "0", "bytes": 1}}
    write_card(folder, **entries, end="stage4")
    assert stored_title("resnet50") == "ResNet50, four stages"
    write_card(folder, **entries)
    assert stored_title("resnet50") == "ResNet50"
    (folder / "card.json").write_text("{}")
    assert stored_title("resnet50") == "ResNet50"
