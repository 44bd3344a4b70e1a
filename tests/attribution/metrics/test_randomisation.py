from types import SimpleNamespace

import numpy as np
import pytest

from tests.attribution.toys import FILM
from xraycore.attribution.heatmap import BLANK_MAP, Heatmap
from xraycore.attribution.metrics.randomisation import (
    Cascade,
    cascades,
    layer_groups,
    passes,
    randomised,
    untrained,
)
from xraycore.attribution.metrics.similarity import Similarity
from xraycore.attribution.registry import METHODS
from xraycore.errors import Cancelled
from xraycore.imaging.box import Box
from xraycore.models.architectures import HEAD
from xraycore.models.classifier import Classifier

STEPS = [["logits"], ["bn3"], ["conv3"], ["bn2"], ["conv2"], ["bn1"], ["conv1"]]


@pytest.fixture(scope="module")
def model(random_classifier):
    """Weights unlike those that any initialiser draws, as after training."""
    import keras

    drawn = random_classifier("basic_cnn")
    network = keras.models.clone_model(drawn.network)
    network.set_weights([1.1 * weights + 0.01 for weights in drawn.network.get_weights()])
    return Classifier(drawn.spec, network, drawn.classes, drawn.card)


@pytest.fixture
def prediction(model, film):
    return model.predict(film)


def weights_of(network):
    return {layer.name: layer.get_weights() for layer in network.layers if layer.weights}


def equal(first, second):
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_the_layers_from_the_head_down(model):
    assert layer_groups(model.network) == STEPS
    assert layer_groups(model.network, 3) == [
        ["logits"],
        ["bn3", "conv3", "bn2"],
        ["conv2", "bn1", "conv1"],
    ]


def test_many_layers_make_eight_groups():
    layers = [SimpleNamespace(name=f"conv{i}", weights=[1]) for i in range(20)]
    layers += [SimpleNamespace(name="relu", weights=[]), SimpleNamespace(name=HEAD, weights=[1])]
    groups = layer_groups(SimpleNamespace(layers=layers))
    assert [len(names) for names in groups] == [1, 3, 3, 3, 3, 3, 3, 2]
    assert groups[1] == ["conv19", "conv18", "conv17"]
    assert groups[-1] == ["conv1", "conv0"]


def test_each_step_takes_the_weights_of_its_layers_and_leaves_the_rest(model):
    trained = weights_of(model.network)
    fresh = weights_of(untrained(model.network, seed=5))
    for count, network in enumerate(randomised(model, STEPS, seed=5), 1):
        now = weights_of(network.network)
        gone = {name for names in STEPS[:count] for name in names}
        for name, weights in now.items():
            assert equal(weights, fresh[name] if name in gone else trained[name])
            assert not equal(fresh[name], trained[name])
        np.testing.assert_array_equal(network.head[0], now[HEAD][0])
    assert count == len(STEPS)
    assert equal(trained[HEAD], model.network.get_layer(HEAD).get_weights())


def test_the_compiled_network_sees_every_step(model, prediction):
    grey = prediction.grey[None]
    fresh = untrained(model.network, seed=5)
    answers = [network.forward(grey)[0] for network in randomised(model, STEPS, seed=5)]
    for before, after in zip([prediction.logits[None], *answers], answers, strict=False):
        assert not np.allclose(before, after, rtol=1e-4)
    np.testing.assert_allclose(answers[-1], fresh(grey, training=False)[0], rtol=1e-3, atol=1e-5)


def test_random_weights_are_of_the_seed(model):
    first, again, other = (weights_of(untrained(model.network, seed)) for seed in (1, 1, 2))
    assert all(equal(first[name], again[name]) for name in first)
    assert not equal(first["conv1"], other["conv1"])


