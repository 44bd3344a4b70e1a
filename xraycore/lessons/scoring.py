"""What answers are worth, and how well a student knows what he knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from xraycore.lessons.progress import StepAnswer


def score_reading(
    said: bool, truth: bool, box: Sequence[float] | None, place: np.ndarray | None
) -> float:
    """Points of a reading, 0 to 1: half for the answer, half for the place where there is one.

    A box is right whose middle lies on what was drawn. Where nothing is drawn, or nothing is there,
    the answer is all.

    Args:
        said: Whether the student sees a finding.
        truth: Whether there is one.
        box: Left, top, right, bottom in shares of the film; None for no mark.
        place: Bool (h, w), where it is; None where that is not known.
    """
    if said != truth:
        return 0.0
    if not truth or place is None:
        return 1.0
    return 1.0 if on_place(box, place) else 0.5


def on_place(box: Sequence[float] | None, place: np.ndarray) -> bool:
    """Whether the middle of a box lies on what was drawn."""
    if box is None:
        return False
    left, top, right, bottom = box
    height, width = place.shape
    row = min(int((top + bottom) / 2 * height), height - 1)
    column = min(int((left + right) / 2 * width), width - 1)
    return bool(place[row, column])


@dataclass(frozen=True)
class Sureness:
    """How sure someone was, and how often rightly.

    Attributes:
        answers: How many.
        sure: Mean probability that he gave to his answers, in [0, 1].
        right: Share of them that was right.
        brier: Mean squared distance of the probability from what came true (Brier 1950,
            doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2); 0.25 is what guessing gets.
    """

    answers: int
    sure: float
    right: float
    brier: float

    @property
    def reading(self) -> str:
        """What it says, in words."""
        over = self.sure - self.right
        if abs(over) < 0.1:
            return "about as sure as right"
        return "surer than right" if over > 0 else "less sure than right"


def measure_sureness(bets: Sequence[tuple[float, bool]]) -> Sureness | None:
    """Of answers with the probability that was given to each and whether it was right.

    None of no answers.
    """
    if not bets:
        return None
    sure = np.array([p for p, _ in bets], float)
    right = np.array([came for _, came in bets], float)
    return Sureness(
        len(bets), float(sure.mean()), float(right.mean()), float(np.mean((sure - right) ** 2))
    )


def student_bets(answers: Sequence[StepAnswer]) -> list[tuple[float, bool]]:
    """How sure a student was of each answer that he said it of, and whether it was right."""
    return [
        (float(one.response["sure"]), bool(one.outcome["right"]))
        for one in answers
        if "sure" in one.response and "right" in one.outcome
    ]


def network_bets(answers: Sequence[StepAnswer]) -> dict[str, list[tuple[float, bool]]]:
    """Likewise of each network that answered on the same films, by its name."""
    found: dict[str, list[tuple[float, bool]]] = {}
    for one in answers:
        for name, told in one.outcome.get("networks", {}).items():
            found.setdefault(name, []).append((float(told["sure"]), bool(told["right"])))
    return found


def beaten(answers: Mapping[int, StepAnswer]) -> dict[int, list[str]]:
    """Steps that the student got right and networks did not: which ones."""
    found = {}
    for step, one in answers.items():
        wrong = [
            name for name, told in one.outcome.get("networks", {}).items() if not told["right"]
        ]
        if one.outcome.get("right") and "sure" in one.response and wrong:
            found[step] = wrong
    return found


def share_of_points(answers: Sequence[StepAnswer], asked: int) -> float | None:
    """Points of the points that there are, in [0, 1]; what was not answered has none."""
    return sum(one.points for one in answers) / asked if asked else None
