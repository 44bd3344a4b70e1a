"""All runs on the Train page: a line each, and finished ones side by side."""

from hashlib import sha256
from pathlib import Path
from textwrap import shorten

import pandas as pd
import streamlit as st

from pages.shared.access import fragment
from pages.shared.charts import CHOICE, history_chart, show_chart
from pages.shared.layout import plain
from pages.shared.tables import show_table
from pages.train.process import words_of
from pages.train.run import LOOKS, badge, run_title
from xraycore.access import Action
from xraycore.training.runs import RunStatus, list_runs

SHOWN = 15
# Finished runs whose curves are shown until others are ticked.
FIRST_SHOWN = 8
TABLE = "runs-table"
WIDTHS = [5, 3, 3, 5, 2, 3]
MEASURES = {
    CHOICE: "What chooses",
    "val_auc": "AUC",
    "val_accuracy": "Accuracy",
    "val_loss": "Loss",
    "loss": "Training loss",
}
FINAL = {
    CHOICE: "Choice",
    "val_auc": "Validation AUC",
    "val_accuracy": "Accuracy",
    "val_loss": "Loss",
    "val_inside": "Evidence in lungs",
    "auc_nih": "NIH, AUC",
    "auc_cohen": "Cohen, AUC",
}
_PERCENT = ("Accuracy", "Evidence in lungs")
_COLUMNS = {
    "Run": st.column_config.TextColumn(pinned=True),
    **{
        title: st.column_config.NumberColumn(
            format="percent" if title in _PERCENT else "%.3f",
            help="The epoch whose weights are kept has most of it." if key == CHOICE else None,
        )
        for key, title in FINAL.items()
    },
    "Kept epoch": st.column_config.NumberColumn(format="%d"),
    "Films a second": st.column_config.NumberColumn(format="%.0f"),
    "Began": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm"),
}


def runs_section(folder: Path) -> None:
    """All runs, or what to do where there is none."""
    runs = list_runs(folder)
    if not runs:
        st.info(
            "No run yet. Choose films, a network and a recipe under New training; what you start "
            f"is listed here. Runs started on the command line into {plain(str(folder))} are too.",
            icon=":material/model_training:",
        )
        return
    alive = any(run.status.alive for run in runs)
    fragment(Action.TRAIN, run_every=2.0 if alive else None)(_list)(
        folder, {run.name: run.phase for run in runs}
    )
    judged = {run.name: run for run in runs if run.state.history and not run.status.alive}
    if len(judged) > 1:
        _compare(judged)


def open_run(name: str) -> None:
    """Shows a run; a link to the page does the same."""
    st.query_params["run"] = name


def _list(folder: Path, phases: dict[str, str]) -> None:
    runs = list_runs(folder)
    # A click on a run reruns this fragment only.
    if "run" in st.query_params or {run.name: run.phase for run in runs} != phases:
        st.rerun()
    heads = ("Run", "", "Network", "Progress", "AUC", "Started")
    for column, head in zip(st.columns(WIDTHS), heads, strict=True):
        column.caption(head)
    many = len(runs) > SHOWN and not st.session_state.get("all-runs")
    for run in runs[:SHOWN] if many else runs:
        _line(run)
    if len(runs) > SHOWN:
        st.toggle(f"Show all {len(runs)} runs", key="all-runs")


def _line(run: RunStatus) -> None:
    cells = st.columns(WIDTHS, vertical_alignment="center")
    cells[0].button(
        plain(run.name),
        key=f"open-{run.name}",
        type="tertiary",
        icon=":material/open_in_full:",
        on_click=open_run,
        args=(run.name,),
    )
    with cells[1]:
        badge(run)
    cells[2].markdown(plain(run_title(run)) or "–")
    if run.status.alive:
        cells[3].progress(min(1.0, run.done), text=words_of(run.status))
    elif run.problem or run.status.error:
        text = shorten(run.problem or run.status.error, 80, placeholder=" …")
        cells[3].caption(plain(text[:1].upper() + text[1:]))
    else:
        cells[3].markdown(f"{run.state.total_epochs:,} of {run.epochs:,} epochs")
    best = run.best.get("val_auc")
    cells[4].markdown("–" if best is None else f"{best:.3f}")
    cells[5].markdown(f"{run.began:%d %b %Y, %H:%M}" if run.began else "–")


def _compare(runs: dict[str, RunStatus]) -> None:
    st.subheader("Compare", anchor=False)
    table = pd.DataFrame([_final(run) for run in runs.values()])
    names = list(runs)
    # A selection is of places: other runs are another table.
    key = f"{TABLE}-{sha256(repr(names).encode()).hexdigest()[:12]}"
    if key not in st.session_state:
        finished = [n for n, name in enumerate(names) if runs[name].phase == "finished"]
        rows = finished[:FIRST_SHOWN]
        st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    found = show_table(
        table,
        key=key,
        height="content" if len(names) < 12 else 420,
        on_select="rerun",
        selection_mode="multi-row",
        column_config=_COLUMNS,
    )
    st.caption(
        "Click a heading to sort, tick runs to see their curves on one chart. Scores are those of "
        "the epoch whose weights are kept, on validation films, which chose it: a little too good. "
        "Those of test films come with the promotion."
    )
    chosen = [runs[names[row]] for row in found.selection.rows if row < len(names)]
    if not chosen:
        st.info("Tick runs in the table to see their curves.", icon=":material/check_box:")
        return
    measure = st.segmented_control(
        "Curve",
        list(MEASURES),
        default="val_auc",
        required=True,
        format_func=MEASURES.get,
        key="compared-by",
        persist_state="session",
    )
    if len({run.config.get("manifest_sha256") for run in chosen}) > 1:
        st.warning(
            "These runs saw different films or splits: their scores cannot be compared as such.",
            icon=":material/warning:",
        )
    title = MEASURES[measure] + ("" if measure == "loss" else " on validation films")
    if measure == CHOICE:
        title = "What chooses the epoch"
    show_chart(
        history_chart(joined(chosen, measure), {run.name: run.name for run in chosen}, title=title),
        "compare-chart",
        f"{title} of the chosen runs by epoch",
    )


def joined(runs: list[RunStatus], measure: str) -> list[dict]:
    """A row an epoch with that measure of every run that came so far, by the run's name."""
    longest = max((len(run.state.history) for run in runs), default=0)
    return [
        {"epoch": place + 1}
        | {
            run.name: run.state.history[place][measure]
            for run in runs
            if place < len(run.state.history) and measure in run.state.history[place]
        }
        for place in range(longest)
    ]


def _final(run: RunStatus) -> dict:
    """A row of the table; numbers stay numbers, so that it sorts by them."""
    best, history = run.best, run.state.history
    films = run.config.get("split_sizes", {}).get("train", {})
    return {
        "Run": run.name,
        "Network": run_title(run),
        **{title: best.get(key) for key, title in FINAL.items()},
        "Epochs": run.state.total_epochs,
        "Kept epoch": best.get("epoch"),
        "Training films": sum(films.values()),
        "Films a second": history[-1].get("images_per_second"),
        "Stands": LOOKS[run.phase][2],
        "Began": run.began,
        "Classes": ", ".join(run.config.get("classes", ())),
    }
