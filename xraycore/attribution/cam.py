"""Heatmaps from one forward pass: their maths on arrays.

The head is linear on the pooled map, so the gradient of logit k with respect to the feature map A
is the constant W_k / (h w), the same at every cell, and the logit of any changed map is one
product. Every method below is therefore exact without a backward or a second forward pass, and
gives the maps of all classes at once.

Each takes the features A (h, w, c), the head's kernel W (c, k) and its bias b (k,), and returns
float32 (h, w, k), never negative. Where nothing else is said a cell's value is in units of the
logit: Grad-CAM's cells before the ReLU sum to the logit less its bias.
"""

from collections.abc import Sequence

import numpy as np

from xraycore.metrics.calibration import softmax

# A logit nearer to 0 than this is no measure of what a channel takes from it.
_LEAST_LOGIT = 1e-3
# Of power iteration, should two eigenvalues be near each other.
_MOST_ROUNDS = 200


def _weighted(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    height, width, _ = features.shape
    return np.maximum(features @ weights, 0.0).astype(np.float32) / np.float32(height * width)


def grad_cam(
    features: np.ndarray, kernel: np.ndarray, bias: np.ndarray | float = 0.0
) -> np.ndarray:
    """relu(sum_c mean(gradient_c) A_c): the evidence for a class, channels for it and against it.

    Selvaraju et al. 2016, arXiv:1610.02391.
    """
    return _weighted(features, kernel)


def grad_cam_plus_plus(
    features: np.ndarray, kernel: np.ndarray, bias: np.ndarray | float = 0.0
) -> np.ndarray:
    """relu(sum_c w_c A_c) with w_c = sum_ij alpha_ij relu(gradient_ij).

    Chattopadhay et al. 2017, arXiv:1710.11063, with exp(logit) as the score. This factor, common to
    all cells, is left out, and w_c is the mean over the cells, which keeps the logit's units. For a
    constant gradient g_c = W_c / (h w) its alpha, g^2 / (2 g^2 + g^3 sum(A_c)), is
    1 / (2 + W_c mean(A_c)): a channel that is strong in many places counts for less. As in the
    paper alpha is not normalised over the cells; tf-keras-vis normalises it, which for a linear
    head undoes it and leaves Layer-CAM.
    """
    strength = kernel * features.mean(axis=(0, 1))[:, None]
    positive = np.maximum(kernel, 0.0)
    alpha = np.divide(1.0, 2.0 + strength, out=np.zeros_like(strength), where=positive > 0)
    return _weighted(features, alpha * positive)


def hires_cam(
    features: np.ndarray, kernel: np.ndarray, bias: np.ndarray | float = 0.0
) -> np.ndarray:
    """relu(sum_c gradient_c * A_c), the gradient taken cell by cell and not averaged.

    Draelos & Carin 2020, arXiv:2011.08891, who also show that with a linear head on the pooled map
    it equals Grad-CAM, since there is nothing to average.
    """
    return grad_cam(features, kernel)


def layer_cam(
    features: np.ndarray, kernel: np.ndarray, bias: np.ndarray | float = 0.0
) -> np.ndarray:
    """relu(sum_c relu(gradient_c) * A_c): only channels that speak for the class.

    Jiang et al. 2021, doi:10.1109/TIP.2021.3089943.
    """
    return _weighted(features, np.maximum(kernel, 0.0))


def eigen_cam(
    features: np.ndarray, kernel: np.ndarray, bias: np.ndarray | float = 0.0
) -> np.ndarray:
    """A v with v the first right singular vector of the features as a matrix (h w, c).

    Muhammad & Yeasin 2020, arXiv:2008.00299. What the network's features have most in common,
    whatever the class: the maps of all classes are one. As in the paper the features are not
    centred. Since they are never negative, neither is the map. In units of the activation.
    """
    height, width, channels = features.shape
    matrix = features.reshape(-1, channels)
    # On the side of the cells, of which there are fewer: A v = s u, with u the first eigenvector of
    # A A'. None of its entries is negative, so the first eigenvalue stands well apart and power
    # iteration, from the cells' own sums, settles in a few rounds; in float64, since in float32 the
    # rounding of some BLAS libraries never lets it settle.
    gram = (matrix @ matrix.T).astype(np.float64)
    vector, strength = gram.sum(axis=0), 0.0
    for _ in range(_MOST_ROUNDS):
        before, strength = strength, float(np.linalg.norm(vector))
        if abs(strength - before) <= 1e-12 * strength:
            break
        vector = gram @ (vector / strength)
    heatmap = (vector / np.sqrt(strength) if strength else vector).astype(np.float32)
    return np.repeat(heatmap.reshape(height, width, 1), kernel.shape[1], axis=-1)


def against_normal(
    features: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray | float = 0.0,
    normal: int | None = 0,
) -> np.ndarray:
    """Grad-CAM of the log-odds of anything but Normal: where the film speaks against Normal.

    relu(A (sum_k p_k W_k - W_normal)) over the other classes k, p_k their probabilities given that
    it is one of them: the gradient of logsumexp of their logits less Normal's (Selvaraju et al.
    2016, arXiv:1610.02391). The same map for all of them; of Normal itself, what speaks for it.

    Args:
        features: As above.
        kernel: As above.
        bias: As above.
        normal: Index of Normal; None where there is none: evidence for each class against all
            others.
    """
    every = range(kernel.shape[1])
    others = [k for k in every if k != normal]
    sides = [
        ([k], [j for j in every if j != k]) if normal is None or k == normal else (others, [normal])
        for k in every
    ]
    return _contrasts(features, kernel, bias, sides)


def against_kinds(
    features: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray | float = 0.0,
    normal: int | None = 0,
) -> np.ndarray:
    """Grad-CAM of the log-odds of a kind among the kinds: why this disease and not another.

    relu(A (W_k - sum_j p_j W_j)) over the other classes j but Normal, see `against_normal`. Of
    Normal, and of the only other class, what speaks for it against all others.

    Args:
        features: As above.
        kernel: As above.
        bias: As above.
        normal: Index of Normal; None where there is none.
    """
    every, sides = range(kernel.shape[1]), []
    for k in every:
        rivals = [j for j in every if j != k and (j != normal or k == normal)]
        sides.append(([k], rivals or [j for j in every if j != k]))
    return _contrasts(features, kernel, bias, sides)


def _contrasts(
    features: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray | float,
    sides: Sequence[tuple[Sequence[int], Sequence[int]]],
) -> np.ndarray:
    """Grad-CAM of logsumexp of one side's logits less that of the other's, class by class."""
    logits = features.mean(axis=(0, 1)) @ kernel + bias

    def gradient(side: Sequence[int]) -> np.ndarray:
        # A softmax of nothing: the only class that there is stands against no other.
        return kernel[:, side] @ softmax(logits[list(side)]) if side else 0.0 * kernel[:, 0]

    directions = [gradient(mine) - gradient(others) for mine, others in sides]
    return _weighted(features, np.stack(directions, axis=1).astype(kernel.dtype))


def ablation_cam(
    features: np.ndarray, kernel: np.ndarray, bias: np.ndarray | float = 0.0
) -> np.ndarray:
    """relu(sum_c w_c A_c) with w_c the share of the logit that is lost without channel c.

    Desai & Ramaswamy 2020, doi:10.1109/WACV45572.2020.9093360. With a linear head the logit drops
    by W_c mean(A_c). The paper divides by the logit, which it takes to be positive: by a negative
    one, channels for and against the class would change places. Here the drop is divided by the
    logit's absolute value (and at least by 0.001), so that heat always marks what raises the logit.
    In units of the activation.
    """
    pooled = features.mean(axis=(0, 1))
    logits = pooled @ kernel + bias
    weights = kernel * pooled[:, None] / np.maximum(np.abs(logits), _LEAST_LOGIT)
    return np.maximum(features @ weights, 0.0).astype(np.float32)


def recipro_cam(
    features: np.ndarray, kernel: np.ndarray, bias: np.ndarray | float = 0.0
) -> np.ndarray:
    """Probability of a class with the features of one cell only, all others zero.

    Byun & Lee 2022, arXiv:2209.14074, with the paper's softmax over the classes and its one-cell
    mask. The head is linear, so the logits are A_ij W / (h w) + b, and the map says where Grad-CAM
    (before its ReLU) of the class outweighs that of the others: to first order it is
    p_k (G_k - sum_m p_m G_m) with G the classes' Grad-CAMs and p = softmax(b). The paper stretches
    the map to [0, 1]; here its minimum is taken off and its strength is kept, as a probability.
    """
    height, width, _ = features.shape
    probabilities = softmax(features @ kernel / (height * width) + bias)
    return (probabilities - probabilities.min(axis=(0, 1))).astype(np.float32)
