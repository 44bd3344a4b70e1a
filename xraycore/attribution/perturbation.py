"""Heatmaps from many forward passes: what the logit does when parts of the film are hidden.

Each takes a classifier, its prediction, the index of the class and a report, and returns a float32
map of the network's input, never negative. A pass is one film through the network; films go
through in batches of `BATCH`, and a report that raises `Cancelled` stops before the next.
"""

import numpy as np

from xraycore.imaging.resample import upsample
from xraycore.metrics.calibration import softmax
from xraycore.models.classifier import Classifier, Prediction, batches
from xraycore.utils.progress import ProgressCallback, ignore


def score_cam(
    model: Classifier,
    prediction: Prediction,
    class_index: int,
    report: ProgressCallback = ignore,
    *,
    maps: int = 64,
) -> np.ndarray:
    """sum_c w_c A_c, w the softmax of the logits with the film masked by each channel; (h, w).

    Wang et al. 2019, arXiv:1910.01279. A channel's mask is its activation, enlarged to the film and
    stretched to [0, 1]. Of the 512 to 2048 channels the `maps` that add most to the logit are taken
    (head weight times mean activation), one forward pass each; the logit of a black film, which the
    paper subtracts, cancels in the softmax. A channel that is the same everywhere masks nothing and
    is left out. In units of the activation.
    """
    features, grey = prediction.features, prediction.grey
    gain = model.head[0][:, class_index] * features.mean(axis=(0, 1))
    gain[np.ptp(features, axis=(0, 1)) == 0] = -np.inf
    chosen = np.argsort(-gain, kind="stable")[:maps]
    activations = features[..., chosen[np.isfinite(gain[chosen])]]
    if not activations.size:
        return np.zeros(features.shape[:2], np.float32)
    low, high = activations.min(axis=(0, 1)), activations.max(axis=(0, 1))
    masks = np.moveaxis((activations - low) / (high - low), -1, 0)
    logits = np.empty(len(masks))
    for part in batches(len(masks), report):
        films = [grey * upsample(mask, grey.shape[:2])[..., None] for mask in masks[part]]
        logits[part] = model.forward(np.stack(films))[0][:, class_index]
    return np.maximum(activations @ softmax(logits), 0.0).astype(np.float32)


def occlusion(
    model: Classifier,
    prediction: Prediction,
    class_index: int,
    report: ProgressCallback = ignore,
    *,
    grid: int = 14,
) -> np.ndarray:
    """relu(logit - logit with this patch hidden), one forward pass a patch; (grid, grid).

    Zeiler & Fergus 2013, arXiv:1311.2901. A patch is hidden by one grey, the mean of the film
    there and in the eight patches around it, so that no edge as strong as a black square's appears.
    """
    film = prediction.grey[..., 0]
    rows, columns = (np.linspace(0, side, grid + 1).round().astype(int) for side in film.shape)
    drops = np.empty(grid * grid)
    for part in batches(len(drops), report):
        hidden = []
        for index in range(part.start, part.stop):
            i, j = divmod(index, grid)
            around = film[
                rows[max(i - 1, 0)] : rows[min(i + 2, grid)],
                columns[max(j - 1, 0)] : columns[min(j + 2, grid)],
            ]
            patched = film.copy()
            patched[rows[i] : rows[i + 1], columns[j] : columns[j + 1]] = around.mean()
            hidden.append(patched)
        logits, _ = model.forward(np.stack(hidden)[..., None])
        drops[part] = prediction.logits[class_index] - logits[:, class_index]
    return np.maximum(drops, 0.0).reshape(grid, grid).astype(np.float32)


def rise(
    model: Classifier,
    prediction: Prediction,
    class_index: int,
    report: ProgressCallback = ignore,
    *,
    masks: int = 300,
    cells: int = 7,
    seed: int = 0,
) -> np.ndarray:
    """How much higher the logit is, on average, where a random mask shows a pixel; (s, s).

    Petsiuk et al. 2018, arXiv:1806.07421: masks of cells x cells, each cell shown with probability
    one half, enlarged, shifted by a random part of a cell and multiplied with the film. The map is
    the mean of the logits weighted by what each mask shows of a pixel, less their plain mean. The
    paper averages probabilities, and divides by the expected instead of the actual sum of the
    masks, which adds noise. Below the mean there is no heat.
    """
    grey, random = prediction.grey, np.random.default_rng(seed)
    shape = grey.shape[:2]
    shown, weighted, total = np.zeros(shape), np.zeros(shape), 0.0
    for part in batches(masks, report):
        drawn = np.stack([random_mask(shape, cells, random) for _ in range(part.start, part.stop)])
        logits = model.forward(drawn[..., None] * grey)[0][:, class_index]
        shown += drawn.sum(axis=0)
        weighted += np.tensordot(logits, drawn, 1)
        total += float(logits.sum())
    mean = total / masks
    where_shown = np.divide(weighted, shown, out=np.full(shape, mean), where=shown > 0)
    return np.maximum(where_shown - mean, 0.0).astype(np.float32)


def random_mask(shape: tuple[int, int], cells: int, random: np.random.Generator) -> np.ndarray:
    """One of RISE's masks, float32 of that shape in [0, 1], half of it shown on average."""
    height, width = (-(-side // cells) for side in shape)
    coarse = (random.random((cells, cells)) < 0.5).astype(np.float32)
    large = upsample(coarse, ((cells + 1) * height, (cells + 1) * width))
    top, left = random.integers(height), random.integers(width)
    return large[top : top + shape[0], left : left + shape[1]]
