"""The one list of heatmap methods, and their maths on arrays.

The head is linear on the pooled map, so the gradient of logit k with respect to the feature map A
is the constant W_k / (h w), the same at every cell. Every method below is therefore exact without
a backward pass, and gives the maps of all classes in one product.

Each takes the features A (h, w, c) and the head's kernel W (c, k), and returns float32 (h, w, k),
never negative. A cell's value is in units of the logit: Grad-CAM's cells before the ReLU sum to the
logit less its bias.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Method:
    """A heatmap method: what it is called, where it comes from, what it costs, how it computes."""

    name: str
    title: str
    paper: str
    summary: str
    cost: str
    maps: Callable[[np.ndarray, np.ndarray], np.ndarray]


def _weighted(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    height, width, _ = features.shape
    return np.maximum(features @ weights, 0.0).astype(np.float32) / np.float32(height * width)


def grad_cam(features: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """relu(sum_c mean(gradient_c) A_c): the evidence for a class, channels for it and against it.

    Selvaraju et al. 2016, arXiv:1610.02391.
    """
    return _weighted(features, kernel)


def grad_cam_plus_plus(features: np.ndarray, kernel: np.ndarray) -> np.ndarray:
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


def hires_cam(features: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """relu(sum_c gradient_c * A_c), the gradient taken cell by cell and not averaged.

    Draelos & Carin 2020, arXiv:2011.08891, who also show that with a linear head on the pooled map
    it equals Grad-CAM, since there is nothing to average.
    """
    return grad_cam(features, kernel)


def layer_cam(features: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """relu(sum_c relu(gradient_c) * A_c): only channels that speak for the class.

    Jiang et al. 2021, doi:10.1109/TIP.2021.3089943.
    """
    return _weighted(features, np.maximum(kernel, 0.0))


METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        Method(
            "grad_cam",
            "Grad-CAM",
            "Selvaraju et al. 2016, arXiv:1610.02391",
            "Where the evidence for the class outweighs the evidence against it.",
            "none beyond the prediction",
            grad_cam,
        ),
        Method(
            "grad_cam_plus_plus",
            "Grad-CAM++",
            "Chattopadhay et al. 2017, arXiv:1710.11063",
            "Evidence for the class, features that fire everywhere counting for less.",
            "none beyond the prediction",
            grad_cam_plus_plus,
        ),
        Method(
            "hires_cam",
            "HiRes-CAM",
            "Draelos & Carin 2020, arXiv:2011.08891",
            "Cell-by-cell evidence; for these networks exactly Grad-CAM.",
            "none beyond the prediction",
            hires_cam,
        ),
        Method(
            "layer_cam",
            "Layer-CAM",
            "Jiang et al. 2021, doi:10.1109/TIP.2021.3089943",
            "All evidence for the class, whatever speaks against it at the same place.",
            "none beyond the prediction",
            layer_cam,
        ),
    )
}


def get_method(name: str) -> Method:
    """The registry entry of that name.

    Raises:
        ValueError: If there is none.
    """
    if name not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}. Received: {name!r}")
    return METHODS[name]


def list_methods() -> list[str]:
    """Names of all heatmap methods, in the order in which they are shown."""
    return list(METHODS)
