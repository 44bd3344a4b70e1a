"""Does a heatmap depend on what the network learnt? Its weights are made random: it must change.

The cascade of Adebayo et al. 2018, arXiv:1810.03292: layers lose their weights from the head down,
and the map after each step is compared with the trained network's. A map that stays shows the film,
or the architecture, and not what the network goes by. All happens on a copy.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xraycore.attribution.heatmap import BLANK_MAP, Heatmap, explain
from xraycore.attribution.metrics.similarity import Similarity, similarity
from xraycore.config import weights_folder
from xraycore.errors import ArgumentError, WeightsError
from xraycore.imaging.resample import upsample
from xraycore.models.architectures import HEAD
from xraycore.models.classifier import Classifier, Prediction
from xraycore.utils.progress import Progress, ProgressCallback, ignore, part_of
from xraycore.utils.stored import Name, Stored, read_stored
from xraycore.utils.text import join_names

if TYPE_CHECKING:
    import keras

# Steps of the cascade at most: the head, then groups of as many layers each.
GROUPS = 8
# Absolute rank correlation with the trained network's map below which a map counts as gone.
LIMIT = 0.5

# In the folder of weights, since it holds for them alone: what `randomise --json` measured.
RANDOMISATION_FILE = "randomisation.json"


def stored_verdict(method: str, model: str, weights_sha256: str | None = None) -> bool | None:
    """Whether random weights change a method's maps of a model as they must; None if not measured.

    Args:
        method: Name of the method.
        model: Name of the model.
        weights_sha256: Of its weights, if it matters that it was these that were measured.
    """
    file = weights_folder() / RANDOMISATION_FILE
    try:
        verdicts = _read_verdicts(file, file.stat().st_mtime_ns)
    except (OSError, WeightsError):
        return None  # Not there, or not written to its end.
    if weights_sha256 not in (None, verdicts["weights"].get(model)):
        return None
    return verdicts["rows"].get(model, {}).get(method, {}).get("passes")


class MethodVerdict(Stored):
    """What was measured of one method on one model."""

    passes: bool | None = None


class Verdicts(Stored):
    """What `randomise --json` wrote: `rows` by model and method, `weights` their sha256."""

    rows: dict[Name, dict[Name, MethodVerdict]]
    weights: dict[Name, Name]


@lru_cache(maxsize=2)
def _read_verdicts(file: Path, changed: int) -> Mapping[str, Mapping]:
    return read_stored(file, Verdicts, WeightsError)


@dataclass(frozen=True, eq=False)
class Cascade:
    """One film's map while the network loses what it has learnt.

    Attributes:
        steps: Layers that lost their weights at each step, from the head down, as text.
        heatmaps: The trained network's map, then one a step.
        similarities: Of each step's map to the trained network's, on the network's input.
    """

    steps: tuple[str, ...]
    heatmaps: tuple[Heatmap, ...] = field(repr=False)
    similarities: tuple[Similarity, ...]

    @property
    def rank_correlations(self) -> np.ndarray:
        """Absolute rank correlations, (steps,); a map turned over still shows the same."""
        return np.array([abs(one.rank_correlation) for one in self.similarities])

    @property
    def alike(self) -> tuple[int, ...]:
        """Steps, from 1, at which the map is still much like the trained network's."""
        return tuple(int(step) + 1 for step in np.flatnonzero(self.rank_correlations >= LIMIT))

    @property
    def reading(self) -> str:
        """What the cascade shows, in one sentence that looks at every step."""
        if not self.heatmaps[0].values.any():
            return BLANK_MAP
        half, end = _judged(self)
        ends = f"{half:.2f} with half of the layers random, {end:.2f} with all"
        values, alike = self.rank_correlations, self.alike
        highest = int(values.argmax()) + 1
        if not alike:
            return (
                "With random weights the map is another at every step, as it must be: rank "
                f"correlation {ends}, {values.max():.2f} at most (step {highest})."
            )
        where = (
            f"at {'step' if len(alike) == 1 else 'steps'} "
            f"{join_names([str(step) for step in alike])} of {len(values)} it is still much the "
            f"trained network's (rank correlation {values.max():.2f} at step {highest})"
        )
        if max(half, end) < LIMIT:
            return (
                f"The map goes, but not at once: {where}, so it does not depend on what those "
                f"layers learnt; {ends}."
            )
        return (
            "The map stays much the same with random weights, so it shows the film more than what "
            f"the network learnt: {where}; {ends}."
        )


def summarise_cascades(cascades: Sequence[Cascade]) -> dict[str, float | bool]:
    """What `passes` goes by, as plain values: `half` and `all` in [0, 1], and `passes`.

    Raises:
        ArgumentError: If none of the trained network's maps has heat.
    """
    passed = passes(cascades)
    half, end = np.mean([_judged(one) for one in _without_blank(cascades)], axis=0)
    return {"half": float(half), "all": float(end), "passes": passed}


