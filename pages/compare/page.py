from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.compare.exports import show_exports
from pages.compare.model_agreement import show_votes
from pages.compare.worklist import forget_older, note_answers, show_worklist
from pages.components.film_viewer import HELP_WITH_HEAT, MORE_HELP, film_panel, size_and_depth
from pages.shared import cache
from pages.shared.charts import probability_bars
from pages.shared.heatmap_controls import PLAIN, HeatmapStyle, choose_look
from pages.shared.layout import page_header, plain
from pages.shared.open_films import current_key, film_and_models, known_truth, open_films
from xraycore.attribution.heatmap import Heatmap, explain
from xraycore.attribution.plausibility import check_plausibility
from xraycore.attribution.registry import ANALYTIC, METHODS
from xraycore.datasets.labels import NORMAL
from xraycore.errors import WeightsError
from xraycore.evaluation.ensemble import agree, describe_agreement, mean_probabilities
from xraycore.imaging import Radiograph
from xraycore.models.cards import read_card
from xraycore.models.classifier import Prediction
from xraycore.models.registry import MODELS
from xraycore.report.film_report import ModelResult
from xraycore.utils.text import percent

OWN_ANSWER = "Each model's answer"
# More panels than this in a row are too small to read a film in.
MOST_ACROSS = 4


@dataclass(frozen=True)
class Evidence:
    """Which heat is shown, and how; a change runs no model."""

    target: str
    method: str
    look: HeatmapStyle


def choose_evidence(classes: list[str]) -> Evidence:
    """The controls of the heat."""
    with st.sidebar:
        st.divider()
        target = st.selectbox(
            "Explain the class",
            [OWN_ANSWER, *classes],
            key="target",
            bind="query-params",
            help="Heat marks where a model found evidence for this class.",
        )
        method = st.selectbox(
            "Heatmap method",
            list(ANALYTIC),
            format_func=lambda name: METHODS[name].title,
            key="method",
            bind="query-params",
            help="\n".join(f"- **{METHODS[m].title}**: {METHODS[m].summary}" for m in ANALYTIC),
        )
        return Evidence(target, method, choose_look())


def show_film(film: Radiograph) -> None:
    """The plain film, what was read, and every warning."""
    st.markdown("**Film**")
    film_panel(film, key="film-plain", label=f"Plain film {film.info.name}", toolbar=True)
    info = film.info
    facts = [info.format, size_and_depth(info)]
    facts += [value for value in (info.modality, info.view_position) if value]
    st.caption(f"{plain(info.name)}  \n{plain(' · '.join(facts))}")
    if truth := known_truth():
        st.caption(truth)
    for warning in film.warnings:
        st.warning(warning, icon=":material/warning:")
    st.caption(f"{HELP_WITH_HEAT} All films follow.", help=MORE_HELP)


def describe_heat(heat: Heatmap, seen: Prediction, look: HeatmapStyle) -> str:
    """What the heat stands for, and how much of it lies where disease of the lungs can be."""
    if not heat.values.any():
        return f"No heat: no place speaks for {heat.target}."
    text = f"Heat: evidence for {heat.target}"
    if seen.lungs.found:
        share = seen.lungs.share_inside(heat.values, heat.box)
        text += f" · {percent(share)} of it in the lungs"
    return text + look.scale_note(heat)


def choose_point(names: Sequence[str]) -> str | None:
    """The operating point by which a film is called abnormal; None for none."""
    titles = {}
    for name in names:
        for key, point in read_card(name).get("operating_points", {}).items():
            titles.setdefault(key, point["title"])
    if not titles:
        return None
    with st.sidebar:
        return st.selectbox(
            "Call a film abnormal at",
            list(titles),
            index=None,
            format_func=titles.get,
            placeholder="The most probable class",
            key="point",
            bind="query-params",
            help="The operating point: from which probability of any disease on a model calls a "
            "film abnormal. Thresholds were chosen on each model's validation films; beside the "
            "call stands what came of it on test films.",
        )


