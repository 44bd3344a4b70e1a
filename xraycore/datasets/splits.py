"""Patient-grouped, class-stratified, seeded splits."""

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from xraycore.datasets.folds import Fold, hold_out
from xraycore.datasets.labelling import BY_DEFAULT, LabelPolicy
from xraycore.datasets.manifest import Manifest, Record, read_manifest
from xraycore.datasets.masks import Lesion
from xraycore.datasets.reasons import BEYOND, CONTRADICTION, CROSSING, SAID_COPY, SAME_FILE
from xraycore.errors import ArgumentError, DatasetError

logger = logging.getLogger(__name__)

# A validation split with fewer images than this of any class decides nothing: the 16 images of
# Kaggle's chest_xray/val have no viral case.
MIN_VAL_PER_CLASS = 20
TEST_SHARE = 0.2
# Split that is judged on -> those that must not hold the same.
_LEARNT = {"test": ("train", "val"), "val": ("train",)}
VAL_SHARE = 0.2


def read_splits(
    datasets: str | Path | Sequence[str | Path],
    classes: Mapping[str, str] | None = None,
    policy: LabelPolicy = BY_DEFAULT,
    *,
    seed: int = 0,
    fold: Fold | None = None,
) -> Manifest:
    """The data sets' manifest with every record in a split: what training and evaluation share.

    No patient lies in two splits.

    Args:
        datasets: See `read_manifest`.
        classes: Likewise.
        policy: Likewise.
        seed: See `assign_splits`.
        fold: Which fold of the films that are not tested on stands in for those that are (see
            `hold_out`), with validation films of its own; None for the test films themselves.

    Raises:
        DatasetError: See `read_manifest`.
    """
    manifest = join_copies(leave_out_contradictions(read_manifest(datasets, classes, policy)))
    contents = _contents(manifest)
    manifest = assign_splits(group_copies(manifest, contents), seed=seed)
    if fold:
        manifest = leave_out_crossing(leave_out_copies(manifest, contents))
        manifest = _carve_each(hold_out(manifest, fold, seed=seed), seed)
    return leave_out_crossing(leave_out_copies(manifest, contents))


def leave_out_contradictions(manifest: Manifest) -> Manifest:
    """Leaves out files that a table lists with several labels."""
    labels: dict[Path, set[str]] = defaultdict(set)
    for record in manifest.records:
        labels[record.path].add(record.label)
    return manifest.without(lambda record: len(labels[record.path]) > 1, CONTRADICTION)


def join_copies(manifest: Manifest) -> Manifest:
    """Leaves out films that are said to copy another film of the manifest (`Record.copy_of`).

    The other takes over the lesion that was drawn on them. So a film has one place, the one that it
    has without its copy.
    """
    originals: dict[str, list[Record]] = defaultdict(list)
    for record in manifest.records:
        if not record.copy_of:
            originals[record.path.name].append(record)
    lesions: dict[Record, Lesion | None] = {}
    copies: set[Record] = set()
    for copy in (record for record in manifest.records if record.copy_of):
        end = "/" + copy.copy_of
        for original in originals[Path(end).name]:
            if original.path.as_posix().endswith(end):
                copies.add(copy)
                lesions.setdefault(original, copy.lesion)
    manifest = manifest.without(copies.__contains__, SAID_COPY)
    return manifest.having(replace(r, lesion=r.lesion or lesions.get(r)) for r in manifest.records)


def _contents(manifest: Manifest) -> dict[Path, bytes]:
    """sha256 of every file that can be read; whoever reads the others will say so."""
    found = {}
    for record in manifest.records:
        with suppress(OSError):
            found[record.path] = hashlib.sha256(record.path.read_bytes()).digest()
    return found


def leave_out_copies(manifest: Manifest, contents: Mapping[Path, bytes]) -> Manifest:
    """Leaves out what is byte-identical to a test film, and of training films to a validation film.

    One data set may hold what another tests on, and a set that comes split may do so itself.

    Args:
        manifest: Records with their splits.
        contents: Hash of each file's bytes; a file without one is kept.
    """
    return _leave_out_learnt(
        manifest,
        lambda record: contents.get(record.path),
        SAME_FILE,
        "byte-identical to test or validation films",
    )


def leave_out_crossing(manifest: Manifest) -> Manifest:
    """Leaves out training films of patients who are validated or tested on, and so on.

    A data set that comes split may have a patient in two of its splits.
    """
    return _leave_out_learnt(
        manifest,
        lambda record: record.group,
        CROSSING,
        "of patients who are tested or validated on",
    )


def _leave_out_learnt(
    manifest: Manifest, key: Callable[[Record], Hashable | None], reason: str, words: str
) -> Manifest:
    """Without films to learn from that have the key of one that they are judged on."""
    kept = manifest
    for judged, learnt in _LEARNT.items():
        there = {key(record) for record in kept.split(judged)} - {None}
        shared = {r for split in learnt for r in kept.split(split) if key(r) in there}
        kept = kept.without(shared.__contains__, reason)
    if left := len(manifest.records) - len(kept.records):
        logger.warning("%d training or validation films are %s and were left out.", left, words)
    return kept


