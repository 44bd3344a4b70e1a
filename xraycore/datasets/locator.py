"""Which films a study may take, and how they are found again by the hash that the study keeps."""

import hashlib
import threading
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from xraycore.datasets.labels import order_classes
from xraycore.datasets.manifest import Record, read_manifest
from xraycore.datasets.public import list_datasets
from xraycore.datasets.samples import list_samples, phantom_film
from xraycore.errors import DatasetError
from xraycore.imaging import Radiograph, RadiographError, read_radiograph
from xraycore.imaging.decoding import MAX_BYTES
from xraycore.utils.progress import Progress, ProgressCallback, ignore

MOST_PHANTOMS = 40

Read = Callable[[], Radiograph]


def phantom_number(number: int) -> Radiograph:
    """A generated film; a fair coin, the same each time, says whether it has an opacity.

    Raises:
        ArgumentError: If the number is below 0.
    """
    coin = hashlib.sha256(f"phantom {number}".encode()).digest()[0]
    return phantom_film(number, opacity=bool(coin % 2))


def draw_records(dataset: str | Path, count: int, *, seed: int = 0) -> list[Record]:
    """Films of a data set drawn by lot, as many of each class as can be, no patient twice.

    They are of its test split where it has one, since models have learnt the others.

    Raises:
        DatasetError: If it cannot be read.
    """
    manifest = read_manifest(dataset)
    records = manifest.split("test") or manifest.records
    rng = np.random.default_rng(seed)
    shuffled = [records[i] for i in rng.permutation(len(records))]
    one_each = list({record.group: record for record in shuffled}.values())
    queues = [
        [record for record in one_each if record.label == label]
        for label in order_classes(record.label for record in one_each)
    ]
    drawn = [queue[turn] for turn in range(len(one_each)) for queue in queues if turn < len(queue)]
    return drawn[:count]


class FilmLocator:
    """Films that this computer can always read again, by the sha256 of their files.

    They are the generated ones, the samples, and the public data sets where these are present.
    Threads may share it.
    """

    def __init__(self):
        self._known: dict[str, Read] = {}
        self._searched = False
        self._searching = threading.Lock()

    def add(self, xray: Radiograph, read: Read) -> None:
        """Remembers how a film is read."""
        self._known[xray.info.sha256] = read

    def get(self, sha256: str) -> Read | None:
        """How the film is read; None where it has not been found."""
        return self._known.get(sha256)

    def must_search(self, wanted: Collection[str]) -> bool:
        """Whether `search` may find films of these that are not known yet."""
        return not self._searched and not self._has(wanted)

    def search(self, wanted: Collection[str], report: ProgressCallback = ignore) -> None:
        """Looks for films until all of those are known, or there is nowhere left to look.

        Args:
            wanted: sha256 of their files.
            report: Called with the share that is done; what it raises stops the search.
        """
        with self._searching:
            generated = list(self._generated())
            # A study of generated films takes the first ones; reading data sets takes longer.
            likely = generated[: len(wanted)]
            for done, look in enumerate(likely):
                if not self.must_search(wanted):
                    return
                report(Progress(done / len(likely)))
                look()
            others = [*self._files(), *generated[len(wanted) :]]
            for done, look in enumerate(others):
                if not self.must_search(wanted):
                    return
                report(Progress(done / len(others)))
                look()
            self._searched = True

    def _has(self, wanted: Collection[str]) -> bool:
        return all(sha256 in self._known for sha256 in wanted)

    def _files(self) -> Iterator[Callable[[], None]]:
        for dataset in list_datasets().values():
            try:
                records = read_manifest(dataset).records
            except DatasetError:
                continue
            for record in records:
                yield partial(self._hash, record.path)

    def _generated(self) -> Iterator[Callable[[], None]]:
        for number in range(MOST_PHANTOMS):
            yield partial(self._read, partial(phantom_number, number))
        for sample in list_samples():
            yield partial(self._read, sample.read)

    def _hash(self, path: Path) -> None:
        try:
            if path.stat().st_size <= MAX_BYTES:
                found = hashlib.sha256(path.read_bytes()).hexdigest()
                self._known.setdefault(found, partial(read_radiograph, path))
        except OSError:
            return

    def _read(self, read: Read) -> None:
        try:
            self.add(read(), read)
        except RadiographError:
            return
