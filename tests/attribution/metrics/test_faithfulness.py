"""Deletion, insertion and ROAD on a classifier whose answer to any film is known."""

import numpy as np
import pytest

from tests.attribution.linear import Linear
from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.metrics import faithfulness
from xraycore.attribution.metrics.faithfulness import (
    ROAD_SHARES,
    Curve,
    Faithfulness,
    MapCurves,
    blurred,
    hottest_first,
    measure_faithfulness,
)
from xraycore.errors import Cancelled
from xraycore.imaging.box import Box
from xraycore.models.classifier import BATCH

WEIGHTS = [[4, 1], [2, 3]]


def heatmap(values, target="Pneumonia", box=None):
    return Heatmap(np.array(values, np.float32), target, "toy", "toy", box or Box())


@pytest.fixture
def black(monkeypatch):
    """Hidden is black."""
    monkeypatch.setattr(faithfulness, "blurred", np.zeros_like)


def test_deletion_and_insertion_by_hand(black):
    """A white film: each pixel adds its weight, and the map is the weights."""
    model = Linear(WEIGHTS)
    prediction = model.predict_input(np.ones((2, 2)))
    found = measure_faithfulness(model, prediction, heatmap(WEIGHTS), score="logit", steps=4)
    deletion, insertion = found.heatmap.deletion, found.heatmap.insertion
    np.testing.assert_allclose(deletion.shares, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(deletion.scores, [10, 6, 3, 1, 0])
    np.testing.assert_allclose(insertion.scores, [0, 4, 7, 9, 10])
    assert deletion.area == pytest.approx((10 / 2 + 6 + 3 + 1) / 4)
    assert insertion.area == pytest.approx((4 + 7 + 9 + 10 / 2) / 4)
    assert deletion.at(0.625) == pytest.approx(2)


def test_probabilities_by_hand(black):
    model = Linear(np.log([[2, 1], [1, 1]]))
    found = measure_faithfulness(
        model, model.predict_input(np.ones((2, 2))), heatmap([[1, 0], [0, 0]])
    )
    # Odds of 2 to 1 while the one pixel that counts is there, and it is the first to go.
    assert found.heatmap.deletion.scores[0] == pytest.approx(2 / 3)
    assert found.heatmap.deletion.at(1 / 3) == pytest.approx(1 / 2)
    other = measure_faithfulness(
        model, model.predict_input(np.ones((2, 2))), heatmap([[1, 0], [0, 0]], "Normal")
    )
    assert other.heatmap.deletion.scores[0] == pytest.approx(1 / 3)


def test_road_by_hand(monkeypatch):
    """A film of one row, of which only the bright pixel counts."""
    monkeypatch.setattr(faithfulness, "ROAD_NOISE", 0.0)
    model = Linear([[0, 0, 0, 10, 0]])
    film = [[0, 0, 0, 1, 0]]
    found = measure_faithfulness(
        model, model.predict_input(film), heatmap([[1, 2, 3, 5, 4]]), score="logit"
    )
    most, least = found.heatmap.most_first, found.heatmap.least_first
    np.testing.assert_allclose(most.shares, ROAD_SHARES)
    # Hidden are 0, 0, 0, 1, 2, 2, 3 and 4 of the pixels: the bright one at once, and what is left
    # is black.
    np.testing.assert_allclose(most.scores, [10, 10, 10, 0, 0, 0, 0, 0], atol=1e-5)
    np.testing.assert_allclose(least.scores, np.full(8, 10))
    # 10 up to a share of 0.1, then falling to 0 at 0.2.
    assert found.heatmap.road == pytest.approx(10 - (10 * 0.1 + 10 * 0.1 / 2) / 0.8)


def test_roads_noise_is_small_and_of_the_seed():
    model = Linear(np.ones((16, 16)))
    prediction, heat = model.predict_input(np.full((16, 16), 0.5)), heatmap(np.ones((4, 4)))
    runs = [
        measure_faithfulness(model, prediction, heat, score="logit", seed=seed).heatmap.most_first
        for seed in (0, 0, 1)
    ]
    # An even film is imputed as it is: what moves is the noise, of n pixels 0.01 sqrt(n).
    moved = np.abs(runs[0].scores - 128)[1:] / np.sqrt(256 * np.array(ROAD_SHARES[1:]))
    assert 0.001 < moved.mean() < 0.02
    np.testing.assert_array_equal(runs[0].scores, runs[1].scores)
    assert not np.array_equal(runs[0].scores, runs[2].scores)


@pytest.mark.parametrize("grey", [0.0, 1.0])
def test_roads_noise_leaves_no_film_beyond_black_and_white(grey):
    """What no film can be, no network was trained on."""
    asked = []

    def ask(films):
        asked.append((films.min(), films.max()))
        return np.zeros(len(films))

    film = np.full((16, 16), grey, np.float32)
    faithfulness._curves(ask, film, np.ones((4, 4), np.float32), 4, 0, lambda _: None)
    assert (min(low for low, _ in asked), max(high for _, high in asked)) != (grey, grey)
    assert all(0 <= low <= high <= 1 for low, high in asked)


@pytest.fixture
def blob():
    """A classifier that goes by a bright spot off the centre of a smooth film, and its map."""
    y, x = np.mgrid[:48, :48]
    spot = np.exp(-((y - 12) ** 2 + (x - 36) ** 2) / (2 * 3**2))
    model = Linear(spot)
    film = 0.3 + 0.2 * x / 48 + 0.5 * spot
    return model, model.predict_input(film), spot


@pytest.mark.parametrize("score", ["logit", "probability"])
def test_a_perfect_map_beats_the_maps_that_know_nothing(blob, score):
    model, prediction, spot = blob
    found = measure_faithfulness(model, prediction, heatmap(spot), score=score)
    for other in (found.random, found.centre_prior):
        assert found.heatmap.deletion.area < other.deletion.area
        assert found.heatmap.insertion.area > other.insertion.area
        assert found.heatmap.road > other.road


def test_an_upside_down_map_does_worse(blob):
    model, prediction, spot = blob
    found = measure_faithfulness(model, prediction, heatmap(1 - spot), score="logit")
    assert found.heatmap.deletion.area > found.random.deletion.area
    assert found.heatmap.insertion.area < found.random.insertion.area
    assert found.heatmap.road < 0 < 0.5 < -found.heatmap.road


def test_equally_hot_pixels_are_in_a_random_maps_order():
    order = hottest_first(np.zeros((4, 4)), (8, 8), np.random.default_rng(0))
    assert sorted(order) == list(range(64))
    assert list(order[:4]) != [0, 1, 2, 3]
    again = hottest_first(np.ones((4, 4)), (8, 8), np.random.default_rng(0))
    np.testing.assert_array_equal(order, again)
    half = np.repeat([[0.0, 1.0]], 2, axis=0)
    rows, columns = np.divmod(hottest_first(half, (8, 8), np.random.default_rng(0)), 8)
    assert (columns[:32].min(), columns[32:].max()) == (4, 3)
    assert set(rows[:16]) != {0, 1, 2, 3}


def test_blurring_hides_detail_and_keeps_brightness():
    y, x = np.mgrid[:100, :100]
    checked = ((y // 5 + x // 5) % 2).astype(np.float32)
    assert np.ptp(blurred(checked)) < 0.05
    assert blurred(checked).mean() == pytest.approx(checked.mean(), abs=0.01)


def curves(deleted, whole=0.93):
    flat = Curve(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    steps = Curve(np.array([0.0, 0.2, 1.0]), np.array([whole, deleted, 0.1]))
    return MapCurves(steps, flat, flat, flat)


def test_the_reading():
    found = Faithfulness("Pneumonia", "probability", curves(0.31), curves(0.88), curves(0.93))
    assert found.reading == (
        "Hiding the 20 % hottest part lowers the probability of Pneumonia from 0.93 to 0.31; "
        "hiding random parts lowers it to 0.88, hiding the middle leaves it at 0.93."
    )
    found = Faithfulness("Normal", "logit", curves(0.934), curves(0.95), curves(1.5))
    assert found.reading == (
        "Hiding the 20 % hottest part leaves the logit of Normal at 0.93; "
        "hiding random parts raises it to 0.95, hiding the middle raises it to 1.50."
    )


@pytest.mark.parametrize(
    ("whole", "hidden", "said"),
    [(0.934, 0.926, "leaves the logit of Normal at 0.93"), (0.934, 0.93, "at 0.93"),
     (0.93, 0.9342, "at 0.93"), (0.934, 0.936, "raises"), (0.936, 0.934, "lowers")],
)  # fmt: skip
def test_what_is_shown_the_same_is_the_same(whole, hidden, said):
    parts = [curves(hidden, whole) for _ in range(3)]
    reading = Faithfulness("Normal", "logit", *parts).reading
    assert said in reading.split(";")[0]
    assert ("leaves" in reading) == ("at" in said)


def test_passes_batches_and_progress():
    model, shares, sizes = Linear(np.ones((8, 8))), [], []
    prediction, forward = model.predict_input(np.ones((8, 8))), model.forward
    model.forward = lambda grey: sizes.append(len(grey)) or forward(grey)
    measure_faithfulness(
        model, prediction, heatmap(np.eye(4)), report=lambda now: shares.append(now.done)
    )
    assert sum(sizes) == 3 * (16 + 16 + 8 + 8)
    assert max(sizes) == BATCH
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)

    def stop(progress):
        if progress.done > 0.5:
            raise Cancelled

    sizes.clear()
    with pytest.raises(Cancelled):
        measure_faithfulness(model, prediction, heatmap(np.eye(4)), report=stop)
    # One map and of the second all but its last curve.
    assert sum(sizes) == 48 + 40


def test_maps_of_one_grid_and_class_share_what_they_are_set_beside(blob):
    model, prediction, spot = blob
    fine, other, coarse = heatmap(spot), heatmap(1 - spot), heatmap(np.eye(4))
    alone = measure_faithfulness(model, prediction, other)
    model.passes, shares = 0, []
    found = measure_faithfulness(
        model, prediction, [fine, other, coarse], report=lambda now: shares.append(now.done)
    )
    assert model.passes == 7 * 48
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert found[0].random is found[1].random
    assert found[2].random is not found[1].random
    for maps in ("heatmap", "random", "centre_prior"):
        assert getattr(found[1], maps).road == getattr(alone, maps).road
        assert getattr(found[1], maps).insertion.area == getattr(alone, maps).insertion.area


def test_a_map_of_another_class_or_place_is_refused():
    model = Linear(WEIGHTS)
    prediction = model.predict_input(np.ones((2, 2)))
    with pytest.raises(ValueError, match="one of Pneumonia, Normal. Received: 'COVID-19'"):
        measure_faithfulness(model, prediction, heatmap(WEIGHTS, "COVID-19"))
    with pytest.raises(ValueError, match="expected a map of Box.*bottom=1.0.*bottom=0.5"):
        measure_faithfulness(model, prediction, heatmap(WEIGHTS, box=Box(bottom=0.5)))
