"""How far an archive's films are, in the segmenter's features, from those that networks know."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from xraycore.anatomy.feature_distance import FeatureMoments
from xraycore.anatomy.segmenter import load_segmenter_card
from xraycore.utils.stored import Count, Stored, Text

if TYPE_CHECKING:
    import pyarrow as pa

# A film's place among the known ones, see `OODDetector.components`.
COLUMN = "features"


class StoredFeatureDistance(Stored):
    """How far a group of films is; numbers are missing where films are too few."""

    films: Count
    distance: float | None
    low: float | None
    high: float | None
    usual: float | None


class StoredFeatureDrift(Stored):
    """Distances of all films and of each group, and of sources that networks were trained on."""

    groups: dict[Text, dict[Text, StoredFeatureDistance]]
    sources: dict[Text, float] | None


class FeatureDrift:
    """Films' features by group: of groups that are named; the rest of a group is one.

    Args:
        groups: Column, or the name of all films together -> its values that are told apart.
        unknown: What a value is called that is not said.
        others: What all others are called together.
    """

    def __init__(self, groups: Mapping[str, Iterable[str]], unknown: str, others: str):
        self._named = {group: set(values) for group, values in groups.items()}
        self._unknown, self._others = unknown, others
        self._found: dict[tuple[str, str], FeatureMoments] = {}

    def add(self, rows: "pa.Table") -> None:
        """Counts rows of one network, with the columns of the groups, `number` and `COLUMN`."""
        import pyarrow.compute as pc

        if COLUMN not in rows.column_names:
            return  # Shards of a version that kept none.
        rows = rows.filter(pc.is_valid(rows[COLUMN]))
        if not len(rows):
            return
        values = pc.list_flatten(rows[COLUMN]).to_numpy().reshape(len(rows), -1)
        places = rows["number"].to_numpy()
        for group, named in self._named.items():
            said = rows[group].to_pylist() if group in rows.column_names else [group] * len(rows)
            of = np.array([self._name(one, named) for one in said])
            for name in np.unique(of):
                key = (group, str(name))
                if key not in self._found:
                    self._found[key] = FeatureMoments(values.shape[1])
                chosen = of == name
                self._found[key].add(values[chosen], places[chosen])

    def _name(self, said: str | None, named: set[str]) -> str:
        name = said or self._unknown
        return name if name in named else self._others

    def to_json(self) -> dict[str, Any] | None:
        """See `StoredFeatureDrift`; None where no film has features."""
        if not self._found:
            return None
        home = (load_segmenter_card().get("screening") or {}).get("distances")
        groups: dict[str, dict[str, Any]] = {group: {} for group in self._named}
        for (group, name), moments in sorted(self._found.items()):
            groups[group][name] = _told(moments, home)
        return {"groups": groups, "sources": home["sources"] if home else None}


def usual_distance(home: Mapping[str, Any], films: int) -> float:
    """What as many films of home stay below: in 95 % of draws of all, and each source alone.

    Args:
        home: See `xraycore.anatomy.segmenter.UsualDistances`.
        films: How many.
    """
    counts = sorted(map(int, home["usual"]))
    values = [home["usual"][str(count)] for count in counts]
    drawn = float(np.interp(np.log(films), np.log(counts), values))
    return max(drawn, *home["sources"].values(), 0.0)


def is_far_from_home(found: Mapping[str, Any]) -> bool:
    """Whether films are farther, all of the interval, than as many of home usually are."""
    return found["usual"] is not None and found["low"] is not None and found["low"] > found["usual"]


def _told(moments: FeatureMoments, home: Mapping[str, Any] | None) -> dict[str, Any]:
    found = moments.distance()
    told: list[float | None] = [round(one, 4) for one in found] if found else [None, None, None]
    usual = round(usual_distance(home, moments.count), 4) if home and found else None
    return {
        "films": moments.count,
        **dict(zip(("distance", "low", "high"), told, strict=True)),
        "usual": usual,
    }
