"""What a prediction, an explanation and tf-keras-vis cost, measured side by side in one run."""

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from xraycore.anatomy.crop import crop_and_resize, crop_inputs
from xraycore.anatomy.segmenter import load_segmenter
from xraycore.attribution.cam import grad_cam
from xraycore.datasets.labels import CHEST4
from xraycore.errors import ArgumentError
from xraycore.imaging import read_radiograph
from xraycore.imaging.box import Box
from xraycore.imaging.encode import encode_jpeg
from xraycore.imaging.resample import resize
from xraycore.models.architectures import build_network
from xraycore.models.cards import list_trained
from xraycore.models.classifier import Classifier, load_model
from xraycore.models.registry import get_spec, list_models
from xraycore.utils.progress import Progress, ProgressCallback, ignore

if TYPE_CHECKING:
    import tf_keras_vis.gradcam

# Sides of the films: one that needs no resampling, and one as an archive sends it.
PREPARED, LARGE = 224, 1024

TASKS: Mapping[str, str] = {
    "forward": "forward pass, compiled, input prepared",
    "predict_explain": f"predict a {PREPARED}-px film + Grad-CAM of all classes, lungs known",
    "tf_keras_vis": "tf-keras-vis Grad-CAM of one class, no prediction",
    "lungs": "find the lungs, once a film however many models look",
    "read": f"read a {LARGE}-px JPEG",
    "resize": f"resize the {LARGE}-px film to the network's input",
}


@dataclass(frozen=True)
class Timing:
    """Seconds of one task over all rounds.

    Attributes:
        median: What it usually takes on this machine, other programs included.
        fastest: What it takes where nothing disturbs it.
    """

    median: float
    fastest: float


@dataclass(frozen=True)
class Benchmark:
    """What the tasks cost with one model.

    Attributes:
        model: Name of the model.
        weights: "trained" or "random"; the timings do not depend on it.
        repeats: Rounds that were timed.
        timings: By task, the keys of `TASKS`.
    """

    model: str
    weights: str
    repeats: int
    timings: Mapping[str, Timing]

    def ratio(self, task: str, to: str = "forward") -> Timing:
        """How many times as long a task takes as another, of medians and of fastest rounds."""
        one, other = self.timings[task], self.timings[to]
        return Timing(one.median / other.median, one.fastest / other.fastest)

    def to_json(self) -> dict:
        """The timings, and their ratios to the forward pass, as one JSON object."""
        tasks = {}
        for task, timing in self.timings.items():
            ratio = self.ratio(task)
            tasks[task] = {
                "seconds": timing.median,
                "seconds_fastest": timing.fastest,
                "times_forward": ratio.median,
                "times_forward_fastest": ratio.fastest,
            }
        against = self.ratio("tf_keras_vis", "predict_explain")
        return {
            "model": self.model,
            "weights": self.weights,
            "repeats": self.repeats,
            "tasks": tasks,
            "tf_keras_vis_times_predict_explain": against.median,
            "tf_keras_vis_times_predict_explain_fastest": against.fastest,
        }


def benchmark(
    names: Sequence[str] = (),
    *,
    repeats: int = 30,
    seed: int = 0,
    report: ProgressCallback = ignore,
) -> list[Benchmark]:
    """What the tasks cost with each model.

    Args:
        names: Models; the trained ones where empty, or all networks where none is trained. A
            network that has no trained weights is timed with random ones.
        repeats: Rounds; each runs all tasks once, in a random order.
        seed: Of the order and of random weights.
        report: Called before each model.

    Raises:
        ArgumentError: If there is no such model, or no round to time.
    """
    if repeats < 1:
        raise ArgumentError(f"repeats must be at least 1. Received: {repeats}")
    chosen = [get_spec(name).name for name in names or list_trained() or list_models()]
    found = []
    for index, name in enumerate(chosen):
        report(Progress(index / len(chosen), f"timing {name}"))
        weights = "trained" if name in list_trained() else "random"
        classifier = load_model(name) if weights == "trained" else _random_classifier(name, seed)
        timings = time_tasks(tasks_of(classifier), repeats, seed)
        found.append(Benchmark(name, weights, repeats, timings))
    return found


