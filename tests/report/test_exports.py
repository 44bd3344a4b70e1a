import csv
import io
import json
import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest

from xraycore.imaging.film_warnings import FilmWarning
from xraycore.imaging.overlay import overlay
from xraycore.models.answer import state_answer
from xraycore.models.cards import read_card
from xraycore.report.exports import predictions_csv, zip_overlays


def test_predictions_as_csv(result):
    said = result.prediction
    (row,) = csv.DictReader(io.StringIO(predictions_csv([("=SUM(A1).png", "ab", [said])])))
    assert row["file"] == "'=SUM(A1).png"
    assert (row["model"], row["label"], row["file_sha256"]) == ("basic_cnn", said.label, "ab")
    assert float(row["Normal"]) == pytest.approx(said.probabilities["Normal"], abs=1e-6)
    assert "Not for diagnosis" in row["notice"]
    expected = state_answer(said, read_card("basic_cnn"))
    assert row["answer"] == (expected.opacity.answer or "")
    assert float(row["opacity_probability"]) == pytest.approx(
        expected.opacity.probability, abs=1e-6
    )
    assert row["threshold_from"] == expected.opacity.point.origin
    assert (row["kind"], row["site"]) == (expected.kind.answer if expected.kind else "", "")


def test_a_film_without_an_answer_says_why_in_its_row(result):
    side = replace(result.prediction, warnings=(FilmWarning("lateral", "A side view."),))
    (row,) = csv.DictReader(io.StringIO(predictions_csv([("a.png", "ab", [side])])))
    assert (row["answer"], row["kind"], row["why"]) == ("", "", "lateral")


def test_overlays_are_the_film_at_its_size_with_where_they_come_from(film, result):
    style = {"opacity": 0.5, "color_map": "viridis", "contour": None}
    with zipfile.ZipFile(io.BytesIO(zip_overlays(film, [result], style))) as archive:
        assert archive.namelist() == ["basic_cnn.grad_cam.png", "basic_cnn.grad_cam.json"]
        picture, facts = (archive.read(name) for name in archive.namelist())
    drawn = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(drawn, overlay(film, result.heatmap, **style))
    facts = json.loads(facts)
    assert facts["drawn"] == style
    assert facts["weights_sha256"] == "ab" * 32
