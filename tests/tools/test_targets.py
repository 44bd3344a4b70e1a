"""What was asked for, beside what was measured."""

from dataclasses import replace

import pytest

from tests.stored_models import BASIC_CNN, VGG16, outcome
from tools.results.results import _format_measured
from tools.results.stored import Stored
from tools.results.targets import Target, accuracy, chosen_accuracy
from xraycore.evaluation.ensemble import ENSEMBLE
from xraycore.evaluation.predictions import ensemble


def both_splits(name, pneumonia):
    """The same answers on 40 films of validation and on 40 of the official test."""
    test = outcome(name, pneumonia)
    val = tuple(replace(record, split="val") for record in test.records)
    stacked = test.at([*range(40), *range(40)])
    return replace(stacked, records=(*val, *test.records))


@pytest.fixture
def stored():
    outcomes = {
        "basic_cnn": both_splits("basic_cnn", BASIC_CNN),
        "vgg16": both_splits("vgg16", VGG16),
    }
    point = {"best_f1": {"title": "Highest F1", "threshold": 0.7}}
    cards = {"basic_cnn": {"operating_points": point}}
    return Stored(cards, outcomes | {ENSEMBLE: ensemble(list(outcomes.values()))})


def test_accuracy_at_the_threshold_that_validation_chose(stored):
    assert accuracy(stored.official("basic_cnn")) == (14 + 12) / 40
    assert chosen_accuracy(stored, "basic_cnn") == (14 + 20) / 40


def test_the_ensembles_points_are_chosen_on_its_validation_films(stored):
    """Its means: of the sick 0.85, 0.65, 0.55 and 0.35, of the others 0.15, 0.325 and 0.575.

    All sick films and four others above 0.35 make an F1 of 40 / 44; no other threshold has more.
    """
    assert stored.points(ENSEMBLE)["best_f1"].threshold == pytest.approx((0.325 + 0.35) / 2)


@pytest.mark.parametrize(
    "found, text",
    [(0.98453, "0.9845"), (0.9851, "0.985"), (0.95, "0.950"), (None, "–")],
)
def test_a_figure_that_was_missed_by_a_hair_does_not_look_as_if_it_were_met(found, text):
    assert _format_measured(Target("AUC", 0.985, found)) == text