def group_copies(manifest: Manifest, contents: Mapping[Path, bytes]) -> Manifest:
    """Puts byte-identical files of one source into one group, so that none is split apart here.

    Args:
        manifest: The records.
        contents: Hash of each file's bytes; a file without one is a copy of none.
    """
    parent: dict[str, str] = {}

    def root(group: str) -> str:
        while (above := parent.get(group, group)) != group:
            group = above
        return group

    first_of: dict[tuple[str, bytes], str] = {}
    for record in manifest.records:
        if (content := contents.get(record.path)) is None:
            continue
        first = root(first_of.setdefault((record.source, content), record.group))
        parent[root(record.group)] = first
    return manifest.having(replace(r, group=root(r.group)) for r in manifest.records)


def assign_splits(manifest: Manifest, *, seed: int = 0) -> Manifest:
    """Gives every record a split, each source for itself.

    A source's own test split is kept; a source without one gives up a fifth. Unless the source
    brings a validation split with at least 20 images of every class, it is taken back into the
    training data, and a fifth of that (8:2) is carved out once the test split is. Every class gives
    the same share. Images of one group stay together but where the source itself sets them apart:
    those without a split go where the others of their group are.

    A group's place is the rank of sha256(seed, group), so that it depends on nothing else: not on
    the file order, a library's version, or which other sources are read along.
    """
    records: list[Record] = []
    for source in sorted({record.source for record in manifest.records}):
        of_source = [record for record in manifest.records if record.source == source]
        own_validation = _usable_validation(of_source)
        if not own_validation:
            of_source = [replace(r, split="") if r.split == "val" else r for r in of_source]
        of_source = _with_their_group(of_source)
        if not any(record.split == "test" for record in of_source):
            of_source = _carve(of_source, "test", TEST_SHARE, seed)
        if not own_validation:
            of_source = _carve(of_source, "val", VAL_SHARE, seed)
        records += of_source
    return manifest.having(records)


def _with_their_group(records: list[Record]) -> list[Record]:
    """Puts records without a split where others of their group are, in test before all."""
    splits: dict[str, set[str]] = defaultdict(set)
    for record in records:
        splits[record.group].add(record.split)
    order = ("test", "val", "train")
    return [
        r
        if r.split
        else replace(r, split=next((s for s in order if s in splits[r.group]), "train"))
        for r in records
    ]


def limit_training(manifest: Manifest, films: int, *, seed: int = 0) -> Manifest:
    """The manifest with at most that many training films, spread evenly over labels.

    A teaching set has a hundred films, not thousands; validation and test stay whole. Which films
    are kept follows from the seed and their groups alone, as in `assign_splits`.

    Raises:
        ArgumentError: If there are to be fewer than one film of each label.
    """
    by_label: dict[str, list[Record]] = defaultdict(list)
    for record in manifest.split("train"):
        by_label[record.label].append(record)
    if films < len(by_label):
        raise ArgumentError(
            f"films must be at least one of each of {len(by_label)} labels. Received: {films}"
        )
    rank = _rank(seed, "limit")
    queues = {
        label: sorted(records, key=lambda r: (rank(r.group), r.path.name))
        for label, records in sorted(by_label.items())
    }
    kept: set[Record] = set()
    for place in range(max(map(len, queues.values()), default=0)):
        for records in queues.values():
            if place < len(records) and len(kept) < films:
                kept.add(records[place])
    return manifest.without(lambda r: r.split == "train" and r not in kept, BEYOND)


def trainable_classes(manifest: Manifest) -> tuple[str, ...]:
    """The classes of a data set that can be trained on.

    Raises:
        DatasetError: If there are fewer than two, or one has no film to train or validate on.
    """
    classes = manifest.classes
    if len(classes) < 2:
        raise DatasetError(f"expected at least two classes. Received: {', '.join(classes)}")
    for split in ("train", "val"):
        present = {record.label for record in manifest.split(split)}
        if missing := [label for label in classes if label not in present]:
            raise DatasetError(
                f"expected films of every class in the split {split!r}; "
                f"there is none of {', '.join(missing)}."
            )
    return classes


def _usable_validation(records: Iterable[Record]) -> bool:
    classes = {record.label for record in records}
    counts = Counter(record.label for record in records if record.split == "val")
    return all(counts[label] >= MIN_VAL_PER_CLASS for label in classes)


def _carve_each(manifest: Manifest, seed: int) -> Manifest:
    """The manifest with validation films carved out of each source's training films."""
    records: list[Record] = []
    for source in sorted({record.source for record in manifest.records}):
        of_source = [record for record in manifest.records if record.source == source]
        records += _carve(of_source, "val", VAL_SHARE, seed)
    return manifest.having(records)


def _carve(records: list[Record], into: str, share: float, seed: int) -> list[Record]:
    """Moves `share` of the training groups of every class into another split.

    A group of which the source has films in another split as well is none to be carved.
    """
    groups: dict[str, list[Record]] = defaultdict(list)
    apart = {record.group for record in records if record.split != "train"}
    for record in records:
        if record.group not in apart:
            groups[record.group].append(record)
    by_class: dict[str, list[str]] = defaultdict(list)
    for group, members in groups.items():
        majority = Counter(record.label for record in members).most_common(1)[0][0]
        by_class[majority].append(group)
    chosen: set[str] = set()
    for names in by_class.values():
        images = sum(len(groups[name]) for name in names)
        taken = 0
        for name in sorted(names, key=_rank(seed, into)):
            if taken >= share * images:
                break
            chosen.add(name)
            taken += len(groups[name])
    return [
        replace(r, split=into) if r.split == "train" and r.group in chosen else r for r in records
    ]


def _rank(seed: int, split: str) -> Callable[[str], str]:
    return lambda group: hashlib.sha256(f"{seed}|{split}|{group}".encode()).hexdigest()
