import logging
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from xraycore.anatomy.crop import ModelInput, crop_and_resize
from xraycore.anatomy.lung_field import LungField
from xraycore.datasets.labels import BACTERIAL, NORMAL, VIRAL
from xraycore.datasets.manifest import Record
from xraycore.datasets.masks import Lesion
from xraycore.errors import DatasetError
from xraycore.imaging.box import Box
from xraycore.training import batches as images
from xraycore.training.augmentation import Augmentation
from xraycore.training.batches import BatchSequence, ImageArray, balance_weights, load_images

CLASSES = ("A", "B")


def records(*kinds):
    """One record for each (label, source)."""
    return tuple(
        Record(f"{i}.png", *kind[:1], "train", str(i), kind[1]) for i, kind in enumerate(kinds)
    )


@pytest.fixture
def films():
    """Eleven films; film i is flat with the grey value 10 i, and of class B where i is odd.

    The lungs of film i cover 20 i of 255 of every cell.
    """
    pixels = np.stack([np.full((8, 8), 10 * i, np.uint8) for i in range(11)])
    lungs = np.stack([np.full((56, 56), 20 * i, np.uint8) for i in range(11)])
    return ImageArray(pixels, lungs, records(*(("AB"[i % 2], "one") for i in range(11))))


def batches(films, **options):
    options = {"batch_size": 4, "augmentation": Augmentation.parse("none"), **options}
    return BatchSequence(films, CLASSES, (2, 2), **options)


def joined(sequence):
    """Films, truth and weights of all batches together."""
    films, truth, weights = zip(*(sequence[i] for i in range(len(sequence))), strict=True)
    together = {key: np.concatenate([each[key] for each in truth]) for key in truth[0]}
    return np.concatenate(films), together, np.concatenate(weights)


def numbers(sequence):
    """Which film is at which place."""
    return np.rint(joined(sequence)[0][:, 0, 0, 0] * 25.5).astype(int).tolist()


def test_balance_by_hand():
    of_class = records(("A", "one"), ("A", "one"), ("A", "one"), ("B", "one"))
    np.testing.assert_allclose(balance_weights(of_class, 0.0), [1, 1, 1, 1])
    # 1/3, 1/3, 1/3, 1 divided by their mean of 1/2.
    np.testing.assert_allclose(balance_weights(of_class, 1.0), [2 / 3, 2 / 3, 2 / 3, 2], rtol=1e-6)
    # A class of two sources counts apart: n = 2, 2, 1, 1; 1/2, 1/2, 1, 1 divided by 3/4.
    of_source = records(("A", "one"), ("A", "one"), ("A", "two"), ("B", "one"))
    np.testing.assert_allclose(
        balance_weights(of_source, 1.0), [2 / 3, 2 / 3, 4 / 3, 4 / 3], rtol=1e-6
    )
    # n^-0.5 = 0.5 for n = 4.
    of_four = records(*[("A", "one")] * 4, ("B", "one"))
    np.testing.assert_allclose(balance_weights(of_four, 0.5), [5 / 6] * 4 + [10 / 6], rtol=1e-6)


def test_every_film_comes_once_an_epoch_in_an_order_of_seed_and_epoch(films):
    first = numbers(batches(films, seed=3, epoch=5))
    assert sorted(first) == list(range(11))
    assert numbers(batches(films, seed=3, epoch=5)) == first
    assert numbers(batches(films, seed=3, epoch=6)) != first
    assert numbers(batches(films, seed=4, epoch=5)) != first


