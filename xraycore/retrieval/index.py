"""The films that a network learnt from, as few numbers as will do, searched exactly."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from xraycore.config import VERSION as MADE_BY
from xraycore.errors import ArgumentError
from xraycore.retrieval.features import FilmFeatures
from xraycore.utils.stored import Count, Name, Sha256, Stored, Text, check_stored

SPLITS = ("train", "val")
# What all five indexes together may take is 5 MB: of one with more films vectors are shorter.
MOST_BYTES = 950_000
FEWEST_NUMBERS, MOST_NUMBERS = 16, 64
# A film is as far from all as from the nearest of them, on average.
NEAREST = 10
# Hardly any validation film lies farther.
FAR_PERCENTILE = 99
_CHUNK = 512


class UsualDistance(Stored):
    """Mean distance of validation films to the nearest training films."""

    films: Count
    median: Annotated[float, Field(ge=0, le=2)]
    limit: Annotated[float, Field(ge=0, le=2)]


class IndexNote(Stored):
    """What an index says of itself."""

    version: Literal[1]
    model: Name
    weights_sha256: Sha256
    lungs_sha256: Sha256
    labels: Annotated[list[Name], Field(min_length=1, max_length=500)]
    sources: Annotated[list[Name], Field(min_length=1, max_length=250)]
    complete: bool
    manifest_sha256: Sha256
    usual: UsualDistance | None
    command: Text | None = None
    made_by: Text = ""


@dataclass(frozen=True, eq=False)
class FeatureIndex:
    """Training and validation films as one network sees them; no picture, no name, no patient.

    Films are compared by the angle between their pooled features: these have length 1, and what
    is kept of them are their principal components (Pearson 1901, doi:10.1080/14786440109462720).

    Attributes:
        note: What it says of itself, see `IndexNote`.
        mean: Float32 (c,), of features of length 1.
        components: Float32 (d, c), rows of length 1.
        codes: Int8 (n, d): the films along the components, each component in steps of its own.
        steps: Float32 (d,), those steps.
        labels: Uint16 (n,), indices of `note["labels"]`.
        sources: Uint8 (n,), indices of `note["sources"]`.
        splits: Uint8 (n,), indices of `SPLITS`.
        hashes: Uint8 (n, 32), sha256 of each film's file.
        shipped: Whether it came with xraycore, with these weights.
    """

    note: Mapping[str, Any]
    mean: np.ndarray = field(repr=False)
    components: np.ndarray = field(repr=False)
    codes: np.ndarray = field(repr=False)
    steps: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    sources: np.ndarray = field(repr=False)
    splits: np.ndarray = field(repr=False)
    hashes: np.ndarray = field(repr=False)
    shipped: bool = False

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def vectors(self) -> np.ndarray:
        """The films as they are compared, float32 (n, d)."""
        return self.codes * self.steps

    @cached_property
    def _squares(self) -> np.ndarray:
        return np.einsum("nd,nd->n", self.vectors, self.vectors)

    def project(self, pooled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vectors (n, d) of pooled features (n, c), and the square (n,) of what they leave out.

        Raises:
            ArgumentError: If they have another number of channels.
        """
        if pooled.ndim != 2 or pooled.shape[1] != len(self.mean):
            raise ArgumentError(
                f"expected features of {len(self.mean)} channels. Received: {pooled.shape}"
            )
        centred = _unit(pooled) - self.mean
        vectors = centred @ self.components.T
        left = np.einsum("nc,nc->n", centred, centred) - np.einsum("nd,nd->n", vectors, vectors)
        return vectors.astype(np.float32), np.maximum(left, 0.0)

    def distances(self, pooled: np.ndarray) -> np.ndarray:
        """Distance (m, n) of films with pooled features (m, c) to every film, in [0, 2].

        As far as the components tell; what a film has beyond them makes it farther from all alike.
        """
        vectors, left = self.project(pooled)
        own = np.einsum("md,md->m", vectors, vectors) + left
        squared = own[:, None] + self._squares - 2 * (vectors @ self.vectors.T)
        return np.sqrt(np.maximum(squared, 0.0))

    def digest(self, place: int) -> str:
        """The sha256 of a film's file."""
        return self.hashes[place].tobytes().hex()

    def place(self, digest: str) -> int | None:
        """Where the film of that sha256 is; None where it is not among them."""
        wanted = np.frombuffer(bytes.fromhex(digest), np.uint8)
        found = np.flatnonzero((self.hashes == wanted).all(axis=1))
        return int(found[0]) if len(found) else None


