"""Which of the networks comes first."""

from collections.abc import Sequence

import numpy as np

from xraycore.models.cards import read_card


def best_elsewhere(names: Sequence[str]) -> str:
    """The model with the highest AUC, on average, at hospitals that it was not trained on."""

    def mean_auc(name: str) -> float:
        measured = read_card(name).get("external", {}).values()
        areas = [one["pneumonia"]["auc"]["value"] for one in measured if one.get("pneumonia")]
        return float(np.mean(areas)) if areas else 0.0

    return max(names, key=mean_auc)


def in_order_of_use(names: Sequence[str], first: str = "") -> list[str]:
    """The models, the one that is looked at first in front: what it says is there the soonest."""
    if names and first not in names:
        first = best_elsewhere(names)
    return sorted(names, key=lambda name: name != first)
