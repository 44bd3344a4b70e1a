"""Lesion removal: is the answer Normal once what is soft and white in the lungs is cleared?"""

from dataclasses import dataclass, field

import numpy as np

from xraycore.attribution.counterfactual import cleared, lungs_in
from xraycore.datasets.labels import NORMAL
from xraycore.errors import ArgumentError
from xraycore.models.classifier import Classifier, Prediction
from xraycore.utils.text import percent


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
        ArgumentError: If no lungs were found on the film.
    """
    if not prediction.lungs.found:
        raise ArgumentError("expected a film on which lungs were found; there are none to clear")
    grey = prediction.grey[..., 0]
    base = cleared(grey, lungs_in(prediction))
    after = model.predict_input(prediction, base[..., None])
    return Clearance(prediction, after, grey - base)
