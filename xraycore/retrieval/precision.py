"""Whether the films most alike share the class: precision at ten, at home and across sources."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xraycore.datasets.labels import LABEL_SCHEMES, NORMAL, SETS
from xraycore.datasets.manifest import Record
from xraycore.metrics.intervals import Score, bootstrap_interval, mean_share
from xraycore.retrieval.features import FilmFeatures
from xraycore.retrieval.index import FeatureIndex, fit_index

K = 10
WITHIN, ACROSS = "within", "across"
OPACITY = "Opacity"
_CHUNK = 256


@dataclass(frozen=True, eq=False)
class Retrieval:
    """Share of the ten nearest films that are of a film's own kind, film by film.

    Attributes:
        records: The films that were asked about.
        kinds: What each was taken for: a class, or opacity or none.
        found: Share in [0, 1] of its ten nearest, (n,).
        chance: The same of ten films drawn by lot, (n,).
    """

    records: tuple[Record, ...]
    kinds: tuple[str, ...]
    found: np.ndarray
    chance: np.ndarray


def opacity_of(label: str) -> str | None:
    """Opacity or Normal, as a label has it; None of one that tells neither."""
    said = LABEL_SCHEMES["pneumonia"].label(label)
    return None if said is None else NORMAL if said == NORMAL else OPACITY


def class_of(label: str) -> str | None:
    """The class of a label; None of one that stands for a set of classes."""
    return None if label in SETS else label


def fit_on_training(features: FilmFeatures, note: Mapping[str, Any]) -> FeatureIndex:
    """The index of training films alone: what validation films are then looked up in."""
    return fit_index(features.of_split("train"), note)


def retrieve(
    index: FeatureIndex,
    asked: FilmFeatures,
    kind_of: Callable[[str], str | None],
    *,
    across: bool,
) -> Retrieval:
    """The nearest films of each film, and how many are of its kind.

    A film of the index whose kind is open, such as a pneumonia that may be bacterial, is looked at
    for no film. A film is left out where fewer than ten of its kind could be found at all.

    Args:
        index: Of training films.
        asked: Films that are not among them.
        kind_of: From a label to what is to be the same; None where it tells nothing.
        across: Whether neighbours are looked for in other sources only, else in the film's own.
    """
    kinds = np.array([kind_of(label) or "" for label in index.note["labels"]])[index.labels]
    sources = np.array(index.note["sources"])[index.sources]
    records: list[Record] = []
    said: list[str] = []
    found: list[float] = []
    chance: list[float] = []
    for start in range(0, len(asked.records), _CHUNK):
        part = asked.records[start : start + _CHUNK]
        distances = index.distances(asked.pooled[start : start + _CHUNK])
        for record, row in zip(part, distances, strict=True):
            kind = kind_of(record.label)
            there = (sources != record.source) if across else (sources == record.source)
            allowed = np.flatnonzero(there & (kinds != ""))
            same = kinds[allowed] == kind
            if kind is None or same.sum() < K:
                continue
            nearest = np.argpartition(row[allowed], K - 1)[:K]
            records.append(record)
            said.append(kind)
            found.append(float(same[nearest].mean()))
            chance.append(float(same.mean()))
    return Retrieval(tuple(records), tuple(said), np.array(found), np.array(chance))


def score_retrieval(one: Retrieval) -> dict[str, Any]:
    """Kind -> `precision` with its interval, `chance`, `films`; and of all, each kind alike.

    The interval is over patients drawn anew. An empty object where no film could be asked about.
    """
    kinds = np.array(one.kinds)
    groups = [record.group for record in one.records]
    scores: dict[str, Any] = {}
    for kind in sorted(set(one.kinds)):
        chosen = np.flatnonzero(kinds == kind)
        scores[kind] = {
            "precision": mean_share(one.found[chosen], [groups[i] for i in chosen]),
            "chance": round(float(one.chance[chosen].mean()), 4),
            "films": len(chosen),
        }
    if len(scores) > 1:
        scores["all"] = {
            "precision": _macro(one.found, kinds, groups),
            "chance": round(float(np.mean([of["chance"] for of in scores.values()])), 4),
            "films": len(kinds),
        }
    return scores


def compare_retrieval(one: Retrieval, other: Retrieval) -> Score | None:
    """By how much more of one's neighbours are of the same kind, each kind alike; paired.

    None where they were not asked about the same films, or only of one kind.
    """
    if one.records != other.records or len(set(one.kinds)) < 2:
        return None
    groups = [record.group for record in one.records]
    return _macro(one.found - other.found, np.array(one.kinds), groups)


def _macro(values: np.ndarray, kinds: np.ndarray, groups: Sequence[str]) -> Score:
    """Mean over kinds of the mean over films, NaN where a draw of patients lacks a kind."""
    names = sorted(set(kinds))
    of_kind = [kinds == name for name in names]

    def statistic(places: np.ndarray) -> float:
        chosen = [values[places][mask[places]] for mask in of_kind]
        return float(np.mean([c.mean() for c in chosen])) if all(map(len, chosen)) else np.nan

    return bootstrap_interval(statistic, groups)


def measure_retrieval(index: FeatureIndex, asked: FilmFeatures) -> dict[str, Retrieval]:
    """ "<within or across>, <class or opacity>" -> what was found for films not in the index."""
    return {
        f"{where}, {what}": retrieve(index, asked, kind_of, across=where == ACROSS)
        for where in (WITHIN, ACROSS)
        for what, kind_of in (("class", class_of), ("opacity", opacity_of))
    }
