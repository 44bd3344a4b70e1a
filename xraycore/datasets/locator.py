"""Which films a study may take, and how they are found again by the hash that the study keeps."""

import contextlib
import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from xraycore.datasets.labels import order_classes
from xraycore.datasets.manifest import Record, read_manifest
from xraycore.datasets.masks import Lesion
from xraycore.datasets.public import list_sources
from xraycore.datasets.samples import list_samples, phantom_film
from xraycore.errors import DatasetError
from xraycore.imaging import Radiograph, RadiographError, read_radiograph
from xraycore.imaging.decoding import MAX_BYTES
from xraycore.utils.files import sha256
from xraycore.utils.progress import Progress, ProgressCallback, ignore

MOST_PHANTOMS = 40

Read = Callable[[], Radiograph]


@dataclass(frozen=True)
class FoundFilm:
    """A film's file on this computer.

    Attributes:
        path: Where it lies.
        lesion: Where the finding was drawn; None where it was not.
    """

    path: Path
    lesion: Lesion | None = None


def phantom_number(number: int) -> Radiograph:
    """A generated film; a fair coin, the same each time, says whether it has an opacity.

    Raises:
        ArgumentError: If the number is below 0.
    """
    coin = hashlib.sha256(f"phantom {number}".encode()).digest()[0]
    return phantom_film(number, opacity=bool(coin % 2))


def list_study_records(dataset: str | Path) -> list[Record]:
    """The films of a data set that a study may take: of its test split where it has one.

    Models have learnt the others.

    Raises:
        DatasetError: If it cannot be read.
    """
    manifest = read_manifest(dataset)
    return list(manifest.split("test") or manifest.records)


def draw_records(records: Sequence[Record], count: int, *, seed: int = 0) -> list[Record]:
    """Films drawn by lot, as many of each class as can be, no patient twice."""
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
    """Films that this computer can read again: by the sha256 of their files, or by their names.

    They are the generated ones, the samples, and the public data sets where these are present.
    Threads may share it.
    """

    def __init__(self) -> None:
        self._known: dict[str, Read] = {}
        self._found: dict[str, FoundFilm] = {}
        self._searched = self._searched_files = False
        self._searching = threading.Lock()

    @cached_property
    def _records(self) -> list[Record]:
        """Of the public data sets in the data folder, as they were when they were first asked."""
        records: list[Record] = []
        for dataset in list_sources().values():
            with contextlib.suppress(DatasetError):
                records += read_manifest(dataset).records
        return records

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], list[Path]]:
        by_name = defaultdict(list)
        for record in self._records:
            by_name[record.source, record.path.name].append(record.path)
        return dict(by_name)

    def path(self, source: str, name: str) -> Path | None:
        """Where the file of a public data set lies; None where it is not here.

        None also of a name that a source has twice: which of the two was meant nobody can say.
        """
        files = self._by_name.get((source, name), ())
        return files[0] if len(files) == 1 else None

    def add(self, radiograph: Radiograph, read: Read) -> None:
        """Remembers how a film is read."""
        self._known[radiograph.info.sha256] = read

    def get(self, digest: str) -> Read | None:
        """How the film of that sha256 is read; None where it has not been found."""
        return self._known.get(digest)

    def get_public(self, digest: str) -> FoundFilm | None:
        """The file of that sha256, of a public data set; None where it has not been found."""
        return self._found.get(digest)

    def must_search(self, wanted: Collection[str], *, generated: bool = True) -> bool:
        """Whether `search` may find films of these that are not known yet."""
        over = self._searched if generated else self._searched_files
        return not over and any(digest not in self._known for digest in wanted)

    def search(
        self,
        wanted: Collection[str],
        report: ProgressCallback = ignore,
        *,
        generated: bool = True,
    ) -> None:
        """Looks for films until all of those are known, or there is nowhere left to look.

        Args:
            wanted: sha256 of their files.
            report: Called with the share that is done; what it raises stops the search.
            generated: Whether they may be generated ones, which take longer to draw than to read.
        """
        with self._searching:
            files = (partial(self._hash, record) for record in self._records)
            if not generated:
                self._searched_files = not self._look([*files], wanted, report, generated=False)
                return
            drawn: list[Read] = [
                *(partial(phantom_number, number) for number in range(MOST_PHANTOMS)),
                *(sample.read for sample in list_samples()),
            ]
            # A study of generated films takes the first ones; reading data sets takes longer.
            likely, rest = drawn[: len(wanted)], drawn[len(wanted) :]
            if self._look([partial(self._read, read) for read in likely], wanted, report):
                return
            looks = [*files, *(partial(self._read, read) for read in rest)]
            self._searched = self._searched_files = not self._look(looks, wanted, report)

    def _look(
        self,
        looks: Sequence[Callable[[], None]],
        wanted: Collection[str],
        report: ProgressCallback,
        *,
        generated: bool = True,
    ) -> bool:
        """Looks here and there; whether all films that are wanted are known then."""
        for done, look in enumerate(looks):
            if not self.must_search(wanted, generated=generated):
                return True
            report(Progress(done / len(looks)))
            look()
        return not self.must_search(wanted, generated=generated)

    def _hash(self, record: Record) -> None:
        with contextlib.suppress(OSError):
            if record.path.stat().st_size <= MAX_BYTES:
                digest = sha256(record.path)
                self._known.setdefault(digest, partial(read_radiograph, record.path))
                # One of two copies may have a drawing.
                if digest not in self._found or record.lesion:
                    self._found[digest] = FoundFilm(record.path, record.lesion)

    def _read(self, read: Read) -> None:
        with contextlib.suppress(RadiographError):
            self.add(read(), read)
