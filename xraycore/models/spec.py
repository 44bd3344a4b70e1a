"""The one list of models."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
