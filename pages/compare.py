from dataclasses import dataclass

import streamlit as st

from pages.widgets import session
from pages.widgets.charts import probability_bars
from pages.widgets.films import choose_film, show_gallery
from pages.widgets.frame import page_header
from pages.widgets.heat_look import PLAIN, Look, choose_look
from pages.widgets.viewer import film_panel
from xraycore.evaluation.agreement import agree, describe_agreement, mean_probabilities
from xraycore.explain.alarm import alarms
from xraycore.explain.heatmap import Heatmap, explain
from xraycore.explain.methods import ANALYTIC, METHODS
from xraycore.imaging import Radiograph
from xraycore.models.classifier import Prediction
from xraycore.models.spec import MODELS
from xraycore.models.store import list_shipped, read_card
from xraycore.weightfiles import WeightsError

OWN_ANSWER = "Each model's answer"


@dataclass(frozen=True)
class Evidence:
    """Which heat is shown, and how; a change runs no model."""

    target: str
    method: str
    look: Look


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
    facts = [info.format, f"{info.width} × {info.height} px", f"{info.bit_depth} bit"]
    facts += [value for value in (info.modality, info.view_position) if value]
    st.caption(f"{info.name}  \n{' · '.join(facts)}")
    for warning in film.warnings:
        st.warning(warning, icon=":material/warning:")
    st.caption(
        "Wheel zooms, drag moves, Shift and drag sets the window, double click shows all as it "
        "was; hold the space bar to hide the heat. All films follow."
    )


def describe_heat(heat: Heatmap, seen: Prediction) -> str:
    """What the heat stands for, and how much of it lies where disease of the lungs can be."""
    text = f"Heat: evidence for {heat.target}"
    if not seen.lungs.found:
        return text
    share = seen.lungs.share_inside(heat.values, heat.box)
    return f"{text} · {100 * share:.0f} % of it in the lungs"


def show_model(name: str, film: Radiograph, wanted: Evidence) -> Prediction | None:
    """What one model says and where it looks; None if its weights cannot be used."""
    title = MODELS[name].title
    try:
        with st.spinner(f"{title} is looking at the film …"):
            model, seen = session.classifier(name), session.prediction(name, film)
    except WeightsError as error:
        st.error(str(error), icon=":material/error:")
        return None
    target = wanted.target if wanted.target in model.classes else None
    heat, look = explain(model, seen, wanted.method, target), wanted.look
    film_panel(
        film,
        key=f"film-{name}",
        label=f"{title}: {METHODS[wanted.method].title} for {heat.target}",
        drawn=look.drawn(heat),
        lungs=seen.lungs,
    )
    st.caption(describe_heat(heat, seen) if look.shown != PLAIN else "Plain film")
    if look.shown != PLAIN:
        for text in alarms(heat, film, seen.lungs):
            st.markdown(f":orange[:material/warning:] {text}")
    st.subheader(seen.label, anchor=False)
    st.plotly_chart(
        probability_bars(seen.probabilities, seen.label),
        key=f"bars-{name}",
        config={"displayModeBar": False, "staticPlot": True},
        alt=f"{title}: " + ", ".join(f"{k} {p:.0%}" for k, p in seen.probabilities.items()),
    )
    return seen


def compare(film: Radiograph, names: list[str]) -> None:
    """Every model beside the plain film, and in one line whether they agree."""
    labels = [label for name in names for label in read_card(name)["classes"]]
    wanted = choose_evidence(list(dict.fromkeys(labels)))
    verdict = st.container()
    plain, *columns = st.columns(len(names) + 1)
    with plain:
        show_film(film)
    for name, column in zip(names, columns, strict=True):
        column.markdown(f"**{MODELS[name].title}**")
    predictions = []
    for name, column in zip(names, columns, strict=True):
        with column:
            predictions.append(show_model(name, film, wanted))
    answers = [prediction for prediction in predictions if prediction]
    if not answers:
        return
    sentence = describe_agreement(answers, {name: MODELS[name].title for name in names})
    if together := mean_probabilities(answers):
        label = max(together, key=together.get)
        sentence += f" Their mean: {label}, {100 * together[label]:.0f} %."
    # One colour for both: to agree is not to be right.
    icon = ":material/join:" if agree(answers) else ":material/call_split:"
    verdict.info(sentence, icon=icon)
    of_models = dict.fromkeys(warning for answer in answers for warning in answer.warnings)
    for warning in (text for text in of_models if text not in film.warnings):
        verdict.warning(warning, icon=":material/warning:")


page_header(
    __file__,
    "Compare",
    "What several networks say about one chest X-ray, and where each one looks.",
)
film = choose_film()
trained = list_shipped()
if film is None:
    show_gallery()
elif not trained:
    st.error("No trained model lies under weights/. Train one, then ship it: see the README.")
else:
    compare(film, trained)
