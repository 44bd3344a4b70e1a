"""Which of the films that a network learnt from are most alike to one, and what that tells."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from xraycore.config import weights_folder
from xraycore.datasets.labels import SETS
from xraycore.datasets.public import ORIGINS
from xraycore.errors import ArgumentError
from xraycore.models.cards import stored_title
from xraycore.models.classifier import Classifier, Prediction
from xraycore.retrieval.features import pool
from xraycore.retrieval.index import SPLITS, FeatureIndex, mean_nearest
from xraycore.retrieval.index_file import load_index
from xraycore.utils.text import join_names, pluralise

# As the study had it that found readers helped by similar films.
NEIGHBOURS = 20
MOST_NEIGHBOURS = 1000


@dataclass(frozen=True)
class Neighbour:
    """A film that a network learnt from.

    Attributes:
        sha256: Of its file, by which it is found again where it is.
        label: What its data set calls it.
        source: Name of the data set.
        split: "train" or "val".
        distance: From the film that was asked about, in [0, 2]: 0 of one that the network cannot
            tell from it.
    """

    sha256: str
    label: str
    source: str
    split: str
    distance: float


@dataclass(frozen=True)
class SimilarFilms:
    """The films most alike to one, as a network sees them.

    Attributes:
        model: Name of the network.
        neighbours: The nearest first.
        distance: Mean distance to the ten nearest training films, or to all of fewer.
        usual: Its median over validation films, None where there were none.
        limit: What 99 of 100 validation films have less than; None likewise.
        itself: The very film, where the network learnt from it; it is none of the neighbours.
        among: Films that were searched.
        complete: Whether these are all that it learnt from.
    """

    model: str
    neighbours: tuple[Neighbour, ...]
    distance: float
    usual: float | None
    limit: float | None
    itself: Neighbour | None
    among: int
    complete: bool = True

    @property
    def labels(self) -> dict[str, int]:
        """Label -> neighbours of it, the most first."""
        return dict(Counter(one.label for one in self.neighbours).most_common())

    @property
    def sources(self) -> dict[str, int]:
        """Source -> neighbours of it, the most first."""
        return dict(Counter(one.source for one in self.neighbours).most_common())

    @property
    def alike(self) -> bool:
        """Whether there is anything like it; true also where nobody knows what is usual."""
        return self.limit is None or self.distance <= self.limit

    @property
    def reading(self) -> str:
        """In sentences: what they are, whose they are, and how near."""
        title, count = stored_title(self.model), len(self.neighbours)
        told = join_names([f"{n} {_named(label)}" for label, n in self.labels.items()])
        are = "is" if next(iter(self.labels.values())) == 1 else "are"
        text = f"Of the {count} films most alike to {title}, {told.replace(' ', f' {are} ', 1)}; "
        text += f"{_origins(self.sources, count)}."
        if self.alike:
            return text
        times = f"{self.distance / self.usual:.1f} times as far as is usual, " if self.usual else ""
        return (
            f"Nothing that {title} learnt from is like it: the nearest films lie {times}farther "
            f"away than those of 99 in 100 films of its own hospitals. {text}"
        )

    @property
    def caution(self) -> str:
        """What must be known of these neighbours; "" for nothing."""
        said = []
        if self.itself:
            split = "was trained on" if self.itself.split == "train" else "was chosen by"
            said.append(
                f"{stored_title(self.model)} {split} this very film ({_named(self.itself.label)}): "
                "what it says of it proves nothing."
            )
        if len(self.sources) == 1 and len(self.neighbours) > 1:
            said.append(
                "They all have one origin: it may be like them by where it comes from alone, and "
                "not by what is wrong with the lungs."
            )
        return " ".join(said)

    def to_json(self) -> dict[str, Any]:
        """For programs; distances are rounded to four places."""
        return {
            "similar": [_to_json(one) for one in self.neighbours],
            "labels": self.labels,
            "sources": self.sources,
            "distance": round(self.distance, 4),
            "usual_distance": self.usual,
            "far_from": self.limit,
            "alike": self.alike,
            "itself": self.itself and _to_json(self.itself),
            "among": self.among,
            "complete": self.complete,
            "reading": self.reading,
            "caution": self.caution,
        }


def similar(
    model: Classifier, prediction: Prediction, k: int = NEIGHBOURS, *, sha256: str = ""
) -> SimilarFilms:
    """The films most alike to one, of those that a model was trained and validated on.

    Alike to the network: its pooled features lie at a small angle. Compared with every film.

    Args:
        model: A trained model with an index (`xraycore index`).
        prediction: What it said of the film.
        k: How many; all where there are fewer.
        sha256: Of the film's file (`xray.info.sha256`), so that it is not found as its own double.

    Raises:
        WeightsError: If the model has no index, or one of other weights.
        ArgumentError: If `k` is no such number, or the prediction is another model's.
    """
    weights = model.card.get("weights", {}).get("sha256", "")
    if (prediction.model, prediction.weights_sha256) != (model.spec.name, weights):
        raise ArgumentError(
            f"expected a prediction of {model.spec.name} with these weights. Received one of "
            f"{prediction.model} {prediction.weights_sha256[:12]}"
        )
    return find_similar(prediction, k, sha256=sha256)


def find_similar(prediction: Prediction, k: int = NEIGHBOURS, *, sha256: str = "") -> SimilarFilms:
    """As `similar`, by the model's stored index alone: the network need not be here.

    Raises:
        WeightsError: If the model has no index, or it is of other weights than the prediction.
        ArgumentError: If `k` is no such number.
    """
    index = load_index(prediction.model)
    if index.note["weights_sha256"] != prediction.weights_sha256:
        raise ArgumentError(
            f"expected a prediction of the weights of {weights_folder() / prediction.model}. "
            f"Received one of {prediction.weights_sha256[:12] or 'untrained ones'}"
        )
    return search(index, pool(prediction), k, sha256=sha256)


def search(
    index: FeatureIndex, pooled: np.ndarray, k: int = NEIGHBOURS, *, sha256: str = ""
) -> SimilarFilms:
    """The films of an index that are most alike to one with these pooled features (c,).

    Raises:
        ArgumentError: If `k` is not from 1 to 1,000, or the features are another network's.
    """
    if not 1 <= k <= MOST_NEIGHBOURS:
        raise ArgumentError(f"k must be from 1 to {MOST_NEIGHBOURS}. Received: {k}")
    distances = index.distances(np.asarray(pooled, np.float32)[None])[0]
    own = index.place(sha256) if sha256 else None
    itself = None if own is None else _neighbour(index, own, distances)
    if own is not None:
        distances[own] = np.inf
    count = min(k, len(index) - (own is not None))
    # The whole order only of those that are wanted; of equals the one that was stored first.
    nearest = np.argsort(distances, kind="stable")[:count]
    usual: Mapping[str, float] = index.note["usual"] or {}
    # As what is usual was measured: from films that the network was trained on.
    trained = (index.splits == SPLITS.index("train")) & np.isfinite(distances)
    return SimilarFilms(
        index.note["model"],
        tuple(_neighbour(index, int(place), distances) for place in nearest),
        float(mean_nearest(distances[trained][None])[0]),
        usual.get("median"),
        usual.get("limit"),
        itself,
        len(index),
        index.note["complete"],
    )


def _neighbour(index: FeatureIndex, place: int, distances: np.ndarray) -> Neighbour:
    return Neighbour(
        index.digest(place),
        index.note["labels"][index.labels[place]],
        index.note["sources"][index.sources[place]],
        SPLITS[index.splits[place]],
        float(distances[place]),
    )


def _to_json(one: Neighbour) -> dict[str, Any]:
    return {**vars(one), "distance": round(one.distance, 4)}


def _named(label: str) -> str:
    """A label within a sentence: names and abbreviations stay as they are."""
    word = label if any(c.isdigit() for c in label) or label.isupper() else label.lower()
    return f"{word} of unknown kind" if label in SETS else word


def origin_of(source: str) -> str:
    """Whose films a source has, as a sentence names them."""
    return ORIGINS.get(source, source)


def _origins(sources: Mapping[str, int], count: int) -> str:
    if len(sources) == 1:
        whose = origin_of(next(iter(sources)))
        return f"all {count} are from {whose}" if count > 1 else f"it is from {whose}"
    of_each = [f"{pluralise(n, 'film')} from {origin_of(name)}" for name, n in sources.items()]
    return join_names(of_each)
