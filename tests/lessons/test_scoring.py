"""Points and calibration, worked out by hand."""

import numpy as np
import pytest

from tests.lessons.test_progress import answer
from xraycore.errors import LessonError
from xraycore.lessons.progress import StepAnswer
from xraycore.lessons.scoring import (
    beaten,
    measure_sureness,
    network_bets,
    score_reading,
    share_of_points,
    student_bets,
)

# The upper left quarter.
PLACE = np.zeros((10, 20), bool)
PLACE[:5, :10] = True


@pytest.mark.parametrize(
    ("said", "truth", "box", "place", "points"),
    [
        (True, True, (0.0, 0.0, 0.4, 0.4), PLACE, 1.0),
        (True, True, (0.6, 0.0, 1.0, 0.4), PLACE, 0.5),
        (True, True, None, PLACE, 0.5),
        (True, True, None, None, 1.0),
        (False, True, (0.0, 0.0, 0.4, 0.4), PLACE, 0.0),
        (False, False, None, None, 1.0),
        (True, False, None, None, 0.0),
        # Its middle is what counts, also at the film's edge.
        (True, True, (0.9, 0.9, 1.0, 1.0), ~PLACE, 1.0),
    ],
)
def test_half_for_the_answer_half_for_the_place(said, truth, box, place, points):
    assert score_reading(said, truth, box, place) == points


def test_sureness_is_set_beside_what_came_true():
    found = measure_sureness([(0.9, True), (0.9, False), (0.6, True), (0.6, True)])
    assert (found.answers, found.sure, found.right) == (4, 0.75, 0.75)
    assert found.brier == pytest.approx((0.01 + 0.81 + 0.16 + 0.16) / 4)
    assert found.reading == "about as sure as right"
    assert measure_sureness([(1.0, False)]).reading == "surer than right"
    assert measure_sureness([(0.5, True)]).reading == "less sure than right"
    assert measure_sureness([]) is None


def test_who_is_right_where_a_network_is_not_has_beaten_it():
    answers = {
        0: answer(0, True, vgg16=False, xception=True),
        1: answer(1, False, vgg16=False),
        2: answer(2, True, vgg16=True),
        3: StepAnswer(3, {"option": 1}, {"right": True}, 1.0),
    }
    assert beaten(answers) == {0: ["vgg16"]}
    assert student_bets(list(answers.values())) == [(0.8, True), (0.8, False), (0.8, True)]
    assert network_bets(list(answers.values()))["vgg16"] == [
        (0.9, False),
        (0.9, False),
        (0.9, True),
    ]
    assert share_of_points(list(answers.values()), 5) == 0.6
    assert share_of_points([], 0) is None


def test_points_are_shares():
    with pytest.raises(LessonError):
        StepAnswer(0, {}, {}, 1.5)
