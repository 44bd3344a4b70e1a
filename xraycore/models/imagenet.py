"""Starting weights: ImageNet from Keras' own download or a file, or those of another network."""

from pathlib import Path
from typing import TYPE_CHECKING

from xraycore.models.spec import ModelSpec

if TYPE_CHECKING:
    import keras


def load_start(network: "keras.Model", spec: ModelSpec, weights: str) -> bool:
    """Gives a fresh network its starting weights; True if its backbone is pretrained now.

    Args:
        network: From `build_network`.
        spec: Its registry entry.
        weights: "imagenet" (Keras downloads them), "none", or the path of a `.weights.h5` file:
            either of the backbone as `keras.applications` builds it without top, or of a whole
            network of ours with the same classes.

    Raises:
        ValueError: If there are no such weights, or they do not fit the network.
    """
    if weights == "none":
        return False
    if weights != "imagenet" and not Path(weights).is_file():
        raise ValueError(
            f"weights must be imagenet, none or an existing .weights.h5 file. Received: {weights!r}"
        )
    import keras

    if weights != "imagenet":
        try:
            network.load_weights(weights)
            return True
        except (ValueError, KeyError):
            if spec.imagenet is None:
                raise ValueError(f"{weights} does not hold the weights of {spec.name}.") from None
    if spec.imagenet is None:
        raise ValueError(f"{spec.name} has no ImageNet weights; expected weights none or a file.")
    application = getattr(keras.applications, spec.imagenet)
    if weights == "imagenet":
        backbone = application(include_top=False, weights="imagenet")
    else:
        backbone = application(include_top=False, weights=None)
        try:
            backbone.load_weights(weights)
        except (ValueError, KeyError) as error:
            raise ValueError(
                f"{weights} holds neither a network of ours nor an ImageNet {spec.imagenet} "
                f"without top: {error}"
            ) from None
    ours = [layer for layer in network.layers if layer.weights][:-1]
    theirs = [layer for layer in backbone.layers if layer.weights]
    for mine, given in zip(ours, theirs, strict=True):
        mine.set_weights(given.get_weights())
    return True
