"""The section on planted shortcuts, and its picture."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from xraycore.cli.console import format_score
from xraycore.report.shortcuts import (
    list_checks,
    list_methods_found,
    list_trainings,
    read_bench,
)

# Of a row of the bench: the recipe without remedies, and the one with all.
ENDS = ("none", "all")


def shortcuts(file: Path) -> dict | None:
    """What `xraycore shortcut` measured, as the template shows it; None where it did not."""
    found = read_bench(file)
    if found is None:
        return None
    return {
        "text": found["text"],
        "rows": format_rows(list_trainings(found)),
        "methods": format_rows(list_methods_found(found), ".2f"),
        "checks": format_rows(list_checks(found)),
    }


def format_rows(rows: Iterable[Mapping[str, Any]], digits: str = ".3f") -> list[dict[str, str]]:
    """Rows with their scores as texts."""
    return [
        {
            name: cell if isinstance(cell, str) else format_score(cell, digits)
            for name, cell in row.items()
        }
        for row in rows
    ]


def draw_shortcuts(file: Path, out: Path) -> None:
    """The picture: AUC once the plant has moved, against the share of films that bear it."""
    import matplotlib.pyplot as plt

    found = read_bench(file)
    if found is None:
        return
    rows = found["rows"]
    plants = list(dict.fromkeys(row["plant"] for row in rows))
    figure, panels = plt.subplots(1, len(plants), figsize=(3 * len(plants), 3), sharey=True)
    for panel, kind in zip(panels, plants, strict=True):
        for remedies, colour, style in zip(ENDS, ("#D55E00", "#0072B2"), ("--", "-"), strict=True):
            points = sorted(
                (row["share"], row["moved"]["value"], row["home"]["value"])
                for row in rows
                if row["remedies"] == remedies and (row["plant"] == kind or not row["share"])
            )
            shares, moved, home = zip(*points, strict=True)
            label = "with all remedies" if remedies == "all" else "without"
            panel.plot(shares, moved, style, color=colour, marker="o", label=f"moved, {label}")
            panel.plot(shares, home, ":", color=colour, label=f"home, {label}")
        panel.set_title(kind)
        panel.set_xlabel("share of ill films")
        panel.set_ylim(0, 1.02)
    panels[0].set_ylabel("AUC")
    panels[-1].legend(fontsize=7, loc="lower left")
    figure.tight_layout()
    figure.savefig(out, dpi=110)
    plt.close(figure)
