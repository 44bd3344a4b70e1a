from dataclasses import replace

import numpy as np
import pytest

from xraycore.anatomy.lung_field import LungField
from xraycore.evaluation.ensemble import agree, describe_agreement, disagreement, mean_probabilities
from xraycore.imaging.box import Box
from xraycore.metrics.calibration import Calibration
from xraycore.models.classifier import Prediction

TITLES = {"a": "Alpha", "b": "Beta", "c": "Gamma"}


def says(model: str, probability: float, label: str = "Normal") -> Prediction:
    """A prediction with that probability for that label of two."""
    logit = np.log(probability / (1 - probability))
    logits = np.array([logit, 0.0] if label == "Normal" else [0.0, logit], np.float32)
    lungs = LungField(np.ones((128, 128), bool), Box())
    nothing = np.zeros((1, 1, 1))
    return Prediction(model, ("Normal", "Opacity"), logits, nothing, nothing, Box(), lungs)


def test_two_that_agree():
    both = [says("a", 0.9), says("b", 0.7)]
    assert describe_agreement(both, TITLES) == "Both models say Normal (70–90 %)."
    assert agree(both)


def test_three_that_agree_with_one_figure():
    three = [says(name, 0.8) for name in TITLES]
    assert describe_agreement(three, TITLES) == "All 3 models say Normal (80 %)."


def test_disagreement_names_the_majority_first():
    votes = [says("a", 0.6, "Opacity"), says("b", 0.7), says("c", 0.9)]
    assert not agree(votes)
    assert describe_agreement(votes, TITLES) == (
        "The models disagree: Beta and Gamma say Normal (70–90 %); Alpha says Opacity (60 %)."
    )
    votes.append(says("d", 0.8))
    titles = {**TITLES, "d": "Delta"}
    assert describe_agreement(votes, titles) == (
        "The models disagree: Beta, Gamma and Delta say Normal (70–90 %); Alpha says Opacity "
        "(60 %)."
    )


def test_one_model_has_none_to_agree_with():
    sentence = describe_agreement([says("a", 0.6)], TITLES)
    assert sentence == "Alpha says Normal (60 %); no other to compare."


def test_no_prediction_is_refused():
    with pytest.raises(ValueError, match="at least one model"):
        describe_agreement([], TITLES)


def test_the_mean_of_calibrated_probabilities():
    sure, cool = says("a", 0.9), says("b", 0.9)
    # Odds of 9 at temperature 2 are odds of 3.
    cool = replace(cool, calibration=Calibration(2.0))
    found = mean_probabilities([sure, cool])
    assert found == {"Normal": pytest.approx((0.9 + 0.75) / 2), "Opacity": pytest.approx(0.175)}


def test_no_mean_of_one_model_or_of_other_classes():
    assert mean_probabilities([says("a", 0.9)]) is None
    other = replace(says("b", 0.9), classes=("Cat", "Dog"))
    assert mean_probabilities([says("a", 0.9), other]) is None


def test_how_far_apart_by_hand():
    """Two sure of opposites are a bit apart; entropies of (.8, .2), .722, and of (.5, .5), 1."""
    opposite = [says("a", 0.8), says("b", 0.8, "Opacity")]
    assert disagreement(opposite) == pytest.approx(1 - 0.7219281)
    assert disagreement([says("a", 0.999999), says("b", 0.999999, "Opacity")]) == pytest.approx(
        1, abs=1e-4
    )


def test_the_same_probabilities_are_not_apart():
    assert disagreement([says("a", 0.5), says("b", 0.5)]) == pytest.approx(0, abs=1e-9)
    assert disagreement([says("a", 0.7)]) == 0


def test_models_of_other_classes_cannot_be_apart():
    other = replace(says("b", 0.5), classes=("Normal", "COVID-19"))
    with pytest.raises(ValueError, match="same classes"):
        disagreement([says("a", 0.5), other])
