"""What a training run does, as data: stages, rates, balance, augmentation; and the presets."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from xraycore.anatomy.crop import check_field_of_view
from xraycore.errors import ArgumentError
from xraycore.models.spec import ModelSpec
from xraycore.training.augmentation import Augmentation

PRESETS = ("cpu", "gpu", "quick", "shipped", "tune")
_OF_STAGE = ("epochs", "learning_rate")
# What cards and runs call it, from their first version on.
STORED_NAMES = {
    "lung_loss_weight": "evidence",
    "lesion_loss_weight": "lesion_evidence",
    "normal_loss_weight": "normal_evidence",
    "synthetic_opacity_rate": "painted",
    "ema_momentum": "averaged",
}

# Hospitals differ in exposure, noise and framing; a network should not tell them by that.
DOMAIN_RANDOM = Augmentation(
    shear=0.1, zoom=0.2, rotation=10, shift=0.06, gamma=0.4, contrast=0.3, noise=0.03
)
# And of what grey curve and sharpness their machines make.
STYLES = replace(DOMAIN_RANDOM, curve=0.1, sharpness=0.5)
# Epochs and learning rate of the preset "tune", where the usual ones are not the best found.
_TUNING = {
    "basic_cnn": (6, 1e-3),
    "vgg16": (2, 1e-4),
    "resnet50": (4, 4e-4),
    "inception_v3": (6, 5e-4),
}


@dataclass(frozen=True)
class Stage:
    """One phase of training, with its own resolution, rate and set of trained layers.

    Attributes:
        name: Name in the history.
        epochs: At most this many; early stopping may end the stage before.
        size: Height and width of the films in pixels.
        learning_rate: Peak rate, after the warm-up and before the cosine decay.
        unfreeze_from: Prefix of the first trained layer, "" for all layers; None for the head only.
    """

    name: str
    epochs: int
    size: int
    learning_rate: float
    unfreeze_from: str | None = ""

    def __post_init__(self) -> None:
        for name in ("epochs", "size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ArgumentError(f"{name} must be positive. Received: {getattr(self, name)}")


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a run except network, data and seed.

    Attributes:
        stages: In order; each starts from the best weights of the one before.
        batch_size: Images a step.
        weight_decay: Of AdamW (Loshchilov & Hutter 2017, arXiv:1711.05101).
        label_smoothing: Share of the target spread over all classes.
        dropout: Rate before the head.
        balance: A film's loss weighs n(class, source)^-balance, scaled to mean 1: at 1, every
            class of every source weighs the same; at 0, every film does.
        warmup: Share of a stage's steps over which the rate rises from zero.
        patience: Epochs of a stage that are no better (see `selection_score`) before it ends.
        freeze_batch_norm: Keep the statistics of a pretrained backbone.
        view: What the network sees of a film: "lungs" (the lung field with a margin) or "film".
        lung_loss_weight: Weight of the loss on evidence outside the lungs (see `Learner`).
        lesion_loss_weight: Weight of the loss on evidence beside the lesion, where one is drawn;
            at 0 such a film is like any other.
        normal_loss_weight: Weight of the loss on evidence of disease in normal films, in logits.
        against: What evidence for a disease is compared with: "normal", or "others", all classes
            that the label rules out. Evidence for Normal is compared with these anyway.
        decoupling: Weight of the loss on squared logits.
        synthetic_opacity_rate: Share of the normal training films into which opacities are painted,
            for the network to look there (see `add_opacities`).
        phantoms: Number of generated films that are trained on too, half of them with an opacity.
        ema_momentum: Momentum of the moving average of the trained weights that is judged and kept
            in their stead (Polyak & Juditsky 1992, doi:10.1137/0330046); 0 for the weights
            themselves.
        distillation: Share of the loss that is taken from the teachers, where a run has any.
        feature_draws: How many sets of random changes are drawn for the training films, for what
            the frozen layers make of them to be computed once and kept on disk; 0 for changes drawn
            anew in every epoch, through all layers (see `training.feature_cache`).
        augmentation: Random changes of the training films.
    """

    stages: tuple[Stage, ...]
    batch_size: int = 32
    weight_decay: float = 1e-4
    label_smoothing: float = 0.05
    dropout: float = 0.2
    balance: float = 0.7
    warmup: float = 0.1
    patience: int = 3
    freeze_batch_norm: bool = True
    view: str = "lungs"
    lung_loss_weight: float = 1.0
    lesion_loss_weight: float = 2.0
    normal_loss_weight: float = 0.0
    against: str = "normal"
    decoupling: float = 0.0
    synthetic_opacity_rate: float = 0.0
    phantoms: int = 0
    ema_momentum: float = 0.0
    distillation: float = 0.5
    feature_draws: int = 0
    augmentation: Augmentation = Augmentation()

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ArgumentError(f"batch_size must be positive. Received: {self.batch_size}")
        check_field_of_view(self.view)
        if self.against not in ("normal", "others"):
            raise ArgumentError(f"against must be normal or others. Received: {self.against!r}")
        if not 0 <= self.synthetic_opacity_rate <= 1:
            raise ArgumentError(
                f"painted must lie between 0 and 1. Received: {self.synthetic_opacity_rate}"
            )
        if not self.weight_decay >= 0:
            raise ArgumentError(f"weight_decay must not be negative. Received: {self.weight_decay}")
        if not 0 <= self.balance <= 1:
            raise ArgumentError(f"balance must lie between 0 and 1. Received: {self.balance}")
        if self.phantoms < 0:
            raise ArgumentError(f"phantoms must not be negative. Received: {self.phantoms}")
        if self.feature_draws < 0:
            raise ArgumentError(
                f"feature_draws must not be negative. Received: {self.feature_draws}"
            )
        if not 0 <= self.ema_momentum < 1:
            raise ArgumentError(
                f"averaged must be at least 0 and below 1. Received: {self.ema_momentum}"
            )

    def to_json(self) -> dict:
        """Plain values, for a card or a run's configuration, by the names that these have."""
        return {STORED_NAMES.get(name, name): value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, data: dict) -> "TrainingConfig":
        """The recipe that `to_json` wrote."""
        # Before there was a choice, evidence was compared with all other classes, and where
        # opacities were painted it weighed what it did in the lungs.
        data = {"against": "others", "lesion_evidence": data.get("evidence", 1.0), **data}
        names = {stored: name for name, stored in STORED_NAMES.items()}
        values = {names.get(stored, stored): value for stored, value in data.items()}
        values["stages"] = tuple(Stage(**stage) for stage in data["stages"])
        values["augmentation"] = Augmentation(**data["augmentation"])
        return cls(**values)

    def adapted(self, changes: Mapping[str, Any]) -> "TrainingConfig":
        """The same recipe but for what is named.

        Args:
            changes: Name of an attribute, here or of the last stage, -> its value; of the
                augmentation also as `Augmentation.parse` takes it.

        Raises:
            ArgumentError: If a value is out of its range.
        """
        of_stage = {name: changes[name] for name in _OF_STAGE if name in changes}
        own = {name: value for name, value in changes.items() if name not in of_stage}
        if isinstance(own.get("augmentation"), str):
            own["augmentation"] = Augmentation.parse(own["augmentation"])
        return replace(
            self, **own, stages=(*self.stages[:-1], replace(self.stages[-1], **of_stage))
        )


