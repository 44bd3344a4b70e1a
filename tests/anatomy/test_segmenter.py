"""The shipped lung segmenter: what it takes and gives, how well it does, and its weight file."""

import hashlib
import json
import shutil

import keras
import numpy as np
import pytest

from xraycore.anatomy.lung_field import lung_field
from xraycore.anatomy.segmenter import (
    BATCH,
    NAME,
    build_segmenter,
    load_segmenter,
)
from xraycore.config import SHIPPED
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.errors import WeightsError
from xraycore.training.segmenter import dice, dice_scores, held_back, read_masked
from xraycore.utils.precision import computing_in

FILE = SHIPPED / NAME / f"{NAME}.weights.h5"


@pytest.fixture(scope="module")
def network():
    """The shipped network itself."""
    network = build_segmenter()
    network.load_weights(FILE)
    return network


def test_films_of_any_size(film):
    films = [film.pixels, np.zeros((300, 200), np.float32), make_phantom(0, size=128).pixels]
    found = load_segmenter()(films)
    assert found.shape == (3, 128, 128)
    assert found.dtype == np.float32
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    # Alone a film is given the same as in company.
    for pixels, together in zip(films, found, strict=True):
        np.testing.assert_allclose(load_segmenter()([pixels])[0], together, atol=1e-5)


def test_the_lungs_of_phantoms_are_found():
    """Of chests that it never saw, at two sizes; the truth is how they were drawn."""
    for seed in range(4):
        phantom, larger = make_phantom(seed, size=128), make_phantom(seed, size=320)
        found, in_larger = load_segmenter()([phantom.pixels, larger.pixels]) > 0.5
        assert dice(phantom.lungs, found) >= 0.95
        assert dice(found, in_larger) >= 0.97


def test_a_film_without_lungs_has_none():
    rng = np.random.default_rng(0)
    empty = [np.zeros((64, 64)), np.ones((64, 64)), rng.random((128, 128))]
    found = load_segmenter()([pixels.astype(np.float32) for pixels in empty])
    assert [lung_field(probability).found for probability in found] == [False] * 3


def test_more_films_than_a_batch_keep_their_order():
    phantoms = [make_phantom(seed, size=128).pixels for seed in range(2)]
    films = [phantoms[0]] * BATCH + [phantoms[1]]
    found = load_segmenter()(films)
    first, second = load_segmenter()(phantoms)
    np.testing.assert_allclose(found[0], first, atol=1e-5)
    np.testing.assert_allclose(found[BATCH - 1], first, atol=1e-5)
    np.testing.assert_allclose(found[BATCH], second, atol=1e-5)
    assert np.abs(first - second).max() > 0.5


def test_the_network_is_small_and_gives_logits(network):
    assert network.input_shape == network.output_shape == (None, 128, 128, 1)
    assert network.count_params() == 489_121
    # The skips' convolutions see what was found at their own resolution beside what came up.
    assert network.get_layer("skip0").output.shape == (None, 128, 128, 16 + 32)
    assert network.get_layer("lung").activation is keras.activations.linear


@pytest.fixture
def own_store(tmp_path, monkeypatch):
    """A store of its own with a copy of the shipped segmenter; returns the segmenter's folder."""
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    shutil.copytree(SHIPPED / NAME, tmp_path / NAME)
    return tmp_path / NAME


def load_anew():
    """Loads past the cache, which other tests rely on."""
    return load_segmenter.__wrapped__()


def test_damaged_weights_are_refused(own_store):
    file = own_store / FILE.name
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(WeightsError, match=f"{FILE.name}: expected sha256 .*Received: "):
        load_anew()


def test_missing_weights_and_a_missing_card_are_refused(own_store):
    (own_store / FILE.name).unlink()
    with pytest.raises(WeightsError, match="expected the weights of lungs; there is no such file"):
        load_anew()
    (own_store / "card.json").unlink()
    with pytest.raises(WeightsError, match="lungs has no trained weights: expected .*card.json"):
        load_anew()


@pytest.mark.filterwarnings("ignore:Skipping nested container:UserWarning")
def test_weights_of_another_network_are_refused(own_store):
    """Their checksum is right, so the network itself must refuse them; Keras warns first."""
    file = own_store / FILE.name
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save_weights(file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    card = {"weights": {"file": file.name, "sha256": sha256}}
    (own_store / "card.json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match="expected weights of lungs"):
        load_anew()


def test_a_store_without_a_segmenter_uses_the_shipped_one(tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    phantom = make_phantom(0, size=128)
    np.testing.assert_array_equal(load_anew()([phantom.pixels]), load_segmenter()([phantom.pixels]))


def test_it_is_loaded_once():
    assert load_segmenter() is load_segmenter()


def test_the_shipped_file_is_small():
    assert FILE.stat().st_size <= 3_000_000


@pytest.mark.slow
@pytest.mark.realdata
def test_dice_of_the_shipped_segmenter_on_held_back_films(real_data, network, tmp_path):
    """Every fourth of the fifth that it was never trained on, by the seed on its card."""
    source = real_data / "covid_qu" / "lungs"
    seed = json.loads((SHIPPED / NAME / "card.json").read_text())["training"]["seed"]
    masks = {file.stem: file for file in (source / "lung_masks").iterdir()}
    images = sorted((source / "images").iterdir())
    held = held_back([file.stem for file in images], seed)
    assert held.sum() == 240
    for name in ("images", "lung_masks"):
        (tmp_path / name).mkdir()
    for number in np.flatnonzero(held)[::4]:
        image = images[number]
        (tmp_path / "images" / image.name).symlink_to(image)
        mask = masks[image.stem]
        (tmp_path / "lung_masks" / mask.name).symlink_to(mask)
    scores = dice_scores(network, read_masked(tmp_path))
    assert len(scores) == 60
    assert scores.mean() >= 0.95


def test_it_computes_in_float32_whatever_is_trained_meanwhile():
    films = [np.random.default_rng(0).random((96, 96), np.float32)]
    with computing_in("mixed_bfloat16"):
        segmenter = load_anew()
    with computing_in("float32"):
        np.testing.assert_array_equal(segmenter(films), load_anew()(films))
