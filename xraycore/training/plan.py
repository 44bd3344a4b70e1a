"""A training to be: its command line, its recipe, and how long it will take."""

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from xraycore.datasets.folds import Fold
from xraycore.datasets.labelling import LabelPolicy
from xraycore.datasets.labels import parse_classes
from xraycore.datasets.manifest import Manifest
from xraycore.datasets.splits import limit_training, read_splits
from xraycore.errors import ArgumentError
from xraycore.models.card_schema import RunEntry
from xraycore.models.registry import get_spec
from xraycore.models.spec import ModelSpec
from xraycore.training.config import TrainingConfig, preset
from xraycore.training.settings import SETTINGS, options_of
from xraycore.utils.stored import finite, read_stored, read_table

# As a folder's name, in a link and on a command line it needs no quotes.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


@dataclass(frozen=True)
class Plan:
    """What `train` is asked for.

    Attributes:
        datasets: As `read_manifest` takes them. Paths are made absolute.
        model: Network.
        preset: Recipe.
        weights: "none", "imagenet" or a `.weights.h5` file.
        films: At most that many training films; None for all.
        changes: What is otherwise than the preset has it, see `TrainingConfig.adapted`.
        classes: See `parse_classes`; None for those that the data sets have.
        choose_on: Data sets that are never trained on, to choose the best epoch by.
        teacher: Shipped models to imitate as well.
        precision: See `resolve_precision`.
        seed: Of everything random.
        end: Where the network ends; None for where trainings end it.
        labels: How they are read, see `LabelPolicy.parse`; None for the default.
        fold: Which fold is held out, see `Fold.parse`; None for none.
    """

    datasets: tuple[str, ...]
    model: str
    preset: str = "cpu"
    weights: str = "none"
    films: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    classes: str | None = None
    choose_on: tuple[str, ...] = ()
    teacher: tuple[str, ...] = ()
    precision: str = "auto"
    seed: int = 0
    end: str | None = None
    labels: str | None = None
    fold: str | None = None

    def __post_init__(self) -> None:
        # Whoever goes on with it may stand elsewhere.
        for name in ("datasets", "choose_on"):
            paths = tuple(str(Path(one).absolute()) for one in getattr(self, name))
            object.__setattr__(self, name, paths)
        if self.weights not in ("none", "imagenet"):
            object.__setattr__(self, "weights", str(Path(self.weights).absolute()))

    @classmethod
    def parse(cls, arguments: Sequence[str], start: str | Path = "") -> "Plan":
        """The plan of a command line of `train`, as a run's folder keeps it.

        Nothing but a plan is taken from it: no other command, no option that there is not, and
        neither where the run lies nor whether it is a new one.

        Args:
            arguments: What follows `python -m xraycore`.
            start: Where its relative paths start.

        Raises:
            ArgumentError: If it is not such a command line.
        """
        words = list(arguments)
        if words[:1] != ["train"] or not all(isinstance(word, str) for word in words):
            raise ArgumentError(f"expected a command line of train. Received: {arguments!r}")
        found = vars(_parser().parse_intermixed_args(words[1:]))
        for ignored in ("out", "resume", "json"):
            del found[ignored]
        changes = {name: found.pop(name) for name in SETTINGS}
        for paths in ("datasets", "choose_on"):
            found[paths] = tuple(str(Path(start, one)) for one in found[paths])
        if found["weights"] not in ("none", "imagenet"):
            found["weights"] = str(Path(start, found["weights"]))
        given = {name: value for name, value in changes.items() if value is not None}
        plan = cls(**{**found, "teacher": tuple(found["teacher"]), "changes": given})
        plan.recipe()
        return plan

    @property
    def spec(self) -> ModelSpec:
        """The network, ended where it is to be."""
        return get_spec(self.model, self.end or get_spec(self.model).default_end)

    def recipe(self) -> TrainingConfig:
        """What the run will do.

        Raises:
            ArgumentError: If there is no such network or preset, or a value is out of its range.
        """
        chosen = preset(self.preset, self.spec, pretrained=self.weights != "none")
        return chosen.adapted(self.changes)

    def manifest(self) -> Manifest:
        """The films with their splits.

        Raises:
            DatasetError: If a data set cannot be read.
            ArgumentError: If there is no such fold.
        """
        classes = parse_classes(self.classes) if self.classes else None
        policy = LabelPolicy.parse(self.labels)
        fold = Fold.parse(self.fold) if self.fold else None
        manifest = read_splits(self.datasets, classes, policy, seed=self.seed, fold=fold)
        return (
            manifest if self.films is None else limit_training(manifest, self.films, seed=self.seed)
        )

    def train_arguments(self, folder: str | Path, *, resume: bool = False) -> list[str]:
        """The command line that trains, after `python -m xraycore`."""
        out = ["--out", str(Path(folder).absolute()), *(["--resume"] if resume else [])]
        return ["train", *self._words(*_OF_BOTH, *_OF_TRAIN), *options_of(self.changes), *out]

    def rate_arguments(self) -> list[str]:
        """The command line of the learning-rate finder, whose answer is a JSON document."""
        changes = options_of(self.changes, of_stage=False)
        return ["lr-find", *self._words(*_OF_BOTH), *changes, "--json"]

    def ship_arguments(self, folder: str | Path) -> list[str]:
        """The command line that ships the run of a folder.

        Raises:
            ArgumentError: If a fold was held out of it.
        """
        if self.fold:
            raise ArgumentError(
                f"fold {self.fold} was held out of it to be judged: to ship a network, train one "
                "on all training films."
            )
        return ["ship", str(Path(folder).absolute()), *self._words("classes", "labels", "films")]

    def _words(self, *names: str) -> list[str]:
        """The data sets, and those options that are not as they are by default."""
        words = [*self.datasets]
        for name in names:
            value, default = getattr(self, name), Plan.__dataclass_fields__[name].default
            if value != default or name == "preset":
                several = value if isinstance(value, tuple) else (value,)
                words += [word for one in several for word in (_option(name), str(one))]
        return words


