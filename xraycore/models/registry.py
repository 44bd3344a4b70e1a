"""The one list of models."""

from collections.abc import Mapping
from dataclasses import replace

from xraycore.errors import ArgumentError
from xraycore.models import architectures
from xraycore.models.spec import FULL, End, ModelSpec

MODELS: Mapping[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        ModelSpec(
            name="basic_cnn",
            title="Basic CNN",
            paper="Three convolution and three pooling layers in turn (LeCun 1998, "
            "doi:10.1109/5.726791)",
            build=architectures.basic_cnn,
            preprocessing="unit",
            feature_layer="pool3",
            early_layer="relu3",
            imagenet=None,
        ),
        ModelSpec(
            name="vgg16",
            title="VGG16",
            paper="Simonyan & Zisserman 2014, arXiv:1409.1556",
            build=architectures.vgg16,
            preprocessing="caffe",
            feature_layer="block5_conv3",
            early_layer="block4_conv3",
            imagenet="VGG16",
            cpu_unfreeze_from="block4",
            tune_from="block5",
        ),
        ModelSpec(
            name="resnet50",
            title="ResNet50",
            paper="He et al. 2015, arXiv:1512.03385",
            build=architectures.resnet50,
            preprocessing="caffe",
            feature_layer="conv5_block3_out",
            early_layer="conv3_block4_out",
            imagenet="ResNet50",
            cpu_unfreeze_from="conv4",
            tune_from="conv4_block4",
            finer_map=True,
            ends=(End("stage4", "four stages", "conv4_block6_out"),),
        ),
        ModelSpec(
            name="inception_v3",
            title="InceptionV3",
            paper="Szegedy et al. 2015, arXiv:1512.00567",
            build=architectures.inception_v3,
            preprocessing="tf",
            feature_layer="mixed10",
            early_layer="mixed2",
            imagenet="InceptionV3",
            tune_from="mixed5",
            finer_map=True,
            ends=(End("mixed7", "eight modules", "mixed7"),),
        ),
        ModelSpec(
            name="xception",
            title="Xception",
            paper="Chollet 2016, arXiv:1610.02357",
            build=architectures.xception,
            preprocessing="tf",
            feature_layer="block14_sepconv2_act",
            early_layer="block4_sepconv2_act",
            imagenet="Xception",
            cpu_unfreeze_from="block7",
            tune_from="block11",
            finer_map=True,
            # Behind the ReLU with which block 13 begins.
            ends=(End("block12", "twelve blocks", "block13_sepconv1_act"),),
        ),
    )
}

# Networks that show something and are none to compare or train: none of those that are listed.
DEMONSTRATIONS: Mapping[str, ModelSpec] = {
    "marker_cnn": ModelSpec(
        name="marker_cnn",
        title="Marker CNN",
        paper="As Basic CNN, a third as wide; trained on generated films with a planted marker",
        build=architectures.narrow_cnn,
        preprocessing="unit",
        feature_layer="pool3",
        early_layer="relu3",
        imagenet=None,
    )
}


def get_spec(name: str, end: str = FULL) -> ModelSpec:
    """The registry entry of that name, ended as published or at one of its `ends`.

    Raises:
        ArgumentError: If there is none, or it has no such end.
    """
    if name not in MODELS and name not in DEMONSTRATIONS:
        raise ArgumentError(f"model must be one of {', '.join(MODELS)}. Received: {name!r}")
    spec = MODELS[name] if name in MODELS else DEMONSTRATIONS[name]
    ends = {one.name: one for one in spec.ends}
    if end == FULL:
        return spec
    if end not in ends:
        raise ArgumentError(
            f"the end of {name} must be {' or '.join([*ends, FULL])}. Received: {end!r}"
        )
    title, layer = f"{spec.title}, {ends[end].title}", ends[end].layer
    # The last halving lies behind all ends.
    return replace(spec, title=title, feature_layer=layer, finer_map=False, end=end)


def title_of(name: str, end: str = FULL) -> str:
    """The title of a network that ends there; the name itself where there is no such network."""
    try:
        return get_spec(name, end).title
    except ArgumentError:
        return name


def list_models() -> list[str]:
    """Names of all networks that can be built, in the order in which they are shown."""
    return list(MODELS)
