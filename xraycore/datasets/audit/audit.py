"""What a data set holds and what is wrong with it, before a network is trained on it."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from xraycore.datasets.audit.duplicates import near_copies
from xraycore.datasets.audit.shortcuts import ShortcutScore, measure_shortcuts
from xraycore.datasets.index import ImageIndex, ImageStats, Unreadable, measure_images
from xraycore.datasets.labels import order_classes
from xraycore.datasets.manifest import Manifest, Record
from xraycore.datasets.reasons import UNREADABLE
from xraycore.datasets.records import EXAMPLES, LeftOut, join_left_out
from xraycore.utils.progress import Progress, ProgressCallback, ignore

_KERMANY_GROUP = re.compile(r"/(person\d+_(bacteria|virus)|(NORMAL2-)?IM-\d+)$", re.IGNORECASE)


@dataclass(frozen=True)
class Likes:
    """Files of one content or one exposure, and whether what is said of them differs.

    Attributes:
        paths: The files.
        labels_disagree: They have more than one class.
        splits_disagree: They lie in more than one split that the data set brings.
        patients_disagree: They are said to be of more than one patient.
        likeness: 1 for byte-identical files, else the correlation of their aligned detail.
    """

    paths: tuple[Path, ...]
    labels_disagree: bool
    splits_disagree: bool
    patients_disagree: bool
    likeness: float = 1.0

    @classmethod
    def of(cls, records: Iterable[Record], likeness: float = 1.0) -> "Likes":
        """The records' files, compared."""
        records = tuple(records)
        return cls(
            tuple(record.path for record in records),
            labels_disagree=len({record.label for record in records}) > 1,
            splits_disagree=len({record.split for record in records} - {""}) > 1,
            patients_disagree=len({record.group for record in records}) > 1,
            likeness=likeness,
        )


@dataclass(frozen=True)
class Patients:
    """The patients that file names, or the group column of a CSV file, tell apart.

    Attributes:
        count: Groups of files that pass for one patient.
        with_several_films: How many of them have more than one file.
        kermany_names: Some groups are read from names of Kermany's set (`person12_bacteria_46`).
        crossing: Patient -> its splits, where there are several; None if the data set brings no
            splits.
    """

    count: int
    with_several_films: int
    kermany_names: bool
    crossing: Mapping[str, tuple[str, ...]] | None


@dataclass(frozen=True)
class Audit:
    """What a data set holds and what is wrong with it.

    Attributes:
        films: Files of the manifest.
        counts: Split ("" where none is given) -> class -> files.
        sources: Data set -> class -> files.
        unreadable: Files that are no radiograph.
        film_warnings: A warning's text, "#" for its numbers -> how many films carry it.
        copies: Groups of byte-identical files.
        near_copies: Pairs of files that show one exposure and are not byte-identical.
        patients: Who crosses splits.
        confounding: How well file and brightness tell the class; None with too few films.
        left_out: What of the data sets is not used, by reason.
        layout: The layout that was recognised, with its films and patients; "" for none.
    """

    films: int
    counts: Mapping[str, Mapping[str, int]]
    sources: Mapping[str, Mapping[str, int]]
    unreadable: tuple[Unreadable, ...]
    film_warnings: Mapping[str, int]
    copies: tuple[Likes, ...]
    near_copies: tuple[Likes, ...]
    patients: Patients
    confounding: ShortcutScore | None
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    layout: str = ""

    def to_json(self) -> dict[str, Any]:
        """What was measured as JSON values; `findings.audit_to_json` adds what it means."""
        found = _plain(asdict(self))
        return found if self.layout else {k: v for k, v in found.items() if k != "layout"}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def audit(
    manifest: Manifest,
    *,
    store: ImageIndex | None = None,
    report: ProgressCallback = ignore,
) -> Audit:
    """Reads every file of the manifest once and says what is wrong with the data set.

    Args:
        manifest: As `read_manifest` gives it: its splits are those that the data set brings.
        store: Where what earlier audits measured lies; the answer is the same without.
        report: Called after each file.
    """
    films, unreadable = measure_images(manifest.records, store, report)
    report(Progress(1.0, f"comparing {len(films):,} films with one another"))
    return audit_measured(manifest, films, unreadable, store)


# What names and labels alone tell, what every film's own facts add, and what films beside one
# another do: each takes longer than the one before.
BY_NAME = ("classes", "sources", "patients")
BY_FILE = (*BY_NAME, "files", "films", "copies")
# Called with what is known so far and its topics, see `findings.AuditFinding`.
OnPart = Callable[[Audit, tuple[str, ...]], None]


def ignore_part(known: Audit, topics: tuple[str, ...]) -> None:
    """The call of one who waits for the whole audit."""


