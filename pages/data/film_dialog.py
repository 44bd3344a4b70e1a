"""One film of a data set, large: what is known of it, and what training makes of it."""

from functools import partial

import pandas as pd
import streamlit as st

from pages.components.film_grid import Tile, film_grid
from pages.components.film_viewer import HELP, MORE_HELP, film_panel, size_and_depth
from pages.data.charts import SPLIT_TITLES
from pages.shared.cache import read_film
from pages.shared.film_picker import compare_button
from pages.shared.inference import run
from pages.shared.layout import plain
from pages.shared.tables import show_plain_table
from xraycore.datasets.audit.overview import DatasetOverview, ImageEntry
from xraycore.datasets.index import read_measured
from xraycore.errors import WeightsError
from xraycore.imaging import Radiograph, RadiographError
from xraycore.training.augmentation import Augmentation, preview
from xraycore.training.config import DOMAIN_RANDOM
from xraycore.utils.text import percent

RECIPES = {"As the shipped models": DOMAIN_RANDOM, "Presets cpu and gpu": Augmentation()}
SAMPLES = 7


@st.dialog("Film", width="large")
def film_dialog(survey: DatasetOverview, film: ImageEntry) -> None:
    """Shows a film, its facts, and a row of its random views."""
    path, sha256 = film.record.path, film.facts.sha256
    try:
        radiograph = read_film(f"{path} {sha256}", partial(read_measured, path, sha256))
    except RadiographError as error:
        st.error(plain(str(error)), icon=":material/broken_image:")
        return
    left, right = st.columns([5, 7], gap="medium")
    with left:
        film_panel(
            radiograph, key="dialog-film", label=f"Film {radiograph.info.name}", group="dialog"
        )
        st.caption(HELP, help=MORE_HELP)
    with right:
        st.markdown(f"**{plain(survey.name(film.record.path))}**")
        _facts(survey, film, size_and_depth(radiograph.info))
        for warning in film.facts.warnings:
            st.warning(plain(warning), icon=":material/warning:")
        compare_button(film.record.path)
    _augmented(radiograph)


def _facts(survey: DatasetOverview, film: ImageEntry, size: str) -> None:
    record, facts = film.record, film.facts
    others = len(survey.of_patient(record.group)) - 1
    rows = {
        "Class": record.label,
        "Split": SPLIT_TITLES[record.split],
        "Patient": record.group.partition("/")[2]
        + (f", {others} more {'film' if others == 1 else 'films'}" if others else ""),
        "Size": f"{size}, {facts.bytes / 1000:,.1f} kB",
        "Brightness": f"{percent(facts.brightness)} of white, on average",
        "Contrast": f"{percent(facts.contrast)} (standard deviation)",
    }
    show_plain_table(pd.Series(rows, name="").to_frame(), hide_header=True)


def _augmented(radiograph: Radiograph) -> None:
    st.markdown(
        "**What training makes of it** (augmentation)",
        help="Each time a film is used for training it is changed at random, so that the network "
        "cannot learn it by heart, nor a hospital's exposure and framing.",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        recipe = st.segmented_control(
            "Recipe",
            list(RECIPES),
            default=next(iter(RECIPES)),
            required=True,
            key="augmentation",
            label_visibility="collapsed",
        )
        lungs = st.toggle(
            "Crop to the lungs first",
            key="augment-lungs",
            help="As training does. A small network finds the lungs; loading it takes some seconds "
            "the first time.",
        )
        if st.button("Draw others", icon=":material/casino:", key="augment-again"):
            st.session_state["augment-seed"] = st.session_state.get("augment-seed", 0) + SAMPLES
    first = st.session_state.get("augment-seed", 0)
    seeds = range(first, first + SAMPLES)
    try:
        with st.spinner("Finding the lungs …") if lungs else st.container():
            given = (radiograph, RECIPES[recipe], seeds)
            found = run(preview, *given) if lungs else preview(*given, view="film")
        film, changed = found
    except WeightsError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    tiles = [Tile(film, "Unchanged", ("as networks see it",))]
    tiles += [Tile(view, f"Seed {seed}") for seed, view in zip(seeds, changed, strict=True)]
    film_grid(tiles, key="augmented", tile=124)
    st.caption(describe_augmentation(RECIPES[recipe]))


def describe_augmentation(augmentation: Augmentation) -> str:
    """An augmentation in words; what is switched off is left out."""
    said = {
        "mirrored {:.0f} % of the time": 100 * augmentation.flip,
        "turned by up to {:g}°": augmentation.rotation,
        "scaled by up to {:.0f} %": 100 * augmentation.zoom,
        "moved by up to {:.0f} %": 100 * augmentation.shift,
        "slanted by up to {:.0f} %": 100 * augmentation.shear,
        "mid greys brighter or darker (gamma up to e^{:g})": augmentation.gamma,
        "contrast changed by up to {:.0f} %": 100 * augmentation.contrast,
        "grain of up to {:.0f} % of white (noise)": 100 * augmentation.noise,
    }
    return "Drawn at random: " + " · ".join(text.format(n) for text, n in said.items() if n) + "."
