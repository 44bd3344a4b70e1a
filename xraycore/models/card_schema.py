"""What a classifier's card is to hold, and what the run that it comes from.

Of a card only `model`, `classes`, `weights`, `heat_scale`, `training`, `scores` and `limits` must
be there: cards of every generation are read. To add an entry, add a field with a default here, and
read it with `card.get`.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from xraycore.utils.checkpoints import WeightsCard
from xraycore.utils.stored import Count, Name, Share, Stored, Text


def _different(names: Sequence[str]) -> Sequence[str]:
    if len(set(names)) != len(names):
        raise ValueError("expected every name once")
    return names


Classes = Annotated[list[Name], Field(min_length=1, max_length=500), AfterValidator(_different)]
# Source or split -> class -> films.
FilmCounts = dict[Name, dict[Name, Count]]
Positive = Annotated[float, Field(gt=0, le=1e6)]
Side = Annotated[int, Field(ge=16, le=4096)]


class ScoreEntry(Stored):
    """A measured value with its 95 % interval and the films that it is of."""

    value: float
    low: float
    high: float
    n: Count


class AllScores(Stored):
    """Scores over all classes."""

    accuracy: ScoreEntry
    balanced_accuracy: ScoreEntry | None = None
    macro_f1: ScoreEntry | None = None
    macro_auroc: ScoreEntry | None = None
    brier: ScoreEntry | None = None
    ece: ScoreEntry | None = None
    recall: dict[Name, ScoreEntry] = {}
    confusion: list[list[Count]] = []


class FindingScores(Stored):
    """Scores of one finding against none."""

    auc: ScoreEntry
    accuracy: ScoreEntry | None = None
    sensitivity: ScoreEntry | None = None
    specificity: ScoreEntry | None = None
    ece: ScoreEntry | None = None


class Scores(Stored):
    """Scores of one split."""

    all: AllScores | None = None
    pneumonia: FindingScores | None = None


class ExternalSource(Stored):
    """Scores on a source that the network never saw."""

    citation: Text
    pneumonia: FindingScores


class SourceFilms(Stored):
    """What a source gave: split -> class -> films."""

    citation: Text
    films: FilmCounts


class StoredPoint(Stored):
    """An operating point."""

    title: Name
    threshold: Share


class InsideLungs(Stored):
    """How much of the evidence lies in the lungs, beside their share of what is seen."""

    evidence: Share
    area: Share
    films: Count


class Environment(Stored):
    """With what a network was trained."""

    commit: Name | None = None


class Origin(Stored):
    """With what films and from what a network was trained."""

    command: Text | None = None
    start: Text | None = None
    seed: int = 0
    epochs: Count = 0
    split_sizes: FilmCounts = {}
    chosen_on: list[Text] = []
    manifest_sha256: Text | None = None
    environment: Environment = Environment()


class Training(Origin):
    """A card's entry on how its network was trained."""

    recipe: dict[str, object] = {}


# Error rate -> answer -> bound on its probability; see `xraycore.models.answer`.
ConformalSets = dict[Name, dict[Name, float]]
# Answer -> how often it was right; and "hospitals", of how many.
Trusted = dict[Name, ScoreEntry | Count]


class LevelEntry(Stored):
    """What was measured elsewhere of one level of answers."""

    operating_point: StoredPoint | None = None
    sets: ConformalSets = {}
    trust: Trusted = {}


class Levels(Stored):
    """What was measured elsewhere of both levels."""

    opacity: LevelEntry = LevelEntry()
    kind: LevelEntry = LevelEntry()


class StageEntry(Stored):
    """One stage of a recipe."""

    name: Name = "-"
    epochs: Annotated[int, Field(ge=1, le=100_000)]
    size: Side


class Recipe(Stored):
    """What a training does."""

    stages: Annotated[list[StageEntry], Field(min_length=1, max_length=50)]
    view: Literal["lungs", "film"] = "lungs"


class RunEntry(Origin):
    """A run's `run.json`, as far as it must be there to tell what it is."""

    model: Name


class RunConfig(RunEntry):
    """A run's `run.json`."""

    end: Name = "-"
    classes: Classes
    recipe: Recipe
    precision: Name | None = None
    teachers: list[Name] = []


class ShippedScores(Stored):
    """What a promotion says of the card that it wrote."""

    scores: Scores


class ShipAnswer(Stored):
    """What a promotion prints."""

    folder: Text
    card: ShippedScores


class ModelCard(WeightsCard):
    """A classifier's card."""

    model: Name
    title: Name = "-"
    end: Name = "-"
    classes: Classes
    view: Literal["lungs", "film"] = "film"
    temperature: Positive = 1.0
    bias: list[float] = []
    operating_points: dict[Name, StoredPoint] = {}
    input_size: Side | None = None
    parameters: Count = 0
    working_memory: Count = 0
    lungs_sha256: Text | None = None
    heat_scale: dict[Name, Annotated[float, Field(ge=0)]]
    heat_threshold: dict[Name, Annotated[float, Field(ge=0)]] = {}
    training: Training
    data: dict[Name, SourceFilms] = {}
    scores: Scores
    validation: Scores = Scores()
    external: dict[Name, ExternalSource] = {}
    inside_lungs: dict[Name, InsideLungs] = {}
    limits: list[Text]
    levels: Levels = Levels()
