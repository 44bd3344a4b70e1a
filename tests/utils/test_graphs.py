"""Networks as graphs: the same answers as Keras gives, from every weight file that Keras takes."""

import keras
import numpy as np
import pytest

from tools.trace_networks import all_specs
from xraycore.anatomy import segmenter
from xraycore.models.architectures import build_network
from xraycore.models.classifier import graph_file
from xraycore.utils.graphs import load_graph

# As small as InceptionV3 takes: what is compared is of any size.
SIZE, CLASSES = 96, 3
SPECS = list(all_specs())
DEEP = ("vgg16", "resnet50", "inception_v3", "xception")


def with_random_weights(network):
    """Also of batch normalisation, which is the identity at first."""
    random = np.random.default_rng(0)
    network.set_weights(
        [
            random.uniform(0.5, 1.5, one.shape) if one.ndim == 1 else one
            for one in network.get_weights()
        ]
    )
    return network


def compare(network, graph_of, file, *taken):
    network.save_weights(file)
    size = network.input_shape[1]
    grey = np.random.default_rng(1).random((2, size, size, 1), np.float32)
    graph = load_graph(graph_of, file, network.name, size, *taken)
    for found, expected in zip(graph.run(grey), network(grey, training=False), strict=True):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    for found, expected in zip(graph.weights, network.weights, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(one, id=f"{one.name}-{one.end}", marks=[pytest.mark.slow] * (one.name in DEEP))
        for one in SPECS
    ],
)
def test_every_network_of_the_registry_gives_as_a_graph_what_it_gives_in_keras(spec, tmp_path):
    """`python -m tools.trace_networks` once how one is built is another."""
    keras.utils.set_random_seed(0)
    network = with_random_weights(build_network(spec, CLASSES, size=SIZE))
    compare(network, graph_file(spec), tmp_path / "x.weights.h5", CLASSES)


def test_so_does_the_segmenter(tmp_path):
    network = with_random_weights(segmenter.with_features(segmenter.build_segmenter()))
    compare(network, segmenter.GRAPH, tmp_path / "x.weights.h5")


def test_there_is_no_graph_of_a_network_that_is_none():
    assert sorted(graph_file(SPECS[0]).parent.iterdir()) == sorted(map(graph_file, SPECS))
