"""The section on parts of the films: by source, age and size, and such as a visitor defines."""

from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from pages.metrics.cache import DisplayedComparison
from pages.metrics.likeness import ask_likeness, describe_nearness
from pages.metrics.scores import OF_FINDING, OVERALL
from pages.shared.charts import dot_chart, show_chart
from pages.shared.layout import plain
from pages.shared.tables import SHARES, format_score, show_table
from xraycore.evaluation.evaluator import MIN_GROUP
from xraycore.evaluation.slices import WARNINGS, Slice, ages_of, carried_warnings, sizes_of

_TITLES = {"source": "Source", "age": "Age", "size": "Size"}
# Keys of the fields that define a slice, which the address keeps.
_SOURCES, _AGES, _SIZES, _WARNINGS = "slice-source", "slice-age", "slice-size", "slice-warning"
_DRAWING = "Drawing patients anew for the intervals (bootstrap), once …"


def show_subgroups(display: DisplayedComparison) -> None:
    """Does it hold for every source, age and size of film, and for a part of one's own?"""
    names = {key: title for key, title, _ in OVERALL if key not in ("macro_auprc", "brier")}
    key = st.segmented_control(
        "Score",
        list(names),
        default="accuracy",
        required=True,
        format_func=names.get,
        key="subgroup-score",
        persist_state="session",
    )
    with st.spinner(_DRAWING):
        found = {name: display.subgroups(name) for name in display.names}
    # Not every model has stored ages and sizes.
    groups = {(row["kind"], row["name"]): row["films"] for rows in found.values() for row in rows}
    scores = {
        name: {(row["kind"], row["name"]): row[key] for row in rows} for name, rows in found.items()
    }
    labels = [
        f"{_TITLES[kind]}: {group}\n{films:,} films" for (kind, group), films in groups.items()
    ]
    if labels:
        show_chart(
            dot_chart(
                labels,
                {name: [of.get(group) for group in groups] for name, of in scores.items()},
                display.titles,
                display.colours,
                names[key],
                key in SHARES,
            ),
            "subgroups",
            f"{names[key]} by source, age and size, with 95 % intervals",
        )
        with st.expander("As a table", icon=":material/table:"):
            show_table(
                pd.DataFrame(
                    {
                        "By": _TITLES[kind],
                        "Group": group,
                        "Films": films,
                        **{
                            display.titles[name]: format_score(of.get((kind, group)), key in SHARES)
                            for name, of in scores.items()
                        },
                    }
                    for (kind, group), films in groups.items()
                ),
                key="subgroup-table",
                height="content",
            )
    kinds = {kind for kind, _ in groups}
    missing = [
        f"{text}: not measured (not in the stored predictions)"
        for kind, text in (("age", "Age"), ("size", "Size of the film"))
        if kind not in kinds
    ]
    notes = [
        *missing,
        "A bar is the 95 % interval",
        f"Groups of fewer than {MIN_GROUP} films are left out",
        "A dot is missing where the score is not defined, as the AUC of films of one class",
    ]
    st.caption(". ".join(notes) + ".")
    if sum(kind == "source" for kind, _ in groups) > 1:
        st.warning(
            "Sources differ in more than disease: age, hospital and machine. A score over all "
            "sources can be high because a model knows the hospital; believe those within one.",
            icon=":material/warning:",
        )
    _show_slice(display)


def _show_slice(display: DisplayedComparison) -> None:
    """Every score of the films that the visitor picks out, beside those of the rest."""
    st.subheader("A part of your own", anchor=False)
    part = _ask_slice(display)
    likeness, known = ask_likeness(display)
    if not known:
        return
    part = replace(part, likeness=likeness)
    if part.everything:
        st.caption(
            "Choose a source, an age, a size, a warning or a film that others are to be like: "
            "every score of these films."
        )
        return
    mask = part.mask([one.outcome for one in display.comparison.models.values()])
    films = int(mask.sum())
    st.markdown(
        f"**{films:,} films** {plain(part.describe())}; {len(mask) - films:,} others beside them."
    )
    if likeness:
        st.caption(plain(describe_nearness(likeness, mask)))
    if films < MIN_GROUP:
        st.info(
            f"Of fewer than {MIN_GROUP} films a score says nothing: choose more.",
            icon=":material/filter_alt_off:",
        )
        return
    rows = []
    with st.spinner(_DRAWING):
        for name in display.names:
            for title, others in (("these films", False), ("all others", True)):
                scores = display.scores_of(name, part, others)
                if scores:
                    rows.append(
                        {"Model": display.titles[name], "On": title} | _all(display, scores)
                    )
    show_table(pd.DataFrame(rows), key="slice-table", height="content")
    st.caption(
        "With 95 % intervals. Parts that are chosen by looking at scores flatter or slander a "
        "model: say how many you looked at."
    )


def _ask_slice(display: DisplayedComparison) -> Slice:
    outcomes = [one.outcome for one in display.comparison.models.values()]
    first = outcomes[0]
    ages, sizes = ages_of(outcomes), sizes_of(outcomes).max(axis=1)
    carried = {code: mask.any() for code, mask in carried_warnings(outcomes).items()}
    columns = st.columns(4, gap="medium")
    sources = sorted({record.source for record in first.records})
    chosen = columns[0].multiselect("Source", sources, key=_SOURCES, bind="query-params")
    age = size = None
    with columns[1]:
        if known := ages[~np.isnan(ages)].tolist():
            age = _ask_range("Age in years", int(min(known)), int(np.ceil(max(known))), _AGES)
        else:
            st.caption("Age: not in the stored predictions.")
    with columns[2]:
        if not np.isnan(sizes).any():
            size = _ask_range("Longer side in pixels", int(min(sizes)), int(max(sizes)), _SIZES)
        else:
            st.caption("Size: not in the stored predictions.")
    words = {code: WARNINGS[code] for code, there in carried.items() if there}
    warned = columns[3].multiselect(
        "Warning",
        ["none", *words],
        format_func=lambda code: words.get(code, "no warning"),
        key=_WARNINGS,
        bind="query-params",
    )
    return Slice(tuple(chosen), age, size, tuple(warned))


def _ask_range(label: str, low: int, high: int, key: str) -> tuple[float, float] | None:
    """What is chosen of a range; None for all of it, and where there is none."""
    if low >= high:
        st.caption(f"{plain(label)}: {low:,} of all films.")
        return None
    # By its ends: other films have another range.
    chosen = st.slider(plain(label), low, high, (low, high), key=f"{key}-{low}-{high}")
    return None if chosen == (low, high) else chosen


def _all(display: DisplayedComparison, scores: dict) -> dict[str, str]:
    """Every score of a row, as the table of scores has it."""
    row = {title: format_score(scores[key], key in SHARES) for key, title, _ in OVERALL}
    classes = display.comparison.scheme.classes
    if len(classes) == 2:
        of = scores["classes"][display.comparison.finding]
        row |= {title: format_score(of[key], key in SHARES) for key, title, _ in OF_FINDING}
    return {"Films": f"{scores['accuracy']['n']:,}"} | row