def machine() -> dict:
    """What the timings depend on besides the model."""
    import keras
    import tensorflow as tf

    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "accelerators": len(tf.config.list_physical_devices("GPU")),
        # Of the last minute, in cores: above 0 other programs took part of the machine.
        "load_before": round(os.getloadavg()[0], 2),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }


def tasks_of(classifier: Classifier) -> dict[str, Callable[[], object]]:
    """The tasks of `TASKS` for one classifier, everything prepared that is not to be timed."""
    import tensorflow as tf
    from tf_keras_vis.utils.scores import CategoricalScore

    small, large = _film_jpeg(PREPARED), _film_jpeg(LARGE)
    film, large_film = read_radiograph(small), read_radiograph(large)
    prepared = tf.constant(crop_and_resize(film, Box(), classifier.size)[None])
    (known,) = crop_inputs([film], classifier.view, classifier.size)
    visualiser = tf_keras_vis_gradcam(classifier)
    score = CategoricalScore(0)

    def forward() -> np.ndarray:
        logits, _ = classifier.compiled(prepared)
        # Copying four numbers back waits for an accelerator, which would else still be at work.
        return logits.numpy()

    def predict_explain() -> np.ndarray:
        prediction = classifier.predict(known)
        return grad_cam(prediction.features, *classifier.head)

    def tf_keras_vis() -> np.ndarray:
        return visualiser(
            score,
            prepared,
            penultimate_layer=classifier.spec.feature_layer,
            seek_penultimate_conv_layer=False,
            expand_cam=False,
        )

    return {
        "forward": forward,
        "predict_explain": predict_explain,
        "tf_keras_vis": tf_keras_vis,
        "lungs": lambda: load_segmenter()([film.pixels]),
        "read": lambda: read_radiograph(large),
        "resize": lambda: resize(large_film.pixels, classifier.network.input_shape[1:3])[..., None],
    }


def tf_keras_vis_gradcam(classifier: Classifier) -> "tf_keras_vis.gradcam.Gradcam":
    """tf-keras-vis' Grad-CAM on the classifier's own network, as its documentation has it.

    It gets the graph up to the logits only, since it wants one score function an output. The logits
    are linear, so `ReplaceToLinear` has nothing to do; without a modifier it never changes the
    network, so no clone is made. Call it with the feature layer and without its search for a
    convolution, which would pass over a pooling layer; with `expand_cam=False` it stops where our
    maps stop, before the film.
    """
    import keras
    from tf_keras_vis.gradcam import Gradcam

    network = classifier.network
    return Gradcam(keras.Model(network.inputs, network.outputs[0]), clone=False)


def time_tasks(
    tasks: Mapping[str, Callable[[], object]], repeats: int, seed: int
) -> dict[str, Timing]:
    """Seconds of each task, all of them run once a round.

    Taking turns, whatever else the machine does hits all tasks alike; in a random order, none
    always finds the caches as the same other one left them. One round before is not timed: it
    compiles and fills caches.
    """
    for task in tasks.values():
        task()
    order = np.random.default_rng(seed)
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(repeats):
        for name in order.permutation(list(tasks)):
            start = perf_counter()
            tasks[name]()
            seconds[name].append(perf_counter() - start)
    return {name: Timing(float(np.median(all_)), min(all_)) for name, all_ in seconds.items()}


def _random_classifier(name: str, seed: int) -> Classifier:
    import keras

    keras.utils.set_random_seed(seed)
    spec = get_spec(name)
    return Classifier(spec, build_network(spec, len(CHEST4)), CHEST4, card={})


def _film_jpeg(side: int) -> bytes:
    """A soft bright shape with a film's grain, which takes a decoder as long as a film does."""
    across = np.linspace(-2.0, 2.0, side, dtype=np.float32)
    shape = np.exp(-(across[:, None] ** 2 + across[None] ** 2))
    grain = np.random.default_rng(0).normal(0.0, 0.02, shape.shape)
    grey = np.rint(np.clip(0.1 + 0.8 * shape + grain, 0.0, 1.0) * 255.0).astype(np.uint8)
    return encode_jpeg(grey, 90)
