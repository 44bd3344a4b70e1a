"""What is stored about the shipped models: their cards, and their predictions on the same films."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xraycore.data.labels import BACTERIAL, CHEST4, COVID, NORMAL, VIEWS, VIRAL, View
from xraycore.evaluation.agreement import ENSEMBLE
from xraycore.evaluation.evaluate import target_and_probability
from xraycore.evaluation.operating import OperatingPoint, choose_points
from xraycore.evaluation.outcome import Outcome, ensemble
from xraycore.evaluation.predictions import read_predictions
from xraycore.models.spec import MODELS
from xraycore.models.store import list_shipped, read_card
from xraycore.weightfiles import Card, weights_folder

# Of the four classes, the two that are told apart in children, and the two in adults.
KINDS = View("kinds", "Bacterial / viral", {BACTERIAL: (BACTERIAL,), VIRAL: (VIRAL,)})
COVID_OR_NOT = View("covid2", "Normal / COVID-19", {NORMAL: (NORMAL,), COVID: (COVID,)})


@dataclass(frozen=True)
class Stored:
    """The shipped models' cards and outcomes, by name; the ensemble's outcome among them."""

    cards: Mapping[str, Card]
    outcomes: Mapping[str, Outcome]

    @property
    def titles(self) -> dict[str, str]:
        """Names to show."""
        return {
            name: MODELS[name].title if name in MODELS else "Ensemble" for name in self.outcomes
        }

    def points(self, name: str) -> dict[str, OperatingPoint]:
        """Operating points of a model or the ensemble, chosen on validation films."""
        if name == ENSEMBLE:
            known = Judged.of(self.films(name, "val"), VIEWS["pneumonia"])
            return choose_points(known.target == 1, known.probability[:, 1])
        chosen = self.cards.get(name, {}).get("operating_points", {})
        return {
            key: OperatingPoint(key, entry["title"], entry["threshold"])
            for key, entry in chosen.items()
        }

    def films(self, name: str, split: str, *sources: str) -> Outcome:
        """A model's outcome on the films of a split, of some sources or of all."""
        return self.outcomes[name].only(
            lambda record: record.split == split and (not sources or record.source in sources)
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Models in the order of the registry, the ensemble last."""
        return tuple(self.outcomes)

    def official(self, name: str, view: View = VIEWS["pneumonia"]) -> "Judged":
        """A model on the official 624 test films of children."""
        return Judged.of(self.films(name, "test", "chest_xray"), view)

    def covid_abroad(self, name: str) -> "Judged":
        """COVID-19 films of `cohen` beside the home test's adult normals."""
        outcome = self.outcomes[name]
        chosen = outcome.only(
            lambda record: (
                (record.source == "cohen" and record.label == COVID)
                or (
                    record.source == "covid_radiography"
                    and record.split == "test"
                    and record.label == NORMAL
                )
            )
        )
        return Judged.of(chosen, COVID_OR_NOT)


@dataclass(frozen=True)
class Judged:
    """A view's films: target (n,) and probability (n, k), and the patient of each."""

    target: np.ndarray
    probability: np.ndarray
    groups: list[str]

    @classmethod
    def of(cls, outcome: Outcome, view: View) -> "Judged":
        """The films of an outcome that the view knows."""
        target, probability, kept = target_and_probability(outcome, view)
        return cls(target, probability, kept.groups)


def read_stored() -> Stored:
    """The shipped models of the four classes that carry calibrated predictions, and their ensemble.

    Raises:
        ValueError: If there is none.
    """
    cards = {name: read_card(name) for name in list_shipped()}
    cards = {
        name: card
        for name, card in cards.items()
        if "temperature" in card and tuple(card["classes"]) == CHEST4
    }
    if not cards:
        raise ValueError(
            "no shipped model of the four classes with calibrated predictions: train some and "
            "ship them."
        )
    outcomes = {
        name: read_predictions(
            weights_folder() / name / "predictions.csv", name, card["temperature"]
        )
        for name, card in cards.items()
    }
    if len(outcomes) > 1:
        outcomes[ENSEMBLE] = ensemble(list(outcomes.values()))
    return Stored(cards, outcomes)
