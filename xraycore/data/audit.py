"""What is wrong with a data set before a network is trained on it."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from xraycore.data.confounding import CONFOUNDED, SUSPICIOUS, Confounding, measure_confounding
from xraycore.data.manifest import Manifest, Record
from xraycore.data.near_copies import Fingerprint, fingerprint, near_copies
from xraycore.data.splits import MIN_VAL_PER_CLASS
from xraycore.imaging.errors import RadiographError
from xraycore.imaging.radiograph import Radiograph, read_radiograph

_KERMANY_GROUP = re.compile(r".*/(person\d+_(bacteria|virus)|(NORMAL2-)?IM-\d+)$", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    """One thing to know: `severity`, what was found and, in plain words, what to do about it."""

    severity: Literal["ok", "note", "warning"]
    title: str
    advice: str


@dataclass(frozen=True)
class Unreadable:
    """A file that is no radiograph, and why."""

    path: Path
    error: str


@dataclass(frozen=True)
class Likes:
    """Files of one content or one exposure, and whether what is said of them differs.

    `likeness` is 1 for byte-identical files, else the correlation of their detail when aligned.
    """

    paths: tuple[Path, ...]
    labels: tuple[str, ...]
    splits: tuple[str, ...]
    patients: tuple[str, ...]
    likeness: float = 1.0

    @classmethod
    def of(cls, records: Sequence[Record], likeness: float = 1.0) -> "Likes":
        """The records' files with their distinct labels, splits and patients."""
        return cls(
            tuple(r.path for r in records),
            tuple(sorted({r.label for r in records})),
            tuple(sorted({r.split for r in records})),
            tuple(sorted({r.group for r in records})),
            likeness,
        )

    @property
    def labels_disagree(self) -> bool:
        """Whether they have more than one class."""
        return len(self.labels) > 1

    @property
    def splits_disagree(self) -> bool:
        """Whether they lie in more than one split that the data set brings."""
        return len({split for split in self.splits if split}) > 1

    @property
    def patients_disagree(self) -> bool:
        """Whether they are said to be of more than one patient."""
        return len(self.patients) > 1


@dataclass(frozen=True)
class Patients:
    """How many patients the names tell apart, and which of them lie in more than one split.

    Attributes:
        count: Groups of images that count as one patient.
        several_films: Patients with more than one film; 0 means that no name tells a patient.
        crossing: Patient -> its splits, where there are several. None if the data set has no
            splits.
    """

    count: int
    several_films: int
    crossing: Mapping[str, tuple[str, ...]] | None


@dataclass(frozen=True)
class Audit:
    """What `audit` found.

    Attributes:
        films: Files of the manifest.
        counts: Split ("" where none is given) -> class -> files.
        unreadable: Files that are no radiograph.
        film_warnings: How many films carry a warning, by its text with "#" for numbers.
        copies: Groups of byte-identical files.
        near_copies: Pairs of files that show one exposure and are not byte-identical.
        patients: See there.
        confounding: See there; None with too few films.
        findings: All of the above in words, the worst first.
    """

    films: int
    counts: Mapping[str, Mapping[str, int]]
    unreadable: tuple[Unreadable, ...]
    film_warnings: Mapping[str, int]
    copies: tuple[Likes, ...]
    near_copies: tuple[Likes, ...]
    patients: Patients
    confounding: Confounding | None
    findings: tuple[Finding, ...]

    def to_json(self) -> dict:
        """The audit as JSON values."""
        return _plain(asdict(self)) | {
            name: [
                _plain(asdict(likes))
                | {
                    "labels_disagree": likes.labels_disagree,
                    "splits_disagree": likes.splits_disagree,
                    "patients_disagree": likes.patients_disagree,
                }
                for likes in getattr(self, name)
            ]
            for name in ("copies", "near_copies")
        }


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


@dataclass(frozen=True, eq=False)
class _Film:
    """What is kept of a file that was read."""

    record: Record
    sha256: str
    features: tuple[float, ...]
    fingerprint: Fingerprint
    warnings: tuple[str, ...]


def audit(
    manifest: Manifest, *, report: Callable[[int, int], None] = lambda done, total: None
) -> Audit:
    """Reads every file of the manifest once and says what is wrong with the data set.

    Args:
        manifest: As read: splits are those that the data set brings, not carved ones.
        report: Called after each file with how many are done, of how many.
    """
    films: list[_Film] = []
    unreadable: list[Unreadable] = []
    for done, record in enumerate(manifest.records, start=1):
        try:
            films.append(_film(record, read_radiograph(record.path)))
        except RadiographError as error:
            unreadable.append(Unreadable(record.path, str(error)))
        report(done, len(manifest.records))
    by_content: dict[str, list[_Film]] = defaultdict(list)
    for film in films:
        by_content[film.sha256].append(film)
    distinct = [same[0] for same in by_content.values()]
    copies = tuple(
        Likes.of([film.record for film in same]) for same in by_content.values() if len(same) > 1
    )
    near = tuple(
        Likes.of([distinct[pair.first].record, distinct[pair.second].record], pair.likeness)
        for pair in near_copies([film.fingerprint for film in distinct])
    )
    patients = _patients(manifest)
    confounding = measure_confounding(
        np.array([film.features for film in distinct]),
        [film.record.label for film in distinct],
        [film.record.group for film in distinct],
    )
    film_warnings = Counter(re.sub(r"\d+(\.\d+)?", "#", w) for film in films for w in film.warnings)
    findings = (
        _on_unreadable(unreadable, len(manifest.records)),
        _on_film_warnings(sum(bool(film.warnings) for film in films)),
        *_on_counts(manifest),
        _on_copies(copies),
        _on_near_copies(near),
        _on_patients(patients, manifest),
        _on_confounding(confounding),
    )
    return Audit(
        films=len(manifest.records),
        counts=manifest.counts(),
        unreadable=tuple(unreadable),
        film_warnings=dict(film_warnings.most_common()),
        copies=copies,
        near_copies=near,
        patients=patients,
        confounding=confounding,
        findings=tuple(
            sorted(findings, key=lambda f: ("warning", "note", "ok").index(f.severity))
        ),
    )
