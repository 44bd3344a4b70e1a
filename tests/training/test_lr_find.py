import numpy as np

from xraycore.training.lr_find import diverges, smooth, suggest


def test_the_suggestion_is_where_the_loss_falls_fastest():
    rates = np.logspace(-7, 0, 71)
    # Flat, falling steepest at 1e-4, lowest at 1e-2, then rising.
    log = np.log10(rates)
    losses = 1 - 0.5 * np.tanh(2 * (log + 4)) + np.where(log > -2, (log + 2) ** 2, 0)
    assert np.isclose(suggest(rates, losses), 1e-4, rtol=0.3)


def test_nothing_is_suggested_where_the_loss_only_rises():
    assert suggest(np.logspace(-7, 0, 20), np.linspace(1, 2, 20)) is None


def test_smoothing_keeps_a_constant():
    np.testing.assert_allclose(smooth([2.0] * 9, 1.5), 2.0)


def test_divergence_is_four_times_the_minimum():
    assert not diverges(np.array([1.0, 0.5, 1.9]))
    assert diverges(np.array([1.0, 0.5, 2.1]))
