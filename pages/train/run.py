"""One run on the Train page: how far it is, its curves, and what can be done with it."""

from pathlib import Path

import pandas as pd
import streamlit as st

from pages.shared.access import acts, current_user, fragment, require
from pages.shared.charts import CHOICE
from pages.shared.layout import name_tab, plain
from pages.shared.tables import show_history, show_metrics, show_plain_table
from pages.train.config import clear_form
from pages.train.process import duration, show_failure, stop_process, words_of
from pages.train.promote import promote_section
from xraycore.access import Action
from xraycore.errors import XrayCoreError
from xraycore.jobs.process import last_lines
from xraycore.models.registry import title_of
from xraycore.models.spec import FULL
from xraycore.training.runs import RunStatus, resume, run_status
from xraycore.utils.text import percent

LOOKS = {
    "waiting": ("violet", ":material/hourglass_empty:", "Waiting"),
    "starting": ("blue", ":material/hourglass_top:", "Starting"),
    "running": ("blue", ":material/play_circle:", "Running"),
    "stopping": ("orange", ":material/stop_circle:", "Stopping"),
    "stopped": ("gray", ":material/pause_circle:", "Stopped"),
    "failed": ("red", ":material/error:", "Failed"),
    "finished": ("green", ":material/check_circle:", "Finished"),
}
REFUSED = "resume-refused"


def run_title(run: RunStatus) -> str:
    """The network's name to show, with where it ends."""
    return title_of(run.config.get("model", ""), run.config.get("end", FULL))


def badge(run: RunStatus) -> None:
    """How a run stands, as a badge."""
    color, icon, word = LOOKS[run.phase]
    st.badge(word, icon=icon, color=color)


def show_run(folder: Path) -> None:
    """All of one run."""
    run = run_status(folder)
    name_tab("Train", run.name)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All runs", key="back", icon=":material/arrow_back:", on_click=close_run)
        st.subheader(plain(run.name), anchor=False, width="content")
        badge(run)
        st.space("stretch")
        _buttons(run)
    if REFUSED in st.session_state:
        st.error(plain(st.session_state.pop(REFUSED)), icon=":material/error:")
    if run.problem:
        st.error(plain(f"{run.name} cannot be read: {run.problem}"), icon=":material/error:")
        return
    if run.phase == "failed":
        show_failure(run.status, folder)
    elif run.phase == "stopped":
        st.info(
            f"Stopped after {plain(_counted(run.state.total_epochs))}, which "
            f"{'is' if run.state.total_epochs == 1 else 'are'} kept. Resume goes on from there; "
            "an epoch that was begun starts anew.",
            icon=":material/pause_circle:",
        )
    # What a process says changes by itself; a page at rest need not be drawn again.
    every = 1.0 if run.status.alive else None
    fragment(Action.TRAIN, run_every=every)(_live)(folder, run.phase)
    if run.phase == "finished":
        promote_section(run)
    _details(run)


def close_run() -> None:
    """Goes back to all runs."""
    st.query_params.pop("run", None)
    st.session_state["section"] = "Runs"
    # The form was not shown meanwhile.
    clear_form()


def _buttons(run: RunStatus) -> None:
    if run.phase == "stopping":
        st.button(
            "End at once",
            key="kill",
            icon=":material/dangerous:",
            on_click=stop_process,
            args=(run.folder,),
            kwargs={"at_once": True},
            help="Does not wait for the batch; finished epochs are kept all the same.",
        )
    elif run.status.alive:
        st.button(
            "Stop",
            key="stop-run",
            icon=":material/stop_circle:",
            on_click=stop_process,
            args=(run.folder,),
            help="Ends after this batch. Finished epochs are kept, and it can be resumed.",
        )
    elif run.phase in ("stopped", "failed") and not run.problem:
        st.button(
            "Resume" if run.config else "Try again",
            key="resume",
            icon=":material/play_arrow:",
            type="primary",
            on_click=_resume,
            args=(run,),
        )


