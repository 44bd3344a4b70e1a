"""What a reader takes along: predictions as CSV, overlays as PNG, a report of a film or of all."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

import streamlit as st

from pages.compare.worklist import answers_of, cards_of, reported_film
from pages.shared.heatmap_controls import PLAIN, HeatmapStyle
from pages.shared.layout import plain
from pages.shared.open_films import OpenFilm
from xraycore.imaging.film_warnings import BURNED_IN, warning_codes
from xraycore.models.classifier import Prediction
from xraycore.models.sites import SiteProfile
from xraycore.report.exports import predictions_csv, zip_overlays
from xraycore.report.film_report import ModelResult, write_report
from xraycore.report.worklist_report import write_worklist_report
from xraycore.utils.text import join_names, pluralise


def show_exports(
    film: OpenFilm,
    results: Sequence[ModelResult],
    style: HeatmapStyle,
    films: Sequence[OpenFilm],
    names: Sequence[str],
    sites: Mapping[str, SiteProfile],
) -> None:
    """Download buttons for the film that is shown and for all that are open.

    Args:
        film: The film that is shown.
        results: What each model says of it.
        style: How heat is drawn.
        films: All that are open.
        names: The models.
        sites: Model -> site profile that films are answered by.
    """
    radiograph, annotations = film.analysis.radiograph(), film.annotations
    stem = PurePath(radiograph.info.name).stem or "film"
    if style.stretched:
        results = [replace(one, heatmap=one.heatmap.stretched()) for one in results]
    # What the session holds is read here: a file is made outside of it.
    cards = cards_of(names)
    asked = [(one, answers_of(one, cards)) for one in films]
    answered = [(one, answers) for one, answers in asked if answers]
    _warn_of_text([one for one, (first, *_) in answered if _has_text(first)])
    # Made when they are asked for: a report holds a picture a model.
    st.download_button(
        "Report of this film (HTML)",
        lambda: write_report(radiograph, results, annotations=annotations, **style.arguments),
        file_name=f"{stem}-report.html",
        mime="text/html",
        icon=":material/description:",
        on_click="ignore",
        width="stretch",
        help="Answers, heatmaps, what you drew and where all of it comes from, in one file that "
        "opens in any browser and prints.",
    )
    if len(films) > 1:
        reported = [reported_film(one, answers, sites) for one, answers in answered]
        st.download_button(
            f"Report of {pluralise(len(reported), 'film')} (HTML)",
            lambda: write_worklist_report(reported),
            file_name="worklist-report.html",
            mime="text/html",
            key="worklist-report",
            icon=":material/lists:",
            on_click="ignore",
            width="stretch",
            disabled=not reported,
            help="The whole worklist in one file: every film with its answer, the networks' and "
            "their mean's probabilities, warnings and what you drew. Without heatmaps.",
        )
    st.download_button(
        "Overlays (PNG)",
        lambda: zip_overlays(radiograph, results, style.arguments),
        file_name=f"{stem}-overlays.zip",
        mime="application/zip",
        icon=":material/image:",
        on_click="ignore",
        width="stretch",
        disabled=style.shown == PLAIN,
        help="The film at its full size with each model's heat, drawn as it is here, and a JSON "
        "file of where it comes from.",
    )
    rows = [(one.title, one.sha256, answers) for one, answers in answered]
    st.download_button(
        f"All predictions (CSV, {pluralise(len(rows), 'film')})",
        lambda: predictions_csv(rows, sites),
        file_name="predictions.csv",
        mime="text/csv",
        icon=":material/table:",
        on_click="ignore",
        width="stretch",
        disabled=not rows,
        help="One row a film and model; films that the models have not looked at yet are not in "
        "it.",
    )


def _has_text(prediction: Prediction) -> bool:
    return BURNED_IN in warning_codes(prediction.warnings)


def _warn_of_text(films: Sequence[OpenFilm]) -> None:
    """Before anything is taken along: what goes with it that no list of answers shows."""
    if films:
        more = [f"{len(films) - 3} more"] if len(films) > 3 else []
        named = join_names([*(one.title for one in films[:3]), *more])
        st.warning(
            plain(
                f"Look at the border of {named} first: text that is burnt into a film goes "
                "along with reports and overlays, and may name the patient."
            ),
            icon=":material/visibility:",
        )
