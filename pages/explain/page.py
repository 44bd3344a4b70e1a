import streamlit as st

from pages.explain.subject import Subject, choose_model, choose_subject, show_answer
from pages.shared.access import enter
from pages.shared.faults import errors_shown
from pages.shared.film_picker import film_and_models
from pages.shared.layout import name_tab, page_header
from pages.shared.open_films import OpenFilm, open_films
from pages.shared.results import show_other_work
from xraycore.access import Action


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


def explain(film: OpenFilm, trained: list[str]) -> None:
    """One film and one model."""
    name = choose_model(trained)
    with errors_shown():
        subject = choose_subject(film, name)
        show_answer(subject)
        show_tests(subject)
        show_other_work(open_films().films.values(), film, subject.of_network)


enter(Action.LOOK)
page_header(
    "Explain",
    "Where one network looks on one film, and whether its heatmap can be believed.",
)
if found := film_and_models():
    name_tab("Explain", found[0].title)
    explain(*found)
