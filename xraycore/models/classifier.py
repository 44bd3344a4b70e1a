"""A trained network behind one call: radiographs in, predictions with their features out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np

from xraycore.anatomy.crop import ModelInput, crop_inputs
from xraycore.anatomy.lung_field import LungField, segment_lungs
from xraycore.anatomy.segmenter import segmenter_sha256
from xraycore.config import weights_folder
from xraycore.imaging.box import Box
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.imaging.radiograph import Radiograph
from xraycore.metrics.calibration import Calibration
from xraycore.models.architectures import HEAD, build_network
from xraycore.models.cards import card_sha256, read_card, warn_of_origin
from xraycore.models.registry import get_spec
from xraycore.models.spec import FULL, ModelSpec
from xraycore.utils.checkpoints import Card, load_weights, verified_weights
from xraycore.utils.graphs import Graph, load_graph
from xraycore.utils.precision import computing_in
from xraycore.utils.progress import Progress, ProgressCallback

if TYPE_CHECKING:
    import keras

# Features of a larger batch would fill the caches and, on Xception, 1 MB an image of memory.
BATCH = 8

_GRAPHS = Path(__file__).with_name("graphs")
# Keras is not made for two threads that build networks.
_BUILDING = Lock()

OTHER_LUNGS = (
    "{title} was trained on lung fields that another lung segmenter had found: the one that is "
    "installed now crops films otherwise, and no score on its card was measured with it."
)


@dataclass(frozen=True, eq=False)
class Prediction:
    """What one model says about one film.

    Attributes:
        model: Name of the model.
        classes: Class names, in the order of `logits`.
        logits: Float32 (k,).
        features: Float32 (h, w, c), the feature map that the head pools.
        grey: Float32 (s, s, 1) in [0, 1], the network's input: methods that run the network again
            need no film.
        box: Part of the film that the network saw.
        lungs: The film's lung field.
        calibration: From logits to probabilities; fitted on validation films.
        warnings: Of the film, and of the prediction.
        weights_sha256: Of the weights that gave it.
        card_sha256: Of the card of these weights, by which what they gave was read; "" of a network
            without one.
    """

    model: str
    classes: tuple[str, ...]
    logits: np.ndarray = field(repr=False)
    features: np.ndarray = field(repr=False)
    grey: np.ndarray = field(repr=False)
    box: Box
    lungs: LungField = field(repr=False)
    calibration: Calibration = Calibration()
    warnings: tuple[str, ...] = ()
    weights_sha256: str = ""
    card_sha256: str = ""

    @property
    def probabilities(self) -> dict[str, float]:
        """Calibrated probability of each class; they sum to 1."""
        calibrated = self.calibration.probabilities(self.logits)
        return dict(zip(self.classes, map(float, calibrated), strict=True))

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.classes[int(self.calibration.probabilities(self.logits).argmax())]


class Classifier:
    """A network with its classes, its card and a compiled call.

    Attributes:
        spec: Registry entry.
        card: What the network was trained on and how well it does.
        card_sha256: Of the card's file; "" of a network that has none.
        classes: Class names.
        view: What it sees of a film: "lungs" or "film".
        size: Height and width of its input.
        calibration: From its logits to calibrated probabilities.
        head: Kernel (c, k) and bias (k,) of the linear head.
        warnings: What the reader of any of its predictions must know.
        compiled: The network as one graph without training behaviour, from tensor to tensors.
    """

    def __init__(
        self,
        spec: ModelSpec,
        network: "keras.Model",
        classes: Sequence[str],
        card: Card,
        card_sha256: str = "",
    ):
        import tensorflow as tf

        size = network.input_shape[1]
        self._describe(spec, classes, card, card_sha256, size)
        self._network: Callable[[], keras.Model] = lambda: network
        self.head = _float32(network.get_layer(HEAD).get_weights())
        self.compiled: Callable[..., Any] = tf.function(
            lambda grey: network(grey, training=False),
            input_signature=[tf.TensorSpec((None, size, size, 1), tf.float32)],
        )

    @classmethod
    def of_graph(
        cls,
        spec: ModelSpec,
        graph: Graph,
        size: int,
        classes: Sequence[str],
        card: Card,
        digest: str,
    ) -> Self:
        """A classifier that builds no Keras network before one is asked for."""
        self = cls.__new__(cls)
        self._describe(spec, classes, card, digest, size)
        self.compiled, self.head = graph.run, _float32(one.numpy() for one in graph.weights[-2:])

        @cache
        def build() -> "keras.Model":
            import tensorflow as tf

            # Outside of a function that is being traced, where somebody's asks first.
            with tf.init_scope(), computing_in("float32"):
                network = build_network(spec, len(classes), size=size)
                network.set_weights([one.numpy() for one in graph.weights])
            return network

        self._network = build
        return self

    def _describe(
        self, spec: ModelSpec, classes: Sequence[str], card: Card, card_sha256: str, size: int
    ) -> None:
        self.spec, self.classes, self.card, self.size = spec, tuple(classes), card, size
        self.card_sha256 = card_sha256
        self.view = card.get("view", "film")
        self.calibration = Calibration.of_card(card)
        self.warnings = _other_lungs(spec, card)
        if card_sha256:
            self.warnings += warn_of_origin(spec.name, card, card_sha256)

    @property
    def network(self) -> "keras.Model":
        """Flat Keras graph, grey (n, h, w, 1) in [0, 1] -> [logits, features]. Never changed.

        Predictions and one-pass heatmaps need none: where the classifier was loaded, it is built
        when it is asked for first, in some seconds.
        """
        with _BUILDING:
            return self._network()

    def forward(self, grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits (n, k) and features (n, h, w, c) of network inputs (n, s, s, 1) in [0, 1]."""
        logits, features = self.compiled(grey)
        return logits.numpy(), features.numpy()

    def probabilities_of(self, logits: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (n, k) of logits (n, k)."""
        return self.calibration.probabilities(logits)

    @overload
    def predict(self, films: Radiograph | ModelInput) -> Prediction: ...

    @overload
    def predict(self, films: Sequence[Radiograph | ModelInput]) -> list[Prediction]: ...

    def predict(
        self, films: Radiograph | ModelInput | Sequence[Radiograph | ModelInput]
    ) -> Prediction | list[Prediction]:
        """What the network says about one film, or a list of predictions for a list of films.

        Args:
            films: Each as it was read; or as a network of this view and size sees it, where its
                lungs were found before.
        """
        if isinstance(films, Radiograph | ModelInput):
            return self.predict([films])[0]
        predictions: list[Prediction] = []
        for start in range(0, len(films), BATCH):
            inputs = self._inputs(films[start : start + BATCH])
            logits, features = self.forward(np.stack([one.grey for one in inputs]))
            predictions += [
                Prediction(
                    self.spec.name,
                    self.classes,
                    logits[i],
                    features[i],
                    one.grey,
                    one.box,
                    one.lungs,
                    self.calibration,
                    (*one.warnings, *self.warnings),
                    self.card.get("weights", {}).get("sha256", ""),
                    self.card_sha256,
                )
                for i, one in enumerate(inputs)
            ]
        return predictions

    def _inputs(self, films: Sequence[Radiograph | ModelInput]) -> list[ModelInput]:
        read = [film for film in films if isinstance(film, Radiograph)]
        seen = iter(crop_inputs(read, self.view, self.size))
        return [next(seen) if isinstance(film, Radiograph) else film for film in films]

    def predict_input(self, prediction: Prediction, grey: np.ndarray) -> Prediction:
        """The prediction with its input (s, s, 1) changed, the part of the film kept.

        Unlike `predict` it does not look for the lungs again. The prediction may be another
        network's, as long as it has the same classes.
        """
        logits, features = self.forward(grey[None])
        return replace(prediction, logits=logits[0], features=features[0], grey=grey)


def _other_lungs(spec: ModelSpec, card: Card) -> tuple[FilmWarning, ...]:
    """A warning if the network was trained with another lung segmenter than is installed."""
    trained_with = card.get("lungs_sha256")
    if trained_with is None or card.get("view") != "lungs":
        return ()
    return (
        ()
        if segmenter_sha256() == trained_with
        else (FilmWarning("other-lungs", OTHER_LUNGS.format(title=spec.title)),)
    )


def graph_file(spec: ModelSpec) -> Path:
    """Where the graph of networks of that kind lies, see `xraycore.utils.graphs`."""
    return _GRAPHS / f"{spec.name}-{spec.end}.pb.gz"


def _float32(arrays: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    kernel, bias = (np.asarray(one, np.float32) for one in arrays)
    return kernel, bias


def load_model(name: str) -> Classifier:
    """The trained classifier of that name, its weights verified against the card.

    Raises:
        ArgumentError: If there is no such model.
        WeightsError: If it has no weights, or they are not what its card says.
    """
    digest = card_sha256(name)
    card = read_card(name)
    # Cards from before there were ends to choose from are of whole networks.
    spec = get_spec(name, card.get("end", FULL))
    size, classes = card.get("input_size") or spec.input_size, card["classes"]
    file = verified_weights(weights_folder() / name, card)
    if graph_file(spec).is_file():
        graph = load_graph(graph_file(spec), file, name, size, len(classes))
        return Classifier.of_graph(spec, graph, size, classes, card, digest)
    with computing_in("float32"):
        network = build_network(spec, len(classes), size=size)
    load_weights(network, file)
    return Classifier(spec, network, classes, card, digest)


def predict_each(
    models: Sequence[Classifier], films: Sequence[Radiograph]
) -> Iterator[list[Prediction]]:
    """What each of several models says about the films, one model after another.

    Lungs are found once a film, and networks of one size and view see the same input.
    """
    lungs = segment_lungs(films)
    inputs: dict[tuple[str, int], list[ModelInput]] = {}
    for model in models:
        key = (model.view, model.size)
        if key not in inputs:
            inputs[key] = crop_inputs(films, *key, lungs)
        yield model.predict(inputs[key])


def batches(count: int, report: ProgressCallback) -> Iterator[slice]:
    """Slices of at most `BATCH` that cover `count`, reporting before each and at the end.

    Whatever is done for a slice is so all that is still done once the report raises `Cancelled`.
    """
    for start in range(0, count, BATCH):
        report(Progress(start / count))
        yield slice(start, min(start + BATCH, count))
    report(Progress(1.0))
