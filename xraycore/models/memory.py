"""What a network takes of the memory."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

_FLOAT32 = 4


def working_memory(network: "keras.Model") -> int:
    """Bytes of feature maps that a forward pass of one film holds at once, at most.

    Counted on the graph, so that it is the same on every machine: layer by layer what goes in and
    what comes out, as float32, plus what later layers still need. Weights come on top, once.
    Operations that a backend fuses or does in place take less; what convolutions need for
    themselves comes on top.

    Args:
        network: A flat graph, each layer called once.
    """
    import keras

    steps = [
        (keras.tree.flatten(layer.input), keras.tree.flatten(layer.output))
        for layer in network.layers
    ]
    last = {id(tensor): step for step, (taken, _) in enumerate(steps) for tensor in taken}
    last |= {id(tensor): len(steps) for tensor in network.outputs}
    alive: dict[int, int] = {}
    most = 0
    for step, (taken, made) in enumerate(steps):
        alive |= {id(tensor): _bytes(tensor) for tensor in (*taken, *made)}
        most = max(most, sum(alive.values()))
        alive = {key: size for key, size in alive.items() if last.get(key, step) > step}
    return most


def _bytes(tensor: "keras.KerasTensor") -> int:
    return _FLOAT32 * int(np.prod(tensor.shape[1:]))
