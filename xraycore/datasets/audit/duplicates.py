"""Films that are one exposure twice: encoded anew, resized, brightened, cropped or turned a little.

Chest films look alike: of 17 million pairs of different films in Kermany's set, 407 have equal
64-bit difference hashes. Two 256-bit hashes that must both be near leave 569 pairs of its 5,824
distinct films (children) and 153 of the 4,281 of the COVID-19 Radiography Database (adults).
Aligning these and correlating fine detail tells copies from films of one patient:

- children: the most alike pair has 0.62, two films of one child; none is reported.
- adults: 11 pairs have 0.86 to 0.96, by eye each one film cropped in two ways; the next has 0.74.
- planted copies, found of 50 children's and 50 adults' films: all at JPEG quality 75, resized to
  160 pixels, brightened by a tenth, cropped by 2 % at every edge; at JPEG quality 30, 100 and
  98 %; at 128 pixels, 100 and 88 %; turned by 2 degrees, 96 and 76 %; cropped by 4 %, 20 and 8 %;
  with a marker burnt in, 42 and 18 %.

Drawn images that share a template, as phantoms do, reach 0.89 without being copies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from PIL import Image

HASH_SIDE = 16
THUMBNAIL_SIDE = 128
MAX_PHASH_DISTANCE = 60  # of 256; the median pair of films has 118
MAX_DHASH_DISTANCE = 40  # of 256; the median pair of films has 75
MIN_LIKENESS = 0.85
# Aligning a pair takes some 10 ms. More candidates than this come from hundreds of almost equal
# images, of which the nearest say enough.
MAX_ALIGNED = 5_000

_BLOCK = 512
# In thumbnail pixels. The broad shades of any two chests correlate by 0.7; what is finer than this
# (rib edges, vessels, text) does so in one film only.
_DETAIL = 1.5
_MARGIN = 6
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)


@dataclass(frozen=True, eq=False)
class PerceptualHash:
    """What is kept of a film: bool (256,) `phash` and `dhash`, uint8 (128, 128) `thumbnail`."""

    phash: np.ndarray
    dhash: np.ndarray
    thumbnail: np.ndarray


@dataclass(frozen=True)
class NearCopy:
    """A pair of films by index, `likeness` in [0.85, 1]: 1 where all detail correlates."""

    first: int
    second: int
    likeness: float


def perceptual_hash(pixels: np.ndarray) -> PerceptualHash:
    """The fingerprint of float (H, W) pixels in [0, 1]; any shape, squashed to a square."""
    import imagehash

    image = Image.fromarray(np.round(pixels * 255).astype(np.uint8))
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    return PerceptualHash(
        imagehash.phash(image, HASH_SIDE).hash.ravel(),
        imagehash.dhash(image, HASH_SIDE).hash.ravel(),
        np.asarray(image.resize(side, Image.Resampling.BOX)),
    )


def near_copies(films: Sequence[PerceptualHash]) -> list[NearCopy]:
    """Pairs of films that show one exposure, the most alike first."""
    pairs = [
        NearCopy(first, second, likeness)
        for first, second in _candidates(films)[:MAX_ALIGNED]
        if (likeness := _likeness(films[first].thumbnail, films[second].thumbnail)) >= MIN_LIKENESS
    ]
    return sorted(pairs, key=lambda pair: -pair.likeness)


def _candidates(films: Sequence[PerceptualHash]) -> list[tuple[int, int]]:
    """Pairs whose hashes are both near, the nearest first."""
    if len(films) < 2:
        return []
    # The inner product of two vectors of +1 and -1 is their length less twice what differs.
    phash, dhash = (
        np.where(np.stack([getattr(film, name) for film in films]), 1, -1).astype(np.float32)
        for name in ("phash", "dhash")
    )
    found = []
    for start in range(0, len(films), _BLOCK):
        rows = slice(start, start + _BLOCK)
        by_phash, by_dhash = (
            (bits.shape[1] - bits[rows] @ bits[start:].T) / 2 for bits in (phash, dhash)
        )
        near = (by_phash <= MAX_PHASH_DISTANCE) & (by_dhash <= MAX_DHASH_DISTANCE)
        first, second = np.nonzero(np.triu(near, 1))
        distance = (by_phash + by_dhash)[first, second]
        found.append(np.stack([distance, first + start, second + start], axis=1))
    every = np.concatenate(found)
    return [
        (int(first), int(second))
        for _, first, second in every[np.argsort(every[:, 0], kind="stable")]
    ]


def _likeness(first: np.ndarray, second: np.ndarray) -> float:
    """The correlation of two thumbnails' detail, as they are or aligned, whichever is higher."""
    first, second = first.astype(np.float32), second.astype(np.float32)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    plain = _correlation(_detail(first), _detail(second), np.ones(first.shape, bool))
    if plain >= MIN_LIKENESS:
        return plain
    try:
        affine = _alignment(first, second)
    except cv2.error:  # it did not converge: nothing to align
        return plain
    shape, onto = first.shape[::-1], cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(second, affine, shape, flags=cv2.INTER_LINEAR | onto)
    inside = cv2.warpAffine(
        np.ones_like(second), affine, shape, flags=cv2.INTER_NEAREST | onto
    ).astype(bool)
    inside[:_MARGIN] = inside[-_MARGIN:] = False
    inside[:, :_MARGIN] = inside[:, -_MARGIN:] = False
    if inside.mean() < 0.5:
        return plain
    return max(plain, _correlation(_detail(first), _detail(moved), inside))


def _alignment(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The affine map from the first thumbnail to the second: Evangelidis and Psarakis 2008.

    Found at half the size, then refined (doi:10.1109/TPAMI.2008.113).
    """
    half = (first.shape[1] // 2, first.shape[0] // 2)
    a, b = (cv2.resize(thumb, half, interpolation=cv2.INTER_AREA) for thumb in (first, second))
    affine: Any = np.eye(2, 3, dtype=np.float32)
    unmasked: Any = None  # The stubs know no call that blurs all of the film.
    _, affine = cv2.findTransformECC(a, b, affine, cv2.MOTION_AFFINE, _STOP, unmasked, 5)
    affine = affine * np.array([1, 1, 2], np.float32)
    _, affine = cv2.findTransformECC(first, second, affine, cv2.MOTION_AFFINE, _STOP, unmasked, 5)
    return affine


def _detail(thumbnail: np.ndarray) -> np.ndarray:
    return thumbnail - cv2.GaussianBlur(thumbnail, (0, 0), _DETAIL)


def _correlation(first: np.ndarray, second: np.ndarray, where: np.ndarray) -> float:
    first, second = first[where] - first[where].mean(), second[where] - second[where].mean()
    norm = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / norm if norm > 0 else 0.0
