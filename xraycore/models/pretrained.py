"""Starting weights: ImageNet from Keras' own download or a file, or those of another network."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from xraycore.errors import ArgumentError
from xraycore.models.spec import ModelSpec

if TYPE_CHECKING:
    import keras


def load_pretrained(network: "keras.Model", spec: ModelSpec, weights: str) -> None:
    """Gives a fresh network its starting weights.

    Args:
        network: From `build_network`.
        spec: Its registry entry.
        weights: "imagenet" (Keras downloads them), "none", or the path of a `.weights.h5` file:
            either of the backbone as `keras.applications` builds it without top, or of a whole
            network of ours with the same classes.

    Raises:
        ArgumentError: If there are no such weights, or they do not fit the network.
    """
    if weights == "none":
        return
    if weights == "imagenet":
        _copy_backbone(network, _application(spec)(include_top=False, weights="imagenet"))
        return
    if not Path(weights).is_file() or not weights.endswith(".weights.h5"):
        raise ArgumentError(
            f"weights must be imagenet, none or an existing .weights.h5 file. Received: {weights!r}"
        )
    with warnings.catch_warnings():
        # Of a file that does not fit Keras warns before it raises an error that says the same.
        warnings.simplefilter("ignore", UserWarning)
        try:
            if _has_head(weights):
                network.load_weights(weights)
                return
            backbone = _application(spec)(include_top=False, weights=None)
            backbone.load_weights(weights)
        except (ValueError, KeyError, OSError) as error:
            raise ArgumentError(f"{weights} does not fit {spec.name}: {error}") from None
    _copy_backbone(network, backbone)


def _has_head(weights: str) -> bool:
    """Whether a weight file holds a dense layer, which no backbone without top has."""
    import h5py

    with h5py.File(weights) as file:
        return "dense" in file.get("layers", ())


def _application(spec: ModelSpec):
    import keras

    if spec.imagenet is None:
        raise ArgumentError(f"{spec.name} has no ImageNet weights; expected none or its own file.")
    return getattr(keras.applications, spec.imagenet)


def _copy_backbone(network: "keras.Model", backbone: "keras.Model") -> None:
    ours = [layer for layer in network.layers if layer.weights][:-1]
    theirs = [layer for layer in backbone.layers if layer.weights]
    for mine, given in zip(ours, theirs, strict=True):
        mine.set_weights(given.get_weights())