def test_a_map_of_the_film_stays_and_grad_cam_does_not(model, prediction, monkeypatch):
    monkeypatch.setitem(METHODS, "film", FILM)
    before, shares = weights_of(model.network), []
    found = cascades(
        model, [prediction] * 2, ["film", "grad_cam"], report=lambda now: shares.append(now.done)
    )
    assert all(equal(weights, before[name]) for name, weights in weights_of(model.network).items())
    # Eight networks, two films and two methods.
    assert shares == pytest.approx([n / 32 for n in range(33)])
    assert [len(films) for films in found.values()] == [2, 2]
    film, grad_cam = found["film"][1], found["grad_cam"][1]
    assert film.steps == tuple(names[0] for names in STEPS)
    np.testing.assert_allclose(film.rank_correlations, np.ones(7))
    assert not passes(found["film"])
    assert len(grad_cam.heatmaps) == 8
    assert {heat.target for heat in grad_cam.heatmaps} == {prediction.label}
    assert grad_cam.rank_correlations.min() < 0.5
    assert not np.array_equal(grad_cam.heatmaps[0].values, grad_cam.heatmaps[1].values)


def test_settings_and_target_reach_the_method_and_stopping_stops(model, prediction):
    def stop_halfway(progress):
        if progress.done > 0.5:
            raise Cancelled

    settings = {"occlusion": {"grid": 2}}
    found = cascades(
        model, [prediction], ["occlusion"], model.classes[2], groups=2, settings=settings
    )
    heats = found["occlusion"][0].heatmaps
    assert {(heat.values.shape, heat.target) for heat in heats} == {((2, 2), model.classes[2])}
    assert found["occlusion"][0].steps == ("logits", "bn3 to conv1")
    with pytest.raises(Cancelled):
        cascades(model, [prediction], ["grad_cam"], groups=3, report=stop_halfway)


def cascade(*ranks, hot=True):
    """Of those rank correlations; the structural similarity says nothing."""
    names = tuple(f"layer{i}" for i in range(len(ranks)))
    trained = Heatmap(np.full((2, 2), float(hot), np.float32), "Ill", "grad_cam", "toy", Box())
    return Cascade(names, (trained,), tuple(Similarity(0.99, rank, 0) for rank in ranks))


def test_passing_by_hand():
    gone, turned = cascade(0.9, 0.4, 0.3, 0.2), cascade(0.9, 0.4, 0.3, -0.7)
    stays = cascade(0.9, 0.6, 0.3, 0.2)
    # Of four steps the second and the last count, each averaged over the films.
    assert passes([gone])
    assert not passes([turned])
    assert not passes([stays])
    assert passes([gone, stays, gone])
    assert passes([gone, turned])
    assert not passes([turned, turned, gone])
    # A trained network's map without heat tells nothing, and is no pass.
    assert not passes([stays, cascade(0, 0, 0, 0, hot=False)])
    with pytest.raises(ValueError, match="at least one film with heat. Received: none"):
        passes([cascade(0, 0, 0, 0, hot=False)])


def test_the_reading():
    assert cascade(0, 0, 0, hot=False).reading == BLANK_MAP
    assert cascade(0.9, 0.4, 0.3, -0.2).reading == (
        "The map goes, but not at once: at step 1 of 4 it is still much the trained network's "
        "(rank correlation 0.90 at step 1), so it does not depend on what those layers learnt; "
        "0.40 with half of the layers random, 0.20 with all."
    )
    assert cascade(1, 0.9, 0.8, 0.2).reading == (
        "The map stays much the same with random weights, so it shows the film more than what the "
        "network learnt: at steps 1, 2 and 3 of 4 it is still much the trained network's (rank "
        "correlation 1.00 at step 1); 0.90 with half of the layers random, 0.20 with all."
    )
    # It is another at the half and at the end, and the same again in between.
    between = cascade(0.3, 0.2, 0.8, -0.1)
    assert between.alike == (3,)
    assert "at step 3 of 4" in between.reading
    assert cascade(0.3, 0.2, 0.1, 0.1).reading == (
        "With random weights the map is another at every step, as it must be: rank correlation "
        "0.20 with half of the layers random, 0.10 with all, 0.30 at most (step 1)."
    )
