"""Sections of the Metrics page that say how good models are: tables, curves, tests."""

import pandas as pd
import streamlit as st

from pages.metrics.cache import DisplayedComparison
from pages.metrics.charts import curve_chart, reliability_chart
from pages.shared.charts import PLAIN
from xraycore.evaluation.comparison import compare
from xraycore.report.sentences import (
    describe_calibration,
    describe_delong,
    describe_mcnemar,
    p_value,
    signed,
)
from xraycore.utils.text import percent

NONE = "–"
# Key in the scores, name, what it means.
OVERALL = (
    ("accuracy", "Accuracy", "Share of films whose most probable class is right. 1 is best."),
    ("balanced_accuracy", "Balanced acc.", "Mean over the classes of the share found."),
    ("macro_f1", "Macro F1", "Mean over the classes of F1, which needs few misses and few false "
     "alarms at once."),
    ("macro_auroc", "AUC", "How well probabilities rank films (area under the ROC curve), mean of "
     "the classes. 0.5 is guessing, 1 best."),
    ("macro_auprc", "Average precision", "Area under the precision-recall curve, mean of the "
     "classes. Guessing gives the class's share of films."),
    ("brier", "Brier score", "Mean squared error of the probabilities. 0 is best, 2 the worst."),
    ("ece", "Calibration error", "How far the stated probability is from the share that is right "
     "(ECE, 15 bins). 0 is best."),
)  # fmt: skip
OF_FINDING = (
    ("recall", "Sensitivity", "Share of the films with {} that are called so."),
    ("specificity", "Specificity", "Share of the films without {} that are not called so."),
    ("auprc", "Average precision", "Area under the precision-recall curve of {}. Guessing gives "
     "its share of the films."),
)  # fmt: skip
OF_CLASS = (
    ("recall", "Found (sensitivity)"),
    ("precision", "Right when said (PPV)"),
    ("specificity", "Specificity"),
    ("f1", "F1"),
    ("auroc", "AUC"),
)


def cell(score: dict | None) -> str:
    """A value with its 95 % interval; three decimals sort as text as they do as numbers."""
    if score is None:
        return NONE
    return f"{score['value']:.3f} ({score['low']:.3f}–{score['high']:.3f})"


def choose_finding(shown: DisplayedComparison, key: str) -> str:
    """The class that is looked for, all others against it; asked only where there are many."""
    board = shown.board
    if len(board.view.classes) == 2:
        return board.finding
    chosen = st.segmented_control(
        "Class looked for",
        [name for name in board.view.classes if 0 < board.counts[name] < len(board.target)],
        default=board.finding,
        required=True,
        key=key,
        bind="query-params",
        help="All other classes count as films without it (one against the rest).",
    )
    # A link may clear it: `?curve-class=`.
    return chosen or board.finding


def scores_section(shown: DisplayedComparison) -> None:
    """Every score with its interval, and the curves."""
    found = {}
    with st.spinner("Drawing patients anew for the intervals (bootstrap), once …"):
        for name in shown.names:
            found[name] = shown.scores(name)
    board = shown.board
    finding = board.finding
    two = len(board.view.classes) == 2
    # Of two classes the finding's own columns say more.
    apart = ("balanced_accuracy", "macro_auprc") if two else ()
    columns = [text for text in OVERALL if text[0] not in apart]
    rows, config = [], {"Model": st.column_config.TextColumn(pinned=True)}
    for name, scores in found.items():
        row = {"Model": shown.titles[name]}
        row |= {title: cell(scores[key]) for key, title, _ in columns}
        if two:
            row |= {title: cell(scores["classes"][finding][key]) for key, title, _ in OF_FINDING}
        rows.append(row)
    config |= {title: st.column_config.TextColumn(help=text) for _, title, text in columns}
    config |= {
        title: st.column_config.TextColumn(help=text.format(finding))
        for _, title, text in OF_FINDING
    }
    first = ["Model", "Accuracy", "AUC", *(t for _, t, _ in OF_FINDING if two)]
    order = first + [title for title in rows[0] if title not in first]
    st.dataframe(
        pd.DataFrame(rows)[order],
        hide_index=True,
        column_config=config,
        key="score-table",
        height="content",
    )
    st.caption(
        "In brackets: 95 % intervals, Wilson's for shares of films, bootstrap of patients for the "
        "rest. Click a heading to sort; hover over it for its meaning."
        + (" A film is called positive from 0.5 on." if two else "")
    )
    if not two:
        with st.expander("Class by class"):
            _class_table(shown, found)
    _curves(shown, found)


def _class_table(shown: DisplayedComparison, found: dict[str, dict]) -> None:
    rows = [
        {
            "Class": label,
            "Model": shown.titles[name],
            "Films": scores["classes"][label]["films"],
            **{title: cell(scores["classes"][label][key]) for key, title in OF_CLASS},
        }
        for label in shown.board.view.classes
        for name, scores in found.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="class-table", height="content")


