"""What may be set otherwise than a preset has it.

One table, from which the options of `train`, the Train page's form and the command line that the
page starts are made.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from xraycore.training.config import TrainingConfig

FIELDS_OF_VIEW = {"lungs": "Lungs only (lung-field crop)", "film": "Whole film"}


@dataclass(frozen=True)
class Setting:
    """One thing that may be set.

    Attributes:
        name: What a configuration calls it, or the last stage of one.
        word: What the command line calls it, after two dashes.
        type: Of the value.
        help: What the command line says of it.
        title: Its label in the form.
        explanation: What the form says of it; `{patience}` stands for the recipe's.
        low: Least value of a number.
        high: Greatest value that the form offers.
        step: Between two values that the form offers; 0 for a number that is typed.
        share: Whether the form shows it in percent.
        choices: Value -> what the form calls it, where it is one of a few.
        of_stage: Whether it is the last stage's: the learning-rate finder has no use for it.
    """

    name: str
    word: str
    type: type
    help: str
    title: str
    explanation: str
    low: float = 0
    high: float = 0
    step: float = 0
    share: bool = False
    choices: Mapping[str, str] = field(default_factory=dict)
    of_stage: bool = False

    def of(self, config: TrainingConfig) -> object:
        """What a configuration has."""
        return getattr(config.stages[-1] if self.of_stage else config, self.name)


SETTINGS: Mapping[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting(
            "epochs",
            "epochs",
            int,
            "Epochs of the last stage.",
            "Epochs",
            "Passes over the training films. A stage ends early where validation gets no better "
            "for {patience} epochs.",
            low=1,
            high=500,
            step=1,
            of_stage=True,
        ),
        Setting(
            "learning_rate",
            "lr",
            float,
            "Peak learning rate of the last stage; earlier stages keep theirs.",
            "Peak learning rate",
            "Length of the steps. Too long and the loss runs away, too short and nothing is "
            "learnt; the finder measures a good one.",
            of_stage=True,
        ),
        Setting(
            "batch_size",
            "batch-size",
            int,
            "Images a step.",
            "Films a step (batch size)",
            "More need more memory, and make steadier steps.",
            low=1,
            high=256,
            step=1,
        ),
        Setting(
            "view",
            "view",
            str,
            "What the network sees: lungs (the lung field) or film.",
            "What the network sees (view)",
            "Cropped to the lungs, a network cannot learn from markers and borders.",
            choices=FIELDS_OF_VIEW,
        ),
        Setting(
            "lung_loss_weight",
            "evidence",
            float,
            "Weight of the loss on evidence outside the lungs.",
            "Weight of evidence outside the lungs (evidence loss)",
            "How much it is punished for seeing signs where no lung is. 0 switches it off.",
            high=2.0,
            step=0.1,
        ),
        Setting(
            "lesion_loss_weight",
            "lesion-evidence",
            float,
            "Weight of the loss on evidence beside drawn lesions.",
            "Weight of evidence beside drawn lesions",
            "Where a person has drawn what is to be seen, on films that bring masks or boxes: how "
            "much the network is punished for seeing it elsewhere. 0 switches it off.",
            high=12.0,
            step=0.5,
        ),
        Setting(
            "weight_decay",
            "weight-decay",
            float,
            "How much large weights cost (AdamW).",
            "Weight decay",
            "How much each step pulls weights towards nought. More keeps a network from learning "
            "few films by heart.",
        ),
        Setting(
            "balance",
            "balance",
            float,
            "How far rare classes and sources are made up for, 0 to 1.",
            "Balance of classes and sources",
            "At 0 every film weighs the same; at 1 every class of every source does, however few "
            "films it has.",
            high=1.0,
            step=0.1,
        ),
        Setting(
            "synthetic_opacity_rate",
            "painted",
            float,
            "Share of the normal films into which opacities are painted, 0 to 1.",
            "Normal films with painted opacities",
            "So many are given soft opacities at random places of the lungs, must then be called "
            "ill, and for that only the painted places may speak: the network learns to look "
            "there.",
            high=1.0,
            step=0.1,
            share=True,
        ),
        Setting(
            "phantoms",
            "phantoms",
            int,
            "Generated films that are trained on too, half of them with an opacity.",
            "Generated films among the training films",
            "Chests of no person, half of them with an opacity whose place is known. Needs "
            "the class Normal and one that an opacity may be.",
            high=5000,
            step=100,
        ),
        Setting(
            "feature_draws",
            "cache-features",
            int,
            "Compute what the frozen layers make of the films once, under so many sets of changes.",
            "Fixed sets of changes (feature cache)",
            "Each film passes the frozen layers so many times only, with changes drawn once, and "
            "the trained layers learn from what is kept on disk: cheap epochs, less variety. 0 "
            "draws anew in every epoch.",
            high=8,
            step=1,
        ),
        Setting(
            "augmentation",
            "augment",
            str,
            "E.g. 'shear=0.2,zoom=0.2,flip=0.5', or none.",
            "Random changes of the training films (augmentation)",
            "Flips, shifts, turns, exposure and noise, drawn anew for every film and epoch. The "
            "Data page shows them on a film.",
        ),
    )
}


def changes_of(options: Mapping[str, object]) -> dict[str, object]:
    """Changes by the names of a configuration, from options of the command line; None is none."""
    names = {setting.word.replace("-", "_"): setting.name for setting in SETTINGS.values()}
    return {names[word]: value for word, value in options.items() if value is not None}


def options_of(changes: Mapping[str, object], *, of_stage: bool = True) -> Iterator[str]:
    """The options that make changes; without `of_stage` not those of the last stage."""
    for setting in SETTINGS.values():
        if setting.name in changes and (of_stage or not setting.of_stage):
            value = changes[setting.name]
            yield from (
                f"--{setting.word}",
                f"{value:g}" if isinstance(value, float) else str(value),
            )
