"""What the opacities in the lungs add to the evidence: the film against itself, lungs cleared."""

import cv2
import numpy as np

from xraycore.attribution.gradients import attributions
from xraycore.datasets.labels import NORMAL
from xraycore.imaging.resample import resize, upsample
from xraycore.models.classifier import Classifier, Prediction, batches
from xraycore.utils.progress import ProgressCallback, ignore

# Opacities are what is wider than ribs and vessels: of a film blurred by this share of its side.
_BLUR = 0.027
# How bright clear lung is: a seventh of the lungs is darker.
_CLEAR = 15
# The lungs fade out over this share of the side, so that clearing leaves no edge.
_EDGE = 0.009


def cleared(grey: np.ndarray, lungs: np.ndarray) -> np.ndarray:
    """A film whose lungs are as dark everywhere as where they are clearest.

    What is taken off is soft, so ribs, vessels and grain stay. It also takes the shade of the heart
    and of the chest wall where the mask of the lungs reaches over them.

    Args:
        grey: Float32 (s, s) in [0, 1].
        lungs: Float (s, s) in [0, 1], 1 in the lungs.

    Returns:
        Float32 (s, s) in [0, 1], nowhere brighter than the film; the film where there are no lungs.
    """
    inside = lungs > 0.5
    if not inside.any():
        return grey.copy()
    soft = softened(grey)
    excess = np.maximum(soft - np.percentile(soft[inside], _CLEAR), 0.0)
    fading = cv2.GaussianBlur(lungs.astype(np.float32), (0, 0), _EDGE * grey.shape[0])
    return np.maximum(grey - excess * fading, 0.0).astype(np.float32)


def excess_brightness(grey: np.ndarray, lungs: np.ndarray) -> np.ndarray:
    """By how much each place of the lungs is brighter than where they are clearest.

    What a person sees who knows no disease, to set a heatmap beside: a network that says no more
    has found what is bright.

    Args:
        grey: Film, float32 (s, s) in [0, 1].
        lungs: Bool or float (s, s), 1 in the lungs.

    Returns:
        Float32 (s, s), not negative, blurred as `clearing` is.
    """
    return softened(grey - cleared(grey, lungs))


def clearing(
    model: Classifier,
    prediction: Prediction,
    class_index: int,
    report: ProgressCallback = ignore,
    *,
    steps: int = 8,
) -> np.ndarray:
    """relu of what the opacities add to the class's log-odds, place by place; (s, s), in logits.

    Integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365) from the film with its lungs
    cleared instead of a black one: a baseline must be what the question is compared with
    (Sturmfels et al. 2020, doi:10.23915/distill.00022), here the same patient with clear lungs.
    The log-odds are those against Normal, which is what a cleared film should be called; of Normal
    itself, and where there is no such class, those against all others. The gradients' grain is
    blurred away, by as much as what is cleared is blurred. No heat where no lungs were found.
    """
    grey = prediction.grey[..., 0]
    base = cleared(grey, lungs_in(prediction))
    against = [model.classes.index(NORMAL)] if NORMAL in model.classes else []
    if not against or class_index in against:
        against = [k for k in range(len(model.classes)) if k != class_index]
    signed = attributions(
        model,
        prediction.grey,
        class_index,
        report,
        steps=steps,
        base=base[..., None],
        against=against,
    )
    return np.maximum(softened(signed), 0.0)


def lungs_in(prediction: Prediction) -> np.ndarray:
    """Share of each pixel of the network's input that lies in the lungs; float32 (s, s)."""
    mask = prediction.box.crop(prediction.lungs.mask)
    return resize(mask.astype(np.float32), prediction.grey.shape[:2])


def softened(values: np.ndarray) -> np.ndarray:
    """A map or film (h, w) with what is as narrow as ribs blurred away, float32."""
    return cv2.GaussianBlur(values.astype(np.float32), (0, 0), _BLUR * values.shape[0])


# Scale, shift across and down in shares of the side, and whether it is mirrored.
TTA_TRANSFORMS = (
    *((1.0, 0.0, 0.0, False), (1.0, 0.0, 0.0, True), (1.12, 0.0, 0.0, False)),
    *((1.12, 0.0, 0.0, True), (1.06, 0.03, 0.03, False), (1.06, -0.03, 0.03, False)),
    *((1.06, 0.03, -0.03, True), (1.06, -0.03, -0.03, True)),
)


def against_normal_views(
    model: Classifier, prediction: Prediction, class_index: int, report: ProgressCallback = ignore
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
    normal = model.classes.index(NORMAL) if NORMAL in model.classes else class_index
    direction = kernel[:, class_index] if class_index == normal else -kernel[:, normal]
    matrices = [_matrix(grey.shape, *view) for view in TTA_TRANSFORMS]
    total, covered = np.zeros(grey.shape, np.float32), np.zeros(grey.shape, np.float32)
    for part in batches(len(TTA_TRANSFORMS), report):
        films = [_warped(grey, matrix) for matrix in matrices[part]]
        _, features = model.forward(np.stack(films)[..., None])
        for feature, matrix in zip(features, matrices[part], strict=True):
            evidence = feature @ direction / np.float32(feature.shape[0] * feature.shape[1])
            total += _back(upsample(evidence, grey.shape), matrix)
            covered += _back(np.ones(grey.shape, np.float32), matrix)
    # The first view is the whole film: every place was covered.
    return softened(np.maximum(total / covered, 0.0))


def _matrix(
    shape: tuple[int, int], scale: float, across: float, down: float, mirrored: bool
) -> np.ndarray:
    """From places on the film to places on the view, (2, 3)."""
    height, width = shape
    left = ((1 - scale) / 2 + across) * width
    top = ((1 - scale) / 2 + down) * height
    if mirrored:
        return np.array([[-scale, 0, width - 1 - left], [0, scale, top]], np.float32)
    return np.array([[scale, 0, left], [0, scale, top]], np.float32)


def _warped(film: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    edge = cv2.BORDER_REPLICATE
    return cv2.warpAffine(film, matrix, film.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=edge)


def _back(values: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(
        values, matrix, values.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
