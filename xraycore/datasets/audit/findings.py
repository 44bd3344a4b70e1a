"""What an audit means, in words: what was found and what to do about it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from xraycore.datasets.audit.audit import Audit, Likes
from xraycore.datasets.manifest import EXPECTED, describe_left_out
from xraycore.datasets.reasons import UNREADABLE
from xraycore.datasets.splits import MIN_VAL_PER_CLASS

# A macro AUROC from here on lets a network score well without looking at a lung.
CONFOUNDED = 0.7
SUSPICIOUS = 0.6

_NAMED = 3

Topic = Literal[
    "files", "classes", "patients", "copies", "near copies", "shortcuts", "sources", "films"
]


@dataclass(frozen=True)
class AuditFinding:
    """One thing to know: about what, how bad, what was found, what to do about it ("": nothing)."""

    topic: Topic
    severity: Literal["ok", "note", "warning"]
    title: str
    advice: str


def describe(audit: Audit) -> tuple[AuditFinding, ...]:
    """What the audit means, the worst first."""
    found = (
        _unreadable(audit),
        *_left_out(audit),
        *_one_class(audit),
        *_splits(audit),
        _patients(audit),
        _copies(audit),
        _near_copies(audit),
        _confounding(audit),
        *_sources(audit),
        _film_warnings(audit),
    )
    return tuple(sorted(found, key=lambda f: ("warning", "note", "ok").index(f.severity)))


def audit_to_json(audit: Audit) -> dict[str, Any]:
    """An audit and its findings as JSON values."""
    return audit.to_json() | {"findings": [asdict(finding) for finding in describe(audit)]}


def _unreadable(audit: Audit) -> AuditFinding:
    if not audit.unreadable:
        return AuditFinding("files", "ok", "Every file can be read.", "")
    return AuditFinding(
        "files",
        "warning",
        f"{len(audit.unreadable)} of {audit.films} files cannot be read: "
        f"{_names(bad.path for bad in audit.unreadable)}.",
        "Fetch them again or take them out.",
    )


def _left_out(audit: Audit) -> Iterator[AuditFinding]:
    """What is not used though somebody might miss it."""
    if said := describe_left_out(audit.left_out, {*EXPECTED, UNREADABLE}):
        yield AuditFinding(
            "files",
            "note",
            f"Not used: {said}.",
            "If you miss them, docs/files.md says by which rules files and labels are read.",
        )


def _one_class(audit: Audit) -> Iterator[AuditFinding]:
    classes = {label for counts in audit.counts.values() for label in counts}
    if len(classes) == 1:
        yield AuditFinding(
            "classes",
            "warning",
            f"All films are of one class, {_list(sorted(classes))}.",
            "A classifier learns to tell classes apart: add films of another one.",
        )


def _splits(audit: Audit) -> Iterator[AuditFinding]:
    """What a split lacks; nothing where a data set without splits will fill it up."""
    if "" in audit.counts:
        return
    classes = {label for counts in audit.counts.values() for label in counts}
    validation = audit.counts.get("val", {})
    short = sorted(label for label in classes if validation.get(label, 0) < MIN_VAL_PER_CLASS)
    if validation and short:
        yield AuditFinding(
            "classes",
            "note",
            f"The validation split has {sum(validation.values())} images and fewer than "
            f"{MIN_VAL_PER_CLASS} of {_list(short)}.",
            "Too few to choose a model by. Training puts them back and carves a fifth out of the "
            "training split instead.",
        )
    for name in ("train", "test"):
        lacking = sorted(classes - set(audit.counts.get(name, classes)))
        if lacking:
            yield AuditFinding(
                "classes",
                "warning",
                f"The {name} split has no image of {_list(lacking)}.",
                "Add some, or leave the class out with --classes: nothing can be "
                f"{'learnt' if name == 'train' else 'measured'} about it.",
            )


def _patients(audit: Audit) -> AuditFinding:
    patients = audit.patients
    basis = "Patients are told apart by file names, or by the group column of a CSV file."
    if patients.with_several_films == 0:
        return AuditFinding(
            "patients",
            "note",
            "Patients are unknown: every file counts as one.",
            "Films of one patient may lie in several splits without anybody noticing. If you know "
            "the patients, write a CSV file with a group column.",
        )
    if patients.kermany_names:
        basis += (
            " In Kermany's set a patient is a number together with bacteria or virus, as numbers "
            "start again. One child under two numbers, or two under one, names cannot tell."
        )
    if patients.crossing is None:
        return AuditFinding(
            "patients",
            "ok",
            f"{patients.count} patients and no splits, so none can cross them.",
            f"{basis} Training and evaluation carve splits that keep a patient's films together.",
        )
    if not patients.crossing:
        return AuditFinding(
            "patients", "ok", f"By name, none of {patients.count} patients crosses splits.", basis
        )
    return AuditFinding(
        "patients",
        "warning",
        f"{_number(len(patients.crossing), 'patient lies', 'patients lie')} in more than one "
        f"split: {_some(sorted(patients.crossing))}.",
        f"{basis} Move each one's films into one split: scores on films of known patients are "
        "too good.",
    )


def _copies(audit: Audit) -> AuditFinding:
    if not audit.copies:
        return AuditFinding("copies", "ok", "No two files are byte-identical.", "")
    extra = sum(len(same.paths) - 1 for same in audit.copies)
    files = sum(len(same.paths) for same in audit.copies)
    return _on_likes(
        "copies",
        audit,
        audit.copies,
        f"{files} files are byte-identical to another, {extra} more than there are films",
        "Take the extra ones out, or leave it to training: it keeps each group in one split and "
        "leaves out what is a test film too.",
    )


def _near_copies(audit: Audit) -> AuditFinding:
    if not audit.near_copies:
        return AuditFinding(
            "near copies",
            "ok",
            "No two different files look like one exposure.",
            "Copies that were cropped by more than some 3 % or drawn upon are mostly not found.",
        )
    return _on_likes(
        "near copies",
        audit,
        audit.near_copies,
        f"{_number(len(audit.near_copies), 'pair', 'pairs')} of different files look like one "
        "exposure: encoded anew, resized or cropped",
        "Look at them and keep one of each, or give both the same group in a CSV file. Drawn "
        "images, such as phantoms, can be this alike without being copies.",
    )


def _on_likes(
    topic: Topic, audit: Audit, likes: Sequence[Likes], what: str, advice: str
) -> AuditFinding:
    across = [same for same in likes if same.splits_disagree]
    named_twice = [same for same in likes if same.labels_disagree]
    patients = [same for same in likes if same.patients_disagree]
    troubles = [
        *([f"{len(across)} of these across splits ({_paths(across)})"] if across else []),
        *([f"{len(named_twice)} with two classes ({_paths(named_twice)})"] if named_twice else []),
    ]
    title = "; ".join([what, *troubles])
    if patients and audit.patients.with_several_films:
        advice += f" {len(patients)} of them under the names of several patients: "
        advice += f"{_paths(patients)}."
    if across:
        advice += " A test film that was trained on measures memory: remove it from one split."
    if named_twice:
        advice += " One of two classes is wrong: find out which."
    return AuditFinding(topic, "warning" if troubles else "note", f"{title}.", advice)


def _confounding(audit: Audit) -> AuditFinding:
    measured = audit.confounding
    if measured is None:
        return AuditFinding(
            "shortcuts",
            "note",
            "Too few patients of two classes to tell whether files give the class away.",
            "At least 10 patients of each class are needed.",
        )
    scores = (
        f"AUROC {measured.file_auroc:.2f} from file size and shape, {measured.grey_auroc:.2f} "
        "with brightness and contrast; chance is 0.50 and reaches "
        f"{measured.chance_auroc_limit:.2f}"
    )
    limit = measured.chance_auroc_limit
    if measured.file_auroc >= max(CONFOUNDED, limit):
        return AuditFinding(
            "shortcuts",
            "warning",
            f"The file gives the class away: {scores}.",
            "Save all films in one format, size and quality, or take each class from the same "
            "source, and compare a network's scores with these. Where all have one size and "
            "format, file size follows the detail in a film, which disease changes too.",
        )
    if max(measured.file_auroc / SUSPICIOUS, measured.grey_auroc / CONFOUNDED) >= 1 and (
        max(measured.file_auroc, measured.grey_auroc) >= limit
    ):
        return AuditFinding(
            "shortcuts",
            "note",
            f"The class can partly be told without looking at a lung: {scores}.",
            "Brightness may be disease or only exposure. Train with changes of gamma and contrast, "
            "and test on another hospital's films.",
        )
    return AuditFinding("shortcuts", "ok", f"The file hardly tells the class: {scores}.", "")


def _sources(audit: Audit) -> Iterator[AuditFinding]:
    if len(audit.sources) < 2:
        return
    classes = {label for counts in audit.sources.values() for label in counts}
    single = sorted(
        label for label in classes if sum(label in counts for counts in audit.sources.values()) == 1
    )
    if single:
        yield AuditFinding(
            "sources",
            "warning",
            f"{_list(single)} {'comes' if len(single) == 1 else 'come'} from one data set only.",
            "A network can tell the data set (age, markers, borders, JPEG history) instead of the "
            "disease. Add such films from a second hospital, and test on a third.",
        )


def _film_warnings(audit: Audit) -> AuditFinding:
    if not audit.film_warnings:
        return AuditFinding("films", "ok", "No film is tiny, blank, clipped or coloured.", "")
    number = sum(audit.film_warnings.values())
    return AuditFinding(
        "films",
        "note",
        f"Reading the films gave {_number(number, 'warning', 'warnings')}.",
        "Look at these films and leave out those that are no chest radiographs.",
    )


def _paths(likes: Iterable[Likes]) -> str:
    return _some([" = ".join(path.name for path in same.paths) for same in likes])


def _names(paths: Iterable[Path]) -> str:
    return _some([path.name for path in paths])


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _number(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
