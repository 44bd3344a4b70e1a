"""What happens in training beside the steps: progress, validation, what a kill must not cost."""

import math
import time

import keras

from xraycore.errors import DivergedError
from xraycore.training.batches import BatchSequence, ImageArray
from xraycore.training.config import TrainingConfig
from xraycore.training.learner import averaged, reseed_dropout
from xraycore.training.run import Run, State
from xraycore.training.validation import DIVERGED, scores_of, selection_score
from xraycore.utils.files import replacing
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
        self.total, self.before = sum(costs), sum(costs[: state.stage])

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called by Keras."""
        trained = min((batch + 1) * self.batch_size, self.films)
        epochs = self.state.epoch + trained / self.films
        self.report(
            Progress(
                (self.before + epochs * self.stage.size**2) / self.total,
                self.stage.name,
                self.state.epoch + 1,
                self.stage.epochs,
                float((logs or {}).get("loss", float("nan"))),
                trained,
                self.films,
            )
        )


class SeedEpoch(keras.callbacks.Callback):
    """Makes all that is random in an epoch follow from the seed and the epoch.

    Args:
        state: Where the run is.
        batches: Whose order and random changes are drawn.
        network: Whose dropout is drawn.
        seed: Of everything.
    """

    def __init__(self, state: State, batches: BatchSequence, network: keras.Model, seed: int):
        super().__init__()
        self.state, self.batches, self.network, self.seed = state, batches, network, seed

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Called by Keras."""
        self.batches.start(self.state.total_epochs)
        reseed_dropout(self.network, self.seed, self.state.total_epochs)


class Validate(keras.callbacks.Callback):
    """Adds to an epoch's logs what the network says of films that it is not trained on.

    Among it is `choice`, which the best epoch has most of (see `selection_score`).

    Args:
        films: Training films of an epoch.
        internal: Films to validate on.
        external: Films of sources that are never trained on.
        classes: Names of the learner's classes.
    """

    def __init__(
        self,
        films: int,
        internal: ImageArray,
        external: list[ImageArray],
        classes: tuple[str, ...],
    ):
        super().__init__()
        self.films, self.internal, self.external = films, internal, external
        self.classes, self.began = classes, 0.0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Called by Keras."""
        self.began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        """Called by Keras, with a dict that the callbacks after this one get too.

        Raises:
            DivergedError: If the loss is no longer finite.
        """
        seconds = time.monotonic() - self.began
        if not math.isfinite(logs["loss"]):
            raise DivergedError(DIVERGED)
        with averaged(self.model):
            internal, external = scores_of(self.model, self.internal, self.external, self.classes)
        logs.update(internal, **external, choice=selection_score(internal, external))
        logs["images_per_second"] = self.films / seconds


class KeepEpochs(keras.callbacks.Callback):
    """Commits every epoch to the run's folder, and ends a stage that gets no better.

    Keras' own checkpoints and early stopping forget with their process how many epochs were no
    better; a run's state does not.

    Args:
        run: The folder.
        state: Where it is; brought up to date.
        recipe: What the run does.
        network: Whose weights are kept, of the best epoch.
    """

    def __init__(self, run: Run, state: State, recipe: TrainingConfig, network: keras.Model):
        super().__init__()
        self.run, self.state, self.network = run, state, network
        self.stage, self.patience = recipe.stages[state.stage], recipe.patience
        # Its films a second are not those of a training that passes all layers.
        self.kept = {"feature_draws": recipe.feature_draws} if recipe.feature_draws else {}

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        """Called by Keras, once `Validate` has added to the logs."""
        state = self.state
        better = state.best_choice is None or logs["choice"] > state.best_choice
        if better:
            state.best_choice, state.stale = logs["choice"], 0
        else:
            state.stale += 1
        state.epoch += 1
        state.total_epochs += 1
        row = {"epoch": state.total_epochs, "stage": self.stage.name, "size": self.stage.size}
        row |= self.kept
        state.history.append(row | {name: round(value, 5) for name, value in logs.items()})
        with replacing(self.run.last_weights(state)) as part:
            self.model.save_weights(part)
        self.run.commit(state)
        if better:
            with averaged(self.model):
                self.run.save_best(self.network)
        self.model.stop_training = state.stale >= self.patience
