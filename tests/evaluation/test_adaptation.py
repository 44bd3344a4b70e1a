import numpy as np
import pytest

from tests.models.test_answer import says
from xraycore.errors import ArgumentError
from xraycore.evaluation.adaptation import fit_site, opacities_of
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.models.answer import state_answer

CARD = {
    "model": "vgg16",
    "weights": {"sha256": "w"},
    "levels": {"opacity": {"sets": {"0.1": {"none": 0.3, "opacity": 0.6}}}},
}
NORMALS = np.linspace(0.05, 0.95, 19)


def test_the_threshold_spares_as_many_normals_as_was_asked():
    profile = fit_site("here", CARD, NORMALS)
    # The 18th of 19 is .9: it is not called, what is higher is.
    assert 0.9 < profile.threshold < 0.9001
    assert (profile.normals, profile.abnormals, profile.temperature) == (19, 0, 1.0)
    # Beta(18, 2): 18 of 20 on average.
    assert profile.specificity["value"] == 0.9
    assert profile.specificity["low"] < 0.8 < 0.97 < profile.specificity["high"]
    low, high = profile.threshold_interval
    assert low < 0.9 <= high <= 0.95
    assert fit_site("here", CARD, NORMALS, specificity=0.5).threshold == pytest.approx(0.5)
    # Home's bound of opacities stands where there are no local ones.
    assert profile.sets["0.1"] == {"none": pytest.approx(0.9), "opacity": 0.6}
    assert "0.05" not in profile.sets


def test_a_profile_is_in_force_and_changes_the_answer():
    profile, film = fit_site("here", CARD, NORMALS), says(0.15, 0.25, 0.3, 0.3)
    assert state_answer(film, CARD, error_rate=None).opacity.answer == "opacity"
    answer = state_answer(film, CARD, profile, error_rate=None)
    assert (answer.opacity.answer, answer.site) == ("none", "here")


def test_films_of_both_kinds_tell_temperature_and_sensitivity():
    # Every second answer is wrong however sure it is: the log-odds say too much.
    normals, ill = np.tile([0.01, 0.99], 20), np.tile([0.01, 0.99], 20)
    profile = fit_site("here", CARD, normals, ill)
    assert profile.temperature > 3
    # The bound lies at the normals' own .99, so that none of the opacities there is called.
    assert profile.sensitivity["value"] == 0.0
    assert "only 0 % of the local films with an opacity are found" in profile.warnings[0]
    found = fit_site("here", CARD, NORMALS / 10, np.full(12, 0.9))
    assert (found.sensitivity["value"], found.warnings) == (
        1.0,
        ("Only 19 normal films: of further ones 77 % to 98 % will not be called. 20 or more are "
         "wanted.",),
    )  # fmt: skip


def test_too_few_films_are_said_to_be_and_far_too_few_refused():
    few = fit_site("here", CARD, NORMALS[:12]).warnings
    assert few[0].startswith("Only 12 normal films")
    assert few[1].startswith("No local film with an opacity")
    with pytest.raises(ArgumentError, match=r"90 % needs 9 local normal films or more\. Received"):
        fit_site("here", CARD, NORMALS[:8])
    with pytest.raises(ArgumentError, match="a site's name"):
        fit_site("../here", CARD, NORMALS)
    with pytest.raises(ArgumentError, match="specificity must lie"):
        fit_site("here", CARD, NORMALS, specificity=1.0)


def test_films_that_get_no_answer_are_left_out():
    side = FilmWarning("lateral", "A side view.")
    found, left = opacities_of(
        [says(0.2, 0.8, 0.0001, 0.0001), says(0.5, 0.5, 1, 1, warnings=[side])]
    )
    assert (len(found), left) == (1, 1)
    assert found[0] == pytest.approx(0.8, abs=1e-3)
