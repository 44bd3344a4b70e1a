"""The Keras callback that reports where a run is."""

import keras

from xraycore.training.config import TrainingConfig
from xraycore.training.run import State
from xraycore.utils.progress import Progress, ProgressCallback


class ReportProgress(keras.callbacks.Callback):
    """Reports the share of the run that is done; a film's cost grows with its area.

    Args:
        recipe: What the run does.
        state: Where it is.
        films: Training films of an epoch.
        report: Called after every batch.
    """

    def __init__(self, recipe: TrainingConfig, state: State, films: int, report: ProgressCallback):
        super().__init__()
        self.stage, self.state = recipe.stages[state.stage], state
        self.batch_size, self.films, self.report = recipe.batch_size, films, report
        costs = [stage.epochs * stage.size**2 for stage in recipe.stages]
        self.total = sum(costs)
        self.before = sum(costs[: state.stage]) + state.epoch * self.stage.size**2

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called by Keras."""
        seen = min((batch + 1) * self.batch_size, self.films)
        self.report(
            Progress(
                (self.before + seen / self.films * self.stage.size**2) / self.total,
                self.stage.name,
                self.state.epoch + 1,
                self.stage.epochs,
                float((logs or {}).get("loss", float("nan"))),
                seen,
                self.films,
            )
        )
