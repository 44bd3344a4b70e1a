"""The student says what an opacity will do, paints it, and sees what it did."""

from dataclasses import replace

import numpy as np
import streamlit as st

from pages.components.film_viewer import FILM_PIXELS, FilmPicture, StyledMap, film_panel
from pages.learn.desk import HEATMAP_METHOD, Desk, PlaceMap, answer_button, finding_of
from pages.learn.read_step import show_verdict
from pages.shared.inference import run
from pages.shared.inference_worker import Network
from pages.shared.layout import plain
from xraycore.attribution.metrics.lesion_insertion import Insertion, insert, lungs_on
from xraycore.datasets.synthetic.opacities import OPACITIES, lung_width
from xraycore.imaging.box import pixel_at
from xraycore.imaging.resample import fit_within
from xraycore.models.cards import stored_title
from xraycore.utils.text import percent

RISES, STAYS = "It will rise by a tenth or more", "It will hardly move"
# As on the Explain page: an opacity is noticed that raises the probability by so much.
NOTICED = 0.1


def ask(desk: Desk) -> None:
    """The film to click on, and what the student expects."""
    with st.spinner("The network is looking at the film …"):
        prediction = desk.analysis.prediction(desk.model)
    target = finding_of(prediction, HEATMAP_METHOD)
    if not prediction.lungs.found:
        st.warning("No lungs were found on this film, so nothing can be painted.")
        return
    state = desk.key("place")
    place = st.session_state.get(state)
    left, right = st.columns([6, 5], gap="medium")
    with left:
        film_panel(
            desk.analysis.picture(),
            key=desk.key("click"),
            label="Film; click inside the lungs to paint an opacity",
            heatmap=StyledMap(PlaceMap(prediction.lungs.mask), contour=0.5),
            marks=[_spot(place)] if place else (),
            click="point",
            on_click=lambda point: st.session_state.__setitem__(state, list(point)),
            toolbar=True,
        )
        st.caption("Outlined: the lungs. By keys: Enter, arrows, Enter.")
    with right:
        title = stored_title(desk.model)
        st.markdown(
            f"{plain(title)} gives **{plain(target)}** "
            f"{percent(prediction.probabilities[target])} now."
        )
        st.markdown("**1 Click inside a lung** where the opacity is to be.")
        in_lungs = place is not None and _is_in_lungs(desk, place)
        if place is not None and not in_lungs:
            st.warning("That place lies outside the lungs.", icon=":material/block:")
        st.markdown("**2 Say what will happen** to the probability")
        said = st.segmented_control("It …", [RISES, STAYS], key=desk.key("said"))
        if answer_button(desk, "Paint it", ":material/brush:", ready=said is not None and in_lungs):
            found, _ = _paint(desk, place, target)
            rose = found.rise >= NOTICED
            desk.sitting.answer(
                desk.number,
                {"rises": said == RISES, "place": place},
                {
                    "right": rose == (said == RISES),
                    "rise": round(float(found.rise), 4),
                    "hit": round(float(found.hit), 4),
                    "target": target,
                },
                float(rose == (said == RISES)),
            )
            st.rerun()


def tell(desk: Desk) -> None:
    """Before and after."""
    found, picture = _paint(desk, desk.answer.response["place"], desk.answer.outcome["target"])
    show_verdict(desk.answer.outcome["right"])
    st.info(plain(found.reading), icon=":material/ads_click:")
    before, after = st.columns(2)
    with before:
        st.markdown(f"**Before:** {percent(found.before.probabilities[found.target])}")
        heatmap = desk.analysis.heatmap(desk.model, HEATMAP_METHOD, found.target)
        desk.show_film("before", f"Heat for {found.target} before", heatmap=heatmap)
    with after:
        st.markdown(f"**After:** {percent(found.after.probabilities[found.target])}")
        film_panel(
            picture,
            key=desk.key("after"),
            label=f"Heat for {found.target} after",
            heatmap=StyledMap(found.heatmap),
            marks=[_bounds(found.lesion)],
            group=f"lesson-{desk.number}",
        )
        st.caption("Drawn, not real. The box marks where it is.")


def _paint(desk: Desk, place: list[float], target: str) -> tuple[Insertion, FilmPicture]:
    """What came of the opacity, and the film with it as it is drawn."""
    model, step = desk.model, desk.step
    network = Network.of(model)
    key = ("lesson-insert", model, network.card_sha256, step.opacity, tuple(place), target)
    key += (step.radius, step.strength)

    def make() -> tuple[Insertion, FilmPicture]:
        film, prediction = desk.analysis.radiograph(), desk.analysis.prediction(model)
        lungs = lungs_on(film, prediction)
        centre = pixel_at(place, lungs.shape)
        found = run(
            insert,
            network,
            film,
            step.opacity,
            centre,
            step.radius * lung_width(lungs, centre),
            target,
            method=HEATMAP_METHOD,
            strength=step.strength,
            prediction=prediction,
        )
        lesion = fit_within(found.lesion.astype(np.float32), FILM_PIXELS) > 0.5
        return replace(found, film=film, lesion=lesion), FilmPicture(found.film, changed=True)

    with st.spinner(f"Painting {OPACITIES[step.opacity].title}, and asking again …"):
        return desk.analysis.once(key, make)


def _is_in_lungs(desk: Desk, place: list[float]) -> bool:
    lungs = lungs_on(desk.analysis.radiograph(), desk.analysis.prediction(desk.model))
    return bool(lungs[pixel_at(place, lungs.shape)])


def _spot(place: list[float]) -> list[float]:
    """A small box around a point."""
    x, y = place
    return [max(0.0, x - 0.02), max(0.0, y - 0.02), min(1.0, x + 0.02), min(1.0, y + 0.02)]


def _bounds(lesion: np.ndarray) -> list[float]:
    """Left, top, right and bottom of a mask, in shares of width and height."""
    rows, columns = (np.flatnonzero(lesion.any(axis=axis)) for axis in (1, 0))
    height, width = lesion.shape
    edges = (columns[0] / width, rows[0] / height)
    return [*map(float, edges), float((columns[-1] + 1) / width), float((rows[-1] + 1) / height)]
