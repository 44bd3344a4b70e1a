"""The Train page below its title: a new training, all runs, or the run that a link names."""

import streamlit as st

from pages.shared.layout import plain
from pages.train.config import choose_network, choose_recipe
from pages.train.dataset import choose_data
from pages.train.run import close_run, show_run
from pages.train.runs import open_run, runs_section
from pages.train.start import find_rate, start_training
from pages.train.storage import storage_section
from xraycore.config import runs_folder
from xraycore.training.plan import is_name
from xraycore.training.runs import RunStatus, list_runs


def show() -> None:
    """What the link and the tabs ask for."""
    opened = st.query_params.get("run")
    if opened and is_name(opened) and (runs_folder() / opened).is_dir():
        show_run(runs_folder() / opened)
    elif opened:
        st.error(
            f"There is no run {plain(opened)} in {plain(str(runs_folder()))}.",
            icon=":material/search_off:",
        )
        st.button("All runs", key="back", icon=":material/arrow_back:", on_click=close_run)
    else:
        tabs = st.tabs(
            ["New training", "Runs", "Storage"],
            key="section",
            on_change="rerun",
            bind="query-params",
        )
        with tabs[0]:
            # Drawn though it is hidden: a field that is left out forgets what was typed.
            new_training()
        if tabs[1].open:
            with tabs[1]:
                runs_section(runs_folder())
        if tabs[2].open:
            with tabs[2]:
                storage_section()


def new_training() -> None:
    """Films, network and recipe on the left; what follows from them on the right."""
    for run in list_runs(runs_folder()):
        if run.status.alive:
            st.button(
                f"{plain(run.name)} {plain(_standing(run))}: watch it",
                key=f"watch-{run.name}",
                icon=":material/visibility:",
                on_click=open_run,
                args=(run.name,),
            )
    left, right = st.columns([3, 2], gap="large")
    plan = chosen = None
    with left:
        st.subheader("1 · Films", anchor=False)
        chosen = choose_data()
        if chosen:
            st.subheader("2 · Network", anchor=False)
            network = choose_network()
            if network:
                st.subheader("3 · Recipe", anchor=False)
                plan = choose_recipe(chosen, *network)
    with right:
        if not plan:
            show_steps()
            return
        with st.container(border=True):
            st.subheader("Start", anchor=False)
            start_training(plan, chosen)
        with st.container(border=True):
            st.subheader("Which learning rate?", anchor=False)
            find_rate(plan, chosen)


def _standing(run: RunStatus) -> str:
    """What a run does, for a sentence that its name begins."""
    if run.status.place is None:
        return "is training"
    return f"waits for its turn, {run.status.place}"


def show_steps() -> None:
    """What comes, for one who has not chosen yet."""
    with st.container(border=True):
        st.markdown(
            "**How a training goes**\n\n"
            "1. Name a folder of films with a folder for each class. It is split into films to "
            "train on, to choose by (validation) and to test on; a patient's films stay together "
            "where the folder does not set them apart.\n"
            "2. Choose a network and a recipe. The quick one takes a minute or two.\n"
            "3. Start. Watch the curves, or close everything and come back: the training runs as "
            "a process of its own and can be stopped and resumed.\n"
            "4. Compare finished runs, and promote the best to the app's models."
        )
