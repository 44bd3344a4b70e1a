import base64
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from xraycore.anatomy.lung_field import NO_LUNGS
from xraycore.config import NOTICE
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.report.film_report import write_report


def test_everything_is_in_one_file(film, result):
    page = write_report(film, [result])
    assert NOTICE in page
    assert film.info.sha256 in page
    assert "ab" * 32 in page
    assert "arXiv:1610.02391" in page
    assert "A note &amp; more." in page
    for label, probability in result.prediction.probabilities.items():
        assert f"<td>{label}</td>" in page
        assert f"{100 * probability:.1f} %" in page
    # Nothing is fetched from anywhere, and a file's name is no markup.
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "<b>film" not in page
    assert "&lt;b&gt;film.png" in page


def test_both_levels_head_a_model_and_say_where_they_come_from(film, result):
    page, answer = write_report(film, [result]), result.answer
    assert f": {answer.reading}</h2>" in page
    # Nothing is on this model's card: even odds, and no trust.
    assert "Called an opacity from 50.0 % on: Even odds (50 %)." in page
    assert "a nodule, an effusion" in page
    side = replace(result.prediction, warnings=(FilmWarning("lateral", "A side view."),))
    silent = write_report(film, [replace(result, prediction=side)])
    assert "a nodule, an effusion" not in silent
    assert ": No answer: it is no frontal chest film</h2>" in silent
    assert "Called an opacity" not in silent


def test_pictures_are_small_and_not_squeezed(film, result):
    found = re.findall(r"base64,([^\"]+)", write_report(film, [result]))
    pictures = [cv2.imdecode(np.frombuffer(base64.b64decode(p), np.uint8), 1) for p in found]
    assert [picture.shape for picture in pictures] == [(560, 640, 3)] * 2
    plain, drawn = pictures
    # The first is grey, the second has colour where there is heat.
    assert np.ptp(plain.astype(int), axis=2).max() <= 4
    assert np.ptp(drawn.astype(int), axis=2).max() > 40


def test_heat_is_drawn_as_asked(film, result):
    page = write_report(film, [result], contour=0.5)
    assert "The line: 50 % of full heat." in page
    others = (write_report(film, [result]), write_report(film, [result], color_map="viridis"))
    drawn = {re.findall(r"base64,([^\"]+)", one)[1] for one in (page, *others)}
    assert len(drawn) == 3


def test_models_are_compared(film, result):
    page = write_report(film, [result, result])
    assert "Both models say" in page


def test_without_a_finding_there_is_no_report(film):
    with pytest.raises(ValueError, match="at least one model"):
        write_report(film, [])


def test_a_film_without_an_answer_has_that_in_its_first_line(film, result):
    doubtful = replace(result, prediction=replace(result.prediction, warnings=(NO_LUNGS,)))
    page = write_report(film, [doubtful, doubtful])
    body = page[page.index("<h1>") :]
    assert "No answer: no lungs were found on it." in body
    assert body.index("No answer") < body.index("<details>") < body.index(result.prediction.label)
    assert "models say" not in page
    assert "No answer" not in write_report(film, [result])


def test_the_mean_of_the_networks_is_in_the_report(film, result):
    assert "Mean of the" not in write_report(film, [result])
    other = replace(result.prediction, model="xception", logits=-result.prediction.logits)
    page = write_report(film, [result, replace(result, prediction=other)])
    mean = {
        label: (p + other.probabilities[label]) / 2
        for label, p in result.prediction.probabilities.items()
    }
    label = max(mean, key=mean.__getitem__)
    assert f"Mean of the 2 networks: {label}</h2>" in page
    assert f"{100 * mean[label]:.1f} %" in page
