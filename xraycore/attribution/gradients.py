"""Heatmaps from backward passes through the whole network.

Each takes a classifier, its prediction, the index of the class and a report, and returns a float32
map, never negative. TensorFlow is imported where a map is computed. The network is called as it
is, never changed.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from xraycore.attribution.cam import grad_cam
from xraycore.imaging.resample import upsample
from xraycore.models.classifier import Classifier, Prediction, batches
from xraycore.utils.progress import Progress, ProgressCallback, ignore


def saliency(
    model: Classifier, prediction: Prediction, class_index: int, report: ProgressCallback = ignore
) -> np.ndarray:
    """Absolute gradient of the logit at each pixel, (s, s), in logits a unit of grey.

    Simonyan et al. 2013, arXiv:1312.6034.
    """
    report(Progress(0.0))
    heatmap = np.abs(_pixel_gradients(model, prediction.grey[None], class_index)[0, ..., 0])
    report(Progress(1.0))
    return heatmap


def smooth_grad(
    model: Classifier,
    prediction: Prediction,
    class_index: int,
    report: ProgressCallback = ignore,
    *,
    samples: int = 32,
    noise: float = 0.15,
    seed: int = 0,
) -> np.ndarray:
    """Absolute mean gradient of the logit at each pixel over noisy copies of the film, (s, s).

    Smilkov et al. 2017, arXiv:1706.03825; `noise` is the standard deviation as a share of the
    film's range. Unlike tf-keras-vis' it is seeded, and gradients are averaged with their signs: in
    absolute ones noise adds up instead of cancelling.
    """
    grey, random = prediction.grey, np.random.default_rng(seed)
    deviation = np.float32(noise * np.ptp(grey))
    total = np.zeros(grey.shape)
    for part in batches(samples, report):
        drawn = random.standard_normal((part.stop - part.start, *grey.shape), np.float32)
        total += _pixel_gradients(model, grey + deviation * drawn, class_index).sum(axis=0)
    return np.abs(total / samples)[..., 0].astype(np.float32)


def integrated_gradients(
    model: Classifier,
    prediction: Prediction,
    class_index: int,
    report: ProgressCallback = ignore,
    *,
    steps: int = 32,
) -> np.ndarray:
    """relu of what each pixel adds to the logit on the way from a black film; (s, s), in logits.

    Sundararajan et al. 2017, arXiv:1703.01365.
    """
    signed = attributions(model, prediction.grey, class_index, report, steps=steps)
    return np.maximum(signed, 0.0).astype(np.float32)


def attributions(
    model: Classifier,
    grey: np.ndarray,
    class_index: int,
    report: ProgressCallback = ignore,
    *,
    steps: int = 32,
    base: np.ndarray | float = 0.0,
    against: Sequence[int] = (),
) -> np.ndarray:
    """Integrated gradients with their sign, (s, s); they sum to score(film) - score(base).

    The integral from the base to the film is a sum at the middles of `steps` equal steps.

    Args:
        model: The classifier.
        grey: Film (s, s, 1), as the network sees it.
        class_index: Index of the class.
        report: Called with the share that is done; raises `Cancelled` to stop.
        steps: Films between the base and the film.
        base: What the film is compared with, (s, s, 1); black unless told.
        against: Indices of classes: the score is the logit less the log of the summed exponentials
            of theirs, so the log-odds against them; the logit where there are none.
    """
    shares = ((np.arange(steps) + 0.5) / steps).astype(np.float32)
    total, way = np.zeros(grey.shape), (grey - base).astype(np.float32)
    for part in batches(steps, report):
        films = base + shares[part, None, None, None] * way
        total += _pixel_gradients(model, films, class_index, against).sum(axis=0)
    return (way * total / steps)[..., 0]


def fused(
    model: Classifier, prediction: Prediction, class_index: int, report: ProgressCallback = ignore
) -> np.ndarray:
    """Grad-CAM, with its heat moved inside each cell to where an earlier layer sees the evidence.

    Layer-CAM (Jiang et al. 2021, doi:10.1109/TIP.2021.3089943) of `spec.early_layer` gives the
    detail, at four or more times as many cells. Its gradient is not constant, hence the backward
    pass. See `redistributed` for how the two are put together.
    """
    import keras
    import tensorflow as tf

    network = model.network
    early = network.get_layer(model.spec.early_layer).output
    both = keras.Model(network.inputs, [early, network.outputs[0]])
    film = tf.constant(prediction.grey[None])
    report(Progress(0.0))
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        # Only what depends on something watched is recorded.
        tape.watch(film)
        activation, logits = both(film, training=False)
        score = logits[0, class_index]
    gradient = tape.gradient(score, activation)
    detail = tf.reduce_sum(tf.nn.relu(gradient) * activation, axis=-1)
    report(Progress(1.0))
    coarse = grad_cam(prediction.features, model.head[0])[..., class_index]
    return redistributed(coarse, np.maximum(detail.numpy()[0], 0.0))


def redistributed(coarse: np.ndarray, detail: np.ndarray) -> np.ndarray:
    """A coarse map on the grid of a finer one, which says where in each cell the heat is.

    coarse * detail / local mean of detail, both enlarged bilinearly: the product of Poly-CAM
    (Englebert et al. 2022, arXiv:2204.13359). A region keeps about the evidence that the coarse map
    gives it, and its units stay; the earlier layer's edges and markings light up nowhere else, as
    they do where maps are joined by their maximum. Where the detail has nothing in a
    neighbourhood, the coarse map is left as it is.

    Args:
        coarse: Float (h, w), not negative.
        detail: Float (H, W), not negative, on a finer grid.

    Returns:
        Float32 (H, W), not negative.
    """
    height, width = coarse.shape
    detail = detail.astype(np.float32)
    mean = cv2.resize(detail, (width, height), interpolation=cv2.INTER_AREA)
    around = upsample(mean, detail.shape)
    share = np.divide(detail, around, out=np.ones_like(detail), where=around > 0)
    return upsample(coarse, detail.shape) * share


def _pixel_gradients(
    model: Classifier, films: np.ndarray, class_index: int, against: Sequence[int] = ()
) -> np.ndarray:
    """Gradients (n, s, s, 1) of each film's own score, see `attributions`."""
    import tensorflow as tf

    inputs = tf.constant(films, tf.float32)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        logits, _ = model.network(inputs, training=False)
        score = logits[:, class_index]
        if against:
            score -= tf.reduce_logsumexp(tf.gather(logits, list(against), axis=1), axis=1)
    return tape.gradient(score, inputs).numpy()
