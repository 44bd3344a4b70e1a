"""When two films count as one exposure: each limit just below and just above."""

import cv2
import numpy as np
import pytest

from tests.datasets.film_files import draw
from xraycore.datasets.audit.duplicates import (
    PerceptualHash,
    _candidates,
    near_copies,
    perceptual_hash,
)


def hashed(thumbnail, phash=0, dhash=0):
    """A film of that thumbnail whose hashes differ from 0 in so many bits."""
    bits = np.arange(256)
    return PerceptualHash(bits < phash, bits < dhash, thumbnail)


@pytest.fixture(scope="module")
def thumbnail():
    return draw(1, (128, 128))


@pytest.mark.parametrize(
    ("phash", "dhash", "found"),
    [(60, 0, True), (61, 0, False), (0, 40, True), (0, 41, False), (60, 40, True), (61, 41, False)],
)
def test_how_many_bits_of_a_hash_may_differ(thumbnail, phash, dhash, found):
    pairs = near_copies([hashed(thumbnail), hashed(thumbnail, phash, dhash)])
    assert [(pair.first, pair.second, pair.likeness) for pair in pairs] == (
        [(0, 1, pytest.approx(1.0))] if found else []
    )


def mixed(thumbnail, share):
    """The thumbnail with so much detail of its own that the two correlate by about that share."""
    noise = np.random.default_rng(0).standard_normal(thumbnail.shape)
    own, other = (one - cv2.GaussianBlur(one, (0, 0), 1.5) for one in (thumbnail * 1.0, noise))
    # own + k other correlates with own as 1 / sqrt(1 + k^2), where they have nothing in common.
    strength = np.sqrt(1 / share**2 - 1) * own.std() / other.std()
    return np.round(np.clip(thumbnail + strength * other, 0, 255)).astype(np.uint8)


@pytest.mark.parametrize(("share", "found"), [(0.93, True), (0.70, False)])
def test_how_much_detail_must_be_alike(thumbnail, share, found):
    pairs = near_copies([hashed(thumbnail), hashed(mixed(thumbnail, share))])
    assert bool(pairs) == found
    if found:
        assert 0.85 <= pairs[0].likeness < 0.99


def test_the_most_alike_stand_first(thumbnail):
    others = [mixed(thumbnail, share) for share in (0.94, 0.99)]
    pairs = near_copies([hashed(thumbnail), *map(hashed, others)])
    assert (pairs[0].first, pairs[0].second) == (0, 2)
    assert pairs[0].likeness > pairs[1].likeness


def test_a_flat_thumbnail_is_like_none(thumbnail):
    flat = np.full((128, 128), 90, np.uint8)
    assert near_copies([hashed(flat), hashed(thumbnail)]) == []
    assert near_copies([hashed(thumbnail), hashed(flat)]) == []


@pytest.mark.parametrize("moved", [(3, 0), (0, 3), (2, 2)])
def test_a_shifted_film_is_aligned(moved):
    large = draw(2, (160, 160))
    down, right = moved
    first = large[10:138, 10:138]
    second = large[10 + down : 138 + down, 10 + right : 138 + right]
    (pair,) = near_copies([hashed(first), hashed(second)])
    assert pair.likeness > 0.95


def test_a_hash_by_hand():
    """Difference hash: brighter than the left neighbour; the thumbnail is a mean of boxes."""
    rising = np.tile(np.linspace(0, 1, 256), (256, 1))
    found = perceptual_hash(rising)
    assert found.dhash.shape == found.phash.shape == (256,)
    assert found.dhash.all()
    assert not perceptual_hash(rising[:, ::-1]).dhash.any()
    assert found.thumbnail.shape == (128, 128)
    assert found.thumbnail.dtype == np.uint8
    boxes = np.round(rising * 255).reshape(128, 2, 128, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(found.thumbnail, boxes, atol=0.51)


def test_refinement_begins_where_half_the_size_has_led(monkeypatch):
    """Twice as far: a refinement that begins elsewhere may end elsewhere."""
    large, starts, find = draw(2, (160, 160)), [], cv2.findTransformECC

    def spied(first, second, start, *others):
        starts.append(start.copy())
        return find(first, second, start, *others)

    monkeypatch.setattr(cv2, "findTransformECC", spied)
    near_copies([hashed(large[10:138, 10:138]), hashed(large[16:144, 14:142])])
    half, whole = starts
    np.testing.assert_array_equal(half, np.eye(2, 3))
    np.testing.assert_allclose(whole[:, 2], [-4, -6], atol=0.5)


def test_the_nearest_hashes_are_compared_first(thumbnail):
    films = [hashed(thumbnail, phash) for phash in (0, 30, 10, 32)]
    assert _candidates(films) == [(1, 3), (0, 2), (1, 2), (2, 3), (0, 1), (0, 3)]
