"""From a network's logits to probabilities that mean what they say."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from xraycore.errors import ArgumentError


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
    shows. Fitted by `xraycore.metrics.calibration.fit_calibration`.

    Attributes:
        temperature: What logits are divided by.
        bias: Added to each class's logit after that, (k,); () adds nothing.
    """

    temperature: float = 1.0
    bias: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ArgumentError(f"temperature must be positive. Received: {self.temperature}")

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
            ArgumentError: If there are biases, but not one for each class.
        """
        classes = np.shape(logits)[-1]
        if self.bias and len(self.bias) != classes:
            raise ArgumentError(
                f"biases must be as many as the {classes} classes. Received: {len(self.bias)}"
            )
        scaled = np.asarray(logits, np.float64) / self.temperature
        return softmax(scaled + np.array(self.bias) if self.bias else scaled)


BINS = 15
TEMPERATURES = (0.05, 20.0)


def fit_calibration(logits: np.ndarray, allowed: np.ndarray, *, biased: bool = True) -> Calibration:
    """A temperature and a bias for each class that make probabilities mean what they say.

    Bias-corrected temperature scaling (Alexandari et al. 2020, arXiv:1901.06852): it minimises the
    mean of -log p(label), where a label is a set of classes ("pneumonia": bacterial or viral) and
    its probability the sum of theirs. A normal prior of spread 1 on each bias and on the log of
    the temperature, against which a handful of films weighs little, keeps them from ruling a class
    out; of a thousand films it is not felt.

    Args:
        logits: (n, k), of films that the model was not trained on.
        allowed: 0 or 1, (n, k): the classes that a film's label allows.
        biased: Whether there is a bias; a temperature alone otherwise (Guo et al. 2017,
            arXiv:1706.04599).

    Returns:
        A temperature of 0.05 to 20, and biases whose sum is 0; both to four places, as a card
        keeps them.

    Raises:
        ArgumentError: If the shapes differ, a film has no class, or no film rules one out.
    """
    logits, allowed = np.asarray(logits, float), np.asarray(allowed, bool)
    if logits.ndim != 2 or logits.shape != allowed.shape:
        raise ArgumentError(
            "logits and allowed must both be (films, classes). "
            f"Received: {logits.shape} and {allowed.shape}"
        )
    if not allowed.any(axis=1).all():
        raise ArgumentError(
            "every film needs at least one allowed class. "
            f"Received: none for film {np.flatnonzero(~allowed.any(axis=1))[0]}"
        )
    # A label that allows all classes says nothing.
    telling = ~allowed.all(axis=1)
    if not telling.any():
        raise ArgumentError(
            "a calibration needs films whose label rules a class out. "
            f"Received: none among {len(logits)}"
        )
    logits, allowed = logits[telling], allowed[telling]

    # Late, as pages import this module.
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    def loss(parameters: np.ndarray) -> float:
        log_temperature, bias = parameters[0], parameters[1:] if biased else 0.0
        scaled = logits / np.exp(log_temperature) + bias
        of_label = logsumexp(np.where(allowed, scaled, -np.inf), axis=1)
        prior = (parameters**2).sum() / 2 / len(logits)
        return float(np.mean(logsumexp(scaled, axis=1) - of_label) + prior)

    classes = logits.shape[1]
    optimum = minimize(
        loss,
        np.zeros(1 + classes if biased else 1),
        method="L-BFGS-B",
        bounds=[np.log(TEMPERATURES), *([(None, None)] * classes * biased)],
        options={"ftol": 1e-12, "gtol": 1e-7},
    ).x
    # The same for all classes it changes nothing, and the prior has made it almost nothing.
    bias = optimum[1:] - optimum[1:].mean() if biased else optimum[1:]
    return Calibration(round(float(np.exp(optimum[0])), 4), tuple(np.round(bias, 4).tolist()))


def expected_calibration_error(
    confidence: np.ndarray, right: np.ndarray, bins: int = BINS
) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by films.

    Naeini et al. 2015 (doi:10.1609/aaai.v29i1.9602), as used by Guo et al. 2017
    (arXiv:1706.04599). 0 is calibrated, 1 the worst.

    Args:
        confidence: Probability of the predicted class, (n,).
        right: Bool (n,), whether the prediction is right.
        bins: Their number.

    Raises:
        ArgumentError: If there are no films or the shapes differ.
    """
    places, confidence, right = _binned(confidence, right, bins)
    return float(np.abs(np.bincount(places, weights=confidence - right)).sum() / len(places))


def reliability_curve(
    confidence: np.ndarray, right: np.ndarray, bins: int = BINS
) -> list[dict[str, float | int]]:
    """Mean confidence and accuracy of each bin that has films: the calibration error, drawn.

    Args:
        confidence: Probability of the predicted class, (n,).
        right: Bool (n,), whether the prediction is right.
        bins: Their number.

    Returns:
        `low` and `high` edge, mean `confidence`, `accuracy` and count of `films`, by bin.

    Raises:
        ArgumentError: If there are no films or the shapes differ.
    """
    places, confidence, right = _binned(confidence, right, bins)
    return [
        {
            "low": float(place / bins),
            "high": float((place + 1) / bins),
            "confidence": float(confidence[places == place].mean()),
            "accuracy": float(right[places == place].mean()),
            "films": int((places == place).sum()),
        }
        for place in np.unique(places)
    ]


def bin_of(confidence: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Index of the equal-width bin (low, high] that each confidence lies in; 0 in the first."""
    return np.digitize(confidence, np.arange(1, bins) / bins, right=True)


def _binned(
    confidence: np.ndarray, right: np.ndarray, bins: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    confidence, right = np.asarray(confidence, float), np.asarray(right, float)
    if confidence.ndim != 1 or confidence.shape != right.shape or not len(confidence):
        raise ArgumentError(
            "confidence and right must both be (films,), of at least one film. "
            f"Received: {confidence.shape} and {right.shape}"
        )
    return bin_of(confidence, bins), confidence, right
