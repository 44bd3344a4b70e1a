"""An opacity is painted where the reader clicks: does the answer move, and does the heat follow?"""

from dataclasses import replace

import numpy as np
import streamlit as st

from pages.components.film_viewer import FILM_PIXELS, FilmPicture, StyledMap, film_panel
from pages.explain.subject import QUICK, Subject, heatmap_panel
from pages.shared.inference import run
from pages.shared.layout import plain
from xraycore.anatomy.lung_field import LungField
from xraycore.attribution.metrics.lesion_insertion import (
    Insertion,
    InsertionScores,
    insert,
    lungs_on,
    probe,
)
from xraycore.attribution.registry import METHODS
from xraycore.datasets.labels import NORMAL
from xraycore.datasets.synthetic.opacities import OPACITIES, lung_width
from xraycore.imaging.box import pixel_at
from xraycore.imaging.resample import fit_within, resize
from xraycore.utils.text import percent

# Opacities at random places.
TRIES = 20


def insert_tab(subject: Subject) -> None:
    """The controls, one opacity where the reader clicks, and many at random places."""
    st.markdown(
        "Click inside the lungs: an opacity is painted there, all else stays as it was, and the "
        "network is asked again. So the truth is known: the probability should rise, and the heat "
        "should follow."
    )
    if not subject.prediction.lungs.found:
        st.warning(
            "No lungs were found on this film, so there is no place to paint an opacity.",
            icon=":material/block:",
        )
        return
    method = METHODS[subject.method]
    if not method.quick:
        st.info(
            f"{method.title} takes {method.cost} for one map, and every place needs two. Choose a "
            f"quick method at the left: {QUICK}.",
            icon=":material/hourglass:",
        )
        return
    kind, size, strength, watched = _controls(subject)
    _one(subject, kind, size, strength, watched)
    st.subheader(f"At {TRIES} random places", anchor=False)
    _many(subject, kind, watched)


def _controls(subject: Subject) -> tuple[str, float, float, str]:
    """Kind of opacity, its radius as a share of the lung's width, its density, class to watch."""
    chances = subject.prediction.probabilities
    findings = [label for label in subject.network.classes if label != NORMAL]
    expected = subject.target_class
    if expected not in findings:
        expected = max(findings, key=chances.get)
    of_kind, of_size, of_strength, of_class = st.columns([5, 3, 3, 4], gap="medium")
    kind = of_kind.selectbox(
        "Opacity",
        list(OPACITIES),
        format_func=lambda name: OPACITIES[name].title,
        key="opacity-kind",
        persist_state="session",
        help="\n".join(f"- **{one.title}**: {one.summary}" for one in OPACITIES.values()),
    )
    size = of_size.slider(
        "Radius",
        10,
        50,
        28,
        step=2,
        format="%d %%",
        key="opacity-size",
        persist_state="session",
        help="Of the lung's width.",
    )
    strength = of_strength.slider(
        "Density",
        0,
        100,
        70,
        step=10,
        format="%d %%",
        key="opacity-strength",
        persist_state="session",
        help="From the faintest of its kind to the densest.",
    )
    watched = of_class.selectbox(
        "Class to watch",
        findings,
        index=findings.index(expected),
        key=f"watched-{expected}",
        persist_state="session",
        help="The probability and the heat are this class's.",
    )
    return kind, size / 100, strength / 100, watched


