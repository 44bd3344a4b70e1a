"""One model's panel: its heat over the film, what it says, and how far it may be believed."""

import streamlit as st

from pages.compare.controls import HeatmapChoice
from pages.components.film_viewer import film_panel
from pages.shared import cache
from pages.shared.charts import probability_bars
from pages.shared.faults import describe_error
from pages.shared.heatmap_controls import PLAIN
from pages.shared.inference_worker import Network
from pages.shared.open_films import OpenFilm
from xraycore.attribution.plausibility import describe_heat
from xraycore.attribution.registry import METHODS
from xraycore.datasets.labels import NORMAL
from xraycore.errors import XrayCoreError
from xraycore.models.cards import read_card, stored_title
from xraycore.models.classifier import Prediction
from xraycore.report.film_report import ModelResult
from xraycore.utils.text import percent


def show_model(
    name: str, film: OpenFilm, choice: HeatmapChoice, point: str | None
) -> ModelResult | None:
    """What one model says and where it looks; None if its weights cannot be used.

    Args:
        name: Of the model.
        film: The film that is looked at.
        choice: Which heat is shown, and how.
        point: Name of the operating point, if one was chosen.
    """
    title, analysis = stored_title(name), film.analysis
    try:
        with st.spinner(f"{title} is looking at the film …"):
            prediction = analysis.prediction(name)
        known = choice.target_class in prediction.classes
        target_class = choice.target_class if known else prediction.label
        heatmap = analysis.heatmap(name, choice.method, target_class)
        network = Network.of(name)
    except XrayCoreError as error:
        st.error(describe_error(error), icon=":material/error:")
        return None
    film_panel(
        analysis.picture(),
        key=f"film-{name}",
        label=f"{title}: {METHODS[choice.method].title} for {target_class}",
        heatmap=choice.style.apply(heatmap),
        lungs=prediction.lungs,
    )
    st.subheader(prediction.label, anchor=False)
    if call := describe_call(name, prediction, point):
        st.markdown(call)
    st.html(probability_bars(prediction.probabilities, prediction.label))
    if choice.style.shown != PLAIN:
        said = describe_heat(heatmap, prediction.lungs)
        st.caption(said + choice.style.scale_note(heatmap))
        for text in analysis.implausible(heatmap):
            st.markdown(f":orange[:material/warning:] {text}")
    record = cache.track_record_of(prediction)
    if record:
        st.caption(record)
    return ModelResult(network, prediction, heatmap, (record,) if record else ())


def describe_call(name: str, prediction: Prediction, point: str | None) -> str | None:
    """Whether the model calls the film abnormal at an operating point, and by how much."""
    card = read_card(name)
    threshold = card.get("operating_points", {}).get(point, {}).get("threshold")
    if threshold is None or NORMAL not in prediction.classes:
        return None
    abnormal = 1 - prediction.probabilities[NORMAL]
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
