"""Starting weights: ImageNet from Keras' own download or a file, or those of another network."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from xraycore.config import job_folder, keras_folder
from xraycore.errors import ArgumentError
from xraycore.models.architectures import build_network
from xraycore.models.registry import get_spec
from xraycore.models.spec import FULL, ModelSpec
from xraycore.utils.checkpoints import load_weights

if TYPE_CHECKING:
    import keras


def imagenet_file(spec: ModelSpec) -> Path:
    """Where a network's ImageNet weights lie once Keras has downloaded them."""
    file = f"{spec.name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    return keras_folder() / "models" / file


def download_imagenet(name: str) -> Path:
    """Has Keras download a network's ImageNet weights; returns where they lie.

    Raises:
        ArgumentError: If there are none of that network, or they cannot be had.
    """
    spec = get_spec(name)
    application = _application(spec)
    try:
        application(include_top=False, weights="imagenet")
    except Exception as error:
        # Keras raises a bare Exception that names the address.
        raise ArgumentError(f"ImageNet weights of {name}: {error}") from error
    return imagenet_file(spec)


def load_pretrained(network: "keras.Model", spec: ModelSpec, weights: str) -> None:
    """Gives a fresh network its starting weights.

    Args:
        network: From `build_network`.
        spec: Its registry entry.
        weights: "imagenet" (Keras downloads them, but not for a job of the app), "none", or the
            path of a `.weights.h5` file: either of the backbone as `keras.applications` builds it
            without top, or of a whole network of ours with the same classes. Of a network that ends
            later, what lies behind this one's end is left out, and the head stays fresh.

    Raises:
        ArgumentError: If there are no such weights, or they do not fit the network.
    """
    if weights == "none":
        return
    if weights == "imagenet":
        # A click on a page is to send nothing anywhere; who types a command has asked for it.
        if job_folder() and not imagenet_file(spec).is_file():
            raise ArgumentError(
                f"the ImageNet weights of {spec.name} are not on this computer. Fetch them on its "
                f"command line: xraycore weights imagenet {spec.name}"
            )
        _copy(_application(spec)(include_top=False, weights="imagenet"), network, spec)
        return
    if not Path(weights).is_file() or not weights.endswith(".weights.h5"):
        raise ArgumentError(
            f"weights must be imagenet, none or an existing .weights.h5 file. Received: {weights!r}"
        )
    with warnings.catch_warnings():
        # Of a file that does not fit Keras warns before it raises an error that says the same.
        warnings.simplefilter("ignore", UserWarning)
        try:
            if head := _head_shape(weights):
                _load_whole(network, spec, weights, head)
                return
            backbone = _application(spec)(include_top=False, weights=None)
            load_weights(backbone, Path(weights))
        except (ValueError, KeyError, OSError) as error:
            raise ArgumentError(f"{weights} does not fit {spec.name}: {error}") from None
    _copy(backbone, network, spec)


def _head_shape(weights: str) -> tuple[int, int] | None:
    """Channels and classes of a weight file's dense layer, which no backbone without top has."""
    import h5py

    with h5py.File(weights) as file:
        dense = file.get("layers/dense/vars/0")
        return None if dense is None else tuple(dense.shape)


def _load_whole(
    network: "keras.Model", spec: ModelSpec, weights: str, head: tuple[int, int]
) -> None:
    """Loads a network of ours, or the part in front of its end of one that ends later."""
    size, channels = network.input_shape[1], network.outputs[1].shape[-1]
    # The ends of a network differ in their channels.
    if spec.end == FULL or head[0] == channels:
        load_weights(network, Path(weights))
        return
    for name in {FULL, *(end.name for end in spec.ends)} - {spec.end}:
        donor = build_network(get_spec(spec.name, name), head[1], size=size)
        if donor.outputs[1].shape[-1] == head[0]:
            load_weights(donor, Path(weights))
            _copy(donor, network, spec)
            return
    raise ValueError(f"no end of {spec.name} has {head[0]} channels.")


def _application(spec: ModelSpec) -> "Callable[..., keras.Model]":
    import keras

    if spec.imagenet is None:
        raise ArgumentError(f"{spec.name} has no ImageNet weights; expected none or its own file.")
    return getattr(keras.applications, spec.imagenet)


def _copy(donor: "keras.Model", network: "keras.Model", spec: ModelSpec) -> None:
    """Copies the weights up to the network's feature layer, which the donor has too.

    In order: layers without a name of their own are numbered through a whole session.
    """
    import keras

    theirs, ours = (
        [layer for layer in keras.Model(one.input, end).layers if layer.weights]
        for one in (donor, network)
        for end in [one.get_layer(spec.feature_layer).output]
    )
    for mine, given in zip(ours, theirs, strict=True):
        mine.set_weights(given.get_weights())
