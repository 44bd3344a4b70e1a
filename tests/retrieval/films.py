"""Films as networks see them, without a network: features of two sources and two classes."""

import hashlib
from pathlib import Path

import numpy as np

from xraycore.datasets.manifest import Record
from xraycore.retrieval.features import FilmFeatures

NOTE = {
    "model": "basic_cnn",
    "weights_sha256": "a" * 64,
    "lungs_sha256": "b" * 64,
    "complete": True,
    "manifest_sha256": "c" * 64,
    "command": "xraycore index",
}


def digest(number: int) -> str:
    """The sha256 of film number so and so."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def features(pooled, labels, sources=None, splits=None, groups=None) -> FilmFeatures:
    """What a network found on films numbered from 0."""
    pooled = np.asarray(pooled, np.float32)
    n = len(pooled)
    records = tuple(
        Record(
            Path(f"{i}.png"),
            labels[i],
            splits[i] if splits else "train",
            groups[i] if groups else str(i),
            sources[i] if sources else "here",
        )
        for i in range(n)
    )
    return FilmFeatures(
        records,
        tuple(digest(i) for i in range(n)),
        pooled,
        np.zeros((n, 2), np.float32),
        np.full((n, 16, 16), 1 / 256, np.float32),
        np.full(n, 0.5),
        ((),) * n,
    )


def cloud(rng, middle, count, spread=0.05):
    """Features around a direction, never negative, as after a rectifier."""
    middle = np.asarray(middle, float)
    return np.maximum(middle + spread * rng.normal(size=(count, len(middle))), 0)


def two_clouds(count=40, channels=12, seed=0) -> FilmFeatures:
    """Films of two classes, three quarters of them to train on, the others to validate."""
    rng = np.random.default_rng(seed)
    one, other = np.zeros(channels), np.zeros(channels)
    one[:3], other[3:6] = 1, 1
    pooled = np.vstack([cloud(rng, one, count), cloud(rng, other, count)])
    labels = ["Normal"] * count + ["COVID-19"] * count
    splits = (["train"] * (count * 3 // 4) + ["val"] * (count // 4)) * 2
    return features(pooled, labels, splits=splits)
