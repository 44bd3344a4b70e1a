"""Sections of the Metrics page that say how good models are: tables, curves, tests."""

import pandas as pd
import streamlit as st

from pages.metrics.cache import DisplayedComparison
from pages.metrics.charts import curve_chart, reliability_chart
from pages.shared.charts import show_chart
from pages.shared.layout import plain, plain_option
from pages.shared.tables import SHARES, format_score, show_table
from xraycore.report.sentences import describe_calibration
from xraycore.utils.text import percent

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


def choose_finding(display: DisplayedComparison, key: str) -> str:
    """The class that is looked for, all others against it; asked only where there are many."""
    comparison = display.comparison
    if len(comparison.scheme.classes) == 2:
        return comparison.finding
    chosen = st.segmented_control(
        "Class looked for",
        [
            name
            for name in comparison.scheme.classes
            if 0 < comparison.counts[name] < len(comparison.y_true)
        ],
        default=comparison.finding,
        required=True,
        format_func=plain_option,
        key=key,
        bind="query-params",
        help="All other classes count as films without it (one against the rest).",
    )
    # A link may clear it: `?curve-class=`.
    return chosen or comparison.finding


def show_scores(display: DisplayedComparison) -> None:
    """Every score with its interval, and the curves."""
    found = {}
    with st.spinner("Drawing patients anew for the intervals (bootstrap), once …"):
        for name in display.names:
            found[name] = display.scores(name)
    comparison = display.comparison
    finding = comparison.finding
    two = len(comparison.scheme.classes) == 2
    # Of two classes the finding's own columns say more.
    apart = ("balanced_accuracy", "macro_auprc") if two else ()
    columns = [text for text in OVERALL if text[0] not in apart]
    rows, config = [], {"Model": st.column_config.TextColumn(pinned=True)}
    for name, scores in found.items():
        row = {"Model": display.titles[name]}
        row |= {title: format_score(scores[key], key in SHARES) for key, title, _ in columns}
        if two:
            row |= {
                title: format_score(scores["classes"][finding][key], key in SHARES)
                for key, title, _ in OF_FINDING
            }
        rows.append(row)
    config |= {title: st.column_config.TextColumn(help=text) for _, title, text in columns}
    config |= {
        title: st.column_config.TextColumn(help=text.format(finding))
        for _, title, text in OF_FINDING
    }
    first = ["Model", "Accuracy", "AUC", *(t for _, t, _ in OF_FINDING if two)]
    order = first + [title for title in rows[0] if title not in first]
    show_table(
        pd.DataFrame(rows)[order],
        column_config=config,
        key="score-table",
        height="content",
    )
    st.caption(
        "In brackets: 95 % intervals, Wilson's for shares of films, bootstrap of patients for the "
        "rest. Click a heading to sort; hover over it for its meaning."
        + (" A film is called positive from 50 % on." if two else "")
    )
    if not two:
        with st.expander("Class by class"):
            _show_classes(display, found)
    _show_curves(display, found)


def _show_classes(display: DisplayedComparison, found: dict[str, dict]) -> None:
    rows = [
        {
            "Class": label,
            "Model": display.titles[name],
            "Films": scores["classes"][label]["films"],
            **{
                title: format_score(scores["classes"][label][key], key in SHARES)
                for key, title in OF_CLASS
            },
        }
        for label in display.comparison.scheme.classes
        for name, scores in found.items()
    ]
    show_table(pd.DataFrame(rows), key="class-table", height="content")


def _show_curves(display: DisplayedComparison, found: dict[str, dict]) -> None:
    comparison = display.comparison
    finding = choose_finding(display, "curve-class")
    if not 0 < comparison.counts[finding] < len(comparison.y_true):
        st.info(f"Curves need films with {plain(finding)} and without; these are all of one kind.")
        return
    curves = {name: display.curves(name, finding) for name in found}
    share = comparison.counts[finding] / len(comparison.y_true)
    panels = (
        ("roc", "auroc", "Finding against false alarms (ROC curve, AUC)"),
        ("pr", "auprc", "Finding against being right (precision-recall curve, average precision)"),
    )
    for column, (kind, area, title) in zip(st.columns(2, gap="medium"), panels, strict=True):
        areas = {name: scores["classes"][finding][area] for name, scores in found.items()}
        with column:
            st.markdown(f"**{plain(title)}**")
            show_chart(
                curve_chart(kind, curves, areas, display.titles, display.colours, share),
                f"curve-{kind}",
                f"{title} for {finding}: "
                + ", ".join(
                    f"{display.titles[name]} {format_score(one, False)}"
                    for name, one in areas.items()
                ),
            )
    st.caption(
        f"{plain(finding)} against all else. Dotted: guessing. The {percent(share)} of films with "
        f"{plain(finding)} here say nothing of how common it is elsewhere; precision depends on it."
    )


def show_calibration(display: DisplayedComparison) -> None:
    """Do probabilities mean what they say?"""
    comparison = display.comparison
    st.markdown(
        "When a model says 80 %, it should be right in 80 % of such films. Dots below the dotted "
        "line: too sure; above: not sure enough. Bars are 95 % intervals, a dot's area its films."
    )
    for start in range(0, len(display.names), 3):
        for column, name in zip(st.columns(3, gap="medium"), display.names[start:], strict=False):
            one = comparison.models[name]
            text = describe_calibration(
                display.titles[name], display.scores(name)["ece"], one.probability, one.y_true
            )
            with column:
                show_chart(
                    reliability_chart(
                        one.probability, one.y_true, display.colours[name][0], display.titles[name]
                    ),
                    f"reliability-{name}",
                    text,
                )
                st.markdown(plain(text))
                model = display.models.get(name)
                if model and not model.calibrated:
                    st.caption("Not calibrated on validation films; its card holds nothing of it.")
    if any(name not in display.models for name in display.names):
        st.caption("The mean of several models is less sure than each: the ensemble leans to that.")