@acts(Action.TRAIN)
def _resume(run: RunStatus) -> None:
    try:
        require(Action.TRAIN, owner=run.owner)
        resume(run, current_user().id)
    except (XrayCoreError, OSError) as error:
        st.session_state[REFUSED] = str(error)


def _live(folder: Path, phase: str) -> None:
    """What changes while a run is at work."""
    run = run_status(folder)
    if run.phase != phase:
        st.rerun()
    if run.status.alive:
        reading = not run.status.epoch and run.status.activity
        st.progress(min(1.0, run.status.done if reading else run.done), text=words_of(run.status))
    if run.config:
        _numbers(run)
    _curves(run)


def _numbers(run: RunStatus) -> None:
    rows, now, best = run.state.history, run.status, run.best
    speed = now.images_per_second if now.alive else None
    if speed is None and rows:
        speed = rows[-1].get("images_per_second")
    loss = now.loss if now.alive and now.loss is not None else rows[-1]["loss"] if rows else None
    figures = (
        (
            "Epochs finished",
            f"{run.state.total_epochs} of {run.epochs}" if run.epochs else "–",
            "Passes over the training films, of all stages. A stage may end early.",
        ),
        _time(run),
        (
            "Training films a second",
            "–" if speed is None else f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}",
            "Mean of the epoch.",
        ),
        ("Training loss", "–" if loss is None else f"{loss:.3f}", "Mean of the epoch so far."),
        (
            "Best epoch: AUC",
            _score(best.get("val_auc")),
            "Of the epoch whose weights are kept: how often a film with the sign gets a higher "
            "score than one without (area under the ROC curve), mean of the classes; 0.5 is "
            "chance.",
        ),
        (
            "Best epoch: accuracy",
            _percent(best.get("val_accuracy")),
            "Of the same epoch: share of validation films called rightly.",
        ),
    )
    show_metrics(figures)


def _time(run: RunStatus) -> tuple[str, str, str]:
    """How long it still takes, or how long the finished epochs took."""
    if run.status.alive:
        left = run.status.seconds_left
        text = "–" if left is None else duration(left)
        return "Time left", text, "From the speed of this stage so far; an early end comes off."
    films = sum(run.config.get("split_sizes", {}).get("train", {}).values())
    speeds = [row.get("images_per_second") for row in run.state.history]
    spent = sum(films / speed for speed in speeds if speed)
    return (
        "Time trained",
        duration(spent) if spent else "–",
        "Of all finished epochs, without reading and judging films.",
    )


def _curves(run: RunStatus) -> None:
    rows = run.state.history
    if not rows:
        if run.status.alive:
            st.caption("The curves begin with the first finished epoch.")
        return
    show_history(rows, "live", kept=run.best.get("epoch"))
    choice = (
        "Weights of the marked epoch are kept; the curve that chooses it says so. "
        if any(CHOICE in row for row in rows)
        else ""
    )
    overfitting = "Validation worse while training gets better means learning by heart"
    if said := choice + (f"{overfitting} (overfitting)." if len(rows) > 2 else ""):
        st.caption(said)


def _details(run: RunStatus) -> None:
    with st.expander("Settings, films and log", icon=":material/list_alt:"):
        config = run.config
        if config:
            sizes = pd.DataFrame(config.get("split_sizes", {})).fillna(0).astype(int)
            show_plain_table(sizes.rename(columns={"val": "validation"}))
            st.caption(
                plain(
                    f"{run_title(run)} · start: {config.get('start')} · "
                    f"seed {config.get('seed')} · {config.get('precision')} · commit "
                    f"{config.get('environment', {}).get('commit') or 'unknown'} · {run.folder}"
                )
            )
            st.code(config.get("command") or "command not known", "bash", wrap_lines=True)
            st.json(config.get("recipe", {}), expanded=False)
        lines = last_lines(run.folder, 40)
        st.code("\n".join(lines) or "The log is empty.", language=None, wrap_lines=True)


def _counted(epochs: int) -> str:
    return f"{epochs} finished epoch{'' if epochs == 1 else 's'}"


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else percent(share, 1)
