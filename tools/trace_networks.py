"""Writes the networks' graphs: `python -m tools.trace_networks`, once how one is built is another.

See `xraycore.utils.graphs`. Weights take no part in it: a graph is of all networks of its kind.
"""

import gzip
import tempfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import keras
import numpy as np
import tensorflow as tf

from xraycore.anatomy import segmenter
from xraycore.models.architectures import build_network
from xraycore.models.classifier import graph_file
from xraycore.models.registry import DEMONSTRATIONS, MODELS, get_spec
from xraycore.models.spec import FULL, ModelSpec
from xraycore.utils.files import replacing
from xraycore.utils.graphs import INPUT, OUTPUT


def all_specs() -> Iterator[ModelSpec]:
    """Every network that can be built, at each of its ends."""
    for spec in (*MODELS.values(), *DEMONSTRATIONS.values()):
        for end in (FULL, *(one.name for one in spec.ends)):
            yield get_spec(spec.name, end)


def array_names(network: keras.Model) -> list[str]:
    """What a weight file calls the network's weights, in the order of `network.weights`."""
    for number, weight in enumerate(network.weights):
        weight.assign(np.full(weight.shape, number))
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "numbered.weights.h5"
        network.save_weights(file)
        with h5py.File(file) as opened:

            def note(name: str, item: h5py.Group | h5py.Dataset) -> None:
                # The state of random numbers is no weight.
                if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
                    found[int(item[()].flat[0])] = name

            opened.visititems(note)
    return [found[number] for number in range(len(network.weights))]


def trace(network: keras.Model, free: int = 0) -> bytes:
    """The network's graph as `load_graph` reads it; its weights are numbers afterwards.

    Args:
        network: From one input to one output or several.
        free: Of how many of its last weights the last axis is as long as there are classes.
    """
    weights, names = network.weights, [INPUT, *array_names(network)]

    def run(grey: tf.Tensor, *given: tf.Tensor) -> list[tf.Tensor]:
        with keras.StatelessScope(list(zip(weights, given, strict=True))):
            found = keras.tree.flatten(network(grey, training=False))
        return [tf.identity(one, f"{OUTPUT}{number}") for number, one in enumerate(found)]

    specs = [tf.TensorSpec((None, *network.input_shape[1:]))]
    specs += [tf.TensorSpec(one.shape) for one in weights]
    graph = tf.function(run, autograph=False).get_concrete_function(*specs).graph
    renamed = {one.op.name: name for one, name in zip(graph.inputs, names, strict=True)}
    ends = names[len(names) - free :]
    definition = graph.as_graph_def()
    for node in definition.node:
        node.name = renamed.get(node.name, node.name)
        given = [renamed.get(one, one) for one in node.input]
        del node.input[:]
        node.input.extend(given)
        for attribute in [one for one in node.attr if one.startswith("_")]:
            del node.attr[attribute]
        if node.name in ends:
            node.attr["shape"].shape.dim[-1].size = -1
    return definition.SerializeToString(deterministic=True)


def main() -> None:
    """Writes one file for each network and end, and the segmenter's."""
    for spec in all_specs():
        network = build_network(spec, classes=2)
        # Kernel and bias of the head come last.
        _write(graph_file(spec), trace(network, free=2))
    _write(segmenter.GRAPH, trace(segmenter.with_features(segmenter.build_segmenter())))


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(exist_ok=True)
    with replacing(file) as part:
        part.write_bytes(gzip.compress(content, mtime=0))


if __name__ == "__main__":
    main()
