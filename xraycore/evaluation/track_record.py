"""How far to believe an answer: how often a model was right when it said the same this surely."""

from dataclasses import dataclass

import numpy as np

from xraycore.evaluation.predictions import PredictionSet
from xraycore.metrics.intervals import Score, wilson_interval

# Answers whose probability differs by more are none of that certainty.
ALIKE = 0.1
# Of these, the nearest in probability; and too few to tell.
NEAREST, FEWEST = 100, 20


@dataclass(frozen=True)
class TrackRecord:
    """Test films on which a model gave the same answer with about the same probability.

    Attributes:
        label: The answer.
        low: Least probability of these answers, in [0, 1].
        high: Greatest.
        right: Share of them that are right, with its Wilson interval; None if there are too few.
        films: How many they are.
        open: Answers as sure as these on films whose label leaves open whether they are right.
    """

    label: str
    low: float
    high: float
    right: Score | None
    films: int
    open: int = 0

    @property
    def reading(self) -> str:
        """In one sentence."""
        if self.right is None:
            more = f"; {self.open} more have labels that leave it open" if self.open else ""
            return (
                "No track record: of its test films with a label that tells, it called only "
                f"{self.films} {self.label} with about as much certainty, too few to tell how far "
                f"to believe this{more}."
            )
        value, low, high = (100 * self.right[key] for key in ("value", "low", "high"))
        between = f"{100 * self.low:.0f} to {100 * self.high:.0f} %"
        return (
            f"Track record: of {self.films} test films that it called {self.label} with {between}, "
            f"it was right in {value:.0f} % (95 % interval {low:.0f} to {high:.0f} %). "
            + (f"{self.open} more have labels that leave it open. " if self.open else "")
            + "They are of the hospitals that it learnt from."
        )


def track_record(outcome: PredictionSet, label: str, probability: float) -> TrackRecord:
    """The record of an answer, from stored predictions on test films.

    It holds for films like those; elsewhere a model may be far more wrong than it was there. Films
    whose label leaves open whether it is this class cannot tell right from wrong, and are left out.

    Args:
        outcome: The model's stored predictions; only its test split is looked at.
        label: What it says now.
        probability: With which calibrated probability, in [0, 1].
    """
    place = outcome.classes.index(label)
    tests = outcome.only(lambda record: record.split == "test")
    if not tests.records:
        return TrackRecord(label, probability, probability, None, 0)
    said, away = tests.probabilities[:, place], np.abs(tests.probabilities[:, place] - probability)
    alike = (tests.probabilities.argmax(axis=1) == place) & (away <= ALIKE)
    known = (tests.allowed.sum(axis=1) == 1) | (tests.allowed[:, place] == 0)
    films = np.flatnonzero(alike & known)
    if len(films) < FEWEST:
        unknown = int((alike & ~known).sum())
        return TrackRecord(label, probability, probability, None, len(films), unknown)
    nearest = said[films[np.argsort(away[films], kind="stable")[:NEAREST]]]
    low, high = float(nearest.min()), float(nearest.max())
    # What is said is about all answers between these two, and about no other.
    meant = alike & (low <= said) & (said <= high)
    right = tests.allowed[meant & known, place].astype(bool)
    return TrackRecord(
        label,
        low,
        high,
        wilson_interval(int(right.sum()), len(right)),
        len(right),
        int((meant & ~known).sum()),
    )