def test_random_changes_follow_from_seed_and_epoch(films):
    rough = ImageArray(
        np.random.default_rng(0).integers(0, 256, (11, 8, 8), dtype=np.uint8),
        films.lungs,
        films.records,
    )
    options = {"augmentation": Augmentation(noise=0.1)}
    first, again, later = (
        joined(batches(rough, seed=1, epoch=epoch, **options))[0] for epoch in (2, 2, 3)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(np.sort(first, axis=0) - np.sort(later, axis=0)).max() > 0.01


def test_targets_and_weights_belong_to_their_film(films):
    sequence = batches(films, balance=1.0)
    _, truth, weights = joined(sequence)
    order = np.array(numbers(sequence))
    odd = order % 2
    assert set(truth) == {"classes", "lungs", "lesions"}
    assert not truth["lesions"].any()
    np.testing.assert_array_equal(truth["classes"], np.eye(2)[odd])
    np.testing.assert_allclose(truth["lungs"][:, 1, 0], order * 20 / 255, rtol=1e-6)
    # Six of A, five of B: (1/6, 1/5) over their mean of 2/11.
    np.testing.assert_allclose(weights, np.where(odd, 11 / 10, 11 / 12), rtol=1e-6)
    assert [len(sequence[i][0]) for i in range(len(sequence))] == [4, 4, 3]


def test_a_teachers_word_belongs_to_its_film(films):
    taught = np.stack([np.arange(11) / 10, 1 - np.arange(11) / 10], axis=1).astype(np.float32)
    sequence = batches(films, teacher=taught, seed=2)
    _, truth, _ = joined(sequence)
    np.testing.assert_array_equal(truth["teacher"], taught[numbers(sequence)])
    assert numbers(sequence) != list(range(11))


def test_a_label_that_is_a_set_allows_each_of_its_classes():
    labels = (NORMAL, BACTERIAL, "Pneumonia", VIRAL, "Fracture")
    films = ImageArray(
        np.zeros((5, 8, 8), np.uint8),
        np.zeros((5, 56, 56), np.uint8),
        records(*((label, "one") for label in labels)),
    )
    np.testing.assert_array_equal(
        films.targets((NORMAL, BACTERIAL, VIRAL)),
        [[1, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0]],
    )
    assert films.targets((NORMAL,)).dtype == np.float32
    # Where Pneumonia is a class of its own it is no set.
    np.testing.assert_array_equal(films.targets(("Pneumonia", NORMAL))[2], [1, 0])


def test_lungs_reach_the_grid_by_hand(films):
    left = np.zeros((1, 56, 56), np.uint8)
    left[:, :, :28] = 255
    half = ImageArray(films.pixels[:1], left, films.records[:1])
    # Cells of 28 columns under a triangle 56 wide, cut at the edge: 21 of 24.5 parts (test_view).
    _, truth, _ = joined(batches(half, augmentation=None))
    np.testing.assert_allclose(truth["lungs"], [[[6 / 7, 1 / 7]] * 2], atol=1e-6)
    # They are mirrored with the film.
    _, truth, _ = joined(batches(half, augmentation=Augmentation(0, 0, flip=1.0)))
    np.testing.assert_allclose(truth["lungs"], [[[1 / 7, 6 / 7]] * 2], atol=1e-6)


def test_a_lesion_moves_with_its_film():
    """A bright square and its mask end in the same place, whatever the augmentation draws."""
    pixels, lesions = np.zeros((1, 112, 112), np.uint8), np.zeros((1, 56, 56), np.uint8)
    pixels[:, 30:50, 64:96] = 255
    lesions[:, 15:25, 32:48] = 255
    film = ImageArray(pixels, np.full((1, 56, 56), 255, np.uint8), records(("B", "one")), lesions)
    changed = Augmentation(shear=0.2, zoom=0.2, flip=0.5, rotation=10, shift=0.06)
    places = set()
    for seed in range(8):
        sequence = BatchSequence(
            film, CLASSES, (56, 56), batch_size=1, augmentation=changed, seed=seed
        )
        seen, truth, _ = sequence[0]
        shown = seen[0, ..., 0].reshape(56, 2, 56, 2).mean(axis=(1, 3))
        np.testing.assert_allclose(truth["lesions"][0], shown, atol=0.6)
        assert np.abs(truth["lesions"][0] - shown).mean() < 0.01
        rows, columns = np.nonzero(truth["lesions"][0] > 0.5)
        places.add((round(rows.mean()), round(columns.mean())))
        assert truth["lungs"].min() == 1
    assert len(places) >= 6


def test_validation_keeps_the_order(films):
    assert numbers(batches(films, augmentation=None, epoch=2)) == list(range(11))


def test_at_averages_areas(films):
    pixels = np.array([[0, 100, 40, 40], [100, 200, 40, 40], [8, 8, 1, 3], [8, 8, 5, 7]], np.uint8)
    halved = ImageArray(pixels[None], films.lungs[3:4], films.records[:1]).at(2)
    np.testing.assert_array_equal(halved.pixels, [[[100, 40], [8, 4]]])
    np.testing.assert_array_equal(halved.lungs, films.lungs[3:4])
    assert halved.lesions is None
    drawn = ImageArray(pixels[None], films.lungs[3:4], films.records[:1], films.lungs[4:5]).at(2)
    np.testing.assert_array_equal(drawn.lesions, films.lungs[4:5])
    assert films.at(8) is films


def test_an_unreadable_film_is_left_out_and_logged(discs, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(images, "CHUNK", 2)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    good = discs.split("val")[:3]
    bad = Record(broken, "Normal", "val", "broken", "discs")
    reported = []
    with caplog.at_level(logging.WARNING):
        films = load_images(
            [good[0], bad, *good[1:]], 16, report=lambda now: reported.append(now.done)
        )
    assert films.records == good
    assert films.pixels.shape == (3, 16, 16)
    assert films.lungs.shape == (3, 56, 56)
    assert "broken.png" in caplog.text
    # In chunks of two.
    assert reported == [0.5, 1.0]
    with pytest.raises(DatasetError, match="none of 1"):
        load_images([bad], 16)


def test_films_are_squashed_and_rounded(discs):
    record = discs.records[0]
    films = load_images([record], 64, "film")
    np.testing.assert_array_equal(
        films.pixels[0], cv2.imread(str(record.path), cv2.IMREAD_UNCHANGED)
    )


@pytest.fixture
def film_file(tmp_path):
    """A film of 64 x 64 pixels that brightens from left to right: column j is 3 j."""
    film = np.tile((3 * np.arange(64)).astype(np.uint8), (64, 1))
    file = tmp_path / "film.png"
    file.write_bytes(cv2.imencode(".png", film)[1].tobytes())
    return Record(Path(file), NORMAL, "train", "film", "one")


def test_a_network_sees_its_view_and_the_lungs_on_it(film_file, monkeypatch):
    asked = []
    # With its rim of four pixels the lung is the third quarter of the film.
    mask = np.zeros((128, 128), bool)
    mask[:, 68:92] = True

    def half_seen(xrays, view, size):
        asked.append(view)
        box = Box(0.0, 0.5, 1.0, 1.0) if view == "lungs" else Box()
        grey = [crop_and_resize(xray, box, size) for xray in xrays]
        return [ModelInput(one, box, LungField(mask, box)) for one in grey]

    monkeypatch.setattr(images, "crop_inputs", half_seen)
    # The right half, 32 of 64 columns, stretched to twice its width.
    lungs_view = load_images([film_file], 64)
    assert lungs_view.pixels[0, 5, 0] == pytest.approx(3 * 32, abs=1)
    assert lungs_view.pixels[0, 5, 32] == pytest.approx(3 * 48, abs=2)
    assert lungs_view.pixels[0, 5, -1] == pytest.approx(3 * 63, abs=1)
    # The lung is its left half, up to the blur of the triangle at its edge.
    np.testing.assert_array_equal(lungs_view.lungs[0, :, :26], 255)
    np.testing.assert_array_equal(lungs_view.lungs[0, :, 30:], 0)
    whole = load_images([film_file], 64, "film")
    np.testing.assert_array_equal(whole.pixels[0, 5], 3 * np.arange(64))
    np.testing.assert_array_equal(whole.lungs[0, :, 30:40], 255)
    assert whole.lungs[0, :, :26].max() == whole.lungs[0, :, 44:].max() == 0
    assert asked == ["lungs", "film"]


def test_a_drawn_lesion_is_cropped_as_its_film_is(film_file, tmp_path, monkeypatch, caplog):
    box = Box(0.0, 0.5, 1.0, 1.0)
    lungs = LungField(np.ones((128, 128), bool), box)

    def right_half(xrays, view, size):
        return [ModelInput(crop_and_resize(xray, box, size), box, lungs) for xray in xrays]

    monkeypatch.setattr(images, "crop_inputs", right_half)
    # Of another size than the film: the third quarter of its columns, the lower half of its rows.
    mask = np.zeros((32, 32), np.uint8)
    mask[16:, 16:24] = 255
    (tmp_path / "mask.png").write_bytes(cv2.imencode(".png", mask)[1].tobytes())
    drawn, boxed = Lesion(tmp_path / "mask.png"), Lesion(boxes=((0.5, 0.5, 0.25, 0.5),))
    for lesion in (drawn, boxed):
        films = load_images([replace(film_file, lesion=lesion)], 64)
        assert films.lesions.shape == (1, 56, 56)
        assert films.lesions.dtype == np.uint8
        # On the right half of the film that is the left half.
        assert films.lesions[0, 31:, :25].min() == 255
        assert films.lesions[0, :25].max() == films.lesions[0, :, 31:].max() == 0
    plain = load_images([film_file], 64)
    assert plain.lesions is None
    # A mask that cannot be read leaves the film without one.
    lost = load_images([replace(film_file, lesion=Lesion(tmp_path / "lost.png"))], 64)
    assert lost.lesions is None
    assert "film.png: its lesion is left out: lost.png" in caplog.text


def test_an_unknown_view_is_refused(film_file):
    with pytest.raises(ValueError, match="view must be one of lungs, film. Received: 'heart'"):
        load_images([film_file], 16, "heart")