def passes(cascades: Sequence[Cascade]) -> bool:
    """Whether a method passes the randomisation test on these films.

    It does where, averaged over the films, the absolute rank correlation with the trained network's
    map is below `LIMIT` both when the upper half of the layer groups is random and when all are.
    The half, since maps that trace the film's edges hold out until the lowest layers go. The paper
    sets no limit; 0.5 is where less than a quarter of the ranks' variance is shared. The structural
    similarity is no part of it: of sparse maps it is high in any case. A film on which the trained
    network's map has no heat tells nothing and does not count.

    Raises:
        ArgumentError: If none has.
    """
    judged = [_judged(one) for one in _without_blank(cascades)]
    if not judged:
        raise ArgumentError("expected the cascade of at least one film with heat. Received: none")
    return bool(np.mean(judged, axis=0).max() < LIMIT)


def _without_blank(cascades: Sequence[Cascade]) -> list[Cascade]:
    return [one for one in cascades if one.heatmaps[0].values.any()]


def _judged(cascade: Cascade) -> tuple[float, float]:
    """Absolute rank correlations with the upper half of the groups random, and with all."""
    values = cascade.rank_correlations
    return float(values[(len(values) - 1) // 2]), float(values[-1])


def cascades(
    model: Classifier,
    predictions: Sequence[Prediction],
    methods: Sequence[str],
    target: str | None = None,
    *,
    groups: int = GROUPS,
    seed: int = 0,
    settings: Mapping[str, Mapping[str, float]] | None = None,
    report: ProgressCallback = ignore,
) -> dict[str, list[Cascade]]:
    """The maps of films while layers are randomised from the head down.

    Args:
        model: The trained classifier; it is not changed.
        predictions: Its predictions.
        methods: Names of methods, see `list_methods`.
        target: Class to explain; each film's predicted one where None.
        groups: Steps at most.
        seed: Of the random weights.
        settings: Of methods, by name.
        report: Called with the share that is done; raises `Cancelled` to stop.

    Returns:
        A cascade a film, in their order, by method.

    Raises:
        ArgumentError: As `explain` does.
        Cancelled: If `report` did.
    """
    steps, settings = layer_groups(model.network, groups), settings or {}
    targets = [target or one.label for one in predictions]
    count = (len(steps) + 1) * len(predictions) * len(methods)
    heatmaps: dict[tuple[str, int], list[Heatmap]] = {}

    def add_maps(network: Classifier, predicted: Sequence[Prediction]) -> None:
        for name in methods:
            for i, prediction in enumerate(predicted):
                row = heatmaps.setdefault((name, i), [])
                part = part_of(report, sum(map(len, heatmaps.values())), count)
                # Of the methods that need no further pass none reports.
                part(Progress(0.0))
                own = settings.get(name, {})
                row.append(explain(network, prediction, name, targets[i], report=part, **own))

    add_maps(model, predictions)
    for network in randomised(model, steps, seed):
        add_maps(network, [network.predict_input(one, one.grey) for one in predictions])
    report(Progress(1.0))
    return {
        name: [
            _cascade(steps, heatmaps[name, i], prediction.grey.shape[:2])
            for i, prediction in enumerate(predictions)
        ]
        for name in methods
    }


def layer_groups(network: "keras.Model", groups: int = GROUPS) -> list[list[str]]:
    """Names of the layers with weights from the head down: the head alone, the rest in like parts.

    Args:
        network: A flat graph with a head.
        groups: Groups at most, the head's among them; fewer where there are fewer layers.
    """
    below = [layer.name for layer in network.layers[::-1] if layer.weights and layer.name != HEAD]
    parts = np.array_split(below, min(groups - 1, len(below)))
    return [[HEAD], *(list(map(str, part)) for part in parts)]


def randomised(
    model: Classifier, steps: Sequence[Sequence[str]], seed: int
) -> Iterator[Classifier]:
    """A copy of a classifier after each step, its layers of that and all earlier steps random.

    It is the same object at every step, and changes at the next. Random weights are those that the
    layer's own initialisers draw.

    Args:
        model: The trained classifier; it is not changed.
        steps: Names of layers; the head's in the first step.
        seed: Of the random weights.
    """
    import keras

    fresh = untrained(model.network, seed)
    network = keras.models.clone_model(model.network)
    network.set_weights(model.network.get_weights())
    copy = None
    for names in steps:
        for name in names:
            network.get_layer(name).set_weights(fresh.get_layer(name).get_weights())
        # A classifier reads its head once, at the start; of the rest it sees every change.
        copy = copy or Classifier(model.spec, network, model.classes, model.card)
        yield copy


def untrained(network: "keras.Model", seed: int) -> "keras.Model":
    """A network of the same layers with the weights that their initialisers draw.

    Keras would draw them with Python's own random numbers, whose state is not ours to set.
    """
    import keras

    random = np.random.default_rng(seed)

    def copy(layer: "keras.Layer") -> "keras.Layer":
        config = layer.get_config()
        for name, value in config.items():
            if name.endswith("_initializer") and "seed" in value["config"]:
                value["config"]["seed"] = int(random.integers(2**31))
        return layer.__class__.from_config(config)

    return keras.models.clone_model(network, clone_function=copy)


def _cascade(
    steps: Sequence[Sequence[str]], heatmaps: Sequence[Heatmap], shape: tuple[int, int]
) -> Cascade:
    first, *later = (upsample(heatmap.values, shape) for heatmap in heatmaps)
    return Cascade(
        tuple(names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}" for names in steps),
        tuple(heatmaps),
        tuple(similarity(first, one) for one in later),
    )
