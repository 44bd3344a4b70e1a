"""Probabilities of trained networks, for a student to imitate."""

from collections.abc import Sequence

import numpy as np

from xraycore.errors import ArgumentError
from xraycore.models.cards import read_card
from xraycore.models.classifier import BATCH, load_model
from xraycore.models.registry import get_spec
from xraycore.training.batches import ImageArray
from xraycore.utils.progress import Progress, ProgressCallback, ignore


def check_teachers(names: Sequence[str], classes: Sequence[str], view: str) -> None:
    """Refuses shipped models that cannot teach: before films are read, from their cards.

    Raises:
        ArgumentError: If a teacher knows other classes or sees another part of the film.
        WeightsError: If it has no trained weights.
    """
    for name in names:
        card = read_card(name)
        if card["classes"] != list(classes):
            raise ArgumentError(
                f"teacher {name} must know the classes {', '.join(classes)}. "
                f"It knows {', '.join(card['classes'])}"
            )
        if (crop := card.get("view", "film")) != view:
            raise ArgumentError(
                f"teacher {name} must see the same part of a film, {view!r}. It sees {crop!r}"
            )


def size_for(names: Sequence[str]) -> int:
    """Height and width of the largest films that these shipped models see; 0 for no models.

    Raises:
        WeightsError: If one has no trained weights.
    """
    return max((read_card(n).get("input_size", get_spec(n).input_size) for n in names), default=0)


def teach(
    names: Sequence[str],
    films: ImageArray,
    classes: Sequence[str],
    report: ProgressCallback = ignore,
) -> np.ndarray:
    """Mean probabilities of shipped models on films and on their mirror images; float32 (n, k).

    Knowledge distillation (Hinton et al. 2015, arXiv:1503.02531), from the films as they are: the
    teachers look once, not at every augmented copy.

    Args:
        names: The teachers, see `check_teachers`.
        films: What they are asked about.
        classes: Class names of the student.
        report: Called after every batch.

    Raises:
        WeightsError: If a teacher has no trained weights, or they are not what its card says.
    """
    total = np.zeros((len(films.records), len(classes)))
    for index, name in enumerate(names):
        model = load_model(name)
        pixels = films.at(model.size).pixels
        for start in range(0, len(pixels), BATCH):
            grey = pixels[start : start + BATCH, ..., None].astype(np.float32) / 255.0
            for film in (grey, grey[:, :, ::-1]):
                total[start : start + BATCH] += model.probabilities_of(model.forward(film)[0])
            done = (index + min(1.0, (start + BATCH) / len(pixels))) / len(names)
            report(Progress(done, "asking the teachers"))
    return (total / (2 * len(names))).astype(np.float32)
