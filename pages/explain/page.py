import streamlit as st

from pages.explain.subject import Subject, choose_model, choose_subject, show_answer
from pages.shared.layout import page_header, plain
from pages.shared.open_films import film_and_models
from pages.shared.results import show_other_work
from xraycore.errors import WeightsError
from xraycore.imaging import Radiograph


def show_tests(subject: Subject) -> None:
    """A tab for each question; only the open one is computed."""
    # SciPy and Plotly take a moment to import: the answer is there before them.
    from pages.explain.faithfulness import faithful_tab
    from pages.explain.lesion_insertion import insert_tab
    from pages.explain.lesion_removal import clear_tab
    from pages.explain.methods import methods_tab
    from pages.explain.randomisation import randomise_tab

    draw = {
        "Methods": methods_tab,
        "Is it faithful?": faithful_tab,
        "Randomise the network": randomise_tab,
        "Insert a lesion": insert_tab,
        "Clear the lungs": clear_tab,
    }
    tabs = st.tabs(list(draw), key="question", on_change="rerun", bind="query-params")
    for tab, question in zip(tabs, draw.values(), strict=True):
        if tab.open:
            with tab:
                question(subject)


def explain(film: Radiograph, trained: list[str]) -> None:
    """One film and one model."""
    name = choose_model(trained)
    try:
        subject = choose_subject(film, name)
    except WeightsError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    show_answer(subject)
    show_tests(subject)
    show_other_work(subject.of)


page_header(
    "Explain",
    "Where one network looks on one film, and whether its heatmap can be believed.",
)
if found := film_and_models():
    explain(*found)
