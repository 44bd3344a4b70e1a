"""Everything about a data set that its owner wants to look at: its films' facts and its audit."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from xraycore.datasets.audit.audit import (
    BY_NAME,
    Audit,
    OnPart,
    audit_measured,
    audit_names,
    ignore_part,
)
from xraycore.datasets.index import ImageIndex, ImageStats, measure_images
from xraycore.datasets.labelling import BY_DEFAULT, LabelPolicy
from xraycore.datasets.labels import order_classes
from xraycore.datasets.manifest import Manifest, Record, read_manifest
from xraycore.utils.progress import Progress, ProgressCallback, ignore


@dataclass(frozen=True, eq=False)
class ImageEntry:
    """One readable file: what is said of it, and what was measured."""

    record: Record
    facts: ImageStats


@dataclass(frozen=True, eq=False)
class DatasetOverview:
    """A data set's films and what is wrong with it.

    Attributes:
        manifest: Every file.
        films: Those that can be read, in the manifest's order.
        audit: What is wrong with them.
    """

    manifest: Manifest
    films: tuple[ImageEntry, ...]
    audit: Audit

    @cached_property
    def by_class(self) -> Mapping[str, tuple[ImageEntry, ...]]:
        """The readable films of each label, in the labels' fixed order."""
        return {
            label: tuple(film for film in self.films if film.record.label == label)
            for label in order_classes(film.record.label for film in self.films)
        }

    @cached_property
    def by_path(self) -> Mapping[Path, ImageEntry]:
        """The readable film of each path."""
        return {film.record.path: film for film in self.films}

    @cached_property
    def root(self) -> Path:
        """The deepest folder that holds all files."""
        return Path(os.path.commonpath([record.path.parent for record in self.manifest.records]))

    def name(self, path: Path) -> str:
        """A file's path below `root`."""
        return path.relative_to(self.root).as_posix()

    def of_patient(self, group: str) -> tuple[ImageEntry, ...]:
        """The readable films of a patient."""
        return tuple(film for film in self.films if film.record.group == group)


def survey_dataset(
    datasets: str | Path | Sequence[str | Path],
    policy: LabelPolicy = BY_DEFAULT,
    *,
    store: ImageIndex | None = None,
    report: ProgressCallback = ignore,
    on_part: OnPart = ignore_part,
) -> DatasetOverview:
    """Reads every file of data sets once and says what is in them and what is wrong with them.

    Args:
        datasets: See `read_manifest`.
        policy: Likewise.
        store: Where what earlier surveys measured lies; the answer is the same without.
        report: Called after each file; what it raises stops the work. What was measured until then
            is kept.
        on_part: Called with each part of the audit as soon as it is known.

    Raises:
        DatasetError: See `read_manifest`.
    """
    report(Progress(0.0, "looking for films"))
    manifest = read_manifest(datasets, policy=policy)
    on_part(audit_names(manifest), BY_NAME)
    pairs, unreadable = measure_images(manifest.records, store, report)
    report(Progress(1.0, f"comparing {len(pairs):,} films with one another"))
    found = audit_measured(manifest, pairs, unreadable, store, on_part)
    return DatasetOverview(manifest, tuple(ImageEntry(*pair) for pair in pairs), found)


@dataclass(frozen=True, eq=False)
class AverageFilm:
    """The mean of a class's films.

    Attributes:
        pixels: Float32 (128, 128) in [0, 1]: the mean of thumbnails, each squashed to a square.
        excess: Float32 (128, 128) in [-1, 1]: by how much brighter it is than the mean of the
            classes' averages, in which each class counts once.
        aspect: Median width / height of the films.
        films: How many they are.
    """

    pixels: np.ndarray
    excess: np.ndarray
    aspect: float
    films: int


def average_films(by_class: Mapping[str, Sequence[ImageEntry]]) -> dict[str, AverageFilm]:
    """The average film of each class that has any."""
    filled = {label: films for label, films in by_class.items() if films}
    means = {label: _mean(films) for label, films in filled.items()}
    middle = np.mean(list(means.values()), axis=0) if means else 0.0
    return {
        label: AverageFilm(
            means[label],
            means[label] - middle,
            float(np.median([film.facts.width / film.facts.height for film in films])),
            len(films),
        )
        for label, films in filled.items()
    }


def _mean(films: Sequence[ImageEntry]) -> np.ndarray:
    # Summed one by one: thousands of thumbnails at once would be hundreds of megabytes of floats.
    total = np.zeros(films[0].facts.fingerprint.thumbnail.shape, np.int64)
    for film in films:
        total += film.facts.fingerprint.thumbnail
    return (total / (255.0 * len(films))).astype(np.float32)
