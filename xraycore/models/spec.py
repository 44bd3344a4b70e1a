"""The one list of models."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xraycore.models import architectures

if TYPE_CHECKING:
    import keras


# The end of a network as it was published.
FULL = "full"


@dataclass(frozen=True)
class End:
    """An earlier place where a network may end, to be pooled there.

    A cell of a deep network's last stage has seen the whole film, so that evidence for a lesion may
    stand in any cell; some layers earlier it stands where the lesion is.

    Attributes:
        name: Name on the command line, in runs and on cards.
        title: What the network's title is followed by.
        layer: The layer whose output is pooled; never negative.
    """

    name: str
    title: str
    layer: str


@dataclass(frozen=True)
class ModelSpec:
    """What tells one network from another.

    Attributes:
        name: Name on the command line and of the folder under `weights/`.
        title: Name to show.
        paper: Where it was published.
        build: From the normalised input tensor to the last feature map, layer by layer.
        preprocessing: Normalisation inside the graph: "caffe" (three channels in [0, 255] less the
            ImageNet means), "tf" (three channels in [-1, 1]) or "unit" (one channel in [-1, 1]).
        feature_layer: Layer whose output is pooled, and on which heatmaps are drawn.
        early_layer: A layer of four or more times as many cells, 28x28 at 224 px (25x25 in
            InceptionV3, which does not pad), never negative: the detail of the finer heatmap.
        imagenet: Name in `keras.applications` whose ImageNet weights fit, or None.
        cpu_unfreeze_from: Prefix of the first layer that the CPU preset trains ("" for all): the
            early layers cost most and change least.
        tune_from: Prefix of the first layer that the preset "tune" trains ("" for all).
        finer_map: Whether the last halving is left out, for twice the cells a side.
        input_size: Height and width in pixels.
        ends: Earlier ends, the one that trainings take unless told otherwise first; () for none.
        end: Where this one ends: "full", or the name of one of `ends`.
    """

    name: str
    title: str
    paper: str
    build: Callable[["keras.KerasTensor"], "keras.KerasTensor"]
    preprocessing: str
    feature_layer: str
    early_layer: str
    imagenet: str | None
    cpu_unfreeze_from: str = ""
    tune_from: str = ""
    finer_map: bool = False
    input_size: int = 224
    ends: tuple[End, ...] = ()
    end: str = FULL

    @property
    def default_end(self) -> str:
        """Where trainings end it unless told otherwise."""
        return self.ends[0].name if self.ends else FULL

    def ending(self, name: str) -> "ModelSpec":
        """The same network, as published, ended at that place.

        Raises:
            ValueError: If it has no such end.
        """
        if name == self.end:
            return self
        if name == FULL:
            return get_spec(self.name)
        for end in self.ends:
            if end.name == name:
                full = get_spec(self.name)
                # The last halving lies behind all ends.
                return replace(
                    full,
                    title=f"{full.title}, {end.title}",
                    feature_layer=end.layer,
                    finer_map=False,
                    end=name,
                )
        names = (*(end.name for end in self.ends), FULL)
        raise ValueError(f"the end of {self.name} must be {' or '.join(names)}. Received: {name!r}")


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
            tune_from="conv4",
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
            tune_from="block9",
            finer_map=True,
            # Behind the ReLU with which block 13 begins.
            ends=(End("block12", "twelve blocks", "block13_sepconv1_act"),),
        ),
    )
}


def get_spec(name: str) -> ModelSpec:
    """The registry entry of that name.

    Raises:
        ValueError: If there is none.
    """
    if name not in MODELS:
        raise ValueError(f"model must be one of {', '.join(MODELS)}. Received: {name!r}")
    return MODELS[name]


def list_models() -> list[str]:
    """Names of all networks that can be built, in the order in which they are shown."""
    return list(MODELS)
