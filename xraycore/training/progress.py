"""Where a training run is, for whoever shows it."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from xraycore.training.recipe import Recipe
from xraycore.training.run import State


@dataclass(frozen=True)
class Progress:
    """Where a run is, reported after every batch.

    Attributes:
        activity: "reading films", the stage's name, or "range test".
        done: Share of the whole run in [0, 1]; of the films read while reading.
        epoch: Epoch of the stage, from 1; 0 where there are none.
        epochs: Epochs of the stage.
        loss: Mean training loss of the epoch so far, that of the batch in a range test, None while
            reading.
    """

    activity: str
    done: float
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None


Report = Callable[[Progress], None]


class Follow(keras.callbacks.Callback):
    """Reports the share of the run that is done; a film's cost grows with its area."""

    def __init__(self, recipe: Recipe, state: State, steps: int, report: Report):
        super().__init__()
        self.stage, self.state = recipe.stages[state.stage], state
        self.steps, self.report = steps, report
        costs = [stage.epochs * stage.size**2 for stage in recipe.stages]
        self.total = sum(costs)
        self.before = sum(costs[: state.stage]) + state.epoch * self.stage.size**2

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called by Keras."""
        done = self.before + (batch + 1) / self.steps * self.stage.size**2
        self.report(
            Progress(
                self.stage.name,
                done / self.total,
                self.state.epoch + 1,
                self.stage.epochs,
                float((logs or {}).get("loss", float("nan"))),
            )
        )
