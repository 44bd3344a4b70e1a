"""Sections of the Metrics page on how models were made and what they cost."""

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from pages.metrics.cache import DisplayedComparison
from pages.metrics.charts import cost_chart
from pages.shared.charts import LOSSES, PLAIN, SHARES, history_chart
from pages.shared.layout import plain
from xraycore.errors import XrayCoreError
from xraycore.evaluation.model_index import StoredModel

NOT_MEASURED = "not measured"


def training_section(entries: list[StoredModel]) -> None:
    """A row of curves for each model that has a history."""
    st.markdown(
        "One point an epoch (one pass over the training films); dotted lines part the stages. "
        "Validation worse while training gets better means learning by heart (overfitting)."
    )
    shown = 0
    for entry in entries:
        try:
            rows = entry.history()
        except XrayCoreError as error:
            st.error(plain(str(error)), icon=":material/error:")
            continue
        if not rows:
            st.caption(f"{plain(entry.title)}: training curves {NOT_MEASURED}, no history.csv.")
            continue
        shown += 1
        st.markdown(f"**{plain(entry.title)}** · {len(rows)} epochs")
        panels = ((LOSSES, False, "Loss"), (SHARES, True, "Scores"))
        for column, (columns, shares, title) in zip(st.columns(2), panels, strict=True):
            column.plotly_chart(
                history_chart(rows, columns, shares=shares, title=title),
                key=f"history-{entry.name}-{title}",
                config=PLAIN,
                alt=f"{title} of {entry.title} by epoch",
            )
    if shown:
        st.caption(
            "Training accuracy is measured on changed and cropped films (augmentation), and can "
            "lie below that on validation films."
        )


def cost_section(shown: DisplayedComparison) -> None:
    """Accuracy against size and time."""
    rows, costs = [], {"parameters": {}, "megabytes": {}, "milliseconds": {}}
    for name in shown.names:
        members = [name] if name in shown.entries else list(shown.board.members)
        score = shown.scores(name)["accuracy"]
        memory = [shown.entries[one].card.get("working_memory", 0) / 1e6 for one in members]
        sums = {key: _sum(_cost(shown.entries[one], key) for one in members) for key in costs}
        for key, value in sums.items():
            if value:
                costs[key][name] = (value, score)
        rows.append(
            {
                "Model": shown.titles[name],
                "Accuracy": f"{score['value']:.3f} ({score['low']:.3f}–{score['high']:.3f})",
                "Parameters, million": _number(sums["parameters"]),
                "Weights, MB": _number(sums["megabytes"]),
                "Feature maps, MB an image": _number(max(memory) if all(memory) else None),
                "Forward pass, ms an image": _number(sums["milliseconds"]),
            }
        )
    units = {
        "parameters": "Million parameters",
        "megabytes": "MB of weights (float16)",
        "milliseconds": "ms an image (forward pass)",
    }
    for column, (key, unit) in zip(st.columns(3, gap="medium"), units.items(), strict=True):
        with column:
            if costs[key]:
                st.plotly_chart(
                    cost_chart(costs[key], shown.titles, shown.colours, unit),
                    key=f"cost-{key}",
                    config=PLAIN,
                    alt=f"Accuracy against {unit}",
                )
            else:
                how = (
                    " To measure it, run "
                    "`python -m xraycore benchmark --json > docs/measured/benchmark.json`"
                )
                st.info(
                    f"{unit}: {NOT_MEASURED}.{how if key == 'milliseconds' else ''}",
                    icon=":material/timer_off:",
                )
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="cost-table", height="content")
    st.caption(
        "The ensemble costs what its members do together, but for the feature maps: one network "
        "runs after the other, and the memory (at most what one image holds at once, as float32) "
        "is free again. Costs are on logarithmic axes."
    )


def _cost(entry: StoredModel, key: str) -> float | None:
    """One cost of a model in the unit of its axis."""
    if key == "milliseconds":
        return entry.milliseconds
    if key == "parameters":
        return entry.card["parameters"] / 1e6 if "parameters" in entry.card else None
    return entry.card["weights"]["bytes"] / 1e6 if "weights" in entry.card else None


def _sum(costs: Iterable[float | None]) -> float | None:
    """What members cost together; None where one was not measured."""
    found = list(costs)
    return None if None in found else sum(found)


def _number(value: float | None) -> str:
    return NOT_MEASURED if value is None else f"{value:,.3g}" if value < 100 else f"{value:,.0f}"
