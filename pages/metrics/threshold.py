"""The threshold section of the Metrics page: move it, and see whom it finds and whom it alarms."""

import math

import numpy as np
import streamlit as st

from pages.metrics.cache import DisplayedComparison
from pages.metrics.charts import sweep_chart
from pages.metrics.scores import choose_finding
from pages.shared.access import fragment
from pages.shared.charts import show_chart
from pages.shared.layout import plain, plain_option
from xraycore.access import Action
from xraycore.metrics.operating_points import DEFAULT, at_threshold, predictive_scores, sweep
from xraycore.report.sentences import describe_thousand
from xraycore.utils.text import percent

STEP = 0.001
GRID = np.linspace(0, 1, 201)


@fragment(Action.LOOK)
def show_threshold(display: DisplayedComparison) -> None:
    """A slider bound to sensitivity, specificity, PPV and NPV."""
    comparison = display.comparison
    with st.container(horizontal=True, gap="large", vertical_alignment="bottom"):
        model = st.segmented_control(
            "Model",
            display.names,
            default=display.names[0],
            required=True,
            format_func=lambda name: plain_option(display.titles[name]),
            key="threshold-model",
            bind="query-params",
        )
        # A link may clear it: `?threshold-model=`.
        model = model or display.names[0]
        finding = choose_finding(display, "threshold-class")
        prevalence = st.number_input(
            "Of 100 people, how many have it? (prevalence, %)",
            min_value=0.1,
            max_value=99.9,
            value=10.0,
            step=1.0,
            format="%.1f",
            key="prevalence",
            bind="query-params",
            width=330,
            help="Where the model is to be used. What a positive answer is worth depends on "
            "it, and the films here do not know it.",
        )
    positive, probability = comparison.of_finding(model, finding)
    threshold = st.slider(
        f"Call it {plain(finding)} from this probability on (threshold)",
        0.0,
        1.0,
        DEFAULT.threshold,
        step=STEP,
        format="percent",
        key="threshold",
        bind="query-params",
    )
    _offer_points(display, model, finding)
    at = at_threshold(positive, probability, threshold)
    predictive = predictive_scores(at, prevalence / 100)
    tiles = (
        ("Found (sensitivity)", at["sensitivity"],
         f"Share of the films with {finding} that are called so."),
        ("Spared (specificity)", at["specificity"],
         f"Share of the films without {finding} that are not called so."),
        ("Positive is right (PPV)", predictive["ppv"],
         f"Positive predictive value where {prevalence:g} % have it."),
        ("Negative is right (NPV)", predictive["npv"],
         f"Negative predictive value where {prevalence:g} % have it."),
    )  # fmt: skip
    for column, (title, score, text) in zip(st.columns(4), tiles, strict=True):
        column.metric(
            plain(title),
            percent(score["value"], 1) if score else "–",
            delta=f"{percent(score['low'], 1)} to {percent(score['high'], 1)}" if score else None,
            delta_color="off",
            delta_arrow="off",
            help=plain(text),
            border=True,
        )
    st.markdown(plain(describe_thousand(at, prevalence / 100, finding)))
    _show_sweep(positive, probability, threshold, prevalence / 100)
    st.caption(
        f"{plain(display.titles[model])} on {len(positive):,} films, {positive.sum():,} with "
        f"{plain(finding)} ({percent(positive.mean(), 1)}). Below each value its 95 % interval: "
        "Wilson's, and the adjusted logit interval for PPV and NPV. A threshold chosen by looking "
        "at these films flatters itself on them; the stored points were chosen on validation films."
    )


def _offer_points(display: DisplayedComparison, model: str, finding: str) -> None:
    """A button a point. They are thresholds of the finding of a model that knows two classes, and
    of pneumonia against normal for one that knows more.
    """
    entry, scheme = display.models.get(model), display.comparison.scheme
    own = set(entry.card.get("classes", ())) if entry else set()
    fits = own == set(scheme.classes) if len(own) == 2 else scheme.name == "pneumonia"
    points = entry.points() if entry and fits else {}
    with st.container(horizontal=True, vertical_alignment="center"):
        for name, point in ({DEFAULT.name: DEFAULT} | points).items():
            # Rounded down, so that no film that the point calls is lost.
            value = math.floor(round(point.threshold / STEP, 6)) * STEP
            st.button(
                plain(point.title),
                key=f"point-{model}-{name}",
                on_click=st.session_state.__setitem__,
                args=("threshold", round(value, 3)),
                help=f"Threshold {percent(point.threshold, 1)}",
            )
        if not points:
            if entry is None:
                why = "the ensemble has none of its own"
            elif not fits:
                why = "they are for the view Normal / Pneumonia"
            else:
                why = "its card holds none"
            st.caption(f"Stored operating points: not measured, {why}.", width="content")


def _show_sweep(
    positive: np.ndarray, probability: np.ndarray, threshold: float, prevalence: float
) -> None:
    sensitivity, specificity = sweep(positive, probability, GRID)
    with np.errstate(invalid="ignore", divide="ignore"):
        called = sensitivity * prevalence + (1 - specificity) * (1 - prevalence)
        ppv = sensitivity * prevalence / called
        npv = specificity * (1 - prevalence) / (1 - called)
    lines = {"Sensitivity": sensitivity, "Specificity": specificity, "PPV": ppv, "NPV": npv}
    show_chart(
        sweep_chart(GRID, lines, threshold),
        "sweep",
        "Sensitivity, specificity, PPV and NPV against the threshold",
    )
