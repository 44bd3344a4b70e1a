"""A run's folder: what was asked for, how far it came, its weights and its history.

run.json             configuration: model, classes, recipe, data, seed, versions
state.json           the last finished epoch, replaced in one step after every epoch
last-N.weights.h5    network and optimizer after epoch N
best.weights.h5      network with the highest choice of its stage
history.csv          a row an epoch
teacher.npy          what the teachers said of the training films, where there are any
"""

import json
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import ConfigDict, Field

from xraycore.errors import ArgumentError
from xraycore.jobs.records import refuse_links
from xraycore.models.card_schema import RunConfig
from xraycore.models.spec import FULL
from xraycore.training.config import TrainingConfig
from xraycore.utils.files import PART, replacing, write_json, write_text
from xraycore.utils.stored import Count, Name, Stored, read_stored
from xraycore.utils.text import to_csv

if TYPE_CHECKING:
    import keras


# What a resumed run must have been started with too.
_SAME = (
    *("model", "end", "classes", "start", "recipe", "teachers", "seed"),
    *("manifest_sha256", "chosen_on", "lungs_sha256"),
)


# A score that could not be had is NaN.
_Score = Annotated[float, Field(allow_inf_nan=True)]


class HistoryRow(Stored):
    """What `state.json` holds of an epoch: also scores, by their names."""

    __pydantic_extra__: dict[str, _Score | None]
    epoch: float
    loss: float
    stage: Name = "-"


class StoredState(Stored):
    """What `state.json` holds; another version's entries are none that could be gone on from."""

    model_config = ConfigDict(extra="forbid")
    stage: Count = 0
    epoch: Count = 0
    total_epochs: Count = 0
    best_choice: _Score | None = None
    stale: Count = 0
    history: Annotated[list[HistoryRow], Field(max_length=100_000)] = []


@dataclass
class State:
    """How far a run came.

    Attributes:
        stage: Index of the stage in progress; the number of stages when the run is finished.
        epoch: Finished epochs of that stage.
        total_epochs: Finished epochs of all stages.
        best_choice: Highest choice of the stage (`validation.choice`), None before its first epoch.
        stale: Epochs since then.
        history: A row an epoch.
    """

    stage: int = 0
    epoch: int = 0
    total_epochs: int = 0
    best_choice: float | None = None
    stale: int = 0
    history: list[dict] = field(default_factory=list)


class Run:
    """The folder of one training run."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.best_weights = self.folder / "best.weights.h5"

    @property
    def config(self) -> dict:
        """What the run was asked for.

        Raises:
            ArgumentError: If the folder holds no run, or what it holds of it is not as expected.
        """
        try:
            return read_stored(self.folder / "run.json", RunConfig, ArgumentError)
        except FileNotFoundError as error:
            raise ArgumentError(
                f"{self.folder}: expected a run's folder with run.json: {error}"
            ) from None

    def start(self, config: dict, *, resume: bool) -> State:
        """Opens the folder for training and returns where to begin.

        Raises:
            ArgumentError: If it holds a run already and `resume` is False, or another run's.
            JobError: If something in it is a link, over which would be written.
        """
        refuse_links(self.folder)
        file = self.folder / "run.json"
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            write_json(file, config)
            return State()
        if not resume:
            raise ArgumentError(
                f"{self.folder} holds a run already: resume it (--resume) or name another folder."
            )
        # What a process that was killed was writing: whole weights, some of them.
        for half in self.folder.glob(f"{PART}*"):
            half.unlink(missing_ok=True)
        held = self.config | {"recipe": _completed(self.config["recipe"])}
        # Runs from before it was noted down do not say which segmenter they see the lungs by, nor
        # that their network is a whole one.
        held = {"lungs_sha256": config.get("lungs_sha256"), "end": FULL, **held}
        asked = {"end": FULL, **config}
        held, asked = (json.loads(json.dumps(one)) for one in (held, asked))  # tuples become lists
        for key in _SAME:
            if held.get(key) != asked.get(key):
                raise ArgumentError(
                    f"{self.folder} was started with another {key}: "
                    f"{_differing(held.get(key), asked.get(key))!r}. "
                    f"Received: {_differing(asked.get(key), held.get(key))!r}"
                )
        return self.state()

    def state(self) -> State:
        """The last finished epoch's state; a fresh one where none is finished.

        Raises:
            ArgumentError: If what is kept of it is not as expected.
        """
        try:
            return State(**read_stored(self.folder / "state.json", StoredState, ArgumentError))
        except FileNotFoundError:
            return State()

    def last_weights(self, state: State) -> Path:
        """Network and optimizer after the state's epoch."""
        return self.folder / f"last-{state.total_epochs}.weights.h5"

    def save_best(self, network: "keras.Model") -> None:
        """Replaces the best weights in one step."""
        with replacing(self.best_weights) as part:
            network.save_weights(part)

    def load_teacher(self) -> np.ndarray | None:
        """What the teachers said of the training films; None where they were not asked yet.

        Raises:
            ArgumentError: If the file holds something else.
        """
        file = self.folder / "teacher.npy"
        try:
            # Mapped: no room is made for numbers that a header promises and the file lacks.
            found = np.load(file, mmap_mode="r", allow_pickle=False)
            if found.ndim != 2 or found.dtype.kind != "f":
                raise ValueError(f"an array {found.shape} of {found.dtype}")
            return np.array(found)
        except FileNotFoundError:
            return None
        except (ValueError, OSError, EOFError) as error:
            raise ArgumentError(f"{file}: expected probabilities, (n, k): {error}") from None

    def save_teacher(self, probabilities: np.ndarray) -> None:
        """Keeps what the teachers said: to ask them takes as long as an epoch or two."""
        with replacing(self.folder / "teacher.npy") as part:
            np.save(part, probabilities, allow_pickle=False)

    def commit(self, state: State) -> None:
        """Makes the state the one that a resumed run starts from.

        Call it once `last_weights` of the epoch are on disk, and `save_best` afterwards: a kill at
        any moment then leaves a state with its own weights, and best weights no newer than it.
        """
        write_json(self.folder / "state.json", asdict(state))
        if state.history:
            columns = list(dict.fromkeys(key for row in state.history for key in row))
            rows = [[row.get(column, "") for column in columns] for row in state.history]
            write_text(self.folder / "history.csv", to_csv([columns, *rows]))
        keep = self.last_weights(state)
        for file in self.folder.glob("last-*.weights.h5"):
            if file != keep:
                file.unlink()


def _completed(recipe: dict) -> dict:
    """A recipe from before it had all of today's options, these as they are by default.

    Any other, of a later version say, is left as it is.
    """
    try:
        return TrainingConfig.from_json(recipe).to_json()
    except (TypeError, KeyError, ValueError):
        return recipe


def _differing(value: object, other: object) -> object:
    """The entries of a dict that the other lacks or has otherwise; any other value as it is."""
    if isinstance(value, dict) and isinstance(other, dict):
        return {key: entry for key, entry in value.items() if other.get(key) != entry}
    return value


def environment() -> dict:
    """Versions, backend, machine and commit that a run was made with."""
    import keras

    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "machine": platform.machine(),
        "commit": _commit(),
    }


def _commit() -> str | None:
    """The source's commit, None outside a checkout or without git."""
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    root = Path(__file__).parent
    try:
        found = subprocess.run(describe, cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return found.stdout.strip() or None