def preset(name: str, spec: ModelSpec, *, pretrained: bool) -> TrainingConfig:
    """The recipe of that name for a network that starts from ImageNet weights or from none.

    "cpu" is made for two cores and an hour or two: low resolution first, the early layers frozen.
    "gpu" trains all layers at full resolution. "quick" shows within a minute or two that a few
    hundred films can be learnt from at all. "shipped" is what the models under `weights/` that see
    the lung field were trained with on two cores; a model's card has its own command. "tune" trains
    the last layers of a trained network on, for its heat to find lesions.

    Raises:
        ArgumentError: If there is no such preset.
    """
    full = spec.input_size
    low = round(full * 4 / 7 / 32) * 32  # 128 of 224
    if name == "quick" and pretrained:
        return TrainingConfig((Stage("all", 10, 96, 1e-4),), batch_size=16, patience=10)
    if name == "quick":
        # InceptionV3 and Xception cannot be built below 75 pixels. Small steps, many of them, and
        # films that stay nearly as they are: a few hundred teach a fresh network little per epoch.
        small = 64 if spec.imagenet is None else 96
        return TrainingConfig(
            (Stage("all", 20, small, 3e-3),),
            batch_size=8,
            patience=20,
            freeze_batch_norm=False,
            augmentation=Augmentation(shear=0.0, zoom=0.0),
        )
    stages: tuple[Stage, ...]
    if name == "cpu" and pretrained:
        since = spec.cpu_unfreeze_from
        stages = (
            Stage("head", 1, low, 1e-3, None),
            Stage("low resolution", 3, low, 1e-4, since),
            Stage("full resolution", 1, full, 3e-5, since),
        )
    elif name == "cpu":
        stages = (
            Stage("low resolution", 8, low, 2e-3),
            Stage("full resolution", 3, full, 5e-4),
        )
    elif name == "shipped":
        return _shipped(spec, low, pretrained)
    elif name == "tune":
        return _tune(spec, pretrained)
    elif name == "gpu" and pretrained:
        stages = (Stage("head", 2, full, 1e-3, None), Stage("all", 15, full, 1e-4))
    elif name == "gpu":
        stages = (Stage("low resolution", 30, low, 2e-3), Stage("full resolution", 20, full, 5e-4))
    else:
        raise ArgumentError(f"preset must be one of {', '.join(PRESETS)}. Received: {name!r}")
    return TrainingConfig(stages, freeze_batch_norm=pretrained)


