"""What is stored about the shipped models: their cards, and their predictions on the same films."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import log_softmax

from xraycore.config import weights_folder
from xraycore.datasets.labels import (
    BACTERIAL,
    CHEST4,
    COVID,
    LABEL_SCHEMES,
    NORMAL,
    VIRAL,
    LabelScheme,
)
from xraycore.errors import ArgumentError
from xraycore.evaluation.ensemble import ENSEMBLE
from xraycore.evaluation.evaluator import truth_and_probability
from xraycore.evaluation.prediction_files import read_predictions
from xraycore.evaluation.predictions import PredictionSet, ensemble
from xraycore.metrics.calibration import Calibration
from xraycore.metrics.operating_points import OperatingPoint, choose_points
from xraycore.models.cards import list_trained, read_card
from xraycore.models.registry import MODELS
from xraycore.training.validation import (
    ValidationPredictions,
    external_scores,
    internal_scores,
    selection_score,
)
from xraycore.utils.checkpoints import Card

# Of the four classes, the two that are told apart in children, and the two in adults.
KINDS = LabelScheme("kinds", "Bacterial / viral", {BACTERIAL: (BACTERIAL,), VIRAL: (VIRAL,)})
COVID_OR_NOT = LabelScheme("covid2", "Normal / COVID-19", {NORMAL: (NORMAL,), COVID: (COVID,)})


@dataclass(frozen=True)
class Stored:
    """The shipped models' cards and outcomes, by name; the ensemble's outcome among them."""

    cards: Mapping[str, Card]
    outcomes: Mapping[str, PredictionSet]

    @property
    def titles(self) -> dict[str, str]:
        """Names to show."""
        return {
            name: MODELS[name].title if name in MODELS else "Ensemble" for name in self.outcomes
        }

    def points(self, name: str) -> dict[str, OperatingPoint]:
        """Operating points of a model or the ensemble, chosen on validation films."""
        if name == ENSEMBLE:
            known = Scored.of(self.films(name, "val"), LABEL_SCHEMES["pneumonia"])
            return choose_points(known.y_true == 1, known.probability[:, 1])
        chosen = self.cards.get(name, {}).get("operating_points", {})
        return {
            key: OperatingPoint(key, entry["title"], entry["threshold"])
            for key, entry in chosen.items()
        }

    def with_calibration(self, name: str, calibration: Calibration) -> "Stored":
        """The same with another calibration of one model; the ensemble stays as it is."""
        changed = replace(self.outcomes[name], calibration=calibration)
        return replace(self, outcomes={**self.outcomes, name: changed})

    def films(self, name: str, split: str, *sources: str) -> PredictionSet:
        """A model's outcome on the films of a split, of some sources or of all."""
        return self.outcomes[name].only(
            lambda record: record.split == split and (not sources or record.source in sources)
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Models in the order of the registry, the ensemble last."""
        return tuple(self.outcomes)

    def official(self, name: str, scheme: LabelScheme = LABEL_SCHEMES["pneumonia"]) -> "Scored":
        """A model on the official 624 test films of children."""
        return Scored.of(self.films(name, "test", "chest_xray"), scheme)

    def external_covid(self, name: str) -> "Scored":
        """COVID-19 films of `cohen` beside the home test's adult normals."""
        return Scored.of(self._beside_home(name, COVID), COVID_OR_NOT)

    def covid_among_cohen(self, name: str) -> "Scored":
        """COVID-19 films of `cohen` beside its own normals, of which there are few."""
        return Scored.of(self.films(name, "external", "cohen"), COVID_OR_NOT)

    def external_normals(self, name: str) -> "Scored":
        """Normal films of `cohen`, as if they were ill, beside the home test's adult normals.

        A network that tells them apart tells hospitals apart.
        """
        outcome = self._beside_home(name, NORMAL)
        found = Scored.of(outcome, COVID_OR_NOT)
        external = [record.source == "cohen" for record in outcome.records]
        return replace(found, y_true=np.array(external, int))

    def _beside_home(self, name: str, label: str) -> PredictionSet:
        return self.outcomes[name].only(
            lambda record: (
                (record.source == "cohen" and record.label == label)
                or (
                    record.source == "covid_radiography"
                    and record.split == "test"
                    and record.label == NORMAL
                )
            )
        )

    @cached_property
    def best(self) -> str:
        """The single model of the highest `selection_score`; not the best on what judges it."""
        return max(self.cards, key=self.choice)

    def choice(self, name: str) -> float:
        """The score by which epochs are chosen; the higher the better."""
        return self.chosen(name)["choice"]

    def chosen(self, name: str) -> dict[str, float]:
        """What epochs are chosen by, as in a run's history: on validation films, NIH's and Cohen's.

        Of what is stored, so that it is on the same films for all models.
        """
        internal, *external = (
            ValidationPredictions(
                log_softmax(films.logits, axis=1),
                films.allowed,
                films.fraction_in_lungs,
                films.records,
            )
            for films in (
                self.films(name, "val"),
                *(self.films(name, "external", source) for source in ("nih", "cohen")),
            )
        )
        own = internal_scores(internal)
        elsewhere = external_scores(
            [one for one in external if one.records], self.outcomes[name].classes
        )
        return {**own, **elsewhere, "choice": selection_score(own, elsewhere)}


@dataclass(frozen=True)
class Scored:
    """A view's films: target (n,) and probability (n, k), and the patient of each."""

    y_true: np.ndarray
    probability: np.ndarray
    groups: list[str]

    @classmethod
    def of(cls, outcome: PredictionSet, scheme: LabelScheme) -> "Scored":
        """The films of an outcome that the view knows; there may be none."""
        if not any(scheme.label(record.label) for record in outcome.records):
            return cls(np.zeros(0, int), np.zeros((0, len(scheme.classes))), [])
        y_true, probability, kept = truth_and_probability(outcome, scheme)
        return cls(y_true, probability, kept.groups)


def read_stored() -> Stored:
    """The shipped models of the four classes that carry calibrated predictions, and their ensemble.

    Raises:
        ValueError: If there is none.
    """
    cards = {name: read_card(name) for name in list_trained()}
    cards = {
        name: card
        for name, card in cards.items()
        if "temperature" in card and tuple(card["classes"]) == CHEST4
    }
    if not cards:
        raise ArgumentError(
            "no shipped model of the four classes with calibrated predictions: train some and "
            "ship them."
        )
    outcomes = {
        name: read_predictions(
            weights_folder() / name / "predictions.csv", name, Calibration.of_card(card)
        )
        for name, card in cards.items()
    }
    if len(outcomes) > 1:
        outcomes[ENSEMBLE] = ensemble(list(outcomes.values()))
    return Stored(cards, outcomes)