def fit_index(features: FilmFeatures, note: Mapping[str, Any]) -> FeatureIndex:
    """The index of films of the training and validation splits.

    Args:
        features: What the network finds on them; films of other splits are left out.
        note: `model`, `weights_sha256`, `lungs_sha256`, `complete`, `manifest_sha256`, `command`.

    Raises:
        ArgumentError: If there are fewer than two training films, or too many labels or sources.
    """
    features = features.of_split(*SPLITS)
    records = features.records
    train = np.array([record.split == "train" for record in records], bool)
    if train.sum() < 2:
        raise ArgumentError(f"an index needs two training films. Received: {train.sum()}")
    labels = sorted({record.label for record in records})
    sources = sorted({record.source for record in records})
    if len(labels) > 500 or len(sources) > 250:
        raise ArgumentError(
            "an index takes at most 500 labels and 250 sources. "
            f"Received: {len(labels)} and {len(sources)}"
        )
    unit = _unit(features.pooled)
    mean = unit.mean(axis=0)
    components = _principal(unit - mean)
    vectors = (unit - mean) @ components.T
    # A step of 0 would be one by which nothing is divided.
    steps = np.maximum(np.abs(vectors).max(axis=0) / 127, np.finfo(np.float32).tiny)
    index = FeatureIndex(
        {},
        mean.astype(np.float32),
        components.astype(np.float32),
        np.rint(vectors / steps).astype(np.int8),
        steps.astype(np.float32),
        np.array([labels.index(record.label) for record in records], np.uint16),
        np.array([sources.index(record.source) for record in records], np.uint8),
        np.array([SPLITS.index(record.split) for record in records], np.uint8),
        np.frombuffer(bytes.fromhex("".join(features.hashes)), np.uint8).reshape(-1, 32),
    )
    told = {
        "version": 1,
        **note,
        "labels": labels,
        "sources": sources,
        "usual": _usual(index, features.pooled),
        "made_by": f"xraycore {MADE_BY}",
    }
    check_stored(told, IndexNote, ArgumentError, "the index")
    return replace(index, note=told)


def count_numbers(films: int, channels: int) -> int:
    """How many numbers of each film are kept, so that an index takes `MOST_BYTES` where it can."""
    # Beside a number of a byte a film there are its hash and label, and components of two bytes.
    room = (MOST_BYTES - 33 * films) // (films + 2 * channels)
    return min(max(FEWEST_NUMBERS, min(MOST_NUMBERS, room)), films - 1, channels)


def _principal(centred: np.ndarray) -> np.ndarray:
    """As many leading components (d, c) as there is room for, largest first, sign fixed."""
    count = count_numbers(*centred.shape)
    centred = centred.astype(np.float64)
    _, found = np.linalg.eigh(centred.T @ centred)
    components = found[:, ::-1][:, :count].T
    largest = np.abs(components).argmax(axis=1)
    signs = np.sign(components[np.arange(count), largest])
    # As they are stored: what is measured with them is what holds later.
    return (components * signs[:, None]).astype(np.float16).astype(np.float32)


def _usual(index: FeatureIndex, pooled: np.ndarray) -> dict[str, float | int] | None:
    """How far validation films are from training films; None where there are none."""
    train, val = (np.flatnonzero(index.splits == SPLITS.index(name)) for name in SPLITS)
    if not len(val):
        return None
    far = [
        mean_nearest(index.distances(pooled[val[start : start + _CHUNK]])[:, train])
        for start in range(0, len(val), _CHUNK)
    ]
    median, limit = np.percentile(np.concatenate(far), [50, FAR_PERCENTILE])
    return {"films": len(val), "median": round(float(median), 4), "limit": round(float(limit), 4)}


def mean_nearest(distances: np.ndarray) -> np.ndarray:
    """Mean (m,) of the `NEAREST` smallest of each row of distances (m, n), or of all."""
    count = min(NEAREST, distances.shape[1])
    return np.partition(distances, count - 1, axis=1)[:, :count].mean(axis=1)


def distances_between(pooled: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Distance (n,) of films with pooled features (n, c) to one with (c,), in [0, 2].

    That of an index, of which nothing was left out to save room.
    """
    return np.linalg.norm(_unit(pooled) - _unit(asked[None]), axis=1)


def _unit(pooled: np.ndarray) -> np.ndarray:
    """Features at length 1; all zero stays so."""
    lengths = np.linalg.norm(pooled, axis=1, keepdims=True)
    return pooled / np.where(lengths > 0, lengths, 1)
