import logging

import numpy as np
import pytest

from xraycore.data.manifest import DatasetError, Record
from xraycore.training.augmentation import Augmentation
from xraycore.training.images import Batches, Films, balance_weights, load_films

CLASSES = ("A", "B")


def records(*kinds):
    """One record for each (label, source)."""
    return tuple(
        Record(f"{i}.png", *kind[:1], "train", str(i), kind[1]) for i, kind in enumerate(kinds)
    )


@pytest.fixture
def films():
    """Eleven films; film i is flat with the grey value 10 i, and of class B where i is odd."""
    pixels = np.stack([np.full((8, 8), 10 * i, np.uint8) for i in range(11)])
    return Films(pixels, records(*(("AB"[i % 2], "one") for i in range(11))))


def batches(films, **options):
    options = {"batch_size": 4, "augmentation": Augmentation.parse("none"), **options}
    return Batches(films, CLASSES, **options)


def joined(sequence):
    return [
        np.concatenate(parts)
        for parts in zip(*(sequence[i] for i in range(len(sequence))), strict=True)
    ]


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
    rough = Films(
        np.random.default_rng(0).integers(0, 256, (11, 8, 8), dtype=np.uint8), films.records
    )
    options = {"augmentation": Augmentation(noise=0.1)}
    first, again, later = (
        joined(batches(rough, seed=1, epoch=epoch, **options))[0] for epoch in (2, 2, 3)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(np.sort(first, axis=0) - np.sort(later, axis=0)).max() > 0.01


def test_targets_and_weights_belong_to_their_film(films):
    sequence = batches(films, balance=1.0)
    _, targets, weights = joined(sequence)
    odd = np.array(numbers(sequence)) % 2
    np.testing.assert_array_equal(targets, np.eye(2)[odd])
    # Six of A, five of B: (1/6, 1/5) over their mean of 2/11.
    np.testing.assert_allclose(weights, np.where(odd, 11 / 10, 11 / 12), rtol=1e-6)
    assert [len(sequence[i][0]) for i in range(len(sequence))] == [4, 4, 3]


def test_validation_keeps_the_order(films):
    assert numbers(batches(films, augmentation=None, epoch=2)) == list(range(11))


def test_at_averages_areas(films):
    pixels = np.array([[0, 100, 40, 40], [100, 200, 40, 40], [8, 8, 1, 3], [8, 8, 5, 7]], np.uint8)
    halved = Films(pixels[None], films.records[:1]).at(2)
    np.testing.assert_array_equal(halved.pixels, [[[100, 40], [8, 4]]])
    assert films.at(8) is films


def test_an_unreadable_film_is_left_out_and_logged(discs, tmp_path, caplog):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    good = discs.split("val")[:3]
    bad = Record(broken, "Normal", "val", "broken", "discs")
    reported = []
    with caplog.at_level(logging.WARNING):
        films = load_films([good[0], bad, *good[1:]], 16, lambda n, of: reported.append((n, of)))
    assert films.records == good
    assert films.pixels.shape == (3, 16, 16)
    assert "broken.png" in caplog.text
    assert reported == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with pytest.raises(DatasetError, match="none of 1"):
        load_films([bad], 16)


def test_films_are_squashed_and_rounded(discs):
    record = discs.records[0]
    films = load_films([record], 64)
    import cv2

    np.testing.assert_array_equal(
        films.pixels[0], cv2.imread(str(record.path), cv2.IMREAD_UNCHANGED)
    )