def _shipped(spec: ModelSpec, low: int, pretrained: bool) -> TrainingConfig:
    full, since = spec.input_size, spec.cpu_unfreeze_from
    if pretrained:
        # VGG16 has no batch normalisation to keep larger steps in check.
        rates = (1e-4, 7.5e-5) if spec.name == "vgg16" else (2e-4, 1.5e-4)
        stages = (
            Stage("low resolution", 2, low, rates[0], since),
            Stage("full resolution", 3, full, rates[1], since),
        )
    else:
        # The small network costs a tenth of the others, and learns more slowly; those take half
        # as long at 96 pixels as at 128. ResNet50, the dearest, never sees films of 224 pixels:
        # at 160 an epoch takes half as long, and its map has the 10 x 10 cells of InceptionV3's.
        small, last = (low, 8) if spec.imagenet is None else (96, 3)
        high = 160 if spec.name == "resnet50" else full
        stages = (
            Stage("low resolution", 12, small, 2e-3),
            Stage("high resolution", last, high, 5e-4),
        )
    return TrainingConfig(
        stages, freeze_batch_norm=pretrained, patience=12, augmentation=DOMAIN_RANDOM
    )


def _tune(spec: ModelSpec, pretrained: bool) -> TrainingConfig:
    # VGG16 has no batch normalisation to keep larger steps in check.
    epochs, rate = _TUNING.get(spec.name, (3, 2e-4))
    since = spec.tune_from if pretrained else ""
    return TrainingConfig(
        (Stage("tuning", epochs, spec.input_size, rate, since),),
        freeze_batch_norm=pretrained and spec.imagenet is not None,
        patience=epochs,
        # VGG16 finds 4 more of 100 drawn lesions with it than with a third of it, and calls 16 more
        # of 100 generated opacities so after 1,500 generated films than after 600 fainter ones.
        lesion_loss_weight=6.0,
        phantoms=1500,
        augmentation=STYLES,
    )
