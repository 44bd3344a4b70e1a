from dataclasses import replace

import numpy as np
import pytest

from xraycore.anatomy.lung_field import LungField
from xraycore.datasets.labels import CHEST4
from xraycore.errors import ArgumentError, WeightsError
from xraycore.imaging.box import Box
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.models.answer import (
    CANNOT_TELL,
    OUT_OF_SCOPE,
    agree_on,
    conformal_set,
    find_scope,
    operating_threshold,
    state_answer,
    tempered,
)
from xraycore.models.classifier import Prediction
from xraycore.models.sites import SiteProfile

RIGHT = {"value": 0.9, "low": 0.8, "high": 0.95, "n": 100}
LEVELS = {
    "opacity": {
        "operating_point": {"threshold": 0.7, "title": "Chosen elsewhere"},
        "sets": {"0.1": {"none": 0.4, "opacity": 0.8}},
        "trust": {"opacity": RIGHT, "hospitals": 3},
    },
    "kind": {
        "sets": {
            "0.1": {"Bacterial pneumonia": 0.5, "Viral pneumonia": 0.3, "COVID-19": 0.5},
        },
        "trust": {"COVID-19": RIGHT, "hospitals": 1},
    },
}
CARD = {
    "classes": list(CHEST4),
    "weights": {"sha256": "w"},
    "operating_points": {"best_f1": {"threshold": 0.6, "title": "Highest F1"}},
    "data": {
        "far": {"films": {"train": {"COVID-19": 7}}},
        "near": {"films": {"train": {"COVID-19": 2, "Viral pneumonia": 3}}},
    },
}
SITE = SiteProfile("here", "vgg16", "w", 0.9, 2.0, 20, 0, (0.8, 0.95), RIGHT)


def says(*probabilities, classes=CHEST4, warnings=()):
    return Prediction(
        "vgg16",
        classes,
        np.log(np.array(probabilities)),
        np.zeros((1, 1, 1)),
        np.zeros((2, 2, 1)),
        Box(),
        LungField(np.zeros((4, 4), bool), Box()),
        warnings=tuple(warnings),
    )


def test_an_interval_that_says_nothing_is_no_trust():
    # Of a kind that hardly any hospital has.
    vague = {"value": 0.0, "low": 0.0, "high": 0.95, "n": 331}
    kind = {**LEVELS["kind"], "trust": {**LEVELS["kind"]["trust"], "COVID-19": vague}}
    card = {**CARD, "levels": {**LEVELS, "kind": kind}}
    trust = state_answer(says(0.1, 0.09, 0.09, 0.72), card).kind.trust
    assert trust.right is None
    assert "too few such films" in trust.text and "0 %" not in trust.text


def test_both_levels_with_the_trust_of_the_answer_that_is_given():
    answer = state_answer(says(0.1, 0.09, 0.09, 0.72), {**CARD, "levels": LEVELS})
    assert (answer.opacity.answer, answer.opacity.positive) == ("opacity", True)
    assert answer.opacity.probability == pytest.approx(0.9)
    assert answer.opacity.point.origin == "external"
    assert answer.opacity.trust.text == (
        "Said to have an opacity: right in 90 % (80 % to 95 %) where every second film has one; "
        "measured on 100 films of 3 collections that it was never trained on."
    )
    assert answer.kind.answer == "COVID-19"
    assert answer.kind.probability == pytest.approx(0.8)
    assert answer.kind.trust.right == RIGHT
    assert answer.kind.rests_on.startswith(
        "As the training sources would call it: Viral pneumonia mostly from near, COVID-19 mostly "
        "from far."
    )
    assert answer.reading == "Opacity (90 %); kind: COVID-19 (80 % of the kinds)"


@pytest.mark.parametrize(
    ("normal", "error_rate", "expected"),
    [
        (0.1, 0.1, "opacity"),
        (0.25, 0.1, CANNOT_TELL),  # 0.75: called, but neither bound keeps anything.
        (0.25, None, "opacity"),
        (0.4, 0.1, CANNOT_TELL),
        (0.4, None, "none"),
        (0.7, 0.1, "none"),
        (0.25, 0.05, "opacity"),  # No bounds are on the card for this rate.
    ],
)
def test_an_answer_where_operating_point_and_set_agree(normal, error_rate, expected):
    prediction = says(normal, *[(1 - normal) / 3] * 3)
    card = {**CARD, "levels": LEVELS}
    assert state_answer(prediction, card, error_rate=error_rate).opacity.answer == expected


def test_no_kind_without_an_opacity_and_no_certain_kind_among_several():
    card = {**CARD, "levels": LEVELS}
    assert state_answer(says(0.7, 0.1, 0.1, 0.1), card).kind is None
    # Given an opacity .33 viral is kept by its bound and .56 COVID-19 as well.
    unsure = state_answer(says(0.1, 0.1, 0.3, 0.5), card).kind
    assert (unsure.answer, unsure.trust) == (CANNOT_TELL, None)
    assert unsure.probability == pytest.approx(5 / 9)


