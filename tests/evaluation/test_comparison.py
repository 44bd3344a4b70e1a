from dataclasses import replace

import numpy as np
import pytest

from tests.stored_models import BASIC_CNN, VGG16, outcome
from xraycore.datasets.labels import BACTERIAL, LABEL_SCHEMES, NORMAL, VIRAL
from xraycore.evaluation import comparison as boards
from xraycore.evaluation.comparison import (
    EvaluationSet,
    assemble,
    list_evaluation_sets,
    list_schemes,
)
from xraycore.evaluation.ensemble import ENSEMBLE
from xraycore.report.sentences import describe_calibration, describe_delong, describe_mcnemar

TEST = EvaluationSet("test", "", 40)
TITLES = {"vgg16": "VGG16", "basic_cnn": "Basic CNN", ENSEMBLE: "Ensemble"}


@pytest.fixture
def outcomes():
    return {"basic_cnn": outcome("basic_cnn", BASIC_CNN), "vgg16": outcome("vgg16", VGG16)}


def test_a_board_holds_the_models_and_their_mean(outcomes):
    board = assemble(outcomes, LABEL_SCHEMES["pneumonia"], TEST, ["basic_cnn", "vgg16"])
    assert list(board.models) == ["basic_cnn", "vgg16", ENSEMBLE]
    assert board.counts == {"Normal": 20, "Pneumonia": 20}
    positive, probability = board.of_finding(ENSEMBLE, board.finding)
    assert positive.sum() == 20
    np.testing.assert_allclose(probability[[0, 14, 19, 39]], [0.85, 0.65, 0.35, 0.575], atol=1e-4)


def test_films_in_another_order_are_matched_by_name(outcomes):
    shuffled = outcomes["vgg16"].at(np.random.default_rng(0).permutation(40))
    board = assemble({**outcomes, "vgg16": shuffled}, LABEL_SCHEMES["pneumonia"], TEST, ["vgg16"])
    np.testing.assert_allclose(board.models["vgg16"].probability[0, 1], 0.9, atol=1e-4)
    assert board.models["vgg16"].outcome.records == board.models["basic_cnn"].outcome.records
    assert ENSEMBLE not in board.models


def test_only_films_that_all_have_are_judged_and_strangers_stay_out(outcomes):
    part = outcomes["vgg16"].at(range(5, 40))
    other = outcomes["vgg16"].at(range(3))
    lacking = replace(outcomes["vgg16"], classes=("A", "B", "C", "D"))
    board = assemble(
        {**outcomes, "vgg16": part, "runs/few": other, "runs/own": lacking},
        LABEL_SCHEMES["pneumonia"],
        TEST,
        ["basic_cnn", "vgg16"],
    )
    assert (len(board.y_true), board.dropped) == (35, 5)
    assert board.left_out == {
        "runs/few": "it has predictions of 3 of the 40 films",
        "runs/own": "it knows other classes: A, B, C, D",
    }
    with pytest.raises(ValueError, match="no model has predictions of the films"):
        assemble(outcomes, LABEL_SCHEMES["pneumonia"], EvaluationSet("external", "nih", 0), [])


def test_a_first_model_with_a_few_films_of_its_own_drives_no_other_out(outcomes):
    own = outcomes["vgg16"].at(range(10))
    renamed = tuple(replace(record, group=f"own/{record.group}") for record in own.records)
    own = replace(own, records=renamed)
    films = EvaluationSet("test", "", 50)
    board = assemble({"runs/own": own, **outcomes}, LABEL_SCHEMES["pneumonia"], films, [])
    assert list(board.models) == ["basic_cnn", "vgg16"]
    assert (len(board.y_true), board.dropped) == (40, 0)
    assert board.left_out == {"runs/own": "it has predictions of 10 of the 50 films"}


