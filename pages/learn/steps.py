"""Each kind of step: what is asked, and what is told once the student has answered."""

from collections.abc import Callable, Mapping

from pages.learn import bet_step, choice_step, insert_step, noise_step, read_step, threshold_step
from pages.learn.desk import Desk

_ASK: Mapping[str, Callable[[Desk], None]] = {
    "read": read_step.ask,
    "bet": bet_step.ask,
    "noise": noise_step.ask,
    "insert": insert_step.ask,
    "threshold": threshold_step.ask,
    "choice": choice_step.ask,
}
_TELL: Mapping[str, Callable[[Desk], None]] = {
    "read": read_step.tell,
    "bet": bet_step.tell,
    "noise": noise_step.tell,
    "insert": insert_step.tell,
    "threshold": threshold_step.tell,
    "choice": choice_step.tell,
}


def ask(desk: Desk) -> None:
    """Draws what a step asks, and keeps the answer once it is given."""
    _ASK[desk.step.kind](desk)


def tell(desk: Desk) -> None:
    """Draws what is true of a step that is answered."""
    _TELL[desk.step.kind](desk)