_OF_BOTH = ("model", "end", "preset", "weights", "films", "classes", "labels", "seed")
_OF_TRAIN = ("choose_on", "teacher", "precision", "fold")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ArgumentError(f"expected a command line of train: {message}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("datasets", nargs="+")
    for name in (*_OF_BOTH, *_OF_TRAIN):
        default = Plan.__dataclass_fields__[name].default
        if default == ():
            parser.add_argument(_option(name), action="append", default=[])
        else:
            kind = int if name in ("films", "seed") else str
            parser.add_argument(_option(name), type=kind, default=default, required=name == "model")
    for setting in SETTINGS.values():
        parser.add_argument(f"--{setting.word}", dest=setting.name, type=setting.type)
    # Where a run lies and how it is told of is not its plan's.
    parser.add_argument("--out")
    for flag in ("--resume", "--json"):
        parser.add_argument(flag, action="store_true")
    return parser


def check_name(name: str, runs: Path) -> str:
    """The name of a new run.

    Raises:
        ArgumentError: If it is no plain folder name, or is taken.
    """
    if not is_name(name):
        raise ArgumentError(
            "a run's name has 1 to 60 letters, digits, dots, dashes or underscores, and begins "
            f"with a letter or digit. Received: {name!r}"
        )
    if (runs / name).exists():
        raise ArgumentError(
            f"there is something called {name} in {runs} already: name it otherwise."
        )
    return name


def is_name(name: str) -> bool:
    """Whether a text can be a run's name."""
    return _NAME.fullmatch(name) is not None


def free_name(model: str, recipe: str, runs: Path) -> str:
    """A name that no run has: the network's and the preset's, with a number where needed."""
    base = f"{model}-{recipe}"
    numbers = (f"{base}-{number}" for number in range(2, 10_000))
    return next(name for name in (base, *numbers) if not (runs / name).exists())


def measured_speeds(model: str, folders: Iterable[Path]) -> dict[int, float]:
    """Size in pixels -> training images a second, as histories of that model have it.

    Args:
        model: Network.
        folders: Of runs and of shipped models; a later one's figure replaces an earlier one's.
    """
    speeds: dict[int, float] = {}
    for folder in folders:
        try:
            if _model_of(folder) != model:
                continue
            for row in read_table(folder / "history.csv", ArgumentError):
                if row.get("feature_draws"):
                    continue  # Its films had passed the frozen layers before.
                speeds[int(row["size"])] = finite(row["images_per_second"])
        except (OSError, ValueError, KeyError):
            continue  # What cannot be read measures nothing.
    return {size: speed for size, speed in speeds.items() if speed > 0}


def _model_of(folder: Path) -> str:
    """The network of a run; a shipped model's folder is called by it."""
    try:
        return read_stored(folder / "run.json", RunEntry, ArgumentError)["model"]
    except FileNotFoundError:
        return folder.name


def expected_seconds(
    recipe: TrainingConfig, films: int, speeds: Mapping[int, float]
) -> float | None:
    """How long all epochs of a recipe take; None where no speed is known.

    A size that was not measured costs as its area tells, from the nearest one that was. Reading
    the films and judging the validation films come on top, an early end comes off.
    """
    if not speeds:
        return None
    seconds = 0.0
    for stage in recipe.stages:
        nearest = min((abs(size - stage.size), size) for size in speeds)[1]
        speed = speeds[nearest] * (nearest / stage.size) ** 2
        seconds += stage.epochs * films / speed
    return seconds