def test_views_and_sets_are_those_that_there_are_films_for(outcomes):
    assert [view.name for view in list_schemes(outcomes)] == ["pneumonia", "chest4", "covid3"]
    two = replace(outcomes["vgg16"], classes=("Normal", "Nodule"), logits=np.zeros((40, 2)))
    assert [view.name for view in list_schemes({"runs/own": two})] == ["Normal / Nodule"]
    sets = list_evaluation_sets(outcomes, LABEL_SCHEMES["pneumonia"])
    assert [(one.title, one.films) for one in sets] == [
        ("Test, all sources", 40),
        ("Test, chest_xray", 40),
    ]
    sick = {"vgg16": outcomes["vgg16"].only(lambda r: r.label == BACTERIAL)}
    assert list_evaluation_sets(sick, LABEL_SCHEMES["pneumonia"]) == []


def test_films_behind_a_cell_come_surest_first(outcomes):
    board = assemble(outcomes, LABEL_SCHEMES["pneumonia"], TEST, [])
    assert boards.films_behind(board, "vgg16", NORMAL, "Pneumonia") == [36, 37, 38, 39]
    right = boards.films_behind(board, "vgg16", "Pneumonia", "Pneumonia")
    assert (sorted(right[:15]), sorted(right[15:])) == (list(range(15)), [15, 16, 17])
    assert assemble(outcomes, LABEL_SCHEMES["covid3"], TEST, []).finding == VIRAL
    kinds = assemble(outcomes, LABEL_SCHEMES["chest4"], TEST, [])
    assert boards.films_behind(kinds, "vgg16", VIRAL, BACTERIAL) == []
    assert board.place("chest_xray", "IM-19.jpeg") == 39
    assert board.place("nih", "IM-19.jpeg") is None


def test_intervals_are_drawn_once_for_the_same_predictions(outcomes, monkeypatch):
    calls = []
    monkeypatch.setattr(boards, "score_classes", lambda *a: (calls.append(a), {"n": len(calls)})[1])
    board = assemble(outcomes, LABEL_SCHEMES["pneumonia"], TEST, [])
    for _ in range(2):
        assert boards.cached_scores(board.models["vgg16"], board.scheme) == {"n": 1}
    assert boards.cached_scores(board.models["basic_cnn"], board.scheme) == {"n": 2}


def test_pairs_in_words(outcomes):
    board = assemble(outcomes, LABEL_SCHEMES["pneumonia"], TEST, ["basic_cnn", "vgg16"])
    basic_vgg, _, vgg_mean = boards.compare(board, list(board.models))
    # Eight films that only VGG16 calls rightly: p = 2 / 2^8, times three pairs.
    assert describe_mcnemar(basic_vgg, TITLES) == (
        "VGG16 is right more often than Basic CNN: of the 8 films that only one of them calls "
        "rightly, Basic CNN has 0 and VGG16 8, p = 0.023."
    )
    assert "are right on exactly the same films" in describe_mcnemar(vgg_mean, TITLES)
    # Of 400 pairs of films, how many are in order.
    assert f"AUC {(14 * 20 + 6 * 12) / 400:.3f} and {(18 * 20 + 2 * 16) / 400:.3f}" in (
        describe_delong(basic_vgg, TITLES)
    )
    same = {**basic_vgg, "delong": {**basic_vgg["delong"], "p_holm": 0.4}}
    assert describe_delong(same, TITLES).startswith("No evidence of a difference between Basic CNN")


def test_of_more_than_two_classes_only_answers_are_compared(outcomes):
    board = assemble(outcomes, LABEL_SCHEMES["chest4"], TEST, [])
    (pair,) = boards.compare(board, ["basic_cnn", "vgg16"])
    assert pair["delong"] is None


@pytest.mark.parametrize(
    ("said", "right", "words"),
    [(0.95, 60, "over-confident"), (0.6, 90, "under-confident"), (0.8, 80, "no sign that")],
)
def test_calibration_in_words(said, right, words):
    probability = np.tile([1 - said, said], (100, 1))
    target = np.array([1] * right + [0] * (100 - right))
    ece = {"value": abs(said - right / 100), "low": 0.01, "high": 0.5, "n": 100}
    text = describe_calibration("VGG16", ece, probability, target)
    assert words in text
    assert f"off by {abs(100 * said - right):.1f} percentage points" in text
