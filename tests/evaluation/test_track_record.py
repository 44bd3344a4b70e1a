from pathlib import Path

import numpy as np
import pytest

from xraycore.datasets.manifest import Record
from xraycore.evaluation.predictions import PredictionSet
from xraycore.evaluation.track_record import NEAREST, track_record
from xraycore.metrics.calibration import Calibration

PLAIN = Calibration()


def outcome(said, right, split="test", label="Ill"):
    """Films that were all called `label` with these probabilities, of which some are right."""
    said, n = np.asarray(said, float), len(said)
    other = "Well" if label == "Ill" else "Ill"
    records = tuple(
        Record(Path(f"{i}.png"), label if ok else other, split, f"p{i}", "s")
        for i, ok in enumerate(right)
    )
    logits = np.stack([np.log(1 - said), np.log(said)], axis=1)
    if label == "Well":
        logits = logits[:, ::-1]
    return PredictionSet(
        "a",
        ("Well", "Ill"),
        records,
        logits,
        PLAIN,
        *(np.full(n, np.nan),) * 2,
        np.zeros((n, 2)),
        {},
    )


def test_the_nearest_answers_are_counted():
    """Of 100 unsure answers half are right, of 100 sure ones all: each has its own record."""
    said = np.r_[np.linspace(0.55, 0.65, NEAREST), np.linspace(0.90, 0.99, NEAREST)]
    right = np.r_[np.arange(NEAREST) % 2, np.ones(NEAREST)]
    stored = outcome(said, right)
    unsure, sure = track_record(stored, "Ill", 0.6), track_record(stored, "Ill", 0.97)
    assert (unsure.films, unsure.right["value"]) == (NEAREST, 0.5)
    assert (unsure.low, unsure.high) == pytest.approx((0.55, 0.65))
    assert sure.right["value"] == 1
    # Wilson, 50 of 100: 0.404 to 0.596.
    assert unsure.reading == (
        "Track record: of 100 test films that it called Ill with 55 to 65 %, it was right in 50 % "
        "(95 % interval 40 to 60 %). They are of the hospitals that it learnt from."
    )


def test_other_answers_and_splits_do_not_count():
    stored = outcome([0.8] * 30, [1] * 30, label="Well")
    assert track_record(stored, "Ill", 0.8).films == 0
    assert track_record(outcome([0.8] * 30, [1] * 30, split="val"), "Ill", 0.8).right is None


def test_films_of_a_set_of_classes_tell_nothing():
    """Pneumonia of unknown kind allows what was said, and what was not: it is not counted."""
    classes = ("Normal", "Bacterial pneumonia", "Viral pneumonia")
    labels = ["Pneumonia"] * 60 + ["Bacterial pneumonia"] * 15 + ["Viral pneumonia"] * 15
    records = tuple(Record(Path(f"{i}.png"), x, "test", f"p{i}", "s") for i, x in enumerate(labels))
    nothing, logits = np.full(90, np.nan), np.tile(np.log([0.1, 0.6, 0.3]), (90, 1))
    stored = PredictionSet(
        "a", classes, records, logits, PLAIN, nothing, nothing, np.zeros((90, 2)), {}
    )
    found = track_record(stored, "Bacterial pneumonia", 0.6)
    assert (found.films, found.right["value"], found.open) == (30, 0.5, 60)
    assert "60 more have labels that leave it open." in found.reading


def test_answers_of_another_certainty_do_not_count():
    """However few they are: those at 90 % were all right, and say nothing of one at 60 %."""
    stored = outcome([0.6] * 25 + [0.9] * 75, [0] * 25 + [1] * 75)
    found = track_record(stored, "Ill", 0.6)
    assert (found.films, found.right["value"]) == (25, 0.0)


def test_films_of_a_set_without_the_answer_are_wrong():
    """Pneumonia of unknown kind that was called Normal: whichever kind it is, that was wrong."""
    classes = ("Normal", "Bacterial pneumonia", "Viral pneumonia")
    labels = ["Pneumonia"] * 10 + ["Normal"] * 30
    records = tuple(Record(Path(f"{i}.png"), x, "test", f"p{i}", "s") for i, x in enumerate(labels))
    nothing, logits = np.full(40, np.nan), np.tile(np.log([0.6, 0.3, 0.1]), (40, 1))
    stored = PredictionSet(
        "a", classes, records, logits, PLAIN, nothing, nothing, np.zeros((40, 2)), {}
    )
    found = track_record(stored, "Normal", 0.6)
    assert (found.films, found.right["value"]) == (40, 0.75)


def test_open_labels_are_counted_between_the_bounds_that_are_told_only():
    """Of 30 bacterial films at 60 % and open ones at 60 and 65 %: only the former are meant."""
    classes = ("Normal", "Bacterial pneumonia", "Viral pneumonia")
    labels = ["Bacterial pneumonia"] * 30 + ["Pneumonia"] * 9
    records = tuple(Record(Path(f"{i}.png"), x, "test", f"p{i}", "s") for i, x in enumerate(labels))
    said = np.r_[np.full(34, 0.6), np.full(5, 0.65)]
    logits = np.log(np.stack([np.full(39, 0.1), said, 0.9 - said], axis=1))
    nothing = np.full(39, np.nan)
    stored = PredictionSet(
        "a", classes, records, logits, PLAIN, nothing, nothing, np.zeros((39, 2)), {}
    )
    # Nearest to 63 %: open films at 65 % lie no farther away than the counted ones at 60 %.
    found = track_record(stored, "Bacterial pneumonia", 0.63)
    assert (found.films, found.open) == (30, 4)
    assert (found.low, found.high) == pytest.approx((0.6, 0.6))


def test_open_labels_are_told_where_too_few_are_left():
    classes = ("Normal", "Bacterial pneumonia", "Viral pneumonia")
    labels = ["Pneumonia"] * 31 + ["Bacterial pneumonia"] * 13
    records = tuple(Record(Path(f"{i}.png"), x, "test", f"p{i}", "s") for i, x in enumerate(labels))
    nothing, logits = np.full(44, np.nan), np.tile(np.log([0.1, 0.6, 0.3]), (44, 1))
    stored = PredictionSet(
        "a", classes, records, logits, PLAIN, nothing, nothing, np.zeros((44, 2)), {}
    )
    found = track_record(stored, "Bacterial pneumonia", 0.6)
    assert (found.right, found.films, found.open) == (None, 13, 31)
    assert found.reading == (
        "No track record: of its test films with a label that tells, it called only 13 Bacterial "
        "pneumonia with about as much certainty, too few to tell how far to believe this; 31 more "
        "have labels that leave it open."
    )
    assert track_record(stored, "Bacterial pneumonia", 0.9).reading.endswith("to believe this.")


def test_too_few_to_tell():
    found = track_record(outcome([0.8] * 19, [1] * 19), "Ill", 0.8)
    assert found.right is None
    assert "called only 19 Ill with about as much certainty, too few" in found.reading
    # Many such answers, none of them as unsure as this.
    unsure = track_record(outcome([0.8] * 90 + [0.58] * 3, [1] * 93), "Ill", 0.55)
    assert (unsure.right, unsure.films) == (None, 3)