def _one(subject: Subject, kind: str, size: float, strength: float, watched: str) -> None:
    film, place = subject.film, subject.film.opacity
    lungs = lungs_on(subject.radiograph, subject.prediction)
    in_lungs = place is not None and bool(lungs[pixel_at(place, lungs.shape)])
    said = st.container()
    clicked, before, painted, after = st.columns(4)
    with clicked:
        st.markdown("**Click inside an outline**")
        film_panel(
            subject.picture,
            key="opacity-click",
            label="Film; click inside the lungs to paint an opacity",
            heatmap=StyledMap(_Outline(subject.prediction.lungs), contour=0.5),
            click="point",
            on_click=lambda point: setattr(film, "opacity", point),
        )
        st.caption(
            "Outlined: the lungs that were found. The wheel zooms once the film was clicked, or "
            "with Ctrl. By keys: Enter, arrows, Enter."
        )
    with before:
        st.markdown(f"**Before:** {percent(subject.prediction.probabilities[watched])}")
        heatmap = subject.quick_heatmap(subject.method, watched)
        heatmap_panel(subject, heatmap, key="opacity-before", label=f"Heat for {watched} before")
        st.caption(f"{plain(subject.method_title)}, probability of {plain(watched)}.")
    if place is None:
        said.info("Nothing is painted yet: click inside a lung.", icon=":material/touch_app:")
        return
    if not in_lungs:
        said.warning(
            "That place lies outside the lungs. Click inside an outline.", icon=":material/block:"
        )
        return
    painting = (kind, place, size, strength, watched)
    with said, st.spinner("Painting, and asking the network again …"):
        found, picture = subject.once(
            "insert", subject.method, *painting, make=lambda: _insert(subject, lungs, *painting)
        )
    said.info(plain(found.reading), icon=":material/ads_click:")
    mark = _bounds(found.lesion)
    with painted:
        st.markdown(f"**{OPACITIES[kind].title}**")
        film_panel(picture, key="opacity-film", label="The film with the opacity", marks=[mark])
        st.caption("Drawn, not real. The box marks where it is.")
    with after:
        st.markdown(f"**After:** {percent(found.after.probabilities[watched])}")
        film_panel(
            picture,
            key="opacity-after",
            label=f"Heat for {watched} after",
            heatmap=subject.style.apply(found.heatmap),
            marks=[mark],
        )
        st.caption(f"In the opacity lies {percent(found.gain)} of the added heat.")


def _insert(
    subject: Subject,
    lungs: np.ndarray,
    kind: str,
    place: tuple[float, ...],
    size: float,
    strength: float,
    watched: str,
) -> tuple[Insertion, FilmPicture]:
    """What came of the opacity; the film with it only as it is drawn: it is large."""
    centre = pixel_at(place, lungs.shape)
    film = subject.radiograph
    found = run(
        insert,
        subject.network,
        film,
        kind,
        centre,
        size * lung_width(lungs, centre),
        watched,
        method=subject.method,
        strength=strength,
        prediction=subject.prediction,
    )
    small = replace(
        found,
        film=film,
        lesion=fit_within(found.lesion.astype(np.float32), FILM_PIXELS) > 0.5,
    )
    return small, FilmPicture(found.film, changed=True)


def _many(subject: Subject, kind: str, watched: str) -> None:
    key = subject.key("probe", subject.method, watched, kind)

    def try_places(report):
        return {
            key: run(
                probe,
                subject.network,
                [subject.radiograph],
                kind,
                watched,
                places=TRIES,
                method=subject.method,
                report=report,
            )
        }

    found: InsertionScores | None = subject.long_work(
        key,
        try_places,
        doing="Painting one opacity after another",
        button=f"Try {TRIES} random places",
        about=f"{OPACITIES[kind].title}, sizes and densities drawn at random. Best on a film "
        "without a finding of its own: where the answer is sure already, it cannot rise.",
    )
    if found is None:
        return
    st.info(plain(found.reading), icon=":material/scatter_plot:")
    numbers = (
        ("Noticed", found.noticed, "Opacities that raised the probability by a tenth or more."),
        (
            "Hottest point in the opacity",
            found.hit_rate,
            f"Hit rate (pointing game); a random point in the lungs: {percent(found.chance)}.",
        ),
        ("Added heat in the opacity", found.gain, "Of the heat that the opacity added."),
        ("Mean rise of the probability", found.rise, "In percentage points."),
    )
    for column, (title, score, meaning) in zip(st.columns(4), numbers, strict=True):
        unit = " points" if score is found.rise else " %"
        column.metric(plain(title), f"{100 * score['value']:.0f}{unit}", help=plain(meaning))
        column.caption(f"95 % interval {100 * score['low']:.0f} to {100 * score['high']:.0f}{unit}")


class _Outline:
    """The lungs as a map, of which the viewer draws the outline."""

    def __init__(self, lungs: LungField):
        self._mask = lungs.mask.astype(np.float32)

    def on(self, shape: tuple[int, int]) -> np.ndarray:
        return resize(self._mask, shape)


def _bounds(lesion: np.ndarray) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a mask, in shares of width and height."""
    rows, columns = (np.flatnonzero(lesion.any(axis=axis)) for axis in (1, 0))
    height, width = lesion.shape
    left, right = columns[0] / width, (columns[-1] + 1) / width
    return float(left), float(rows[0] / height), float(right), float((rows[-1] + 1) / height)
