import cv2
import numpy as np
import pytest

from xraycore.datasets.labels import BACTERIAL, COVID, NORMAL, VIRAL
from xraycore.datasets.manifest import Record
from xraycore.training.augmentation import Augmentation, add_opacities
from xraycore.training.batches import MASK, BatchSequence, ImageArray

SIDE = 96
STILL = Augmentation.parse("none")


@pytest.fixture(scope="module")
def film():
    """A grey chest with two dark lungs, and the lungs' mask at the size that is kept of films."""
    lungs = np.zeros((SIDE, SIDE), np.uint8)
    for column in (28, 68):
        cv2.ellipse(lungs, (column, 48), (15, 34), 0, 0, 360, 255, cv2.FILLED)
    noise = np.random.default_rng(0).normal(0, 4, lungs.shape)
    pixels = np.clip(np.where(lungs > 0, 60, 170) + noise, 0, 255).astype(np.uint8)
    return pixels, cv2.resize(lungs, (MASK, MASK), interpolation=cv2.INTER_AREA)


def test_opacities_brighten_the_lungs_where_evidence_may_lie(film):
    pixels, lungs = film
    changed = 0
    for seed in range(12):
        found = add_opacities(pixels, lungs, np.random.default_rng(seed))
        if found is None:
            continue
        painted, where = found
        assert painted.dtype == where.dtype == np.uint8
        assert set(np.unique(where)) == {0, 255}
        more = painted.astype(int) - pixels
        # Never darker but for the rounding, and seen nowhere but where evidence may lie.
        assert more.min() >= -1
        allowed = cv2.resize(where, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST) > 0
        assert (more > 12)[~allowed].mean() < 0.002
        # Opacities with their margin are a part of the lungs, not all of them.
        assert 0.01 < (where > 0).mean() < 0.9 * (lungs > 127).mean() + 0.2
        changed += (more > 10).any()
    assert changed >= 10


def test_what_is_painted_follows_from_the_seed(film):
    one, again, other = (add_opacities(*film, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one[0], again[0])
    np.testing.assert_array_equal(one[1], again[1])
    assert (one[0] != other[0]).any()


def test_without_lungs_nothing_is_painted(film):
    pixels, lungs = film
    for none in (np.full_like(lungs, 255), np.zeros_like(lungs)):
        assert add_opacities(pixels, none, np.random.default_rng(0)) is None


def batches(film, classes, labels=(NORMAL, BACTERIAL, NORMAL, "Pneumonia"), **options):
    records = tuple(
        Record(f"{i}.png", label, "train", str(i), "s") for i, label in enumerate(labels)
    )
    films = ImageArray(*(np.stack([part] * len(labels)) for part in film), records)
    options = {
        "batch_size": len(labels),
        "augmentation": STILL,
        "synthetic_opacity_rate": 1.0,
    } | options
    sequence = BatchSequence(films, classes, (14, 14), **options)
    pixels, truth, _ = sequence[0]
    back = np.argsort(sequence.order)
    return pixels[back, ..., 0], {key: values[back] for key, values in truth.items()}


CLASSES = (NORMAL, BACTERIAL, VIRAL)


def test_a_painted_normal_film_allows_every_class_but_normal(film):
    taught = np.tile(np.float32([0.8, 0.1, 0.1]), (4, 1))
    pixels, truth = batches(film, CLASSES, teacher=taught)
    same = np.isclose(pixels, film[0] / 255.0, atol=1e-6).all(axis=(1, 2))
    assert same.tolist() == [False, True, False, True]
    np.testing.assert_array_equal(truth["classes"], [[0, 1, 1], [0, 1, 0], [0, 1, 1], [0, 1, 1]])
    np.testing.assert_allclose(
        truth["teacher"], [[0, 0.5, 0.5], [0.8, 0.1, 0.1], [0, 0.5, 0.5], [0.8, 0.1, 0.1]]
    )
    # A painted film has a lesion, in less than its lungs; these stay as they are.
    lesions = truth["lesions"].sum(axis=(1, 2))
    assert (lesions[[1, 3]] == 0).all()
    assert (lesions[[0, 2]] > 0).all()
    assert (lesions[[0, 2]] < truth["lungs"].sum(axis=(1, 2))[[0, 2]]).all()
    np.testing.assert_array_equal(truth["lungs"], truth["lungs"][:1].repeat(4, axis=0))


def test_a_share_of_the_normal_films_is_painted(film):
    _, truth = batches(film, CLASSES, [NORMAL] * 60, synthetic_opacity_rate=0.4)
    painted = truth["classes"][:, 0] == 0
    # 24 of 60, within three standard deviations; some come out too faint.
    assert 10 <= painted.sum() <= 35


@pytest.mark.parametrize("options", [{"synthetic_opacity_rate": 0.0}, {"augmentation": None}])
def test_nothing_is_painted_unless_asked_for_nor_where_films_are_judged(film, options):
    pixels, truth = batches(film, CLASSES, **options)
    np.testing.assert_allclose(pixels, np.stack([film[0] / 255.0] * 4), atol=1e-6)
    np.testing.assert_array_equal(truth["classes"][:, 0], [1, 0, 1, 0])


def test_without_a_normal_class_nothing_is_painted(film):
    pixels, _ = batches(film, (BACTERIAL, COVID), (BACTERIAL, COVID))
    np.testing.assert_allclose(pixels, np.stack([film[0] / 255.0] * 2), atol=1e-6)


def test_a_film_of_no_class_is_no_normal_film(film):
    pixels, truth = batches(film, CLASSES, (COVID, COVID))
    np.testing.assert_allclose(pixels, np.stack([film[0] / 255.0] * 2), atol=1e-6)
    assert not truth["classes"].any()
