"""Forward passes as TensorFlow graphs: read in a tenth of the time that Keras takes to build them.

Keras makes hundreds of layers, draws weights for each that are thrown away, and traces them, for
seconds of processor time; what comes of it is the same graph every time. So the graphs lie with the
code, written by `python -m tools.trace_networks`. None holds weights: where one is taken it has a
placeholder, named as the array is in a weight file of Keras, in the order of `network.weights`.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xraycore.utils.checkpoints import read_arrays

if TYPE_CHECKING:
    import tensorflow as tf

# Nodes of a graph; outputs are numbered from 0.
INPUT, OUTPUT = "grey", "output_"
PLACEHOLDER = "Placeholder"


@dataclass(frozen=True)
class Graph:
    """A network's forward pass, its weights filled in.

    Attributes:
        run: From grey (n, size, size, 1) in [0, 1] to the network's outputs, compiled; without
            training behaviour.
        weights: In the order of `network.weights`.
    """

    run: "Callable[[tf.Tensor], list[tf.Tensor]]"
    weights: "tuple[tf.Tensor, ...]"


def load_graph(file: Path, weights: Path, network: str, size: int, classes: int = 1) -> Graph:
    """The graph of a network with the weights of a file that may be anybody's.

    Args:
        file: The graph, which came with the code.
        weights: Its weight file.
        network: What messages call it.
        size: Height and width of its input.
        classes: How many a head gives, in a graph that is of any number of them.

    Raises:
        WeightsError: If the weights are no such file, or of another network.
    """
    import tensorflow as tf

    definition = tf.compat.v1.GraphDef.FromString(gzip.decompress(file.read_bytes()))
    shapes, outputs, nodes = {}, [], []
    for node in definition.node:
        if node.op == PLACEHOLDER:
            sizes = (dim.size for dim in node.attr["shape"].shape.dim)
            shapes[node.name] = tuple(classes if one < 0 else one for one in sizes)
            continue
        nodes.append(node)
        if node.name.startswith(OUTPUT):
            outputs.append(f"{node.name}:0")
    del shapes[INPUT]
    body = tf.compat.v1.GraphDef(node=nodes, versions=definition.versions)
    arrays = read_arrays(weights, shapes, network)
    held = {name: tf.constant(arrays.pop(name)) for name in shapes}

    signature = [tf.TensorSpec((None, size, size, 1), tf.float32)]

    @tf.function(autograph=False, input_signature=signature)
    def imported(grey: "tf.Tensor") -> "list[tf.Tensor]":
        given = {name: tf.convert_to_tensor(tensor) for name, tensor in held.items()}
        return tf.graph_util.import_graph_def(
            body, {INPUT: grey, **given}, sorted(outputs), name=""
        )

    @tf.function(autograph=False, input_signature=signature)
    def run(grey: "tf.Tensor") -> "list[tf.Tensor]":
        # As a graph of its own, which it is as well where functions are run eagerly.
        return imported.get_concrete_function()(grey)

    return Graph(run, tuple(held.values()))
