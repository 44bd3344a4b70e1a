"""From where on heat is coloured: by the source whose normal films it alarms most."""

import numpy as np
import pytest

from xraycore.evaluation.model_card import uncoloured_threshold


def test_of_every_source_nineteen_of_twenty_normal_films_stay_uncoloured():
    # Of 0, 1, … 100 the 95th percentile is 95; of both sources together it is below 190.
    calm, alarming = np.arange(101.0), 2 * np.arange(101.0)
    found = uncoloured_threshold({"calm": calm, "alarming": alarming})
    assert found == pytest.approx(190.0)
    assert found > np.percentile(np.concatenate([calm, alarming]), 95)


def test_a_few_films_do_not_decide_alone():
    many, few = np.arange(101.0), np.full(19, 1000.0)
    together = np.percentile(np.concatenate([many, few]), 95)
    assert uncoloured_threshold({"many": many, "few": few}) == pytest.approx(together, rel=1e-3)
    assert uncoloured_threshold({"many": many, "few": np.full(20, 1000.0)}) == 1000.0


def test_where_no_film_is_normal_there_is_no_threshold():
    assert uncoloured_threshold({}) is None
    assert uncoloured_threshold({"ill only": np.array([])}) is None
