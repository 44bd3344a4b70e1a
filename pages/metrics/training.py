"""Sections of the Metrics page on how models were made and what they cost."""

from collections.abc import Callable, Sequence
from operator import attrgetter

import pandas as pd
import streamlit as st

from pages.metrics.cache import DisplayedComparison
from pages.metrics.charts import cost_chart
from pages.shared.charts import show_chart
from pages.shared.layout import plain
from pages.shared.tables import format_score, show_history, show_table
from xraycore.errors import XrayCoreError
from xraycore.evaluation.model_index import StoredModel
from xraycore.metrics.intervals import Score
from xraycore.training.runs import best_row

NOT_MEASURED = "not measured"
_TIME = "Forward pass, ms an image"
_HOW_TO_TIME = (
    " To measure it, run `python -m xraycore benchmark --json > docs/measured/benchmark.json`"
)


# Column -> unit of its axis, what a model costs in it.
_COSTS: dict[str, tuple[str, Callable[[StoredModel], float | None]]] = {
    "Parameters, million": (
        "Million parameters",
        lambda model: _in_millions(model.card.get("parameters")),
    ),
    "Weights, MB": (
        "MB of weights (float16)",
        lambda model: _in_millions(model.card.get("weights", {}).get("bytes")),
    ),
    _TIME: ("ms an image (forward pass)", attrgetter("milliseconds")),
}


def show_training(models: list[StoredModel]) -> None:
    """A row of curves for each model that has a history."""
    st.markdown(
        "One point an epoch (one pass over the training films); dotted lines part the stages. "
        "Validation worse while training gets better means learning by heart (overfitting)."
    )
    any_curves = False
    for model in models:
        try:
            rows = model.history()
        except XrayCoreError as error:
            st.error(plain(str(error)), icon=":material/error:")
            continue
        if not rows:
            st.caption(f"{plain(model.title)}: training curves {NOT_MEASURED}, no history.csv.")
            continue
        any_curves = True
        st.markdown(f"**{plain(model.title)}** · {len(rows)} epochs")
        show_history(
            rows, f"history-{model.name}", f" of {model.title}", best_row(rows).get("epoch")
        )
    if any_curves:
        st.caption(
            "Training accuracy is measured on changed and cropped films (augmentation), and can "
            "lie below that on validation films."
        )


def show_cost(display: DisplayedComparison) -> None:
    """Accuracy against size and time."""
    rows = []
    points: dict[str, dict[str, tuple[float, Score]]] = {column: {} for column in _COSTS}
    for name in display.names:
        members = [name] if name in display.models else display.comparison.members
        models = [display.models[member] for member in members]
        score = display.scores(name)["accuracy"]
        row = {"Model": display.titles[name], "Accuracy": format_score(score, True)}
        for column, (_, cost_of) in _COSTS.items():
            cost = _add([cost_of(model) for model in models])
            row[column] = _format_cost(cost)
            if cost:
                points[column][name] = (cost, score)
        memory = [model.card.get("working_memory", 0) / 1e6 for model in models]
        row["Feature maps, MB an image"] = _format_cost(max(memory) if all(memory) else None)
        rows.append(row)
    for place, (column, (unit, _)) in zip(st.columns(3, gap="medium"), _COSTS.items(), strict=True):
        with place:
            if points[column]:
                show_chart(
                    cost_chart(points[column], display.titles, display.colours, unit),
                    f"cost-{unit}",
                    f"Accuracy against {unit}",
                )
            else:
                how = _HOW_TO_TIME if column == _TIME else ""
                st.info(f"{plain(unit)}: {NOT_MEASURED}.{how}", icon=":material/timer_off:")
    order = ["Model", "Accuracy", *list(_COSTS)[:2], "Feature maps, MB an image", _TIME]
    show_table(pd.DataFrame(rows)[order], key="cost-table", height="content")
    st.caption(
        "The ensemble costs what its members do together, but for the feature maps: one network "
        "runs after the other, and the memory (at most what one image holds at once, as float32) "
        "is free again. Costs are on logarithmic axes."
    )


def _in_millions(value: float | None) -> float | None:
    return value and value / 1e6


def _add(costs: Sequence[float | None]) -> float | None:
    """What members cost together; None where one was not measured."""
    return None if None in costs else sum(costs)


def _format_cost(value: float | None) -> str:
    return NOT_MEASURED if value is None else f"{value:,.3g}" if value < 100 else f"{value:,.0f}"