def test_where_the_operating_point_comes_from():
    assert operating_threshold(CARD).origin == "home"
    assert operating_threshold({}).threshold == 0.5
    assert operating_threshold({**CARD, "levels": LEVELS}).threshold == 0.7
    site = operating_threshold({**CARD, "levels": LEVELS}, SITE)
    assert (site.threshold, site.origin, site.title) == (0.9, "site", "Site profile here")


def test_a_site_profile_changes_probability_threshold_and_trust():
    # Log-odds ln 9 halved are ln 3: three quarters.
    answer = state_answer(says(0.1, 0.3, 0.3, 0.3), {**CARD, "levels": LEVELS}, SITE)
    assert answer.opacity.probability == pytest.approx(0.75)
    assert (answer.opacity.answer, answer.site) == ("none", "here")
    assert answer.opacity.trust.text == (
        "90 % of further normal films of this site are expected to be said to have none "
        "(80 % to 95 %; fitted to 20 normal films)."
    )
    with pytest.raises(WeightsError, match="fitted to other weights"):
        state_answer(says(0.1, 0.3, 0.3, 0.3), CARD, replace(SITE, weights_sha256="other"))


def test_a_film_out_of_scope_gets_no_answer_and_is_told_why():
    doubtful = FilmWarning("age", "A child."), FilmWarning("lateral", "A side view.")
    answer = state_answer(says(0.1, 0.3, 0.3, 0.3, warnings=doubtful), CARD)
    assert (answer.scope.inside, answer.scope.code) == (False, "lateral")
    assert (answer.opacity.answer, answer.kind) == (None, None)
    assert answer.reading == "No answer: it is no frontal chest film"
    document = answer.to_json()
    assert document["opacity"]["answer"] is document["kind"]["answer"] is None
    assert document["opacity"]["probability"] == 0.9
    assert find_scope(doubtful[:1]).inside


def test_what_rules_a_film_out_is_a_code_that_warnings_have():
    for code in OUT_OF_SCOPE:
        assert FilmWarning(code, "Why.").code == code


def test_models_of_other_findings_and_of_none():
    classes = ("Normal", "Cardiomegaly")
    answer = state_answer(says(0.2, 0.8, classes=classes), {**CARD, "classes": list(classes)})
    assert (answer.opacity.answer, answer.opacity.positive, answer.kind) == ("abnormal", True, None)
    assert state_answer(says(0.5, 0.5, classes=("Left", "Right")), CARD) is None


def test_bounds_and_temperature():
    assert conformal_set(0.5, {"none": 0.5, "opacity": 0.5}) == ("none", "opacity")
    assert conformal_set(0.6, {"none": 0.5, "opacity": 0.7}) == ()
    assert tempered(0.9, 1.0) == 0.9
    assert (tempered(1.0, 2.0), tempered(0.0, 2.0)) == (1.0, 0.0)
    with pytest.raises(ArgumentError, match=r"0\.05, 0\.1, 0\.2. Received: 0\.3"):
        state_answer(says(0.1, 0.3, 0.3, 0.3), CARD, error_rate=0.3)


COVID = says(0.1, 0.1, 0.1, 0.7)
VIRAL = says(0.1, 0.1, 0.7, 0.1)
NONE = says(0.7, 0.1, 0.1, 0.1)
MEAN = dict(zip(CHEST4, (0.2, 0.1, 0.1, 0.6), strict=True))


@pytest.mark.parametrize(
    ("predictions", "opacity", "kind"),
    [
        ((COVID, COVID), "opacity", "COVID-19"),
        # Half of them is no majority, two thirds are.
        ((COVID, NONE), CANNOT_TELL, None),
        ((COVID, COVID, NONE), "opacity", "COVID-19"),
        ((COVID, NONE, NONE), "none", None),
        # The kind needs more than half of all that were asked, too.
        ((COVID, VIRAL), "opacity", CANNOT_TELL),
        ((COVID, VIRAL, NONE), "opacity", CANNOT_TELL),
    ],
)
def test_what_several_models_answer_together_is_what_most_of_them_say(predictions, opacity, kind):
    together = agree_on([state_answer(one, CARD) for one in predictions], MEAN)
    assert together.opacity.answer == opacity
    assert together.opacity.probability == pytest.approx(0.8)
    assert (together.kind and together.kind.answer) == kind
    if kind:
        # Of the mean: the kind that is named, or the likeliest where none is.
        assert together.kind.probability == pytest.approx(0.75)
        assert sum(together.kind.probabilities.values()) == pytest.approx(1)


def test_one_model_alone_agrees_with_nobody_and_one_out_of_scope_silences_all():
    assert agree_on([state_answer(COVID, CARD)], MEAN) is None
    beside = says(0.1, 0.1, 0.1, 0.7, warnings=[FilmWarning("lateral", "A lateral view.")])
    together = agree_on([state_answer(one, CARD) for one in (COVID, beside)], MEAN)
    assert together.opacity.answer is None and not together.scope.inside