def describe_call(name: str, seen: Prediction, point: str | None) -> str | None:
    """Whether the model calls the film abnormal at an operating point, and by how much."""
    card = read_card(name)
    threshold = card.get("operating_points", {}).get(point, {}).get("threshold")
    if threshold is None or NORMAL not in seen.classes:
        return None
    abnormal = 1 - seen.probabilities[NORMAL]
    sign, word = ("≥", "Abnormal") if abnormal >= threshold else ("<", "Not called abnormal")
    text = f"**{word}**: {percent(abnormal, 1)} {sign} {percent(threshold, 1)}"
    measured = card["scores"].get("pneumonia", {}).get("at", {}).get(point, {})
    found, cleared = (measured.get(key) for key in ("sensitivity", "specificity"))
    if found and cleared:
        text += (
            f"  \n:small[On children's test films it finds {percent(found['value'])} of the ill "
            f"and clears {percent(cleared['value'])} of the others.]"
        )
    return text


def show_model(
    name: str, film: Radiograph, wanted: Evidence, point: str | None
) -> ModelResult | None:
    """What one model says and where it looks; None if its weights cannot be used."""
    title = MODELS[name].title
    try:
        with st.spinner(f"{title} is looking at the film …"):
            model, seen = cache.classifier(name), cache.prediction(name, film)
    except WeightsError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None
    heat = explain(
        model, seen, wanted.method, wanted.target if wanted.target in model.classes else None
    )
    look = wanted.look
    film_panel(
        film,
        key=f"film-{name}",
        label=f"{title}: {METHODS[wanted.method].title} for {heat.target}",
        drawn=look.drawn(heat),
        lungs=seen.lungs,
    )
    st.subheader(seen.label, anchor=False)
    if call := describe_call(name, seen, point):
        st.markdown(call)
    st.html(probability_bars(seen.probabilities, seen.label))
    if look.shown != PLAIN:
        st.caption(describe_heat(heat, seen, look))
        for text in check_plausibility(heat, film, seen.lungs):
            st.markdown(f":orange[:material/warning:] {text}")
    record = cache.track_record_of(seen)
    if record:
        st.caption(record)
    return ModelResult(model, seen, heat, (record,) if record else ())


def compare(film: Radiograph, names: list[str]) -> None:
    """Every model beside the plain film, and in one line whether they agree."""
    cache.prefetch(names, film)
    forget_older(names)
    labels = [label for name in names for label in read_card(name)["classes"]]
    wanted = choose_evidence(list(dict.fromkeys(labels)))
    point = choose_point(names)
    worklist, verdict = st.container(), st.container()
    across = len(names) + 1 if len(names) < MOST_ACROSS else 3
    found: list[ModelResult] = []
    for start in range(0, len(names) + 1, across):
        for place, column in enumerate(st.columns(across), start):
            with column:
                if place == 0:
                    show_film(film)
                elif place <= len(names):
                    name = names[place - 1]
                    st.markdown(f"**{MODELS[name].title}**")
                    found += filter(None, [show_model(name, film, wanted, point)])
    if not found:
        return
    note_answers(current_key(), [one.prediction for one in found])
    with verdict:
        show_verdict(film, [one.prediction for one in found])
    show_votes(film, found)
    # A network whose weights cannot be used has said so; the others' answers are not held up.
    answering = [one.prediction.model for one in found]
    if len(open_films()) > 1:
        with worklist:
            show_worklist(answering)
    st.divider()
    show_exports(film, found, wanted.look, list(open_films().values()), answering)


def show_verdict(film: Radiograph, answers: Sequence[Prediction]) -> None:
    """In one line what the models say, then what they warn of."""
    sentence = describe_agreement(answers, {name: spec.title for name, spec in MODELS.items()})
    if together := mean_probabilities(answers):
        label = max(together, key=together.get)
        sentence += f" Their mean: {label}, {percent(together[label])}."
    # One colour for both: to agree is not to be right.
    st.info(sentence, icon=":material/join:" if agree(answers) else ":material/call_split:")
    of_models = dict.fromkeys(warning for answer in answers for warning in answer.warnings)
    for warning in (text for text in of_models if text not in film.warnings):
        st.warning(warning, icon=":material/warning:")


page_header(
    "Compare",
    "What several networks say about one chest X-ray, and where each one looks.",
)
if found := film_and_models():
    compare(*found)
