"""The command that looks for faults of data sets: audit."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xraycore.cli.app import Classes, Json, Labels, app
from xraycore.cli.console import emit_json, emit_left_out, emit_table, out, progress_bar
from xraycore.datasets.labelling import LabelPolicy
from xraycore.datasets.labels import parse_classes
from xraycore.datasets.manifest import read_manifest

if TYPE_CHECKING:
    from xraycore.datasets.audit.audit import Audit, Likes
    from xraycore.datasets.audit.shortcuts import ShortcutScore

Datasets = Annotated[list[Path], typer.Argument(help="Data set folders or CSV files.")]
SHOWN = 10


@app.command()
def audit(
    datasets: Datasets, classes: Classes = None, labels: Labels = None, json: Json = False
) -> None:
    """Look for copies, crossing patients, broken files and shortcuts in folders of films."""
    chosen = parse_classes(classes) if classes else None
    manifest = read_manifest(datasets, chosen, LabelPolicy.parse(labels))

    from xraycore.datasets.audit.audit import audit
    from xraycore.datasets.audit.findings import audit_to_json
    from xraycore.datasets.index import default_index

    with progress_bar() as report:
        found = audit(manifest, store=default_index(), report=report)
    if json:
        emit_json(audit_to_json(found))
    else:
        _print(found)


def _print(found: "Audit") -> None:
    """All tables, then the findings, so that these stand last."""
    from xraycore.datasets.audit.findings import describe

    if found.layout:
        out.print(found.layout)
    labels = list(dict.fromkeys(label for counts in found.counts.values() for label in counts))
    emit_table(
        f"{found.films} films of {found.patients.count} patients",
        ["split", *labels, "all"],
        [
            [split or "none", *(counts.get(label, 0) for label in labels), sum(counts.values())]
            for split, counts in found.counts.items()
        ],
    )
    emit_left_out(found.left_out)
    if found.unreadable:
        rows = [[bad.error] for bad in found.unreadable[:SHOWN]]
        emit_table(_title("Unreadable files", len(found.unreadable)), ["error"], rows)
    if found.film_warnings:
        counted = [[number, text] for text, number in found.film_warnings.items()]
        emit_table("Warnings of films (# is a number)", ["films", "warning"], counted)
    _print_likes("Byte-identical files", found.copies)
    _print_likes("Near copies", found.near_copies)
    if found.confounding:
        _print_confounding(found.confounding)
    for finding in describe(found):
        out.print(f"\n{finding.severity.upper()}  {finding.title}", markup=False, highlight=False)
        if finding.advice:
            out.print(finding.advice, markup=False, highlight=False)


def _print_likes(title: str, likes: tuple["Likes", ...]) -> None:
    if not likes:
        return
    rows = [
        [", ".join(path.name for path in same.paths), same.likeness, _disagreements(same)]
        for same in likes[:SHOWN]
    ]
    emit_table(_title(title, len(likes)), ["files", "likeness", "they differ in"], rows)


def _disagreements(same: "Likes") -> str:
    disagreements = {
        "class": same.labels_disagree,
        "split": same.splits_disagree,
        "patient": same.patients_disagree,
    }
    return ", ".join(name for name, differs in disagreements.items() if differs)


def _print_confounding(measured: "ShortcutScore") -> None:
    emit_table(
        "What tells the class without the film",
        [
            "known",
            "AUROC (chance 0.5)",
            f"mean recall (chance {measured.chance_accuracy:.2f})",
        ],
        [
            ["file size and shape", measured.file_auroc, measured.file_balanced_accuracy],
            ["and brightness, contrast", measured.grey_auroc, measured.grey_balanced_accuracy],
        ],
    )
    features = list(next(iter(measured.medians.values())))
    emit_table(
        "Medians",
        ["class", *features],
        [
            [name, *(value if value < 100 else round(value) for value in medians.values())]
            for name, medians in measured.medians.items()
        ],
    )


def _title(what: str, number: int) -> str:
    return f"{what}: {number}" + (f", the first {SHOWN}" if number > SHOWN else "")
