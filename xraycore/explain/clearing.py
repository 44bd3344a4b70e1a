"""What the opacities in the lungs add to the evidence: the film against itself, lungs cleared."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from xraycore.datasets.labels import NORMAL
from xraycore.explain.gradients import attributions
from xraycore.imaging.resample import resize
from xraycore.models.classifier import Classifier, Prediction
from xraycore.utils.progress import ProgressCallback, ignore
from xraycore.utils.text import percent

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


@dataclass(frozen=True, eq=False)
class Clearance:
    """What a network says of a film, and of the same film with its lungs cleared.

    Attributes:
        before: What it said.
        after: What it says now, of the same part of the film.
        taken: How much darker each pixel of the network's input became, float32 (s, s), from 0.
    """

    before: Prediction
    after: Prediction
    taken: np.ndarray = field(repr=False)

    @property
    def reading(self) -> str:
        """In one or two sentences, for a reader who is no engineer."""
        said, now = self.before.label, self.after.label
        had = percent(self.before.probabilities[said])
        has = percent(self.after.probabilities[now])
        if now == said:
            text = f"With clear lungs the answer stays {said}: {had} before, {has} after."
            if said != NORMAL:
                text += " It rests on more than soft opacities."
            return text
        text = f"With clear lungs the answer is {now} with {has}, before it was {said} with {had}."
        if now == NORMAL:
            text += " It rested on what was taken away."
        elif said != NORMAL:
            text += " It is still not Normal: that rests on more than soft opacities."
        return text


def clear(model: Classifier, prediction: Prediction) -> Clearance:
    """Clears the lungs of a film and asks the network again, about the same part of it.

    Args:
        model: The classifier.
        prediction: What the model says about the film.

    Raises:
        ValueError: If no lungs were found on the film.
    """
    if not prediction.lungs.found:
        raise ValueError("expected a film on which lungs were found; there are none to clear")
    grey = prediction.grey[..., 0]
    base = cleared(grey, lungs_in(prediction))
    after = model.see(prediction, base[..., None])
    return Clearance(prediction, after, grey - base)


def clearing(
    model: Classifier,
    prediction: Prediction,
    target: int,
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
    if not against or target in against:
        against = [k for k in range(len(model.classes)) if k != target]
    signed = attributions(
        model, prediction.grey, target, report, steps=steps, base=base[..., None], against=against
    )
    return np.maximum(softened(signed), 0.0)


def lungs_in(prediction: Prediction) -> np.ndarray:
    """Share of each pixel of the network's input that lies in the lungs; float32 (s, s)."""
    mask = prediction.box.crop(prediction.lungs.mask)
    return resize(mask.astype(np.float32), prediction.grey.shape[:2])


def softened(values: np.ndarray) -> np.ndarray:
    """A map or film (h, w) with what is as narrow as ribs blurred away, float32."""
    return cv2.GaussianBlur(values.astype(np.float32), (0, 0), _BLUR * values.shape[0])
