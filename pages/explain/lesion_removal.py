"""The lungs are cleared of what is soft and white in them: what does the network say then?"""

from dataclasses import replace

import numpy as np
import streamlit as st

from pages.components.film_viewer import FILM_PIXELS, FilmPicture, StyledMap, film_panel
from pages.explain.subject import Subject
from pages.shared.charts import probability_bars
from pages.shared.inference import run
from pages.shared.layout import plain
from xraycore.attribution.metrics.lesion_removal import Clearance, clear
from xraycore.imaging.resample import fit_within, resize


def clear_tab(subject: Subject) -> None:
    """The film as it is and with its lungs cleared, what was taken away, and both answers."""
    st.markdown(
        "What is white in the lungs and wider than a rib is taken away, all else stays as it was, "
        "and the network is asked again. An answer that rests on soft opacities should turn to "
        "Normal. One that stays rests on something else: on fine patterns, which are left, or on "
        "what has nothing to do with the lungs."
    )
    if not subject.prediction.lungs.found:
        st.warning(
            "No lungs were found on this film: nothing can be cleared.", icon=":material/block:"
        )
        return
    with st.spinner("Clearing the lungs, and asking the network again …"):
        found: Clearance = subject.once(
            "clear", make=lambda: run(clear, subject.network, subject.prediction)
        )
    st.info(plain(found.reading), icon=":material/cleaning_services:")
    lungs = subject.prediction.lungs
    film = subject.radiograph
    pixels = fit_within(film.pixels, FILM_PIXELS)
    taken = found.before.box.spread(found.taken, pixels.shape)
    before, after, difference = st.columns(3, gap="medium")
    with before:
        st.markdown("**The film**")
        film_panel(subject.picture, key="clear-before", label="The film", toolbar=True, lungs=lungs)
    with after:
        st.markdown("**Its lungs cleared**")
        film_panel(
            FilmPicture(replace(film, pixels=np.maximum(pixels - taken, 0)), changed=True),
            key="clear-after",
            label="The film with its lungs cleared",
            lungs=lungs,
        )
    with difference:
        st.markdown("**What was taken away**")
        film_panel(
            subject.picture,
            key="clear-taken",
            label="What was taken away, as heat",
            heatmap=StyledMap(_Taken(taken), subject.style.opacity, subject.style.color_map),
            lungs=lungs,
        )
    said_before, said_after, about = st.columns(3, gap="medium")
    said_before.html(probability_bars(found.before.probabilities, found.before.label))
    said_after.html(probability_bars(found.after.probabilities, found.after.label))
    about.caption(
        "A picture of brightness, not of what the network looks at: for that see *Cleared lungs* "
        "among the methods. Where the lungs' outline reaches over the heart or the chest wall, "
        "their shade is taken away too. Drawn, not real."
    )


class _Taken:
    """What was taken away as a map, its own maximum as full heat."""

    def __init__(self, taken: np.ndarray):
        self._taken = taken / (float(taken.max()) or 1.0)

    def on(self, shape: tuple[int, int]) -> np.ndarray:
        return resize(self._taken, shape)
