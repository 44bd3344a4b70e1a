from collections.abc import Sequence

import streamlit as st

from pages.compare.controls import HeatmapChoice, choose_heatmap, choose_operating_point
from pages.compare.exports import show_exports
from pages.compare.model_agreement import show_model_agreement
from pages.compare.model_panel import show_model
from pages.compare.worklist import note_answers, show_worklist
from pages.components.film_viewer import HELP_WITH_HEAT, MORE_HELP, film_panel, size_and_depth
from pages.shared.access import enter
from pages.shared.film_picker import film_and_models, known_truth
from pages.shared.layout import page_header, plain
from pages.shared.open_films import OpenFilm, open_films
from xraycore.access import Action
from xraycore.evaluation.ensemble import agree, describe_agreement, mean_probabilities
from xraycore.imaging import Radiograph
from xraycore.models.cards import read_card, stored_title
from xraycore.models.classifier import Prediction
from xraycore.models.registry import MODELS
from xraycore.report.film_report import ModelResult
from xraycore.utils.text import percent

# More panels than this in a row are too small to read a film in.
MOST_ACROSS = 4


def show_film(film: OpenFilm) -> None:
    """The plain film, what was read, and every warning."""
    radiograph = film.analysis.radiograph()
    info = radiograph.info
    st.markdown("**Film**")
    film_panel(
        film.analysis.picture(), key="film-plain", label=f"Plain film {info.name}", toolbar=True
    )
    facts = [info.format, size_and_depth(info)]
    facts += [value for value in (info.modality, info.view_position) if value]
    st.caption(f"{plain(info.name)}  \n{plain(' · '.join(facts))}")
    if truth := known_truth(film):
        st.caption(truth)
    for warning in radiograph.warnings:
        st.warning(warning, icon=":material/warning:")
    st.caption(f"{HELP_WITH_HEAT} All films follow.", help=MORE_HELP)


def show_panels(
    film: OpenFilm, names: Sequence[str], choice: HeatmapChoice, point: str | None
) -> list[ModelResult]:
    """The plain film and every model's panel, in rows; what those said whose weights are well."""
    across = len(names) + 1 if len(names) < MOST_ACROSS else 3
    results: list[ModelResult] = []
    for start in range(0, len(names) + 1, across):
        for place, column in enumerate(st.columns(across), start):
            with column:
                if place == 0:
                    show_film(film)
                elif place <= len(names):
                    name = names[place - 1]
                    st.markdown(f"**{stored_title(name)}**")
                    results += filter(None, [show_model(name, film, choice, point)])
    return results


def compare(film: OpenFilm, names: list[str]) -> None:
    """Every model beside the plain film, and in one line whether they agree."""
    film.analysis.prefetch(names)
    labels = [label for name in names for label in read_card(name)["classes"]]
    choice = choose_heatmap(list(dict.fromkeys(labels)))
    point = choose_operating_point(names)
    worklist, verdict = st.container(), st.container()
    results = show_panels(film, names, choice, point)
    if not results:
        return
    answers = [one.prediction for one in results]
    note_answers(film, answers)
    radiograph = film.analysis.radiograph()
    with verdict:
        show_verdict(radiograph, answers)
    show_model_agreement(film, results)
    # A network whose weights cannot be used has said so; the others' answers are not held up.
    answering = [one.model for one in answers]
    opened = open_films()
    if len(opened.films) > 1:
        with worklist:
            show_worklist(opened, answering)
    st.divider()
    show_exports(radiograph, results, choice.style, list(opened.films.values()), answering)


def show_verdict(film: Radiograph, answers: Sequence[Prediction]) -> None:
    """In one line what the models say, then what they warn of."""
    sentence = describe_agreement(answers, {name: stored_title(name) for name in MODELS})
    if together := mean_probabilities(answers):
        label = max(together, key=together.get)
        sentence += f" Their mean: {label}, {percent(together[label])}."
    # One colour for both: to agree is not to be right.
    st.info(sentence, icon=":material/join:" if agree(answers) else ":material/call_split:")
    of_models = dict.fromkeys(warning for answer in answers for warning in answer.warnings)
    for warning in (text for text in of_models if text not in film.warnings):
        st.warning(warning, icon=":material/warning:")


enter(Action.LOOK)
page_header(
    "Compare",
    "What several networks say about one chest X-ray, and where each one looks.",
)
if found := film_and_models():
    compare(*found)
