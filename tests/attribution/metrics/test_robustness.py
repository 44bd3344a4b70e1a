import numpy as np
import pytest

from tests.attribution.toys import FILM, PINNED
from xraycore.attribution.heatmap import BLANK_MAP, Heatmap
from xraycore.attribution.metrics.robustness import (
    DISTURBANCES,
    Disturbance,
    Disturbed,
    Robustness,
    compressed,
    in_place,
    measure_robustness,
    noisy,
    shifted,
)
from xraycore.attribution.metrics.similarity import Similarity
from xraycore.attribution.registry import METHODS
from xraycore.errors import Cancelled
from xraycore.imaging.box import Box


@pytest.fixture
def ramp():
    return np.linspace(0.2, 0.7, 64 * 48).reshape(64, 48).astype(np.float32)


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_noise_has_its_deviation(ramp, random):
    assert (noisy(ramp, random, 0.02) - ramp).std() == pytest.approx(0.02 * 0.5, rel=0.05)
    loud = noisy(ramp, random, 2.0)
    assert (loud.min(), loud.max()) == (0, 1)


def test_shift_by_hand(random):
    film = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(shifted(film, random, (1, 1)), [[0, 0, 1], [0, 0, 1]])
    np.testing.assert_array_equal(shifted(film, random, (-1, 0)), [[3, 4, 5], [3, 4, 5]])


@pytest.mark.parametrize("by", [(3, 5), (-2, 4), (0, 0), (-1, -6)])
def test_a_shift_is_taken_back(ramp, random, by):
    first, second = in_place(ramp, shifted(ramp, random, by), ramp.shape, by)
    assert first.shape == (64 - abs(by[0]), 48 - abs(by[1]))
    np.testing.assert_array_equal(first, second)


def test_compression_costs_more_at_a_lower_quality(random):
    film = random.random((64, 48), np.float32)
    losses = [np.abs(compressed(film, random, quality) - film).mean() for quality in (95, 75, 20)]
    assert 0 < losses[0] < losses[1] < losses[2] < 0.25
    even = np.full((16, 16), 100 / 255, np.float32)
    np.testing.assert_allclose(compressed(even, random, 75), even, rtol=1e-6)


@pytest.fixture
def predicted(random_classifier, film):
    model = random_classifier("basic_cnn")
    return model, model.predict(film)


def test_a_map_of_the_film_moves_with_it_and_one_of_the_frame_does_not(predicted, monkeypatch):
    monkeypatch.setitem(METHODS, "film", FILM)
    monkeypatch.setitem(METHODS, "pinned", PINNED)
    noise, shift = DISTURBANCES[:2]
    moves = measure_robustness(*predicted, "film", disturbances=(noise, shift))
    by_noise, by_shift = (one.similarity for one in moves.disturbed)
    assert (by_shift.ssim, by_shift.rank_correlation, by_shift.iou) == pytest.approx((1, 1, 1))
    assert 0.9 < by_noise.rank_correlation < 1
    # And lies where the film was: its edge, which the shift pushed out, is repeated.
    before, after = (heat.values for heat in (moves.heatmap, moves.disturbed[1].heatmap))
    np.testing.assert_allclose(after[:-4, :-4], before[:-4, :-4], atol=1e-6)
    assert np.ptp(after[-4:, :-4], axis=0).max() < 1e-6
    stays = measure_robustness(*predicted, "pinned", disturbances=(noise, shift))
    by_noise, by_shift = (one.similarity for one in stays.disturbed)
    assert by_noise.rank_correlation == pytest.approx(1)
    assert by_shift.rank_correlation < 0.1
    assert stays.worst.disturbance is shift


def test_the_network_sees_the_disturbed_film(predicted):
    """Maps and probabilities are of the changed film, and of the class that is asked for."""
    model, prediction = predicted
    black = Disturbance("black", lambda film, random: np.zeros_like(film))
    same = Disturbance("the same", lambda film, random: film)
    target = model.classes[1]
    found = measure_robustness(model, prediction, target=target, disturbances=(black, same))
    expected = model.predict_input(prediction, np.zeros_like(prediction.grey)).probabilities[target]
    assert found.disturbed[0].probability == pytest.approx(expected)
    assert found.probability != pytest.approx(expected, rel=1e-3)
    assert found.disturbed[0].similarity.rank_correlation < 0.9
    assert found.disturbed[1].probability == pytest.approx(found.probability)
    assert found.disturbed[1].similarity.ssim == pytest.approx(1, abs=1e-4)
    assert found.heatmap.target == found.disturbed[0].heatmap.target == target


def test_progress_and_stop(predicted):
    shares = []
    measure_robustness(*predicted, "occlusion", grid=3, report=lambda now: shares.append(now.done))
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)

    def stop(progress):
        if progress.done:
            raise Cancelled

    with pytest.raises(Cancelled):
        measure_robustness(*predicted, report=stop)


@pytest.mark.parametrize(
    ("least", "judged"),
    [
        (0.93, "The map stays as it is under changes too small to see"),
        (0.71, "The map stays on the whole, not in its details, under changes too small to see"),
        (0.4, "The map changes where a reader sees no change, so do not rely on it"),
    ],
)
def test_the_reading(least, judged):
    heat = Heatmap(np.ones((2, 2), np.float32), "Normal", "toy", "toy", Box())
    pairs = zip(DISTURBANCES[2:], (least, 0.95), strict=True)
    disturbed = tuple(Disturbed(one, heat, 0.5, Similarity(1, rank, 1)) for one, rank in pairs)
    assert Robustness(heat, 0.5, disturbed).reading == (
        f"{judged}: rank correlation {least:.2f} at worst, after a shift by 4 pixels up and left."
    )


def test_of_a_map_without_heat_nothing_is_said_but_that():
    cold = Heatmap(np.zeros((2, 2), np.float32), "Normal", "toy", "toy", Box())
    disturbed = (Disturbed(DISTURBANCES[0], cold, 0.5, Similarity(1, 1, 1)),)
    assert Robustness(cold, 0.5, disturbed).reading == BLANK_MAP
