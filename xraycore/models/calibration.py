"""From a network's logits to probabilities that mean what they say."""

from dataclasses import dataclass
from typing import Any

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis, in float64."""
    shifted = np.asarray(logits, np.float64)
    shifted = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Calibration:
    """Bias-corrected temperature scaling (Alexandari et al. 2020, arXiv:1901.06852).

    A temperature alone (Guo et al. 2017, arXiv:1706.04599) leaves how often each class is named as
    training left it, and ours weighs rare classes up. The bias names them as often as they come
    among the validation films, so that it may change the most probable class, which no heatmap
    shows. Fitted by `xraycore.evaluation.calibration.fit_calibration`.

    Attributes:
        temperature: What logits are divided by.
        bias: Added to each class's logit after that, (k,); () adds nothing.
    """

    temperature: float = 1.0
    bias: tuple[float, ...] = ()

    def __post_init__(self):
        if not self.temperature > 0:
            raise ValueError(f"temperature must be positive. Received: {self.temperature}")

    @classmethod
    def of_card(cls, card: dict[str, Any]) -> "Calibration":
        """The one on a model's card; one that changes nothing where there is none."""
        return cls(float(card.get("temperature", 1.0)), tuple(card.get("bias", ())))

    def to_card(self) -> dict[str, Any]:
        """Plain values, for a card or a file's provenance."""
        return {"temperature": self.temperature, "bias": list(self.bias)}

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (..., k) of logits (..., k), in float64.

        Raises:
            ValueError: If there are biases, but not one for each class.
        """
        classes = np.shape(logits)[-1]
        if self.bias and len(self.bias) != classes:
            raise ValueError(
                f"biases must be as many as the {classes} classes. Received: {len(self.bias)}"
            )
        scaled = np.asarray(logits, np.float64) / self.temperature
        return softmax(scaled + np.array(self.bias) if self.bias else scaled)
