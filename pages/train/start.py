"""The Train page's last steps: the learning-rate finder, what will happen, and the start."""

import hashlib
import json
from pathlib import Path
from typing import Annotated

import pandas as pd
import streamlit as st
from pydantic import Field

from pages.shared.access import acts, current_user
from pages.shared.charts import show_chart
from pages.shared.layout import plain
from pages.shared.tables import show_plain_table
from pages.train.charts import rate_chart
from pages.train.config import rate_key, speeds_of, starting_weights
from pages.train.dataset import Chosen
from pages.train.process import follow_process, show_failure
from xraycore.access import Action
from xraycore.config import cache_folder, runs_folder
from xraycore.errors import ArgumentError, XrayCoreError
from xraycore.jobs.process import OUTPUT, launch, show_command, status
from xraycore.training.config import TrainingConfig
from xraycore.training.plan import Plan, check_name, expected_seconds, free_name
from xraycore.utils.stored import Count, Name, Stored, read_stored

# Why the last start, and the last search for a rate, was refused.
REFUSED, RATE_REFUSED = "train-refused", "rate-refused"
TRAININGS = "trainings-started"


def find_rate(plan: Plan, chosen: Chosen) -> None:
    """The learning-rate finder: a button, its progress, its curve and the rate it suggests."""
    folder = _finder_folder(plan, chosen)
    now = status(folder)
    if refusal := st.session_state.pop(RATE_REFUSED, None):
        st.error(plain(refusal), icon=":material/error:")
    if now.alive:
        follow_process(folder, "finder")
        return
    if now.phase == "failed":
        show_failure(now, folder)
    if now.phase == "finished":
        _show_curve(plan, folder)
    else:
        st.caption(
            "Trains a moment with ever longer steps (range test, Smith 2015) and shows where the "
            "loss falls fastest. Takes about half a minute with the quick recipe, and nothing of "
            "it is kept but the curve."
        )
    st.button(
        "Find it again" if now.phase == "finished" else "Find a learning rate",
        key="find-rate",
        icon=":material/speed:",
        on_click=_begin,
        args=(folder, plan.rate_arguments(), RATE_REFUSED),
    )


# A loss that ran away is none.
_Losses = list[Annotated[float, Field(allow_inf_nan=True)]]


class RateAnswer(Stored):
    """What the search for a learning rate prints."""

    stage: Name
    size: Count
    suggestion: float | None
    diverged: bool
    rates: list[float]
    losses: _Losses
    smoothed: _Losses


def _finder_folder(plan: Plan, chosen: Chosen) -> Path:
    """Where a plan's range test lies: another one for other films or settings."""
    asked = json.dumps([plan.rate_arguments(), chosen.manifest.fingerprint()])
    return cache_folder() / "lr-find" / hashlib.sha256(asked.encode()).hexdigest()[:16]


def _show_curve(plan: Plan, folder: Path) -> None:
    try:
        found = read_stored(folder / OUTPUT, RateAnswer, ArgumentError)
    except (XrayCoreError, OSError) as error:
        st.error(
            f"{plain(str(folder))}: expected a curve: {plain(str(error))}", icon=":material/error:"
        )
        return
    rate = found["suggestion"]
    show_chart(rate_chart(found, rate), "rate-curve", "Training loss against the learning rate")
    end = "Beyond the end of the curve the loss runs away. " if found["diverged"] else ""
    if rate is None:
        st.caption(f"{end}The loss never fell, so no rate is suggested: look at the data first.")
        return
    st.caption(
        f"{end}The loss fell fastest at {rate:.1e} (stage “{plain(found['stage'])}”, "
        f"{found['size']:d} px). A guide within a factor of three or so, no more."
    )
    st.button(
        f"Use {rate:.1e}",
        key="use-rate",
        icon=":material/check:",
        type="primary",
        on_click=st.session_state.__setitem__,
        args=(rate_key(plan), f"{rate:.2g}"),
    )


def start_training(plan: Plan, chosen: Chosen) -> None:
    """What will happen, the command line that does the same, and the button."""
    recipe, runs = plan.recipe(), runs_folder()
    films, judged = (len(chosen.manifest.split(name)) for name in ("train", "val"))
    st.markdown(
        f"**{plain(plan.spec.title)}** starts from {plain(starting_weights(plan))} and learns "
        f"{len(chosen.manifest.classes)} classes on {films:,} films; after every epoch {judged:,} "
        "others are judged, and the best epoch is kept."
    )
    show_plain_table(_stages(recipe), hide_index=True)
    name = st.text_input(
        "Name of the run",
        value=free_name(plan.model, plan.preset, runs),
        # A typed name stays until a run has it.
        key=f"name-{st.session_state.get(TRAININGS, 0)}-{plan.model}-{plan.preset}",
        persist_state="session",
        max_chars=60,
        help=f"A folder of this name in {plain(str(runs))} will hold all of it.",
    ).strip()
    problem, refusal = None, st.session_state.pop(REFUSED, None)
    try:
        check_name(name, runs)
    except XrayCoreError as error:
        problem = str(error)
    if problem or refusal:
        st.error(plain(problem or refusal), icon=":material/error:")
    st.button(
        "Start training",
        key="start",
        type="primary",
        icon=":material/play_arrow:",
        # Not by a refusal: what refused a start may have passed, so it can be tried again.
        disabled=problem is not None,
        on_click=_start,
        args=(runs / name, plan, films),
        width="stretch",
    )
    st.caption(
        "It runs as a process of its own: close the browser or the app, it goes on. Finished "
        "epochs survive a crash."
    )
    with st.expander("The same on the command line", icon=":material/terminal:"):
        arguments = plan.train_arguments(runs / name)
        st.code(show_command(arguments), "bash", wrap_lines=True)


def _stages(recipe: TrainingConfig) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Stage": stage.name,
            "Epochs": f"≤ {stage.epochs}",
            "Films": f"{stage.size} px",
            "Rate": f"{stage.learning_rate:g}",
            "Trains": "the head only"
            if stage.unfreeze_from is None
            else f"from {stage.unfreeze_from} on"
            if stage.unfreeze_from
            else "all layers",
        }
        for stage in recipe.stages
    )


@acts(Action.TRAIN)
def _begin(folder: Path, arguments: list[str], refused: str, expected: float | None = None) -> bool:
    """Starts a process; what refuses it is kept under a key for the next run of the page."""
    try:
        launch(folder, arguments, user=current_user().id, expected=expected)
    except (XrayCoreError, OSError) as error:
        st.session_state[refused] = str(error)
        return False
    return True


@acts(Action.TRAIN)
def _start(folder: Path, plan: Plan, films: int) -> None:
    try:
        # Looked at again: another session may have taken the name meanwhile.
        check_name(folder.name, folder.parent)
    except XrayCoreError as error:
        st.session_state[REFUSED] = str(error)
        return
    expected = expected_seconds(plan.recipe(), films, speeds_of(plan.model))
    if _begin(folder, plan.train_arguments(folder), REFUSED, expected):
        st.session_state[TRAININGS] = st.session_state.get(TRAININGS, 0) + 1
        st.query_params["run"] = folder.name
