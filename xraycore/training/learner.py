"""What is trained and how: precision, frozen layers, loss, optimizer, dropout's randomness."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from xraycore.errors import ArgumentError
from xraycore.models.architectures import HEAD
from xraycore.training.config import Stage, TrainingConfig

PRECISIONS = ("auto", "float32", "mixed_bfloat16")


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Networks built inside compute in that precision; afterwards Keras' policy is as before."""
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)


def resolve_precision(precision: str) -> str:
    """A precision by name; "auto" is what the hardware computes in.

    That is mixed_bfloat16 where it is native and float32 where it would be emulated: on a Xeon
    without AVX512-BF16 a VGG16 step takes 1.06 s an image in mixed_bfloat16, 0.24 s in float32.

    Raises:
        ArgumentError: If there is no such precision.
    """
    if precision not in PRECISIONS:
        raise ArgumentError(
            f"precision must be one of {', '.join(PRECISIONS)}. Received: {precision!r}"
        )
    if precision != "auto":
        return precision
    # Where a new tensor lies: Keras itself lists no devices under PyTorch.
    if "cpu" not in str(keras.ops.zeros(()).device).lower():
        return "mixed_bfloat16"
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    return "mixed_bfloat16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32"


def set_trainable(network: keras.Model, stage: Stage, *, freeze_batch_norm: bool) -> None:
    """Freezes what a stage does not train, and has the statistics of the rest follow closely.

    Raises:
        ArgumentError: If no layer's name starts with the stage's prefix.
    """
    reached = stage.unfreeze_from == ""
    for layer in network.layers:
        if stage.unfreeze_from and layer.name.startswith(stage.unfreeze_from):
            reached = True
        normalises = isinstance(layer, keras.layers.BatchNormalization)
        if normalises:
            # Keras' 0.99 lags hundreds of steps behind, more than an epoch of a small set has.
            layer.momentum = 0.9
        frozen = freeze_batch_norm and normalises
        layer.trainable = layer.name == HEAD or (reached and not frozen)
    if stage.unfreeze_from and not reached:
        raise ArgumentError(f"no layer of {network.name} starts with {stage.unfreeze_from!r}.")


class Learner(keras.Model):
    """A network with the loss it is trained on.

    The loss of a film is minus the log of the summed probability of the classes that its label
    allows, with smoothing; mixed with the cross-entropy to the teachers' probabilities, where
    there are any; plus a weight times the share of positive evidence outside the lungs.

    Evidence is what the linear head sums up: relu(A (W_y - mean of the W of classes that the label
    rules out)) of the feature map A, summed over the classes y that it allows. It costs one product
    and no second backward pass.
    """

    def __init__(self, network: keras.Model, recipe: TrainingConfig):
        super().__init__(network.inputs, network.outputs)
        self.recipe = recipe
        self.head = network.get_layer(HEAD)
        self.accuracy = keras.metrics.Mean(name="accuracy")
        self.inside = keras.metrics.Mean(name="inside")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Called by Keras."""
        ops, recipe = keras.ops, self.recipe
        logits, features = y_pred
        log_p = ops.log_softmax(ops.cast(logits, "float32"))
        allowed = ops.cast(y["classes"], "float32")
        # Minus 1e9, not infinity: its exponential is 0 either way, its gradient is no NaN.
        loss = -ops.logsumexp(log_p + (allowed - 1.0) * 1e9, axis=-1)
        smooth = recipe.label_smoothing
        loss = (1.0 - smooth) * loss - smooth * ops.mean(log_p, axis=-1)
        if "teacher" in y:
            taught = -ops.sum(ops.cast(y["teacher"], "float32") * log_p, axis=-1)
            loss = (1.0 - recipe.distillation) * loss + recipe.distillation * taught
        if recipe.evidence:
            loss = loss + recipe.evidence * (1.0 - self._share_inside(y, features))
        if sample_weight is not None:
            loss = loss * ops.cast(sample_weight, "float32")
        return ops.mean(loss)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Called by Keras."""
        ops = keras.ops
        logits, features = y_pred
        predicted = ops.one_hot(ops.argmax(logits, axis=-1), logits.shape[-1])
        self.accuracy.update_state(ops.sum(predicted * y["classes"], axis=-1))
        self.inside.update_state(self._share_inside(y, features))
        return self.get_metrics_result()

    def _share_inside(self, y: dict, features: "keras.KerasTensor") -> "keras.KerasTensor":
        ops = keras.ops
        allowed = ops.cast(y["classes"], "float32")
        size = ops.sum(allowed, axis=-1)
        # A label that allows every class tells of none, and has no others to compare with.
        others = ops.maximum(allowed.shape[-1] - size, 1.0)
        maps = ops.matmul(ops.cast(features, "float32"), ops.cast(self.head.kernel, "float32"))
        against = ops.sum(maps * (1.0 - allowed)[:, None, None, :], axis=-1, keepdims=True)
        each = ops.relu(maps - against / others[:, None, None, None])
        evidence = ops.sum(each * allowed[:, None, None, :], axis=-1)
        inside = ops.sum(evidence * ops.cast(y["lungs"], "float32"), axis=(1, 2))
        return (inside + 1e-6) / (ops.sum(evidence, axis=(1, 2)) + 1e-6)


class Optimizer(keras.optimizers.AdamW):
    """AdamW with a moving average beside the weights that leaves the weights as they are.

    Keras puts the average in their place at the end of every `fit`, which is every epoch here: the
    next one would train on from it with moments that belong to others.
    """

    def finalize_variable_values(self, var_list):
        """Called by Keras."""

    def put_average(self, variables: list[keras.Variable]) -> None:
        """Gives the trained weights the values of their moving average."""
        super().finalize_variable_values(variables)


def compile_for(
    network: keras.Model,
    recipe: TrainingConfig,
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
) -> Learner:
    """A trainable model that shares the network's layers."""
    learner = Learner(network, recipe)
    learner.compile(
        Optimizer(
            learning_rate,
            weight_decay=recipe.weight_decay,
            clipnorm=1.0,
            use_ema=recipe.averaged > 0,
            ema_momentum=recipe.averaged,
        )
    )
    learner.optimizer.build(learner.trainable_variables)
    return learner


@contextmanager
def averaged(learner: Learner) -> Iterator[None]:
    """Inside, a learner has the moving average of its trained weights where its recipe wants one.

    The statistics of batch normalisation stay those of the last step.
    """
    if not learner.optimizer.use_ema:
        yield
        return
    weights = learner.trainable_variables
    own = [keras.ops.convert_to_numpy(one) for one in weights]
    learner.optimizer.put_average(weights)
    try:
        yield
    finally:
        for one, value in zip(weights, own, strict=True):
            one.assign(value)


def reseed_dropout(network: keras.Model, seed: int, epoch: int) -> None:
    """Makes dropout follow from (seed, epoch): Keras saves no random state with the weights."""
    state = int(np.random.default_rng((seed, epoch)).integers(2**31))
    for layer in network.layers:
        if getattr(layer, "seed_generator", None) is not None:
            layer.seed_generator.state.assign([state, 0])
