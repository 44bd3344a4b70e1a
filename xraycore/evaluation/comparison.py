"""Stored predictions of several models on the same films, seen through a view, and judged."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from xraycore.datasets.index import default_index
from xraycore.datasets.labels import CHEST4, LABEL_SCHEMES, NORMAL, LabelScheme
from xraycore.datasets.manifest import Record
from xraycore.errors import ArgumentError
from xraycore.evaluation.ensemble import ENSEMBLE
from xraycore.evaluation.evaluator import SchemePredictions, finding_of, own_scheme, subgroups
from xraycore.evaluation.predictions import PredictionSet, ensemble, film_keys
from xraycore.metrics.classification import score_classes
from xraycore.metrics.significance import compare_all, compare_calls

# Changes whenever a score does: what an older version kept is computed anew.
VERSION = 1
# A model that has predictions of fewer of the films is left out, not the films.
LEAST_SHARE = 0.5
SPLIT_TITLES = {
    "test": "Test",
    "external": "Other hospitals (external)",
    "val": "Validation",
    "train": "Training",
    "": "No split",
}


@dataclass(frozen=True)
class EvaluationSet:
    """Films of a split, of one source or of all (`source` is "")."""

    split: str
    source: str
    films: int

    @property
    def title(self) -> str:
        """Name to show."""
        return f"{SPLIT_TITLES.get(self.split, self.split)}, {self.source or 'all sources'}"

    def holds(self, record: Record) -> bool:
        """Whether a film belongs to it."""
        return record.split == self.split and self.source in ("", record.source)


@dataclass(frozen=True)
class ModelComparison:
    """Models judged on the same films.

    Attributes:
        scheme: How classes are summed.
        models: Name -> predictions of the films that all have, in one order; the ensemble last.
        members: Models whose mean probability the ensemble is; none where there is none.
        left_out: Model -> why it is not among them.
        dropped: Films left out because not every model has predictions of them.
    """

    scheme: LabelScheme
    models: Mapping[str, SchemePredictions]
    members: tuple[str, ...]
    left_out: Mapping[str, str]
    dropped: int

    @property
    def y_true(self) -> np.ndarray:
        """Class index of each film, (n,)."""
        return next(iter(self.models.values())).y_true

    @property
    def records(self) -> tuple[Record, ...]:
        """The films."""
        return next(iter(self.models.values())).outcome.records

    @cached_property
    def finding(self) -> str:
        """What is looked for; of two classes the second, else the first sick one with films."""
        classes = self.scheme.classes
        if len(classes) == 2:
            return classes[finding_of(self.scheme)]
        return next(name for name in classes if name != NORMAL and self.counts[name])

    def of_finding(self, model: str, finding: str) -> tuple[np.ndarray, np.ndarray]:
        """Bool (n,), whether each film shows the finding, and the model's probability of it."""
        k = self.scheme.classes.index(finding)
        return self.y_true == k, self.models[model].probability[:, k]

    @cached_property
    def counts(self) -> dict[str, int]:
        """Class -> films of it, in the view's order."""
        counter = Counter(self.y_true.tolist())
        return {name: counter[k] for k, name in enumerate(self.scheme.classes)}

    def place(self, source: str, file: str) -> int | None:
        """Index of a film, None where it is not among them."""
        found = (i for i, r in enumerate(self.records) if (r.source, r.path.name) == (source, file))
        return next(found, None)


def list_schemes(outcomes: Mapping[str, PredictionSet]) -> list[LabelScheme]:
    """The views that any of the models can be seen through: two classes first."""
    own = [own_scheme(outcome.classes) for outcome in outcomes.values()]
    named = [
        replace(scheme, name=" / ".join(scheme.classes))
        for scheme in own
        if scheme.classes != CHEST4
    ]
    known = [LABEL_SCHEMES[name] for name in ("pneumonia", "chest4", "covid3")]
    unique = {scheme.name: scheme for scheme in (*known, *named)}
    return [
        scheme for scheme in unique.values() if any(_fits(one, scheme) for one in outcomes.values())
    ]


def list_evaluation_sets(
    outcomes: Mapping[str, PredictionSet], scheme: LabelScheme
) -> list[EvaluationSet]:
    """Sets of films with two of the view's classes or more, test sets first."""
    labels: dict[tuple[str, str], dict[tuple, str]] = {}
    for outcome in outcomes.values():
        if not _fits(outcome, scheme):
            continue
        for record, key in zip(outcome.records, film_keys(outcome.records), strict=True):
            if label := scheme.label(record.label):
                for source in ("", record.source):
                    labels.setdefault((record.split, source), {})[key] = label
    order = {split: place for place, split in enumerate(SPLIT_TITLES)}
    sets = [
        EvaluationSet(split, source, len(films))
        for (split, source), films in labels.items()
        if len(set(films.values())) > 1
    ]
    return sorted(sets, key=lambda one: (order.get(one.split, len(order)), one.split, one.source))


