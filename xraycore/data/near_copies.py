"""Films that are one exposure twice: encoded anew, resized, brightened, cropped or turned a little.

Chest films look alike. Of 17 million pairs of different films in Kermany's set, 407 have equal
64-bit difference hashes. Two 256-bit hashes that must both agree leave some 570 pairs of its 5,824
films, and aligning the two films before correlating what is left tells those apart.

Measured on Kermany's set (children) and the COVID-19 Radiography Database (adults, 4,281 films),
the limits below report no pair of the first, whose most alike pair reaches 0.85, and 12 of the
second. By eye, 11 of these are one film cropped in two ways and one is two films of one patient.
Of planted copies they find all that were encoded at JPEG quality 30, resized or brightened by a
tenth, and 81 to 97 % of those that lost 2 % at every edge. A copy that lost 4 %, got a marker or
a local contrast stretch mostly escapes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import imagehash
import numpy as np
from PIL import Image

HASH_SIDE = 16
THUMBNAIL_SIDE = 64
MAX_PHASH_DISTANCE = 60  # of 256; the median pair of films has 118
MAX_DHASH_DISTANCE = 40  # of 256; the median pair of films has 75
MIN_LIKENESS = 0.9
# Aligning a pair takes some 4 ms. 5,824 films have 570 candidates; ten thousand and more come from
# thousands of almost equal images, of which the nearest ones say enough.
MAX_ALIGNED = 5_000

_BLOCK = 512
# Only detail finer than this many thumbnail pixels is compared: the broad shades of any two chests
# correlate by 0.7.
_DETAIL = 3
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What is kept of a film: bool (256,) `phash` and `dhash`, uint8 (64, 64) `thumbnail`."""

    phash: np.ndarray
    dhash: np.ndarray
    thumbnail: np.ndarray


@dataclass(frozen=True)
class NearCopy:
    """A pair of films by index, `likeness` in [0.9, 1]: 1 where all detail correlates."""

    first: int
    second: int
    likeness: float


def fingerprint(pixels: np.ndarray) -> Fingerprint:
    """The fingerprint of float (H, W) pixels in [0, 1]; any shape, squashed to a square."""
    image = Image.fromarray(np.round(pixels * 255).astype(np.uint8))
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    return Fingerprint(
        imagehash.phash(image, HASH_SIDE).hash.ravel(),
        imagehash.dhash(image, HASH_SIDE).hash.ravel(),
        np.asarray(image.resize(side, Image.Resampling.BOX)),
    )


def near_copies(films: Sequence[Fingerprint]) -> list[NearCopy]:
    """Pairs of films that show one exposure, the most alike first."""
    pairs = [
        NearCopy(first, second, likeness)
        for first, second in _candidates(films)[:MAX_ALIGNED]
        if (likeness := _likeness(films[first].thumbnail, films[second].thumbnail)) >= MIN_LIKENESS
    ]
    return sorted(pairs, key=lambda pair: -pair.likeness)


def _candidates(films: Sequence[Fingerprint]) -> list[tuple[int, int]]:
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
    everywhere = np.ones(first.shape, bool)
    plain = _correlation(_detail(first), _detail(second), everywhere)
    if plain >= MIN_LIKENESS:
        return plain
    try:
        _, affine = cv2.findTransformECC(
            first, second, np.eye(2, 3, dtype=np.float32), cv2.MOTION_AFFINE, _STOP, None, 5
        )
    except cv2.error:  # it did not converge: nothing to align
        return plain
    shape, onto = first.shape[::-1], cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(second, affine, shape, flags=cv2.INTER_LINEAR | onto)
    inside = cv2.warpAffine(
        np.ones_like(second), affine, shape, flags=cv2.INTER_NEAREST | onto
    ).astype(bool)
    inside[:_DETAIL] = inside[-_DETAIL:] = False
    inside[:, :_DETAIL] = inside[:, -_DETAIL:] = False
    if inside.mean() < 0.5:
        return plain
    return max(plain, _correlation(_detail(first), _detail(moved), inside))


def _detail(thumbnail: np.ndarray) -> np.ndarray:
    return thumbnail - cv2.GaussianBlur(thumbnail, (0, 0), _DETAIL)


def _correlation(first: np.ndarray, second: np.ndarray, where: np.ndarray) -> float:
    first, second = first[where] - first[where].mean(), second[where] - second[where].mean()
    norm = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / norm if norm > 0 else 0.0
