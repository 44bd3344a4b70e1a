"""What a reader takes along: all predictions as CSV, overlays as PNG, a report of one film."""

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

import cv2
import streamlit as st

from pages.compare.worklist import answers_of
from pages.shared.heatmap_controls import PLAIN, HeatmapStyle
from pages.shared.open_films import OpenFilm
from xraycore.config import NOTICE, VERSION
from xraycore.imaging import Radiograph
from xraycore.imaging.overlay import overlay
from xraycore.models.classifier import Prediction
from xraycore.report.film_report import ModelResult, write_report
from xraycore.report.provenance import now, provenance
from xraycore.utils.text import pluralise


def show_exports(
    xray: Radiograph,
    findings: Sequence[ModelResult],
    look: HeatmapStyle,
    films: Sequence[OpenFilm],
    names: Sequence[str],
) -> None:
    """Download buttons for the film that is shown and for all that are open.

    Args:
        xray: The film that is shown.
        findings: What each model says of it.
        look: How heat is drawn.
        films: All that are open.
        names: The models.
    """
    stem = PurePath(xray.info.name).stem or "film"
    drawn = [replace(one, heat=one.heat.stretched()) if look.stretched else one for one in findings]
    with st.container(horizontal=True):
        # Made when they are asked for: a report holds a picture a model.
        st.download_button(
            "Report of this film (HTML)",
            lambda: write_report(xray, drawn, **look.style),
            file_name=f"{stem}-report.html",
            mime="text/html",
            icon=":material/description:",
            on_click="ignore",
            help="Answers, heatmaps and where they come from, in one file that opens in any "
            "browser and prints.",
        )
        st.download_button(
            "Overlays (PNG)",
            lambda: zip_overlays(xray, drawn, look),
            file_name=f"{stem}-overlays.zip",
            mime="application/zip",
            icon=":material/image:",
            on_click="ignore",
            disabled=look.shown == PLAIN,
            help="The film at its full size with each model's heat, drawn as it is here, and a "
            "JSON file of where it comes from.",
        )
        # What the session holds is read here: a file is made outside of it.
        asked = [(film, answers_of(film, names)) for film in films]
        answered = [(film, answers) for film, answers in asked if answers is not None]
        st.download_button(
            f"All predictions (CSV, {pluralise(len(answered), 'film')})",
            lambda: predictions_csv(answered),
            file_name="predictions.csv",
            mime="text/csv",
            icon=":material/table:",
            on_click="ignore",
            disabled=not answered,
            help="One row a film and model; films that the models have not looked at yet are not "
            "in it.",
        )


def predictions_csv(answered: Sequence[tuple[OpenFilm, Sequence[Prediction]]]) -> str:
    """One row a film and model: answer, probabilities, warnings and provenance."""
    classes = dict.fromkeys(
        label for _, answers in answered for one in answers for label in one.classes
    )
    text = io.StringIO()
    table = csv.writer(text)
    origin = ("file_sha256", "weights_sha256", "xraycore", "time", "notice")
    table.writerow(["file", "model", "label", *classes, "warnings", *origin])
    for film, answers in answered:
        for one in answers:
            probabilities = one.probabilities
            table.writerow(
                [
                    _harmless(film.title),
                    one.model,
                    one.label,
                    *(f"{probabilities[k]:.6f}" if k in probabilities else "" for k in classes),
                    " ".join(one.warnings),
                    film.sha256,
                    one.weights_sha256,
                    *(VERSION, now(), NOTICE),
                ]
            )
    return text.getvalue()


def _harmless(name: str) -> str:
    """A file's name that a spreadsheet does not take for a formula."""
    return f"'{name}" if name[:1] in ("=", "+", "-", "@", "\t") else name


def zip_overlays(xray: Radiograph, findings: Sequence[ModelResult], look: HeatmapStyle) -> bytes:
    """A ZIP archive: each model's overlay at the film's size, with its provenance."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in findings:
            drawn = overlay(xray, one.heat, **look.style)
            encoded, data = cv2.imencode(".png", drawn[..., ::-1])
            if not encoded:
                raise RuntimeError("OpenCV could not encode a picture as PNG.")
            name = f"{one.prediction.model}.{one.heat.method}"
            archive.writestr(f"{name}.png", data.tobytes())
            facts = provenance(one.model, xray, one.prediction, one.heat) | {"drawn": look.style}
            archive.writestr(f"{name}.json", json.dumps(facts, indent=2) + "\n")
    return buffer.getvalue()
