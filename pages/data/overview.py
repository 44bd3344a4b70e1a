"""A surveyed data set: its headline numbers, and a tab for each question about it."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd
import streamlit as st

from pages.data import charts
from pages.data.charts import SPLIT_TITLES
from pages.data.film_dialog import film_dialog
from pages.data.film_map import show_map
from pages.data.films import show_copies, show_films, show_patients
from pages.shared.charts import show_chart
from pages.shared.layout import plain
from pages.shared.tables import (
    show_counts,
    show_left_out,
    show_metrics,
    show_plain_table,
    show_table,
)
from xraycore.datasets.audit.audit import Audit
from xraycore.datasets.audit.findings import AuditFinding, audit_to_json, describe
from xraycore.datasets.audit.overview import DatasetOverview
from xraycore.datasets.labels import order_classes
from xraycore.datasets.reasons import UNREADABLE
from xraycore.utils.text import join_names

OPENED = "opened-film"
TABS = (
    "Findings",
    "Classes",
    "Sizes and greys",
    "Films",
    "Map",
    "Copies",
    "Patients",
    "Shortcuts",
    "Files",
)
_TAB_OF = {
    "files": "Files",
    "films": "Files",
    "classes": "Classes",
    "sources": "Classes",
    "patients": "Patients",
    "copies": "Copies",
    "near copies": "Copies",
    "shortcuts": "Shortcuts",
}
_LOOK = {
    "warning": ("orange", ":material/warning:", "Warning"),
    "note": ("blue", ":material/info:", "Note"),
    "ok": ("green", ":material/check_circle:", "Fine"),
}


def show_survey(survey: DatasetOverview, read_at: datetime, on_again: Callable[[], None]) -> None:
    """Draws all of it; only the open tab is computed."""
    _headline(survey, read_at, on_again)
    tabs = st.tabs(TABS, key="tab", bind="query-params")
    draw = (
        _findings,
        _classes,
        _sizes,
        lambda survey: show_films(survey, open_film),
        lambda survey: show_map(survey, open_film),
        lambda survey: (
            _show_findings(survey, "copies", "near copies"),
            show_copies(survey, open_film),
        ),
        lambda survey: (_show_findings(survey, "patients"), show_patients(survey, open_film)),
        _shortcuts,
        _files,
    )
    for tab, of_tab in zip(tabs, draw, strict=True):
        if tab.open:
            with tab:
                of_tab(survey)
    film = survey.by_path.get(Path(st.session_state.pop(OPENED, "")))
    if film:
        film_dialog(survey, film)


def show_part(audit: Audit, topics: Sequence[str]) -> None:
    """What is known of a data set while the rest is still looked at."""
    st.markdown(f"**{audit.films:,} files so far**")
    if audit.layout:
        st.markdown(f":material/verified: {plain(audit.layout)}")
    show_counts(audit.counts, {name: SPLIT_TITLES.get(name, name) for name in audit.counts})
    for finding in describe(audit):
        if finding.topic in topics:
            _say(finding)
    waiting = [topic for topic in _TAB_OF if topic not in topics]
    if waiting:
        st.caption(f":material/hourglass: Still to come: {plain(join_names(waiting))}.")


def open_film(path: str) -> None:
    """Shows a film large, once this run is drawn."""
    st.session_state[OPENED] = path


def _headline(survey: DatasetOverview, read_at: datetime, on_again: Callable[[], None]) -> None:
    found = survey.audit
    levels = [finding.severity for finding in describe(found)]
    size = sum(film.facts.bytes for film in survey.films)
    known = found.patients.with_several_films > 0
    numbers = (
        ("Films", f"{found.films:,}", f"{size / 1e6:,.1f} MB of readable files."),
        (
            "Patients",
            f"{found.patients.count:,}" if known else "unknown",
            "Told apart by file names, or by the group column of a CSV file.",
        ),
        ("Classes", str(len(survey.manifest.classes)), ", ".join(survey.manifest.classes)),
        (
            "Splits",
            str(len(set(found.counts) - {""})) if set(found.counts) - {""} else "none",
            "Parts that the data set brings: films to train on, to choose by (validation), to "
            "test on.",
        ),
        ("Warnings", str(levels.count("warning")), "What spoils a training or its measurement."),
        ("Notes", str(levels.count("note")), "What you should know."),
    )
    if found.layout:
        st.markdown(f":material/verified: {plain(found.layout)}")
    show_metrics(numbers)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Read on {read_at:%d %B, %H:%M}.", width="content")
        st.button("Read again", icon=":material/refresh:", type="tertiary", on_click=on_again)
        st.download_button(
            "All of it as JSON",
            lambda: json.dumps(audit_to_json(found), indent=1, ensure_ascii=False),
            file_name="audit.json",
            mime="application/json",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
        )


def _findings(survey: DatasetOverview) -> None:
    fine = [finding for finding in describe(survey.audit) if finding.severity == "ok"]
    for number, finding in enumerate(describe(survey.audit)):
        if finding not in fine:
            with st.container(border=True, horizontal=True, vertical_alignment="center"):
                _say(finding)
                st.button(
                    "Show",
                    key=f"show-{number}",
                    on_click=st.session_state.__setitem__,
                    args=("tab", _TAB_OF[finding.topic]),
                    help=f"Opens {_TAB_OF[finding.topic]}.",
                )
    if len(fine) == len(describe(survey.audit)):
        st.success("Nothing was found that spoils a training.", icon=":material/check_circle:")
    if fine:
        with st.container(border=True):
            for finding in fine:
                _say(finding)


def _say(finding: AuditFinding) -> None:
    color, icon, word = _LOOK[finding.severity]
    with st.container(gap="xsmall"):
        st.markdown(f":{color}[{icon} **{word}**] {plain(finding.title)}")
        if finding.advice:
            st.caption(plain(finding.advice))


def _show_findings(survey: DatasetOverview, *topics: str) -> None:
    """The findings that a tab is about, as its head."""
    for finding in describe(survey.audit):
        if finding.topic in topics:
            _say(finding)


def _classes(survey: DatasetOverview) -> None:
    _show_findings(survey, "classes", "sources")
    counts = survey.audit.counts
    # Of a class whose files cannot be read too.
    labels = order_classes(label for of_split in counts.values() for label in of_split)
    st.markdown("**Classes in each split**")
    show_chart(
        charts.balance_bars(counts, charts.class_colors(labels)),
        "balance",
        "Share of each class in each split; the table below has the numbers.",
    )
    show_counts(counts, charts.SPLIT_TITLES, labels)
    if len(survey.audit.sources) > 1:
        st.markdown("**Where the classes come from**")
        show_counts(survey.audit.sources)


def _sizes(survey: DatasetOverview) -> None:
    if not survey.films:
        st.info("No film can be read; see Files.", icon=":material/broken_image:")
        return
    colors = charts.class_colors(list(survey.by_class))
    facts = {label: [film.facts for film in films] for label, films in survey.by_class.items()}
    sizes = {label: [(f.width, f.height) for f in found] for label, found in facts.items()}
    distinct = {size for of_class in sizes.values() for size in of_class}
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Brightness**", help="The mean of a film's pixels: 0 % black, 100 % white.")
        values = {label: [100 * f.brightness for f in found] for label, found in facts.items()}
        _lines(values, colors, "Mean grey in % of white", "brightness")
        st.markdown("**File size**", help="In thousands of bytes, as stored.")
        values = {label: [f.bytes / 1000 for f in found] for label, found in facts.items()}
        _lines(values, colors, "kB", "bytes")
    with right:
        st.markdown(
            "**Contrast**", help="How far pixels lie from the film's mean (standard deviation)."
        )
        values = {label: [100 * f.contrast for f in found] for label, found in facts.items()}
        _lines(values, colors, "Standard deviation of greys in % of white", "contrast")
        st.markdown("**Width and height**")
        if len(distinct) == 1:
            ((width, height),) = distinct
            st.info(
                f"All films have {width:,} × {height:,} pixels.", icon=":material/aspect_ratio:"
            )
        else:
            show_chart(charts.size_bubbles(sizes, colors), "sizes", "Film sizes")
    st.caption(
        "Lines that lie apart tell a network the class without a look at the lungs. Shortcuts "
        "measures how well."
    )


def _lines(values: dict, colors: dict, title: str, key: str) -> None:
    figure = charts.distribution(values, colors, title)
    show_chart(figure, key, f"{title} of the films, by class")


def _shortcuts(survey: DatasetOverview) -> None:
    st.subheader("Can a classifier tell the class from file metadata alone?", anchor=False)
    _show_findings(survey, "shortcuts")
    found = survey.audit.confounding
    if found is None:
        return
    st.markdown(
        "Take a film of one class and one of another, and ask a random forest (a small classifier "
        "made of decision trees) which is which. Knowing nothing but file size, width and height "
        f"it is right in {_pairs(found.file_auroc, found.chance_auroc_limit)}; with mean "
        f"brightness and contrast in {_pairs(found.grey_auroc, found.chance_auroc_limit)}. "
        "Whatever it can use, a network can use too, without a look at the lungs."
    )
    show_chart(
        charts.shortcut_bars(found),
        "shortcuts",
        f"AUROC {found.file_auroc:.2f} from the file, {found.grey_auroc:.2f} with greys",
    )
    st.caption(
        f"AUROC {found.file_auroc:.2f} and {found.grey_auroc:.2f} (area under the receiver "
        f"operating characteristic, the mean of the classes), cross-validated on {found.films:,} "
        "films, each judged by a forest that has seen no film of that patient."
    )
    st.markdown("**What a typical film of each class is like** (medians)")
    table = pd.DataFrame(found.medians).T.reindex(order_classes(found.classes))
    rows = pd.DataFrame(
        {
            "File size, kB": (table["file size"] / 1000).map("{:,.1f}".format),
            "Width, px": table["width"].map("{:,.0f}".format),
            "Height, px": table["height"].map("{:,.0f}".format),
            "Width / height": table["aspect"].map("{:.2f}".format),
            "Brightness, %": (100 * table["brightness"]).map("{:.1f}".format),
            "Contrast, %": (100 * table["contrast"]).map("{:.1f}".format),
        }
    )
    show_plain_table(rows)


def _pairs(auroc: float, limit: float) -> str:
    """How many of 100 pairs an AUROC stands for (Hanley and McNeil, 1982)."""
    said = f"**{100 * auroc:.0f} of 100** such pairs"
    return said if auroc > limit else f"{said}, no better than guessing"


def _files(survey: DatasetOverview) -> None:
    _show_findings(survey, "files", "films")
    if survey.audit.unreadable:
        st.markdown("**Files that cannot be read**")
        rows = [
            {"File": survey.name(bad.path), "Why": bad.error} for bad in survey.audit.unreadable
        ]
        show_table(pd.DataFrame(rows))
    warned = [film for film in survey.films if film.facts.warnings]
    if warned:
        st.markdown("**Films with a warning**")
        rows = [
            {"File": survey.name(film.record.path), "Warning": " ".join(film.facts.warnings)}
            for film in warned
        ]
        show_table(pd.DataFrame(rows))
    # What cannot be read stands above, file by file.
    left = {why: files for why, files in survey.audit.left_out.items() if why != UNREADABLE}
    show_left_out(left)
