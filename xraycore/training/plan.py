"""A training to be: its command line, its recipe, and how long it will take."""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from xraycore.models.spec import ModelSpec, get_spec
from xraycore.training.recipe import Recipe, preset
from xraycore.training.run import Run

# As a folder's name, in a link and on a command line it needs no quotes.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


@dataclass(frozen=True)
class Plan:
    """What `train` is asked for; None leaves what the preset says.

    Attributes:
        datasets: As `read_manifest` takes them.
        model: Network.
        end: Where it ends; None for where trainings end it.
        preset: Recipe.
        weights: "none", "imagenet" or a `.weights.h5` file.
        films: At most that many training films.
        epochs: Of the last stage.
        lr: Peak learning rate of the last stage.
        augment: See `Augmentation.parse`.
        view: "lungs" or "film".
        evidence: Weight of the loss on evidence outside the lungs.
        painted: Share of the normal films into which opacities are painted.
    """

    datasets: tuple[str, ...]
    model: str
    preset: str = "quick"
    weights: str = "none"
    films: int | None = None
    epochs: int | None = None
    lr: float | None = None
    augment: str | None = None
    view: str | None = None
    evidence: float | None = None
    painted: float | None = None
    end: str | None = None

    @property
    def spec(self) -> ModelSpec:
        """The network, ended where it is to be."""
        spec = get_spec(self.model)
        return spec.ending(self.end or spec.default_end)

    def recipe(self) -> Recipe:
        """What the run will do.

        Raises:
            ValueError: If a value is out of its range.
        """
        return preset(self.preset, self.spec, pretrained=self.weights != "none").adapted(
            epochs=self.epochs,
            lr=self.lr,
            augment=self.augment,
            view=self.view,
            evidence=self.evidence,
            painted=self.painted,
        )

    def train_arguments(self, folder: str | Path) -> list[str]:
        """The command line that trains, after `python -m xraycore`."""
        rate = {"--epochs": self.epochs, "--lr": self.lr}
        return ["train", *self._shared(rate), "--out", str(folder)]

    def rate_arguments(self) -> list[str]:
        """The command line of the learning-rate finder, whose answer is a JSON document."""
        return ["lr-find", *self._shared({}), "--json"]

    def _shared(self, more: Mapping[str, object]) -> list[str]:
        options = {
            "--model": self.model,
            "--end": self.end,
            "--preset": self.preset,
            "--weights": self.weights if self.weights != "none" else None,
            "--films": self.films,
            **more,
            "--augment": self.augment,
            "--view": self.view,
            "--evidence": self.evidence,
            "--painted": self.painted,
        }
        given = ((name, value) for name, value in options.items() if value is not None)
        words = [word for name, value in given for word in (name, _said(value))]
        return [*self.datasets, *words]


def check_name(name: str, runs: Path) -> str:
    """The name of a new run.

    Raises:
        ValueError: If it is no plain folder name, or is taken.
    """
    if not is_name(name):
        raise ValueError(
            "a run's name has 1 to 60 letters, digits, dots, dashes or underscores, and begins "
            f"with a letter or digit. Received: {name!r}"
        )
    if (runs / name).exists():
        raise ValueError(f"there is something called {name} in {runs} already: name it otherwise.")
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
        end: Where it ends; None for where trainings end it.
        folders: Of runs and of shipped models; a later one's figure replaces an earlier one's.
    """
    speeds: dict[int, float] = {}
    for folder in folders:
        try:
            known = folder.name if not (folder / "run.json").exists() else None
            if (known or Run(folder).config.get("model")) != model:
                continue
            with (folder / "history.csv").open(newline="") as handle:
                for row in csv.DictReader(handle):
                    speeds[int(row["size"])] = float(row["images_per_second"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # What cannot be read measures nothing.
    return {size: speed for size, speed in speeds.items() if speed > 0}


def expected_seconds(recipe: Recipe, films: int, speeds: Mapping[int, float]) -> float | None:
    """How long all epochs of a recipe take; None where no speed is known.

    A size that was not measured costs as its area tells, from the nearest one that was. Reading
    the films and judging the validation films come on top, an early end comes off.
    """
    if not speeds:
        return None
    seconds = 0.0
    for stage in recipe.stages:
        nearest = min(speeds, key=lambda size, of=stage.size: (abs(size - of), size))
        speed = speeds[nearest] * (nearest / stage.size) ** 2
        seconds += stage.epochs * films / speed
    return seconds


def _said(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
