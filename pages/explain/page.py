import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.explain.subject import Subject, choose_model, choose_subject, show_answer
from pages.shared.access import enter
from pages.shared.faults import errors_as_messages
from pages.shared.film_picker import film_and_models
from pages.shared.layout import name_tab, page_header
from pages.shared.open_films import OpenFilm, open_films
from pages.shared.results import show_other_work
from pages.shared.similar_films import show_similar
from xraycore.access import Action

# It stays in sight while the maps are scrolled; on a phone it stands above them.
_STYLE = """<style>
@media(min-width:641px){
.st-key-explain>div>.stHorizontalBlock,.st-key-explain>.stHorizontalBlock{flex-wrap:nowrap}
.st-key-explain>div>.stHorizontalBlock>.stColumn:last-of-type,
.st-key-explain>.stHorizontalBlock>.stColumn:last-of-type{flex:1 1 0;min-width:0}
.st-key-explain>div>.stHorizontalBlock>.stColumn:first-of-type,
.st-key-explain>.stHorizontalBlock>.stColumn:first-of-type{flex:0 0 248px;min-width:248px;
position:sticky;top:3.75rem;align-self:flex-start;max-height:calc(100dvh - 4.5rem);overflow-y:auto;
padding-right:.75rem}}
</style>"""


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


def explain(film: OpenFilm, trained: list[str], side: DeltaGenerator) -> None:
    """One film and one model; what is chosen stands at the side."""
    name = choose_model(trained, side)
    with errors_as_messages():
        subject = choose_subject(film, name, side)
        show_answer(subject)
        show_similar(subject.prediction, film.sha256, key="similar", tile=110)
        show_tests(subject)
        show_other_work(open_films().films.values(), film, subject.of_network, side)


enter(Action.LOOK)
page_header(
    "Explain",
    "Where one network looks on one film, and whether its heatmap can be believed.",
)
st.html(_STYLE)
with st.container(key="explain"):
    left, main = st.columns([1, 4], gap="large")
# Not Streamlit's sidebar: the pages' links come before it in the order of Tab, as on every page.
side = left.container(key="side")
with main:
    if found := film_and_models(side):
        name_tab("Explain", found[0].title)
        explain(*found, side)
