"""Parts of the films that somebody wants scores of apart: source, age, size, warning, likeness."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from xraycore.attribution.plausibility import LEAST_IN_LUNGS
from xraycore.evaluation.evaluator import SchemePredictions
from xraycore.evaluation.predictions import PredictionSet
from xraycore.imaging.quality import MIN_SIDE
from xraycore.retrieval.index import distances_between

# What a film may be warned about, as far as stored predictions tell: code -> words.
WARNINGS = MappingProxyType(
    {
        "no-lungs": "no lungs found",
        "outside": "less than half of a network's heat in the lungs",
        "small": f"a side under {MIN_SIDE} px",
    }
)


@dataclass(frozen=True)
class Likeness:
    """The films most alike to one, as a network sees them.

    Attributes:
        to: Name of that film.
        network: Title of the network.
        count: How many are wanted.
        order: Indices of films, the nearest first.
        distances: Of these, in [0, 2].
    """

    to: str
    network: str
    count: int
    order: tuple[int, ...]
    distances: tuple[float, ...]

    def nearest(self, among: np.ndarray) -> list[int]:
        """Indices of the nearest films for which a bool array is true, at most `count`."""
        return [place for place in self.order if among[place]][: self.count]


@dataclass(frozen=True)
class Slice:
    """Which films belong to it; what is None or empty does not matter.

    Attributes:
        sources: Data sets, one of which the film is of.
        ages: From and to, both included, in years; films of unknown age are outside.
        sizes: Longer side from and to, both included, in pixels.
        warnings: Of `WARNINGS`, one of which the film carries; "none" for a film that has none.
        likeness: Of the films that all else leaves, those that are most alike to one.
    """

    sources: tuple[str, ...] = ()
    ages: tuple[float, float] | None = None
    sizes: tuple[float, float] | None = None
    warnings: tuple[str, ...] = ()
    likeness: Likeness | None = None

    @property
    def everything(self) -> bool:
        """Whether it leaves out nothing."""
        return self == Slice()

    def mask(self, outcomes: Sequence[PredictionSet]) -> np.ndarray:
        """Whether each film belongs to it, bool (n,).

        Args:
            outcomes: One a model, of the same films in one order.
        """
        outcome = outcomes[0]
        inside = np.ones(len(outcome.records), bool)
        if self.sources:
            inside &= np.array([record.source in self.sources for record in outcome.records], bool)
        if self.ages:
            inside &= _between(ages_of(outcomes), self.ages)
        if self.sizes:
            inside &= _between(sizes_of(outcomes).max(axis=1), self.sizes)
        if self.warnings:
            carried = carried_warnings(outcomes)
            carried["none"] = ~np.any(list(carried.values()), axis=0)
            inside &= np.any([carried[code] for code in self.warnings], axis=0)
        if self.likeness:
            nearest = self.likeness.nearest(inside)
            inside = np.zeros_like(inside)
            inside[nearest] = True
        return inside

    def describe(self) -> str:
        """In words, for a heading.

        >>> Slice(sources=("nih",), ages=(0, 18)).describe()
        'of nih; 0 to 18 years'
        """
        parts = []
        if self.sources:
            parts.append("of " + " or ".join(self.sources))
        if self.ages:
            parts.append(f"{self.ages[0]:g} to {self.ages[1]:g} years")
        if self.sizes:
            parts.append(f"{self.sizes[0]:g} to {self.sizes[1]:g} px")
        if self.warnings:
            words = {"none": "no warning", **WARNINGS}
            parts.append(" or ".join(words[code] for code in self.warnings))
        if one := self.likeness:
            parts.append(f"the {one.count} most alike to {one.to} as {one.network} sees them")
        return "; ".join(parts) or "all films"


def rank_alike(
    outcome: PredictionSet,
    places: Sequence[int],
    pooled: np.ndarray,
    asked: np.ndarray,
    patient: str | None = None,
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Films by how alike they are to one, the most alike first, and their distances.

    Those of its own patient are left out: they are alike to it whatever is on them, and who picks
    a film because a network fails on it has picked that patient too.

    Args:
        outcome: Predictions of all films.
        places: Indices of those that a network has looked at.
        pooled: What it found on these, (n, c).
        asked: The same of the film that they are to be like, (c,).
        patient: Whose that is, where it is one of them.
    """
    distances = distances_between(pooled, asked)
    others = [
        int(i)
        for i in np.argsort(distances, kind="stable")
        if patient is None or outcome.groups[places[i]] != patient
    ]
    return tuple(places[i] for i in others), tuple(float(distances[i]) for i in others)


def ages_of(outcomes: Sequence[PredictionSet]) -> np.ndarray:
    """Age of each film's patient in years, (n,); NaN where no model's predictions tell it."""
    ages = [[np.nan if r.age is None else r.age for r in one.records] for one in outcomes]
    return _first_known(np.array(ages))


def sizes_of(outcomes: Sequence[PredictionSet]) -> np.ndarray:
    """Height and width of each film in pixels, (n, 2); NaN where no model's predictions tell."""
    return _first_known(np.array([one.sizes for one in outcomes], float))


def carried_warnings(outcomes: Sequence[PredictionSet]) -> dict[str, np.ndarray]:
    """Warning's code -> whether each film carries it, bool (n,), by any of the models.

    Of what is not known, as the heat of an ensemble, there is no warning.
    """
    return {
        "no-lungs": np.any([one.lungs == 0 for one in outcomes], axis=0),
        "outside": np.any([one.fraction_in_lungs < LEAST_IN_LUNGS for one in outcomes], axis=0),
        "small": sizes_of(outcomes).min(axis=1) < MIN_SIDE,
    }


def take(one: SchemePredictions, mask: np.ndarray) -> SchemePredictions:
    """The predictions of the films for which the mask is true."""
    return replace(
        one,
        outcome=one.outcome.at(np.flatnonzero(mask)),
        y_true=one.y_true[mask],
        probability=one.probability[mask],
    )


def _between(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return (values >= limits[0]) & (values <= limits[1])


def _first_known(values: np.ndarray) -> np.ndarray:
    """Of (models, …) the first value that is no NaN."""
    found = values[0]
    for more in values[1:]:
        found = np.where(np.isnan(found), more, found)
    return found
