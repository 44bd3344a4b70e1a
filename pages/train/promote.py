"""Making a finished run one of the app's models, or one of a folder of one's own."""

from pathlib import Path

import streamlit as st

from pages.shared.access import acts, current_user, get_access, require
from pages.shared.layout import plain
from pages.shared.tables import SHARES, show_scores
from pages.train.process import follow_process, show_failure
from xraycore.access import Action
from xraycore.access.paths import named_path
from xraycore.config import XRAYCORE_WEIGHTS, weights_folder
from xraycore.datasets.labels import CHEST4
from xraycore.errors import ArgumentError, XrayCoreError
from xraycore.jobs.process import OUTPUT, launch, status
from xraycore.jobs.records import refuse_links
from xraycore.models.card_schema import ShipAnswer
from xraycore.models.cards import stored_title
from xraycore.training.runs import SHIPPING, RunStatus, plan_of, shipped_into
from xraycore.utils.files import write_text
from xraycore.utils.installation import has_previous, undo_install
from xraycore.utils.stored import read_stored

TEST_SCORES = {"accuracy": "Accuracy", "macro_auroc": "AUC, mean of the classes"}
APP, OWN = "The app's models", "A folder of my own"
REFUSED, PROMOTIONS = "promote-refused", "promotions"


def promote_section(run: RunStatus) -> None:
    """Where to, what will happen, and the button; or how far it is."""
    st.subheader("Promote", anchor=False)
    folder = run.folder / SHIPPING
    now = status(folder)
    if now.alive:
        follow_process(folder, "promotion")
    if REFUSED in st.session_state:
        st.error(plain(st.session_state.pop(REFUSED)), icon=":material/error:")
    if now.phase == "failed":
        show_failure(now, folder)
    elif now.phase == "stopped":
        st.info("Stopped. Nothing was installed.", icon=":material/stop_circle:")
    elif now.phase == "finished":
        _show_installed(folder)
    try:
        arguments = plan_of(run).ship_arguments(run.folder)
    except XrayCoreError as error:
        st.info(plain(str(error)), icon=":material/terminal:")
        return
    _ask(run, folder, arguments, now.alive)


def _ask(run: RunStatus, folder: Path, arguments: list[str], alive: bool) -> None:
    model, config = run.config["model"], run.config
    of_app = set(config["classes"]) == set(CHEST4)
    # Of a served app no visitor names a folder to write to.
    place = st.segmented_control(
        "Where to",
        [APP] if get_access().served else [APP, OWN],
        default=APP if of_app or get_access().served else OWN,
        required=True,
        key=f"promote-to-{run.name}",
        persist_state="session",
        disabled=alive,
    )
    if place == APP and not of_app:
        st.warning(
            f"It knows {plain(', '.join(config['classes']))}; the app's other models know "
            f"{', '.join(CHEST4)}, and cannot be compared with it.",
            icon=":material/warning:",
        )
    try:
        target = weights_folder() if place == APP else _own_folder(run, alive)
        if target is None:
            return
        there = shipped_into(target, model)
    except XrayCoreError as error:
        st.error(plain(str(error)), icon=":material/folder_off:")
        return
    sizes = {name: sum(of.values()) for name, of in config.get("split_sizes", {}).items()}
    st.markdown(
        f"1. {sizes.get('val', 0):,} validation films calibrate it (how sure it sounds, how often "
        "it names each class), set its thresholds and the heatmaps' scale.\n"
        f"2. The {sizes.get('test', 0):,} test films are opened and scored. Do this once, when "
        "the run is final: whoever chooses by the test films has none left to test on.\n"
        f"3. Weights, card and predictions are written to {plain(str(target / model))}."
    )
    limits = st.text_area(
        "What users of it must know (limits, a sentence a line)",
        key=f"limits-{run.name}",
        persist_state="session",
        placeholder="Trained on 200 drawn films: knows nothing of real ones.",
        height=80,
        disabled=alive,
    )
    # Every promotion is confirmed for itself.
    number, sure = st.session_state.setdefault(PROMOTIONS, 0), True
    if there:
        st.warning(
            f"{plain(str(there))} holds {stored_title(model)} already. It will be replaced, and "
            "kept beside it until the next promotion.",
            icon=":material/warning:",
        )
        sure = st.checkbox(
            f"Replace the {stored_title(model)} that is there",
            key=f"replace-{there}-{number}",
            disabled=alive,
        )
    st.button(
        "Promote",
        key="promote",
        icon=":material/publish:",
        type="primary",
        disabled=alive or not sure,
        on_click=_promote,
        args=(run, folder, arguments, target, limits, sure),
    )
    if place == APP and has_previous(model):
        st.button(
            f"Bring back the {stored_title(model)} from before",
            key="undo-promotion",
            icon=":material/undo:",
            disabled=alive,
            on_click=_undo,
            args=(model,),
            help="Changes it with the one that the last promotion has replaced; once more, and all "
            "is as it was.",
        )


def _own_folder(run: RunStatus, alive: bool) -> Path | None:
    """The folder that is typed; None where none is.

    Raises:
        ValueError: If it cannot be one.
    """
    text = st.text_input(
        "Folder",
        value=str(Path.home() / "xraycore-models"),
        key=f"promote-folder-{run.name}",
        persist_state="session",
        disabled=alive,
        help="Start the app with XRAYCORE_WEIGHTS=<folder> to see the models in it.",
    ).strip()
    if not text:
        st.info("Name a folder.", icon=":material/arrow_upward:")
        return None
    return named_path(text)


@acts(Action.PROMOTE)
def _promote(
    run: RunStatus, folder: Path, arguments: list[str], target: Path, limits: str, sure: bool
) -> None:
    target = weights_folder() if get_access().served else target
    place = target / run.config["model"]
    try:
        require(Action.PROMOTE, owner=run.owner)
        if shipped_into(target, place.name) and not sure:
            raise ArgumentError(f"{place} was filled meanwhile: confirm to replace it.")
        st.session_state[PROMOTIONS] += 1
        # Before anything is written: a run may come from anybody, and a link in it lead anywhere.
        refuse_links(run.folder)
        folder.mkdir(exist_ok=True)
        refuse_links(folder)
        write_text(folder / "limits.txt", limits)
        more = ["--limits", str((folder / "limits.txt").absolute()), "--json"]
        where = {XRAYCORE_WEIGHTS: str(target)}
        launch(folder, [*arguments, *more], where, user=current_user().id)
    except (XrayCoreError, OSError) as error:
        st.session_state[REFUSED] = str(error)


@acts(Action.PROMOTE)
def _undo(model: str) -> None:
    try:
        undo_install(model)
    except (XrayCoreError, OSError) as error:
        st.session_state[REFUSED] = str(error)


def _show_installed(folder: Path) -> None:
    try:
        told = read_stored(folder / OUTPUT, ShipAnswer, ArgumentError)
        scores = told["card"]["scores"]["all"]
        rows = [(title, scores[name], name in SHARES) for name, title in TEST_SCORES.items()]
    except (OSError, XrayCoreError, KeyError) as error:
        st.error(plain(f"{folder}: expected a card: {error}"), icon=":material/error:")
        return
    st.success(f"Installed in {plain(told['folder'])}.", icon=":material/check_circle:")
    show_scores(rows, "Score on test films")