def assemble(
    outcomes: Mapping[str, PredictionSet],
    scheme: LabelScheme,
    films: EvaluationSet,
    shipped: Sequence[str],
) -> ModelComparison:
    """The models on the films of a set that they all have predictions of.

    The ensemble is the mean of the calibrated probabilities of the shipped models among them.

    Args:
        outcomes: Model -> stored predictions.
        scheme: How classes are summed.
        films: Which films.
        shipped: Names of the models that may join the ensemble.

    Raises:
        ArgumentError: If no model has predictions of the films.
    """
    places_of, placed, left_out = {}, {}, {}
    for name, outcome in outcomes.items():
        if not _fits(outcome, scheme):
            left_out[name] = f"it knows other classes: {', '.join(outcome.classes)}"
            continue
        places_of[name] = {
            key: i
            for i, (r, key) in enumerate(
                zip(outcome.records, film_keys(outcome.records), strict=True)
            )
            if films.holds(r) and scheme.label(r.label)
        }
    # Whichever comes first may have a few films of its own; it is not to drive out the others.
    reference = max(places_of.values(), key=len, default={})
    for name, places in places_of.items():
        shared = len(places.keys() & reference.keys())
        if not places or shared < LEAST_SHARE * len(reference):
            left_out[name] = f"it has predictions of {len(places):,} of the {films.films:,} films"
            continue
        placed[name] = (outcomes[name], places)
    if not placed:
        raise ArgumentError(f"no model has predictions of the films {films.title!r}.")
    first = next(iter(placed.values()))[1]
    common = [key for key in first if all(key in places for _, places in placed.values())]
    models = {
        name: outcome.at([places[key] for key in common])
        for name, (outcome, places) in placed.items()
    }
    members = tuple(name for name in models if name in shipped)
    members = tuple(name for name in members if models[name].classes == models[members[0]].classes)
    if len(members) > 1:
        models[ENSEMBLE] = ensemble([models[name] for name in members])
    return ModelComparison(
        scheme,
        {name: SchemePredictions.of(outcome, scheme) for name, outcome in models.items()},
        members if len(members) > 1 else (),
        left_out,
        max(len(places) for _, places in placed.values()) - len(common),
    )


def cached_scores(one: SchemePredictions, scheme: LabelScheme) -> dict:
    """`score_classes` of a model, bootstrapped once and kept in the user's store."""
    return default_index().answer(
        _question("scores", one, scheme),
        lambda: score_classes(one.y_true, one.probability, scheme.classes, one.outcome.groups),
    )


def cached_subgroups(one: SchemePredictions, scheme: LabelScheme) -> list[dict]:
    """`subgroups` of a model, bootstrapped once and kept in the user's store."""
    return default_index().answer(
        _question("subgroups", one, scheme), lambda: subgroups(one, scheme)
    )


def compare(comparison: ModelComparison, names: Sequence[str]) -> list[dict]:
    """Every pair of the named models, tested on the comparison's films."""
    chosen = {name: comparison.models[name] for name in names}
    if len(comparison.scheme.classes) == 2:
        k = finding_of(comparison.scheme)
        return compare_all(
            {name: one.probability[:, k] for name, one in chosen.items()}, comparison.y_true == k
        )
    return compare_calls({name: one.called == comparison.y_true for name, one in chosen.items()})


def films_behind(comparison: ModelComparison, model: str, label: str, said: str) -> list[int]:
    """Indices of the films of a class that a model calls another (or that), the surest first."""
    one, classes = comparison.models[model], comparison.scheme.classes
    there = (comparison.y_true == classes.index(label)) & (one.called == classes.index(said))
    order = np.argsort(-one.probability.max(axis=1), kind="stable")
    return [int(i) for i in order if there[i]]


def _fits(outcome: PredictionSet, scheme: LabelScheme) -> bool:
    return {name for group in scheme.members.values() for name in group} <= set(outcome.classes)


def _question(kind: str, one: SchemePredictions, scheme: LabelScheme) -> str:
    digest = hashlib.sha256(repr((scheme.classes, one.outcome.sizes.shape)).encode())
    for values in (one.y_true, one.probability, one.outcome.sizes):
        digest.update(np.ascontiguousarray(values, float).tobytes())
    facts = [(r.source, r.group, r.age) for r in one.outcome.records]
    digest.update(repr(facts).encode())
    return f"{kind} {VERSION} {digest.hexdigest()}"
