"""Every model of which something is stored: the shipped ones, and the user's own runs."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from xraycore.config import HOME, runs_folder, weights_folder
from xraycore.errors import ArgumentError, WeightsError, XrayCoreError
from xraycore.metrics.calibration import Calibration
from xraycore.models.card_schema import ModelCard, RunEntry
from xraycore.models.cards import list_trained, read_card, stored_title
from xraycore.models.registry import title_of
from xraycore.models.spec import FULL
from xraycore.utils.checkpoints import Card, load_card
from xraycore.utils.stored import finite, read_limited, read_stored, read_table

if TYPE_CHECKING:
    from xraycore.evaluation.predictions import PredictionSet
    from xraycore.metrics.operating_points import OperatingPoint

FILES = ("card.json", "run.json", "predictions.csv", "history.csv")
# What `python -m xraycore benchmark --json` wrote.
TIMINGS = Path("docs") / "measured" / "benchmark.json"


@dataclass(frozen=True)
class StoredModel:
    """One model of which something is stored.

    Attributes:
        name: Unique: the model's name, or `runs/<folder>` for a run.
        title: Name to show.
        folder: Where its files lie.
        shipped: Whether it lies in the store of trained models.
        card: Its card; empty where it has none.
        milliseconds: A forward pass of one film, median; None where not measured.
        problem: Why its card cannot be read; None where it can.
    """

    name: str
    title: str
    folder: Path
    shipped: bool
    card: Card = field(default_factory=dict, repr=False)
    milliseconds: float | None = None
    problem: str | None = None

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 of the stored files; it changes when any of them does."""
        digest = hashlib.sha256(self.name.encode())
        for name in FILES:
            digest.update(_content(self.folder / name) or b"none")
        return digest.hexdigest()

    @property
    def has_predictions(self) -> bool:
        """Whether predictions are stored."""
        return (self.folder / "predictions.csv").is_file()

    @property
    def calibrated(self) -> bool:
        """Whether a calibration was fitted on validation films."""
        return "temperature" in self.card

    def outcome(self) -> "PredictionSet":
        """The stored predictions.

        Raises:
            ArgumentError: If there are none, or the file is damaged.
        """
        from xraycore.evaluation.prediction_files import read_predictions

        return read_predictions(
            self.folder / "predictions.csv", self.name, Calibration.of_card(self.card)
        )

    def points(self) -> dict[str, "OperatingPoint"]:
        """The operating points on the card, chosen on validation films."""
        from xraycore.metrics.operating_points import OperatingPoint

        return {
            name: OperatingPoint(name, point["title"], point["threshold"])
            for name, point in self.card.get("operating_points", {}).items()
        }

    def history(self) -> list[dict[str, str | float]]:
        """A row an epoch; numbers as numbers, empty cells left out.

        Raises:
            ArgumentError: If the file is damaged.
        """
        file = self.folder / "history.csv"
        try:
            rows = read_table(file, ArgumentError)
        except FileNotFoundError:
            return []
        try:
            if any(not row.get("epoch") for row in rows):
                raise ArgumentError("an epoch has no number")
            return [
                {key: text if key == "stage" else finite(text) for key, text in row.items() if text}
                for row in rows
            ]
        except ValueError as error:
            raise ArgumentError(f"{file}: expected a row of numbers an epoch: {error}") from None


def list_stored_models() -> list[StoredModel]:
    """The shipped models in the registry's order, then runs that have predictions or a history.

    A run whose history is that of a shipped model is that model, and left out.
    """
    timings = read_timings(HOME / TIMINGS)
    entries = [_shipped(name, timings) for name in list_trained()]
    histories = {_content(entry.folder / "history.csv") for entry in entries}
    for folder in sorted(runs_folder().glob("*/")):
        try:
            history = _content(folder / "history.csv")
            wanted = history is not None and history not in histories
            wanted = wanted or (folder / "predictions.csv").is_file()
            if wanted and (folder / "run.json").is_file():
                entries.append(_run(folder, timings))
        except PermissionError:
            pass  # Another user's: the Train page says so.
    return entries


def read_timings(file: Path) -> dict[str, float]:
    """Model -> milliseconds of a forward pass, from what `benchmark --json` wrote; else nothing."""
    try:
        models: Sequence[Mapping] = json.loads(file.read_text())["models"]
        return {one["model"]: 1000 * one["tasks"]["forward"]["seconds"] for one in models}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _shipped(name: str, timings: Mapping[str, float]) -> StoredModel:
    folder, title = weights_folder() / name, stored_title(name)
    try:
        return StoredModel(name, title, folder, True, read_card(name), timings.get(name))
    except WeightsError as error:
        return StoredModel(name, title, folder, True, problem=str(error))


def _run(folder: Path, timings: Mapping[str, float]) -> StoredModel:
    name, card = f"runs/{folder.name}", {}
    try:
        config = read_stored(folder / "run.json", RunEntry, ArgumentError)
        if (folder / "card.json").is_file():
            card = load_card(folder, ModelCard)
    except (OSError, XrayCoreError) as error:
        problem = f"{folder}: expected a run's run.json and card.json: {error}"
        return StoredModel(name, f"Run {folder.name}", folder, False, problem=problem)
    model = config["model"]
    title = title_of(model, config.get("end", FULL))
    return StoredModel(name, f"{title}, run {folder.name}", folder, False, card, timings.get(model))


def _content(file: Path) -> bytes | None:
    try:
        return read_limited(file, ArgumentError)
    except FileNotFoundError:
        return None
    except ArgumentError as error:
        return str(error).encode()
