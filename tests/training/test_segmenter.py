"""Training the lung segmenter: what is read, held back, learnt and told."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from xraycore.anatomy import segmenter
from xraycore.anatomy.segmenter import load_segmenter
from xraycore.cli.main import main
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.errors import DatasetError
from xraycore.training.segmenter import (
    MaskBatches,
    Masked,
    dice,
    held_back,
    read_masked,
    soft_dice_and_cross_entropy,
)

SIDE = 128


def write(file, picture):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(cv2.imencode(file.suffix, picture)[1].tobytes())


def test_dice_by_hand():
    mask, found = np.zeros((2, 4), bool), np.zeros((2, 4), bool)
    assert dice(mask, found) == 1.0
    mask[0, :3] = True
    assert dice(mask, found) == 0.0
    # Three and five pixels, two of them the same.
    found[0, 1:] = found[1, :2] = True
    assert dice(mask, found) == 2 * 2 / (3 + 5)
    assert dice(mask, mask) == 1.0


def test_the_loss_by_hand():
    masks = np.array([[[[1.0], [0.0]]], [[[1.0], [0.0]]], [[[0.0], [0.0]]]], np.float32)
    logits = np.array([[[[0.0], [0.0]]], [[[30.0], [-30.0]]], [[[-30.0], [-30.0]]]], np.float32)
    found = np.asarray(soft_dice_and_cross_entropy(masks, logits))
    # Halves against (1, 0): Dice (2 x 0.5 + 1) / (1 + 1 + 1), entropy log 2. Then no mistakes.
    np.testing.assert_allclose(found, [(1 / 3 + np.log(2)) / 2, 0.0, 0.0], atol=1e-6)


def test_a_fifth_is_held_back_by_name():
    names = list("abcdefghij")
    # sha256sum gives "0|i" 1b836…, "0|g" 1ba45…, then "0|c" 1d06c….
    assert np.array(names)[held_back(names, 0)].tolist() == ["g", "i"]
    assert np.array(names[::-1])[held_back(names[::-1], 0)].tolist() == ["i", "g"]
    assert held_back([str(number) for number in range(1200)], 3).sum() == 240
    assert (held_back(names, 0) != held_back(names, 1)).any()


def test_only_keeps_films_with_their_masks_and_names():
    pixels, masks = (np.arange(start, start + 3, dtype=np.uint8)[:, None, None] for start in (0, 9))
    kept = Masked(("a", "b", "c"), pixels, masks).only([True, False, True])
    assert kept.names == ("a", "c")
    assert kept.pixels.ravel().tolist() == [0, 2]
    assert kept.masks.ravel().tolist() == [9, 11]


def test_films_are_read_with_their_masks(tmp_path):
    film = np.tile(np.arange(0, 256, 2, dtype=np.uint8), (SIDE, 1))
    mask = np.zeros((SIDE, SIDE), np.uint8)
    # Masks were stored with losses: what is brighter than half is lung.
    mask[:40], mask[40:] = 128, 127
    write(tmp_path / "images" / "b.png", film)
    write(tmp_path / "lung_masks" / "b.png", mask)
    # Another format, another size: a quarter of the height is lung.
    write(tmp_path / "images" / "a.jpg", np.full((64, 32), 90, np.uint8))
    large = np.zeros((256, 256), np.uint8)
    large[:64] = 255
    write(tmp_path / "lung_masks" / "a.png", large)
    (tmp_path / "images" / "notes.txt").touch()
    found = read_masked(tmp_path)
    assert found.names == ("a", "b")
    np.testing.assert_array_equal(found.pixels[1], film)
    np.testing.assert_array_equal(found.masks[1, :40], 255)
    np.testing.assert_array_equal(found.masks[1, 40:], 0)
    assert found.pixels.shape == found.masks.shape == (2, SIDE, SIDE)
    assert found.masks[0].mean() / 255 == pytest.approx(0.25, abs=0.002)
    assert found.pixels[0].mean() == pytest.approx(90, abs=1)


def test_a_film_without_a_mask_is_refused(tmp_path):
    for name in ("images/a.png", "images/b.png", "lung_masks/a.png"):
        write(tmp_path / name, np.zeros((8, 8), np.uint8))
    with pytest.raises(DatasetError, match="Found 2 films and 1 masks"):
        read_masked(tmp_path)
    with pytest.raises(DatasetError, match="Found 0 films and 0 masks"):
        read_masked(tmp_path / "nowhere")


@pytest.fixture
def flat():
    """Ten films; the odd ones are bright and all lung, the even ones dark and none."""
    grey = np.array([0, 200] * 5, np.uint8)[:, None, None] * np.ones((1, SIDE, SIDE), np.uint8)
    names = tuple(str(number) for number in range(10))
    return Masked(names, grey, np.where(grey > 0, 255, 0).astype(np.uint8))


def test_batches_pair_films_and_masks(flat):
    batches = MaskBatches(flat, batch_size=4, seed=1)
    # The last two are left to the next epoch's order.
    assert len(batches) == 2
    films, masks = (np.concatenate(parts) for parts in zip(batches[0], batches[1], strict=True))
    assert films.shape == masks.shape == (8, SIDE, SIDE, 1)
    np.testing.assert_array_equal(films.mean(axis=(1, 2, 3)) > 0.4, masks.mean(axis=(1, 2, 3)) > 0)
    assert set(np.unique(masks)) == {0.0, 1.0}


def test_an_epoch_follows_from_seed_and_number(flat):
    def films(seed, epoch):
        batches = MaskBatches(flat, batch_size=10, seed=seed)
        for _ in range(epoch):
            batches.on_epoch_end()
            batches.on_epoch_begin()
        assert sorted(batches.order) == list(range(10))
        return batches.order.tolist(), batches[0][0]

    order, first = films(seed=2, epoch=1)
    again, same = films(seed=2, epoch=1)
    assert order == again
    np.testing.assert_array_equal(first, same)
    for other in (films(seed=2, epoch=2), films(seed=3, epoch=1)):
        assert other[0] != order
        assert np.abs(other[1] - first).max() > 0.01


@pytest.fixture(scope="module")
def phantom_folder(tmp_path_factory):
    """Twenty phantoms and where their lungs were drawn."""
    folder = tmp_path_factory.mktemp("phantoms") / "masked"
    for seed in range(20):
        phantom = make_phantom(seed, size=64)
        write(folder / "images" / f"{seed}.png", np.rint(phantom.pixels * 255).astype(np.uint8))
        write(folder / "lung_masks" / f"{seed}.png", phantom.lungs.astype(np.uint8) * 255)
    return folder


def _built(_graph, weights, *_):
    """What `load_graph` gives, by Keras."""
    network = segmenter.build_segmenter()
    network.load_weights(weights)
    both = segmenter.with_features(network)
    return SimpleNamespace(run=lambda grey: both(grey, training=False))


def test_train_lungs_installs_a_segmenter_with_its_card(
    phantom_folder, tmp_path, monkeypatch, capfd
):
    film = make_phantom(0, size=64).pixels
    shipped = load_segmenter()([film])
    # Two levels of the U-Net, which are built and trained within seconds.
    monkeypatch.setattr(segmenter, "_FILTERS", (4, 8))
    # The graph that lies with the code is of four.
    monkeypatch.setattr(segmenter, "load_graph", _built)
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path / "store"))
    worst = tmp_path / "pictures" / "worst.png"
    with pytest.raises(SystemExit) as ended:
        main(
            ["train-lungs", str(phantom_folder), "--epochs", "1", "--json", "--seed", "4"]
            + ["--worst", str(worst)]
        )
    assert ended.value.code == 0
    document = json.loads(capfd.readouterr().out)
    folder = tmp_path / "store" / "lungs"
    assert document["folder"] == str(folder)
    card = json.loads((folder / "card.json").read_text())
    assert {key: card[key] for key in document["card"]} == document["card"]
    # A fifth of twenty.
    assert card["training"]["films"] == {"train": 16, "test": 4}
    assert (card["training"]["epochs"], card["training"]["seed"]) == (1, 4)
    # Without biases but the last: 36 + 144, 288 + 576 and 432 + 144 weights of convolutions 3 x 3
    # (the upper level sees 4 + 8 channels), four numbers a channel of normalisation, and 4 + 1.
    assert card["parameters"] == 180 + 864 + 576 + 4 * (8 + 16 + 8) + 5
    names = np.array(sorted(str(seed) for seed in range(20)))
    assert set(card["scores"]["worst"]) == set(names[held_back(names, 4)])
    dices = list(card["scores"]["worst"].values())
    assert dices == sorted(dices)
    assert card["scores"]["dice"]["value"] == pytest.approx(np.mean(dices), abs=1e-3)
    assert card["scores"]["dice_share_below_0.9"] == np.mean(np.array(dices) < 0.9)
    # Four films in a row, each at twice the segmenter's size.
    assert cv2.imread(str(worst)).shape == (256, 1024, 3)
    # Its weights are the ones on the card, and are loaded in place of those that were shipped.
    assert (folder / card["weights"]["file"]).stat().st_size == card["weights"]["bytes"]
    own = load_segmenter.__wrapped__()([film])
    assert np.abs(own - shipped).max() > 0.1


def test_train_lungs_says_what_is_missing(tmp_path, capfd):
    with pytest.raises(SystemExit) as ended:
        main(["train-lungs", str(tmp_path)])
    captured = capfd.readouterr()
    assert (ended.value.code, captured.out) == (2, "")
    assert "expected films in images/ and a mask" in captured.err
    assert captured.err.count("\n") == 1