def audit_names(manifest: Manifest) -> Audit:
    """What a data set's names and labels say of it, before any film is read."""
    return Audit(
        films=len(manifest.records),
        counts=manifest.counts(),
        sources=_by_source(manifest),
        unreadable=(),
        film_warnings={},
        copies=(),
        near_copies=(),
        patients=_patients(manifest),
        confounding=None,
        left_out=manifest.left_out,
        layout="; ".join(manifest.layouts),
    )


def audit_measured(
    manifest: Manifest,
    films: Sequence[tuple[Record, ImageStats]],
    unreadable: Sequence[Unreadable],
    store: ImageIndex | None = None,
    on_part: OnPart = ignore_part,
) -> Audit:
    """What the facts of a data set's films say about it.

    Args:
        manifest: All its files.
        films: Those that can be read, with what was measured.
        unreadable: The others.
        store: Where answers of earlier audits lie.
        on_part: Called with each part as soon as it is known.
    """
    by_content: dict[str, list[tuple[Record, ImageStats]]] = defaultdict(list)
    for record, facts in films:
        by_content[facts.sha256].append((record, facts))
    distinct = [same[0] for same in by_content.values()]
    known = replace(
        audit_names(manifest),
        unreadable=tuple(unreadable),
        film_warnings=_count_warnings(facts for _, facts in films),
        copies=_worst_first(
            Likes.of(record for record, _ in same) for same in by_content.values() if len(same) > 1
        ),
        left_out=join_left_out(manifest.left_out, _unreadable(unreadable)),
    )
    on_part(known, BY_FILE)
    known = replace(
        known,
        near_copies=_worst_first(
            Likes.of((distinct[first][0], distinct[second][0]), likeness)
            for first, second, likeness in _near_copies([facts for _, facts in distinct], store)
        ),
    )
    on_part(known, (*BY_FILE, "near copies"))
    return replace(known, confounding=_confounding(distinct, store))


def _unreadable(unreadable: Sequence[Unreadable]) -> dict[str, LeftOut]:
    examples = tuple("/".join(bad.path.parts[-3:]) for bad in unreadable[:EXAMPLES])
    return {UNREADABLE: LeftOut(len(unreadable), examples)} if unreadable else {}


def _near_copies(films: Sequence[ImageStats], store: ImageIndex | None) -> Sequence[Sequence[Any]]:
    def find() -> Sequence[Sequence[Any]]:
        pairs = near_copies([film.fingerprint for film in films])
        return [[pair.first, pair.second, pair.likeness] for pair in pairs]

    question = _question("near copies", [film.sha256 for film in films])
    return store.answer(question, find) if store else find()


def _confounding(
    films: Sequence[tuple[Record, ImageStats]], store: ImageIndex | None
) -> ShortcutScore | None:
    def find() -> dict | None:
        score = measure_shortcuts(
            [facts.features for _, facts in films],
            [record.label for record, _ in films],
            [record.group for record, _ in films],
        )
        return None if score is None else _plain(asdict(score))

    lines = [f"{facts.sha256}|{record.label}|{record.group}" for record, facts in films]
    found = store.answer(_question("confounding", lines), find) if store else find()
    if found is None:
        return None
    return ShortcutScore(**{**found, "classes": tuple(found["classes"])})


def _question(name: str, lines: Sequence[str]) -> str:
    return f"{name} {hashlib.sha256(chr(10).join(lines).encode()).hexdigest()}"


def _worst_first(likes: Iterable[Likes]) -> tuple[Likes, ...]:
    def harm(same: Likes) -> tuple[bool, bool, bool, float]:
        return same.splits_disagree, same.labels_disagree, same.patients_disagree, same.likeness

    return tuple(sorted(likes, key=harm, reverse=True))


def _by_source(manifest: Manifest) -> dict[str, dict[str, int]]:
    counter = Counter((record.source, record.label) for record in manifest.records)
    labels = order_classes(record.label for record in manifest.records)
    return {
        source: {name: counter[source, name] for name in labels if counter[source, name]}
        for source in sorted({record.source for record in manifest.records})
    }


def _count_warnings(films: Iterable[ImageStats]) -> dict[str, int]:
    kinds = (re.sub(r"\d+(\.\d+)?", "#", text) for film in films for text in film.warnings)
    return dict(Counter(kinds).most_common())


def _patients(manifest: Manifest) -> Patients:
    films = Counter(record.group for record in manifest.records)
    return Patients(
        count=len(films),
        with_several_films=sum(number > 1 for number in films.values()),
        kermany_names=any(_KERMANY_GROUP.search(group) for group in films),
        crossing=manifest.crossing() if any(r.split for r in manifest.records) else None,
    )
