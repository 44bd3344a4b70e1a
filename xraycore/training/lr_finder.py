"""Learning-rate range test: the loss while the rate rises (Smith 2015, arXiv:1506.01186)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from xraycore.datasets.manifest import Manifest
from xraycore.datasets.splits import trainable_classes
from xraycore.errors import ArgumentError
from xraycore.models.architectures import build_network
from xraycore.models.pretrained import load_pretrained
from xraycore.models.spec import ModelSpec
from xraycore.training.batches import BatchSequence, ImageArray, load_images
from xraycore.training.config import Stage, TrainingConfig
from xraycore.training.learner import compile_for, resolve_precision, set_trainable
from xraycore.utils.precision import computing_in
from xraycore.utils.progress import Progress, ProgressCallback, ignore

LOWEST, HIGHEST = 1e-7, 1.0
# Narrow beside the one to two decades over which a loss falls, wide beside its noise.
SMOOTHING_DECADES = 0.3
DIVERGENCE = 4.0


@dataclass(frozen=True, eq=False)
class RateCurve:
    """What a range test measured.

    Attributes:
        stage: What was trained, at which size.
        rates: Float64 (n,), rising by a constant factor.
        losses: Float64 (n,), of each batch, before its step at that rate.
        smoothed: Float64 (n,), see `smooth`.
        suggestion: A peak rate, see `suggest`; None where the loss never fell.
        diverged: Whether the test ended because the loss ran away.
    """

    stage: Stage
    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    suggestion: float | None
    diverged: bool

    def to_json(self) -> dict:
        """Plain values."""
        return {
            "stage": self.stage.name,
            "size": self.stage.size,
            "unfreeze_from": self.stage.unfreeze_from,
            "suggestion": self.suggestion,
            "diverged": self.diverged,
            "rates": self.rates.tolist(),
            "losses": self.losses.tolist(),
            "smoothed": self.smoothed.tolist(),
        }


def find_learning_rate(
    manifest: Manifest,
    spec: ModelSpec,
    recipe: TrainingConfig,
    *,
    stage: Stage | None = None,
    weights: str = "none",
    precision: str = "auto",
    steps: int = 100,
    seed: int = 0,
    report: ProgressCallback = ignore,
) -> RateCurve:
    """Trains on one batch per rate, from 1e-7 up to 1, until the loss diverges.

    Args:
        manifest: Records with their splits; films are drawn from the training split.
        spec: What to train.
        recipe: Batch size, augmentation, weight decay and the rest.
        stage: Which layers, at which size; by default the recipe's first stage that trains more
            than the head.
        weights: Start, see `load_pretrained`.
        precision: See `resolve_precision`.
        steps: Number of rates.
        seed: Of initial weights, choice and order of films, and augmentation.
        report: Called after every film and every batch.

    Raises:
        DatasetError: If the data set cannot be trained on.
        ArgumentError: If there are fewer than 10 steps, the starting weights do not fit, or the
            loss is not finite to begin with.
    """
    if steps < 10:
        raise ArgumentError(f"steps must be at least 10. Received: {steps}")
    classes = trainable_classes(manifest)
    stage = stage or first_deep_stage(recipe)
    factor = (HIGHEST / LOWEST) ** (1 / (steps - 1))
    keras.utils.set_random_seed(seed)
    with computing_in(resolve_precision(precision)):
        network = build_network(spec, len(classes), size=stage.size, dropout=recipe.dropout)
        load_pretrained(network, spec, weights)
        set_trainable(network, stage, freeze_batch_norm=recipe.freeze_batch_norm)
        schedule = keras.optimizers.schedules.ExponentialDecay(LOWEST, 1, factor)
        learner = compile_for(network, recipe, schedule, classes)
        films = _some_films(manifest, steps * recipe.batch_size, stage.size, recipe, seed, report)
        grid = learner.outputs[1].shape[1:3]
        losses: list[float] = []
        diverged = False
        for films_in, targets, sample_weights in _endless(films, classes, grid, recipe, seed):
            learner.reset_metrics()
            logs = learner.train_on_batch(films_in, targets, sample_weights, return_dict=True)
            loss = float(logs["loss"])
            if np.isfinite(loss):
                losses.append(loss)
            diverged = not np.isfinite(loss) or diverges(smooth(losses, _width(steps)))
            report(Progress(len(losses) / steps, "range test", loss=loss))
            if diverged or len(losses) == steps:
                break
    if len(losses) < 2:
        raise ArgumentError("the loss is not finite even at the lowest rate: look at the weights.")
    rates = LOWEST * factor ** np.arange(len(losses))
    smoothed = smooth(losses, _width(steps))
    return RateCurve(stage, rates, np.array(losses), smoothed, suggest(rates, smoothed), diverged)


def first_deep_stage(recipe: TrainingConfig) -> Stage:
    """The first stage that trains more than the head; the first one where none does."""
    deep = (stage for stage in recipe.stages if stage.unfreeze_from is not None)
    return next(deep, recipe.stages[0])


def smooth(losses: Sequence[float], width: float) -> np.ndarray:
    """Mean of each loss and its neighbours, weighted by a Gaussian of that width in steps.

    Centred: a running mean, the usual choice, lags behind and puts every suggestion too high.
    """
    steps = np.arange(len(losses))
    kernel = np.exp(-0.5 * ((steps[:, None] - steps) / width) ** 2)
    return kernel @ np.asarray(losses, np.float64) / kernel.sum(axis=1)


def diverges(smoothed: np.ndarray) -> bool:
    """Whether a loss has risen to more than four times its minimum."""
    return bool(smoothed[-1] > DIVERGENCE * smoothed.min())


def suggest(rates: np.ndarray, smoothed: np.ndarray) -> float | None:
    """The rate at which the loss falls most per decade, before its minimum.

    The minimum itself is too high a rate: there the loss is about to rise. No more than an order
    of magnitude: where batches are small and the loss hardly falls, noise decides. None where the
    loss is lowest at the lowest rate.
    """
    lowest = int(smoothed.argmin())
    if lowest == 0:
        return None
    slopes = np.gradient(smoothed, np.log10(rates))
    return float(rates[slopes[: lowest + 1].argmin()])


def _width(steps: int) -> float:
    return SMOOTHING_DECADES * (steps - 1) / np.log10(HIGHEST / LOWEST)


def _some_films(
    manifest: Manifest,
    count: int,
    size: int,
    recipe: TrainingConfig,
    seed: int,
    report: ProgressCallback,
) -> ImageArray:
    """At most `count` training films, drawn at random."""
    records = manifest.split("train")
    chosen = np.random.default_rng(seed).permutation(len(records))[:count]
    return load_images(
        [records[i] for i in np.sort(chosen)],
        size,
        recipe.view,
        report,
    )


def _endless(
    films: ImageArray,
    classes: Sequence[str],
    grid: tuple[int, int],
    recipe: TrainingConfig,
    seed: int,
) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]]:
    """Full batches, epoch after epoch; a smaller last one would only add noise to the curve."""
    epoch = 0
    while True:
        batches = BatchSequence(
            films,
            classes,
            grid,
            batch_size=recipe.batch_size,
            augmentation=recipe.augmentation,
            balance=recipe.balance,
            synthetic_opacity_rate=recipe.synthetic_opacity_rate,
            seed=seed,
            epoch=epoch,
        )
        for index in range(max(1, len(films.records) // recipe.batch_size)):
            yield batches[index]
        epoch += 1
