"""What heatmap methods and their tests do where nothing else is asked for."""

import inspect

import cv2
import keras
import numpy as np
import pytest

from tests.attribution.linear import Linear
from xraycore.attribution.counterfactual import TTA_TRANSFORMS
from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.metrics.baselines import centre_prior
from xraycore.attribution.metrics.faithfulness import blurred, measure_faithfulness
from xraycore.attribution.metrics.lesion_insertion import probe
from xraycore.attribution.metrics.randomisation import Cascade, passes, summarise_cascades
from xraycore.attribution.metrics.robustness import DISTURBANCES
from xraycore.attribution.metrics.similarity import Similarity
from xraycore.attribution.perturbation import random_mask, upsample
from xraycore.attribution.registry import ANALYTIC, METHODS
from xraycore.imaging.box import Box
from xraycore.models.architectures import build_network
from xraycore.models.registry import get_spec


def defaults(function):
    """Settings by name alone, and what they are."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def test_the_settings_of_every_method():
    settings = {
        "score_cam": {"maps": 64},
        "occlusion": {"grid": 14},
        "rise": {"masks": 300, "cells": 7, "seed": 0},
        "smooth_grad": {"samples": 32, "noise": 0.15, "seed": 0},
        "integrated_gradients": {"steps": 32},
        "clearing": {"steps": 8},
    }
    for name, method in METHODS.items():
        if name not in ANALYTIC:
            assert defaults(method.heatmap) == settings.get(name, {}), name


def test_the_views_of_against_normal():
    assert TTA_TRANSFORMS == (
        (1.0, 0.0, 0.0, False),
        (1.0, 0.0, 0.0, True),
        (1.12, 0.0, 0.0, False),
        (1.12, 0.0, 0.0, True),
        (1.06, 0.03, 0.03, False),
        (1.06, -0.03, 0.03, False),
        (1.06, 0.03, -0.03, True),
        (1.06, -0.03, -0.03, True),
    )


def test_the_disturbances_that_a_map_must_stand():
    film = np.random.default_rng(3).random((32, 40)).astype(np.float32)
    noise, down, up, jpeg = (one.change(film, np.random.default_rng(5)) for one in DISTURBANCES)
    drawn = np.random.default_rng(5).standard_normal(film.shape, np.float32)
    np.testing.assert_allclose(noise, np.clip(film + 0.02 * np.ptp(film) * drawn, 0, 1), atol=1e-6)
    np.testing.assert_array_equal(down[4:, 4:], film[:-4, :-4])
    np.testing.assert_array_equal(down[0], down[4])
    np.testing.assert_array_equal(up[:-4, :-4], film[4:, 4:])
    np.testing.assert_array_equal(up[:, -1], up[:, -5])
    coded = cv2.imencode(".jpg", np.round(255 * film).astype(np.uint8),
                         [cv2.IMWRITE_JPEG_QUALITY, 75])[1]  # fmt: skip
    np.testing.assert_allclose(jpeg, cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE) / 255, atol=1e-6)
    assert [one.shift for one in DISTURBANCES] == [(0, 0), (4, 4), (-4, -4), (0, 0)]
    assert [one.title for one in DISTURBANCES] == [
        "slight noise",
        "a shift by 4 pixels down and right",
        "a shift by 4 pixels up and left",
        "JPEG compression",
    ]


def test_a_hidden_film_is_blurred_by_a_tenth_of_its_side():
    spot = np.zeros((200, 200), np.float32)
    spot[100, 100] = 1
    profile, places = blurred(spot).sum(axis=0), np.arange(200)
    assert np.sqrt((profile * (places - 100) ** 2).sum()) == pytest.approx(20, rel=0.02)


def test_shares_and_noise_of_the_curves():
    """A network that adds up grey: of a film of one grey imputation changes the noise alone."""
    side, seen = 40, []
    model = Linear(np.ones((side, side)))
    forward = model.forward
    model.forward = lambda grey: seen.append(np.array(grey)) or forward(grey)
    film = np.full((side, side), 0.5)
    prediction = model.predict_input(film)
    heat = Heatmap(np.eye(4, dtype=np.float32), "Pneumonia", "toy", "toy", Box())
    found = measure_faithfulness(model, prediction, heat, score="logit")
    for curves in (found.heatmap, found.random, found.centre_prior):
        np.testing.assert_allclose(curves.deletion.shares, np.arange(16) / 15)
        np.testing.assert_allclose(curves.insertion.shares, np.arange(16) / 15)
        for road in (curves.most_first, curves.least_first):
            np.testing.assert_allclose(road.shares, [0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8])
    # The last film of the last curve has four fifths of its pixels imputed.
    imputed = seen[-1][-1, ..., 0] - 0.5
    changed = np.abs(imputed) > 1e-7
    assert changed.mean() == pytest.approx(0.8, abs=0.01)
    assert imputed[changed].std() == pytest.approx(0.01, rel=0.1)
    assert found.score == "logit"
    assert found.hot
    assert found.heatmap.deletion.scores[0] == pytest.approx(800, rel=1e-4)


def test_the_centre_prior_by_hand():
    prior = centre_prior((4, 8))
    assert prior.shape == (4, 8)
    # Centres lie an eighth of the height and a sixteenth of the width off the middle.
    assert prior[1, 3] == pytest.approx(np.exp(-(1 / 64 + 1 / 256) / (2 / 16)))
    assert prior[0, 0] == pytest.approx(np.exp(-(9 / 64 + 49 / 256) / (2 / 16)))
    np.testing.assert_allclose(prior, prior[::-1, ::-1])


def test_a_random_mask_by_hand():
    """Cells of ceil(side / cells) pixels, one more a side than asked, shifted by part of a cell."""
    shape, cells = (20, 31), 4
    random, again = np.random.default_rng(2), np.random.default_rng(2)
    found = random_mask(shape, cells, random)
    coarse = (again.random((cells, cells)) < 0.5).astype(np.float32)
    large = upsample(coarse, (5 * 5, 5 * 8))
    top, left = again.integers(5), again.integers(8)
    np.testing.assert_array_equal(found, large[top : top + 20, left : left + 31])
    masks = np.stack([random_mask((28, 28), 7, random) for _ in range(300)])
    assert masks.mean() == pytest.approx(0.5, abs=0.02)
    assert (masks.min(), masks.max()) == (0, 1)


def cascade(*ranks):
    heat = Heatmap(np.ones((2, 2), np.float32), "Ill", "toy", "toy", Box())
    steps = tuple(f"layer{i}" for i in range(len(ranks)))
    return Cascade(steps, (heat,), tuple(Similarity(0.9, rank, 0) for rank in ranks))


@pytest.mark.parametrize(("rank", "passed"), [(0.499, True), (0.5, False), (-0.5, False)])
def test_a_map_is_gone_below_a_rank_correlation_of_one_half(rank, passed):
    assert passes([cascade(0.9, 0.1, 0.1, rank)]) == passed
    assert passes([cascade(0.9, rank, 0.1, 0.1)]) == passed
    # What a reader is told looks at the steps between, too.
    assert ("must be" in cascade(0.1, 0.1, 0.1, rank).reading) == passed
    assert "not at once" in cascade(0.9, 0.1, 0.1, 0.1).reading
    # Neither the first step alone nor those between count.
    assert passes([cascade(1.0, 0.1, 1.0, 0.1)])


@pytest.mark.parametrize(
    ("ranks", "half", "end"),
    [((0.3,), 0.3, 0.3), ((0.9, 0.2), 0.9, 0.2), ((0.9, 0.3, 0.1), 0.3, 0.1),
     ((0.9, 0.8, 0.7, 0.6, 0.5, -0.4), 0.7, 0.4)],
)  # fmt: skip
def test_the_half_of_a_cascade_by_hand(ranks, half, end):
    found = summarise_cascades([cascade(*ranks)])
    assert (found["half"], found["all"]) == pytest.approx((half, end))
    assert found["passes"] == (max(half, end) < 0.5)
    two = summarise_cascades([cascade(*ranks), cascade(*[0.0] * len(ranks))])
    assert (two["half"], two["all"]) == pytest.approx((half / 2, end / 2))


def test_opacities_a_film():
    assert defaults(probe)["places"] == 12
    assert defaults(probe)["method"] == "grad_cam"


def test_the_layers_of_the_basic_network():
    network = build_network(get_spec("basic_cnn"), 3, size=64)
    layers = [
        (one.filters, one.kernel_size, one.strides, one.padding, one.use_bias)
        for one in network.layers
        if isinstance(one, keras.layers.Conv2D)
    ]
    assert layers == [
        (32, (7, 7), (2, 2), "same", False),
        (96, (5, 5), (1, 1), "same", False),
        (192, (3, 3), (1, 1), "same", False),
    ]
    pools = [
        (one.pool_size, one.strides, one.padding)
        for one in network.layers
        if isinstance(one, keras.layers.MaxPooling2D)
    ]
    assert pools == [((3, 3), (2, 2), "same")] * 3
    names = [layer.name for layer in network.layers]
    assert names == [
        *("grey", "preprocessing"),
        *(f"{kind}{n}" for n in (1, 2, 3) for kind in ("conv", "bn", "relu", "pool")),
        *("pooled", "dropout", "logits"),
    ]
    assert network.get_layer("dropout").rate == 0.2
    assert build_network(get_spec("basic_cnn"), 3, dropout=0.0).get_layer("dropout").rate == 0.0
    assert network.get_layer("logits").compute_dtype == "float32"
