"""Do the models say the same about one film? In words."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from xraycore.errors import ArgumentError
from xraycore.models.answer import ENSEMBLE as ENSEMBLE
from xraycore.models.classifier import Prediction
from xraycore.utils.text import join_names, percent


def describe_agreement(predictions: Sequence[Prediction], titles: Mapping[str, str]) -> str:
    """One sentence on which models say what, with their probabilities.

    Args:
        predictions: One a model, of the same film.
        titles: Name to show for each model.

    Raises:
        ArgumentError: If there is no prediction.
    """
    if not predictions:
        raise ArgumentError("expected predictions of at least one model. Received: none")
    by_label: dict[str, list[Prediction]] = defaultdict(list)
    for prediction in predictions:
        by_label[prediction.label].append(prediction)
    if len(predictions) == 1:
        only = predictions[0]
        return f"{titles[only.model]} says {only.label} ({_between([only])}); no other to compare."
    if len(by_label) == 1:
        count = "Both" if len(predictions) == 2 else f"All {len(predictions)}"
        return f"{count} models say {predictions[0].label} ({_between(predictions)})."
    parts = [
        f"{join_names([titles[p.model] for p in group])} "
        f"{'says' if len(group) == 1 else 'say'} {label} ({_between(group)})"
        for label, group in sorted(by_label.items(), key=lambda item: -len(item[1]))
    ]
    return f"The models disagree: {'; '.join(parts)}."


def mean_probabilities(predictions: Sequence[Prediction]) -> dict[str, float] | None:
    """The ensemble: the mean of the models' calibrated probabilities, by class.

    None for fewer than two models, or models of different classes.
    """
    if len(predictions) < 2 or len({prediction.classes for prediction in predictions}) > 1:
        return None
    each = [prediction.probabilities for prediction in predictions]
    return {label: sum(one[label] for one in each) / len(each) for label in predictions[0].classes}


def agree(predictions: Sequence[Prediction]) -> bool:
    """Whether all predictions have the same label."""
    return len({prediction.label for prediction in predictions}) <= 1


def disagreement(predictions: Sequence[Prediction]) -> float:
    """How far the models' calibrated probabilities of one film are apart, in bits.

    Generalised Jensen-Shannon divergence (Lin 1991, doi:10.1109/18.61115): the entropy of the mean
    less the mean of the entropies. 0 where all say the same, however sure; at most the log2 of the
    number of models.

    Raises:
        ArgumentError: If there is no prediction, or the models know different classes.
    """
    if len({prediction.classes for prediction in predictions}) != 1:
        raise ArgumentError("expected predictions of the same classes, at least one.")
    each = np.array([list(prediction.probabilities.values()) for prediction in predictions])
    from scipy.special import entr  # Late, as pages import this module.

    apart = entr(each.mean(axis=0)).sum() - entr(each).sum(axis=1).mean()
    return max(0.0, float(apart) / np.log(2))


def _between(predictions: Sequence[Prediction]) -> str:
    shares = sorted(p.probabilities[p.label] for p in predictions)
    low, high = percent(shares[0]), percent(shares[-1])
    if low == high:
        return low
    dash = low[0].isdigit() and high[0].isdigit()
    return f"{low.removesuffix(' %')}–{high}" if dash else f"{low} to {high}"
