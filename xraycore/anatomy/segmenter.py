"""The network that says where the lungs are: a small U-Net on the whole film."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from xraycore.config import SHIPPED, weights_folder
from xraycore.imaging.resample import resize
from xraycore.utils.checkpoints import Card, WeightsCard, load_card, load_weights, verified_weights
from xraycore.utils.graphs import load_graph
from xraycore.utils.precision import computing_in
from xraycore.utils.stored import Count, FileName, Name, Sha256, Stored, Text

if TYPE_CHECKING:
    import keras

Distance = Annotated[float, Field(ge=0)]
NAME = "lungs"
SIZE = 128
BATCH = 32
# See `xraycore.utils.graphs`.
GRAPH = Path(__file__).with_name("segmenter.pb.gz")

_FILTERS = (16, 32, 64, 128)


def build_segmenter() -> "keras.Model":
    """A U-Net: grey (n, 128, 128, 1) in [0, 1] -> logit of lung (n, 128, 128, 1).

    Ronneberger et al. 2015, arXiv:1505.04597, with a quarter of its filters, batch normalisation
    and nearest-neighbour upsampling: 0.5 million parameters.
    """
    import keras
    from keras import layers

    def block(x: "keras.KerasTensor", filters: int, name: str) -> "keras.KerasTensor":
        for part in "ab":
            x = layers.Conv2D(
                filters, 3, padding="same", use_bias=False, name=f"{name}{part}_conv"
            )(x)
            x = layers.BatchNormalization(momentum=0.9, name=f"{name}{part}_bn")(x)
            x = layers.ReLU(name=f"{name}{part}_relu")(x)
        return x

    grey = keras.Input((SIZE, SIZE, 1), name="grey")
    x, skips = layers.Rescaling(2.0, offset=-1.0, name="preprocessing")(grey), []
    for level, filters in enumerate(_FILTERS):
        if level:
            skips.append(x)
            x = layers.MaxPooling2D(name=f"pool{level}")(x)
        x = block(x, filters, f"down{level}")
    for level in reversed(range(len(skips))):
        x = layers.UpSampling2D(name=f"upsample{level}")(x)
        x = layers.Concatenate(name=f"skip{level}")([x, skips[level]])
        x = block(x, _FILTERS[level], f"up{level}")
    logit = layers.Conv2D(1, 1, dtype="float32", name="lung")(x)
    return keras.Model(grey, logit, name=NAME)


class Screening(Stored):
    """The card's entry on the file that tells films from what is none."""

    file: FileName
    sha256: Sha256
    views: "Screening | None" = None
    distances: "UsualDistances | None" = None


class UsualDistances(Stored):
    """How far as many films of home usually are from the known ones, see `FeatureMoments`.

    Attributes:
        films: Validation films that were drawn from.
        usual: Number of films, as text -> what 95 % of draws of so many stay below.
        sources: Each source's validation films alone.
    """

    films: Count
    usual: Annotated[dict[Text, Distance], Field(min_length=1, max_length=100)]
    sources: Annotated[dict[Name, Distance], Field(max_length=250)]


class SegmenterCard(WeightsCard):
    """What the segmenter's card is to hold."""

    screening: Screening | None = None


def with_features(network: "keras.Model") -> "keras.Model":
    """The U-Net with its deepest features' means in each quarter of the film as second output."""
    import keras

    deepest = network.get_layer(f"down{len(_FILTERS) - 1}b_relu").output
    pooled = keras.layers.AveragePooling2D(deepest.shape[1] // 2)(deepest)
    return keras.Model(
        network.input, [network.output, keras.layers.Flatten(name="features")(pooled)]
    )


class Segmenter:
    """A trained U-Net with a compiled call."""

    def __init__(self, run: Callable[[np.ndarray], Sequence[Any]]):
        """From grey (n, 128, 128, 1) to the outputs of `with_features`, tensors of any backend."""
        self._run = run

    @classmethod
    def of(cls, network: "keras.Model") -> "Segmenter":
        """That of a network of `build_segmenter`."""
        import keras

        both = with_features(network)
        if keras.backend.backend() != "tensorflow":
            return cls(both)
        import tensorflow as tf

        # One graph without Keras' own batching and callbacks: four times faster for one film.
        return cls(
            tf.function(
                lambda grey: both(grey, training=False),
                input_signature=[tf.TensorSpec((None, SIZE, SIZE, 1), tf.float32)],
            )
        )

    def predict(self, films: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Where the lungs are, and what the U-Net made of the films on the way.

        Args:
            films: Float (H, W) in [0, 1], of any sizes.

        Returns:
            Probability of lung, float32 (n, 128, 128), and the deepest features' means in each
            quarter of the film, float32 (n, 512), never negative.
        """
        import keras

        small = np.stack([resize(film, (SIZE, SIZE)) for film in films])[..., None]
        logits, features = zip(
            *(
                map(keras.ops.convert_to_numpy, self._run(small[start : start + BATCH]))
                for start in range(0, len(small), BATCH)
            ),
            strict=True,
        )
        return 1.0 / (1.0 + np.exp(-np.concatenate(logits)[..., 0])), np.concatenate(features)

    def __call__(self, films: Sequence[np.ndarray]) -> np.ndarray:
        """Probability of lung, as `predict` gives it."""
        return self.predict(films)[0]


def segmenter_folder() -> Path:
    """Where the segmenter lies: among the user's own models, or else with the package."""
    own = weights_folder() / NAME
    return own if own.is_dir() else SHIPPED / NAME


def segmenter_files() -> dict[str, Path]:
    """What another computer needs to find lungs as this one does: name of each file -> the file.

    Names are those below its folder of models and what lies beside that.
    """
    folder = segmenter_folder()
    return {f"weights/{NAME}/{one.name}": one for one in folder.iterdir() if one.is_file()}


def load_segmenter_card() -> Card:
    """The card of the segmenter.

    Raises:
        WeightsError: If there is none, or it is damaged.
    """
    return load_card(segmenter_folder(), SegmenterCard)


def segmenter_sha256() -> str:
    """sha256 of the weights that find the lungs, as their card tells it.

    Raises:
        WeightsError: If the card is damaged.
    """
    return load_segmenter_card()["weights"]["sha256"]


@cache
def load_segmenter() -> Segmenter:
    """The shipped segmenter, its weights verified against its card; loaded once.

    Raises:
        WeightsError: If its weights are missing or not what its card says.
    """
    import keras

    folder = segmenter_folder()
    file = verified_weights(folder, load_segmenter_card())
    if keras.backend.backend() == "tensorflow":
        return Segmenter(load_graph(GRAPH, file, NAME, SIZE).run)
    # Whoever asks first may be training in another precision; this one is for all.
    with computing_in("float32"):
        network = build_segmenter()
    load_weights(network, file)
    return Segmenter.of(network)
