"""What is trained and how: precision, frozen layers, loss, optimizer, dropout's randomness."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from xraycore.datasets.labels import NORMAL
from xraycore.errors import ArgumentError
from xraycore.models.architectures import HEAD
from xraycore.training.config import Stage, TrainingConfig

PRECISIONS = ("auto", "float32", "mixed_bfloat16")


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
    if not on_cpu():
        return "mixed_bfloat16"
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    return "mixed_bfloat16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32"


def on_cpu() -> bool:
    """Whether the backend computes on a CPU."""
    # Where a new tensor lies: Keras itself lists no devices under PyTorch.
    return "cpu" in str(keras.ops.zeros(()).device).lower()


def with_xla() -> bool | str:
    """What a model is compiled with as `jit_compile`.

    TensorFlow's own kernels of a CPU know bfloat16; with XLA's it takes as much processor time as
    float32, which with them takes no more than with XLA.
    """
    return False if keras.backend.backend() == "tensorflow" and on_cpu() else "auto"


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
    there are any; plus a weight times the share of positive evidence in the wrong place: beside the
    lesion where one is drawn, outside the lungs elsewhere; plus, of a normal film, a weight times
    all evidence of disease; plus a weight times the squared logits (spectral decoupling, Pezeshki
    et al. 2020, arXiv:2011.09468).

    Evidence is what the linear head sums up: relu(A (W_y - V_y)) of the feature map A, summed over
    the classes y that the label allows. V_y is the W of Normal or the mean of the classes that the
    label rules out (`TrainingConfig.against`). It costs one product and no second backward pass.
    """

    def __init__(self, network: keras.Model, recipe: TrainingConfig, normal: int | None = None):
        super().__init__(network.inputs, network.outputs)
        self.recipe = recipe
        self.head = network.get_layer(HEAD)
        # Which class is Normal; none where there is no such class, or its number is not known.
        self.normal = normal
        self.accuracy = keras.metrics.Mean(name="accuracy")
        self.fraction_in_lungs = keras.metrics.Mean(name="inside")

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> "keras.KerasTensor":
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
        if recipe.lung_loss_weight or recipe.lesion_loss_weight or recipe.normal_loss_weight:
            loss = loss + self._misplaced(y, features)
        if recipe.decoupling:
            loss = loss + recipe.decoupling * ops.sum(ops.square(logits), axis=-1) / 2.0
        if sample_weight is not None:
            loss = loss * ops.cast(sample_weight, "float32")
        return ops.mean(loss)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict:
        """Called by Keras."""
        ops = keras.ops
        logits, features = y_pred
        predicted = ops.one_hot(ops.argmax(logits, axis=-1), logits.shape[-1])
        self.accuracy.update_state(ops.sum(predicted * y["classes"], axis=-1))
        self.fraction_in_lungs.update_state(_share(self._evidence(y, features), y["lungs"]))
        return self.get_metrics_result()

    def _misplaced(self, y: dict, features: "keras.KerasTensor") -> "keras.KerasTensor":
        """What the evidence costs by its place, (n,)."""
        ops, recipe = keras.ops, self.recipe
        evidence = self._evidence(y, features)
        cost = recipe.lung_loss_weight * (1.0 - _share(evidence, y["lungs"]))
        if recipe.lesion_loss_weight:
            beside = recipe.lesion_loss_weight * (1.0 - _share(evidence, y["lesions"]))
            cost = ops.where(ops.max(y["lesions"], axis=(1, 2)) > 0, beside, cost)
        if recipe.normal_loss_weight and self.normal is not None:
            # Of one that must be normal, and in logits: the mean over cells is what the head adds.
            maps = self._maps(features)
            classes = maps.shape[-1]
            normal = maps[..., self.normal]
            abnormal = (ops.sum(maps, axis=-1) - normal) / (classes - 1)
            must = y["classes"][:, self.normal] * (ops.sum(y["classes"], axis=-1) == 1)
            against = ops.mean(ops.relu(abnormal - normal), axis=(1, 2))
            cost = cost + recipe.normal_loss_weight * ops.cast(must, "float32") * against
        return cost

    def _maps(self, features: "keras.KerasTensor") -> "keras.KerasTensor":
        ops = keras.ops
        return ops.matmul(ops.cast(features, "float32"), ops.cast(self.head.kernel, "float32"))

    def _evidence(self, y: dict, features: "keras.KerasTensor") -> "keras.KerasTensor":
        """Evidence for what the label allows, (n, h, w), never negative."""
        ops = keras.ops
        allowed, maps = ops.cast(y["classes"], "float32"), self._maps(features)
        rivals = 1.0 - allowed
        if self.recipe.against == "normal" and self.normal is not None:
            # Where Normal itself is allowed, all that the label rules out, as else.
            alone = np.zeros(allowed.shape[-1], np.float32)
            alone[self.normal] = 1.0
            abnormal = 1.0 - allowed[:, self.normal : self.normal + 1]
            rivals = abnormal * alone + (1.0 - abnormal) * rivals
        # A label that allows every class tells of none, and has no others to compare with.
        count = ops.maximum(ops.sum(rivals, axis=-1), 1.0)
        against = ops.sum(maps * rivals[:, None, None, :], axis=-1, keepdims=True)
        each = ops.relu(maps - against / count[:, None, None, None])
        return ops.sum(each * allowed[:, None, None, :], axis=-1)


def _share(evidence: "keras.KerasTensor", place: "keras.KerasTensor") -> "keras.KerasTensor":
    """Share of the evidence (n, h, w) in a place (n, h, w); (n,), 1 where there is none."""
    ops = keras.ops
    inside = ops.sum(evidence * ops.cast(place, "float32"), axis=(1, 2))
    return (inside + 1e-6) / (ops.sum(evidence, axis=(1, 2)) + 1e-6)


class Optimizer(keras.optimizers.AdamW):
    """AdamW with a moving average beside the weights that leaves the weights as they are.

    Keras puts the average in their place at the end of every `fit`, which is every epoch here: the
    next one would train on from it with moments that belong to others.
    """

    def finalize_variable_values(self, var_list: list[keras.Variable]) -> None:
        """Called by Keras."""

    def put_average(self, variables: list[keras.Variable]) -> None:
        """Gives the trained weights the values of their moving average."""
        super().finalize_variable_values(variables)


def compile_for(
    network: keras.Model,
    recipe: TrainingConfig,
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    classes: Sequence[str] = (),
) -> Learner:
    """A trainable model that shares the network's layers.

    Without the names of its classes none of them is known to be Normal.
    """
    normal = list(classes).index(NORMAL) if NORMAL in classes else None
    learner = Learner(network, recipe, normal)
    learner.compile(
        Optimizer(
            learning_rate,
            weight_decay=recipe.weight_decay,
            clipnorm=1.0,
            use_ema=recipe.ema_momentum > 0,
            ema_momentum=recipe.ema_momentum,
        ),
        jit_compile=with_xla(),
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
