"""The one list of models."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


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
        finer_map: Whether the last halving is left out, for twice the cells a side.
        input_size: Height and width in pixels.
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
    finer_map: bool = False
    input_size: int = 224
