"""The networks as flat Keras graphs: preprocessing, backbone, pooling, dropout, linear head.

Flat, because a backbone nested as one layer hides its feature map from every CAM tool. Linear
head on a pooled map, because then the gradient of a logit with respect to that map is a constant.
Keras is imported inside the functions: the registry is read where no network is ever built.
"""

from typing import TYPE_CHECKING

from xraycore.errors import ArgumentError

if TYPE_CHECKING:
    import keras

    from xraycore.models.spec import ModelSpec

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

HEAD = "logits"

# ImageNet means of the "caffe" convention: blue, green, red, as the backbones were trained.
_IMAGENET_MEANS = (103.939, 116.779, 123.68)


def build_network(
    spec: "ModelSpec", classes: int, *, size: int | None = None, dropout: float = 0.2
) -> "keras.Model":
    """A flat network: grey (n, size, size, 1) in [0, 1] -> [logits (n, classes), features].

    Args:
        spec: Registry entry.
        classes: Number of classes.
        size: Height and width; the spec's where None. All networks are convolutional up to the
            pooling, so weights fit any size.
        dropout: Rate before the head.
    """
    import keras

    size = size or spec.input_size
    grey = keras.Input((size, size, 1), name="grey")
    published = keras.Model(grey, spec.build(_preprocess(grey, spec.preprocessing)))
    features = published.get_layer(spec.feature_layer).output
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(features)
    dropped = keras.layers.Dropout(dropout, name="dropout")(pooled)
    # float32 under mixed precision too: the loss and the heatmaps want the logits exact.
    logits = keras.layers.Dense(classes, dtype="float32", name=HEAD)(dropped)
    network = keras.Model(grey, [logits, features], name=spec.name)
    return without_last_halving(network) if spec.finer_map else network


def without_last_halving(network: "keras.Model") -> "keras.Model":
    """A copy whose last halving has stride 1 instead of 2, for twice the cells a side.

    Segmentation networks do so (DeepLab, Chen et al. 2018, arXiv:1802.02611); kernels stay as they
    are, so ImageNet weights fit. The halving is what makes the grid of the feature map, in each of
    the branches that meet there.
    """
    import keras

    cells = network.outputs[1].shape[1]
    halving = {
        layer.name
        for layer in network.layers
        if getattr(layer, "strides", None) in (2, (2, 2)) and layer.output.shape[1] == cells
    }

    def copy(layer: "keras.Layer") -> "keras.Layer":
        strides = {"strides": (1, 1)} if layer.name in halving else {}
        return layer.__class__.from_config({**layer.get_config(), **strides})

    return keras.models.clone_model(network, clone_function=copy)


def _preprocess(grey: "keras.KerasTensor", convention: str) -> "keras.KerasTensor":
    from keras import layers

    if convention == "unit":
        return layers.Rescaling(2.0, offset=-1.0, name="preprocessing")(grey)
    colour = layers.Concatenate(name="grey_to_colour")([grey, grey, grey])
    if convention == "tf":
        return layers.Rescaling(2.0, offset=-1.0, name="preprocessing")(colour)
    if convention == "caffe":
        offsets = [-mean for mean in _IMAGENET_MEANS]
        return layers.Rescaling(255.0, offset=offsets, name="preprocessing")(colour)
    raise ArgumentError(f"preprocessing must be unit, tf or caffe. Received: {convention!r}")


def basic_cnn(inputs: "keras.KerasTensor") -> "keras.KerasTensor":
    """Three convolution and three pooling layers in turn; a 14x14x192 map at 224 px.

    The first kernels are wide and strided so that one cell of the map sees 67 pixels: with 3x3
    kernels throughout it would see 22, less than a rib's distance from the next.
    """
    return _three_blocks(inputs, 32, 96, 192)


def narrow_cnn(inputs: "keras.KerasTensor") -> "keras.KerasTensor":
    """The same three blocks with a third of the filters, and so a ninth of the weights."""
    return _three_blocks(inputs, 12, 32, 64)


def _three_blocks(inputs: "keras.KerasTensor", *widths: int) -> "keras.KerasTensor":
    from keras import layers

    x = inputs
    for index, (filters, kernel, strides) in enumerate(
        zip(widths, (7, 5, 3), (2, 1, 1), strict=True), 1
    ):
        x = layers.Conv2D(
            filters, kernel, strides=strides, padding="same", use_bias=False, name=f"conv{index}"
        )(x)
        x = layers.BatchNormalization(name=f"bn{index}")(x)
        x = layers.ReLU(name=f"relu{index}")(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"pool{index}")(x)
    return x


def vgg16(inputs: "keras.KerasTensor") -> "keras.KerasTensor":
    """VGG16 without its last max-pooling: a 14x14x512 map instead of 7x7."""
    from keras import applications

    backbone = applications.VGG16(include_top=False, weights=None, input_tensor=inputs)
    return backbone.get_layer("block5_conv3").output


def resnet50(inputs: "keras.KerasTensor") -> "keras.KerasTensor":
    """ResNet50: a 14x14x2048 map at 224 px once its last halving is left out."""
    from keras import applications

    return applications.ResNet50(include_top=False, weights=None, input_tensor=inputs).output


def inception_v3(inputs: "keras.KerasTensor") -> "keras.KerasTensor":
    """InceptionV3: a 10x10x2048 map at 224 px once its last halving is left out."""
    from keras import applications

    return applications.InceptionV3(include_top=False, weights=None, input_tensor=inputs).output


def xception(inputs: "keras.KerasTensor") -> "keras.KerasTensor":
    """Xception; a 14x14x2048 map at 224 px once its last halving is left out."""
    from keras import applications

    return applications.Xception(include_top=False, weights=None, input_tensor=inputs).output


_FLOAT32 = 4


def peak_activation_bytes(network: "keras.Model") -> int:
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
