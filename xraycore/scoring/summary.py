"""What an archive's rows say together: rates by month, device and site, and drift."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from xraycore.errors import ArgumentError
from xraycore.metrics.intervals import defined_proportion
from xraycore.models.card_schema import ScoreEntry
from xraycore.models.levels import CANNOT_TELL
from xraycore.scoring.drift import (
    FAR,
    MEASURED,
    Distribution,
    by_chance,
    distance,
    read_references,
)
from xraycore.scoring.feature_drift import COLUMN, FeatureDrift, StoredFeatureDrift
from xraycore.scoring.setup import ScoringSetup, read_setup
from xraycore.scoring.shards import FOLDER
from xraycore.utils.files import write_json
from xraycore.utils.stored import Count, Stored, Text, read_stored

if TYPE_CHECKING:
    import pyarrow as pa

FILE = "summary.json"
GROUPS = ("month", "device", "site")
ALL, UNKNOWN, OTHERS = "all", "not said", "others"
# Of devices and sites so many are told apart, the most frequent ones, and of months as many as
# fifty years have: a list may hold anything.
MOST_GROUPS, MOST_MONTHS = 60, 600
INSIDE, NO_ANSWER = "inside", "no answer"


class StoredRates(Stored):
    """How many films of a group are answered how."""

    films: Count
    rates: dict[Text, ScoreEntry | None]


class StoredGroups(Stored):
    """The rates of all films, and by what tells them apart."""

    all: dict[Text, StoredRates]
    month: dict[Text, StoredRates]
    device: dict[Text, StoredRates]
    site: dict[Text, StoredRates]


class StoredSpread(Stored):
    """Percentiles of a measure."""

    films: Count
    low: float
    median: float
    high: float


class StoredDistance(Stored):
    """How far two distributions are apart."""

    distance: float | None
    by_chance: float | None


class StoredDrift(StoredDistance):
    """A measure here and on the card's films."""

    archive: StoredSpread
    card: StoredSpread | None
    months: dict[Text, StoredDistance]


class StoredAnswers(Stored):
    """What one network says of an archive."""

    groups: StoredGroups
    kinds: dict[Text, Count]
    drift: dict[Text, StoredDrift | None]


class StoredSummary(Stored):
    """What a page reads of a summary."""

    films: Count
    unread: Count
    warnings: dict[Text, Count]
    models: Annotated[dict[Text, StoredAnswers], Field(min_length=1)]
    features: StoredFeatureDrift | None = None


def write_summary(folder: Path) -> dict[str, Any]:
    """Sums up the shards that are there, writes it beside them and returns it.

    Raises:
        ArgumentError: If the folder is no run's, or a shard of it cannot be read.
    """
    try:
        setup = read_setup(folder)
    except FileNotFoundError:
        raise ArgumentError(f"{folder}: expected the folder of `score --out`.") from None
    found = _sum_up(folder, setup)
    write_json(folder / FILE, found)
    return found


def read_summary(folder: Path) -> dict[str, Any]:
    """What `write_summary` wrote last.

    Raises:
        FileNotFoundError: If there is none.
        ArgumentError: If it is damaged.
    """
    return read_stored(folder / FILE, StoredSummary, ArgumentError)


