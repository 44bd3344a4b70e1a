"""A heatmap of several views of a film: what stays wherever it is shifted, however it is turned."""

import cv2
import numpy as np

from xraycore.datasets.labels import NORMAL
from xraycore.explain.clearing import softened
from xraycore.explain.perturbation import enlarged
from xraycore.models.classifier import Classifier, Prediction, batches
from xraycore.utils.progress import ProgressCallback, ignore

# Scale, shift across and down in shares of the side, and whether it is mirrored.
VIEWS = (
    *((1.0, 0.0, 0.0, False), (1.0, 0.0, 0.0, True), (1.12, 0.0, 0.0, False)),
    *((1.12, 0.0, 0.0, True), (1.06, 0.03, 0.03, False), (1.06, -0.03, 0.03, False)),
    *((1.06, 0.03, -0.03, True), (1.06, -0.03, -0.03, True)),
)


def against_normal(
    model: Classifier, prediction: Prediction, target: int, report: ProgressCallback = ignore
) -> np.ndarray:
    """relu of the mean over eight views of what speaks against Normal; (s, s), in logits.

    Of any disease the same: Grad-CAM's counterfactual map of Normal, with the gradient's sign
    turned (Selvaraju et al. 2016, arXiv:1610.02391). Of Normal itself, and where there is no such
    class, what speaks for the class. A feature map has cells of 16 or 32 pixels, whose borders lie
    elsewhere on the film when it is shifted, enlarged or mirrored: the mean of such views, each
    turned back, is finer and steadier than one (as test-time augmentation in pytorch-grad-cam,
    Gildenblat et al. 2021). It is blurred as `clearing` is.
    """
    grey, kernel = prediction.grey[..., 0], model.head[0]
    normal = model.classes.index(NORMAL) if NORMAL in model.classes else target
    direction = kernel[:, target] if target == normal else -kernel[:, normal]
    matrices = [_matrix(grey.shape, *view) for view in VIEWS]
    total, seen = np.zeros(grey.shape, np.float32), np.zeros(grey.shape, np.float32)
    for part in batches(len(VIEWS), report):
        films = [_warped(grey, matrix) for matrix in matrices[part]]
        _, features = model.forward(np.stack(films)[..., None])
        for feature, matrix in zip(features, matrices[part], strict=True):
            evidence = feature @ direction / np.float32(feature.shape[0] * feature.shape[1])
            total += _back(enlarged(evidence, grey.shape), matrix)
            seen += _back(np.ones(grey.shape, np.float32), matrix)
    # The first view is the whole film: every place was seen.
    return softened(np.maximum(total / seen, 0.0))


def _matrix(
    shape: tuple[int, int], scale: float, across: float, down: float, mirrored: bool
) -> np.ndarray:
    """From places on the film to places on the view, (2, 3)."""
    height, width = shape
    left = ((1 - scale) / 2 + across) * width
    top = ((1 - scale) / 2 + down) * height
    if mirrored:
        return np.float32([[-scale, 0, width - 1 - left], [0, scale, top]])
    return np.float32([[scale, 0, left], [0, scale, top]])


def _warped(film: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    edge = cv2.BORDER_REPLICATE
    return cv2.warpAffine(film, matrix, film.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=edge)


def _back(values: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(
        values, matrix, values.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