def _curves(shown: DisplayedComparison, found: dict[str, dict]) -> None:
    board = shown.board
    finding = choose_finding(shown, "curve-class")
    if not 0 < board.counts[finding] < len(board.target):
        st.info(f"Curves need films with {finding} and without; these are all of one kind.")
        return
    curves = {name: shown.curves(name, finding) for name in found}
    share = board.counts[finding] / len(board.target)
    panels = (
        ("roc", "auroc", "Finding against false alarms (ROC curve, AUC)"),
        ("pr", "auprc", "Finding against being right (precision-recall curve, average precision)"),
    )
    for column, (kind, area, title) in zip(st.columns(2, gap="medium"), panels, strict=True):
        areas = {name: scores["classes"][finding][area] for name, scores in found.items()}
        with column:
            st.markdown(f"**{title}**")
            st.plotly_chart(
                curve_chart(kind, curves, areas, shown.titles, shown.colours, share),
                key=f"curve-{kind}",
                config=PLAIN,
                alt=f"{title} for {finding}: "
                + ", ".join(f"{shown.titles[name]} {cell(one)}" for name, one in areas.items()),
            )
    st.caption(
        f"{finding} against all else. Dotted: guessing. The {percent(share)} of films with "
        f"{finding} here say nothing of how common it is elsewhere; precision depends on that."
    )


def calibration_section(shown: DisplayedComparison) -> None:
    """Do probabilities mean what they say?"""
    board = shown.board
    st.markdown(
        "When a model says 80 %, it should be right in 80 % of such films. Dots below the dotted "
        "line: too sure; above: not sure enough. Bars are 95 % intervals, a dot's area its films."
    )
    for start in range(0, len(shown.names), 3):
        for column, name in zip(st.columns(3, gap="medium"), shown.names[start:], strict=False):
            one = board.models[name]
            text = describe_calibration(
                shown.titles[name], shown.scores(name)["ece"], one.probability, one.target
            )
            with column:
                st.plotly_chart(
                    reliability_chart(
                        one.probability, one.target, shown.colours[name][0], shown.titles[name]
                    ),
                    key=f"reliability-{name}",
                    config=PLAIN,
                    alt=text,
                )
                st.markdown(text)
                entry = shown.entries.get(name)
                if entry and not entry.calibrated:
                    st.caption("Not calibrated on validation films; its card holds nothing of it.")
    if any(name not in shown.entries for name in shown.names):
        st.caption("The mean of several models is less sure than each: the ensemble leans to that.")


def pairs_section(shown: DisplayedComparison) -> None:
    """Is one better than another, or only luckier?"""
    if len(shown.names) < 2:
        st.info("Choose two models or more to compare them.", icon=":material/compare_arrows:")
        return
    pairs = compare(shown.board, shown.names)
    rows = []
    if pairs[0]["delong"]:
        st.markdown("**Do they rank films equally well?** (DeLong's test of the AUCs)")
        st.markdown("\n".join(f"- {describe_delong(pair, shown.titles)}" for pair in pairs))
    st.markdown("**Are they right equally often?** (McNemar's exact test of the answers)")
    st.markdown("\n".join(f"- {describe_mcnemar(pair, shown.titles)}" for pair in pairs))
    for pair in pairs:
        delong, mcnemar = pair["delong"], pair["mcnemar"]
        row = {"Pair": f"{shown.titles[pair['a']]} – {shown.titles[pair['b']]}"}
        if delong:
            row |= {"AUC difference": signed(delong["difference"]), "DeLong": _p(delong)}
        row |= {
            "Both right": mcnemar["both_right"],
            "Only the first": mcnemar["only_a"],
            "Only the second": mcnemar["only_b"],
            "Both wrong": mcnemar["both_wrong"],
            "McNemar": _p(mcnemar),
        }
        rows.append(row)
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="pair-table", height="content")
    note = (
        f"All on the same {len(shown.board.target):,} films; p-values are corrected for the "
        f"pairs shown, {len(pairs)} here (Holm). Both tests take films as "
        "independent: several films of one patient make p smaller than it should be. No "
        "evidence of a difference is no proof of equality."
    )
    if not pairs[0]["delong"]:
        note += " AUCs are compared in views of two classes, with two films of each or more."
    st.caption(note)


def _p(found: dict) -> str:
    return p_value(found["p_holm"])


def subgroups_section(shown: DisplayedComparison) -> None:
    """Does it hold for every source, age and size of film?"""
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
    with st.spinner("Drawing patients anew for the intervals (bootstrap), once …"):
        found = {name: shown.subgroups(name) for name in shown.names}
    table: dict[tuple[str, str], dict] = {}
    for name, rows in found.items():
        for row in rows:
            kept = table.setdefault(
                (row["kind"], row["name"]),
                {"By": row["kind"].capitalize(), "Group": row["name"], "Films": row["films"]},
            )
            kept[shown.titles[name]] = cell(row[key])
    st.dataframe(
        pd.DataFrame(table.values()).fillna(NONE),
        hide_index=True,
        key="subgroup-table",
        height="content",
    )
    kinds = {kind for kind, _ in table}
    missing = [
        f"{text}: not measured (not in the stored predictions)"
        for kind, text in (("age", "Age"), ("size", "Size of the film"))
        if kind not in kinds
    ]
    notes = [*missing, "Groups of fewer than 20 films are left out", "– : not defined, as the AUC "
             "where all films are of one class"]  # fmt: skip
    st.caption(". ".join(notes) + ".")
    if len([name for kind, name in table if kind == "source"]) > 1:
        st.warning(
            "Sources differ in more than disease: age, hospital and machine. A score over all "
            "sources can be high because a model knows the hospital; believe those within one.",
            icon=":material/warning:",
        )