def read_rows(folder: Path, columns: Sequence[str] | None = None) -> "Iterator[pa.Table]":
    """The rows of each shard that is done, one table a shard, in the order of the shards.

    Raises:
        ArgumentError: If one cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    for file in sorted((folder / FOLDER).glob("part-*.parquet")):
        try:
            with pq.ParquetFile(file) as opened:
                yield opened.read(columns)
        except (pa.ArrowException, OSError) as error:
            raise ArgumentError(
                f"{file}: expected rows of an archive: {error}. Delete it, and it is made again."
            ) from None


class _Tally:
    """Of one model: outcomes and kinds by group, and distributions by month."""

    def __init__(self) -> None:
        # Group -> value -> outcome -> films.
        self.outcomes: dict[str, dict[str, Counter[str]]] = {
            group: defaultdict(Counter) for group in (ALL, *GROUPS)
        }
        self.kinds: Counter[str] = Counter()
        self.measures: dict[str, dict[str, Distribution]] = {
            name: defaultdict(partial(Distribution, name)) for name in MEASURED
        }

    def add(self, rows: "pa.Table") -> None:
        import pyarrow.compute as pc

        said = pc.if_else(pc.equal(rows["scope"], INSIDE), rows["opacity"], NO_ANSWER)
        rows = rows.append_column("outcome", pc.fill_null(said, NO_ANSWER))
        for group in (ALL, *GROUPS):
            keys = ["outcome"] if group == ALL else ["outcome", group]
            counted = rows.group_by(keys).aggregate([([], "count_all")])
            for row in counted.to_pylist():
                of = ALL if group == ALL else row[group] or UNKNOWN
                self.outcomes[group][of][row["outcome"]] += row["count_all"]
        kinds = rows.group_by("kind").aggregate([([], "count_all")])
        for row in kinds.to_pylist():
            if row["kind"] is not None:
                self.kinds[row["kind"]] += row["count_all"]
        for month in rows["month"].unique().to_pylist():
            chosen = rows.filter(
                pc.is_null(rows["month"]) if month is None else pc.equal(rows["month"], month)
            )
            for name in MEASURED:
                values = chosen[name].drop_null().to_numpy()
                self.measures[name][month or UNKNOWN].add(values)

    def to_json(self, references: Mapping[str, Distribution]) -> dict[str, Any]:
        return {
            "groups": {
                group: {of: _rates(counts) for of, counts in _most(group, found).items()}
                for group, found in self.outcomes.items()
            },
            "kinds": dict(self.kinds.most_common()),
            "drift": {
                name: _drift(months, references.get(name)) for name, months in self.measures.items()
            },
        }


def _sum_up(folder: Path, setup: ScoringSetup) -> dict[str, Any]:
    import pyarrow.compute as pc

    films = unread = shards = 0
    warnings: Counter[str] = Counter()
    tallies: dict[str, _Tally] = {name: _Tally() for name in setup.models}
    columns = [*("number", "model", "warnings", "scope", "opacity", "kind"), *GROUPS, *MEASURED]
    for rows in read_rows(folder, columns):
        shards += 1
        films += len(rows["number"].unique())
        unread += rows["model"].null_count
        for name, tally in tallies.items():
            of = rows.filter(pc.equal(rows["model"], name))
            tally.add(of)
            if name == setup.models[0]:
                warnings.update(_codes(of))
    return {
        "shards": shards,
        "films": films,
        "unread": unread,
        # A film may have several; those of the first network, which films have in common.
        "warnings": dict(warnings.most_common()),
        "models": {name: tally.to_json(read_references(name)) for name, tally in tallies.items()},
        "features": _feature_drift(folder, setup.models[0], tallies[setup.models[0]]),
        "setup": {
            "models": {one.name: one.weights_sha256 for one in setup.networks},
            "site": setup.site,
            "error_rate": setup.error_rate,
            "runtime": setup.runtime,
        },
    }


def _feature_drift(folder: Path, model: str, tally: _Tally) -> dict[str, Any] | None:
    """Once more over the rows, now that it is known which groups are told apart."""
    import pyarrow.compute as pc

    named = {group: _most(group, found) for group, found in tally.outcomes.items()}
    drift = FeatureDrift(named, UNKNOWN, OTHERS)
    for rows in read_rows(folder, ["number", "model", COLUMN, *GROUPS]):
        drift.add(rows.filter(pc.equal(rows["model"], model)))
    return drift.to_json()


def _codes(rows: "pa.Table") -> Counter[str]:
    import pyarrow.compute as pc

    counted = pc.value_counts(pc.list_flatten(rows["warnings"]))
    return Counter({one["values"]: one["counts"] for one in counted.to_pylist()})


def _most(group: str, found: Mapping[str, Counter[str]]) -> dict[str, Counter[str]]:
    """The largest groups in order of their names, all others as one."""
    most = MOST_MONTHS if group == "month" else MOST_GROUPS
    ordered = sorted(found, key=lambda of: -found[of].total())
    kept = {of: found[of] for of in sorted(ordered[:most])}
    rest: Counter[str] = Counter()
    for of in ordered[most:]:
        rest.update(found[of])
    return kept | ({OTHERS: rest} if rest else {})


def _rates(counts: Mapping[str, int]) -> dict[str, Any]:
    films = sum(counts.values())
    words = [one for one in counts if one not in (CANNOT_TELL, NO_ANSWER)]
    return {
        "films": films,
        "rates": {
            word: defined_proportion(counts.get(word, 0), films)
            for word in (*sorted(words), CANNOT_TELL, NO_ANSWER)
        },
    }


def _drift(months: Mapping[str, Distribution], card: Distribution | None) -> dict[str, Any] | None:
    """How far a measure is from the card's films, and each month; from the archive without one."""
    every = [one for one in months.values() if one.count]
    if not every:
        return None
    whole = Distribution(every[0].name)
    for one in every:
        whole.merge(one)
    reference = card if card is not None and card.count else None
    return {
        "archive": whole.to_json(),
        "card": reference.to_json() if reference else None,
        **(_distance(whole, reference) if reference else {"distance": None, "by_chance": None}),
        "months": {
            month: {"films": one.count, **_distance(one, reference or whole)}
            for month, one in sorted(months.items())
            if one.count
        },
    }


def is_far(found: Mapping[str, Any]) -> bool:
    """Whether a distance is one that matters, and more than chance makes of so few films."""
    return found["distance"] is not None and found["distance"] > max(FAR, found["by_chance"])


def _distance(one: Distribution, other: Distribution) -> dict[str, float]:
    return {"distance": distance(one, other), "by_chance": by_chance(one, other)}
