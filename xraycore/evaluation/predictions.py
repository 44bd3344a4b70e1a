"""What models say about films, alone and averaged to an ensemble."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xraycore.attribution.registry import ANALYTIC, METHODS, all_maps
from xraycore.datasets.labels import NORMAL, members
from xraycore.datasets.manifest import Record
from xraycore.errors import ArgumentError
from xraycore.evaluation.ensemble import ENSEMBLE
from xraycore.imaging import RadiographError, read_radiograph
from xraycore.metrics.calibration import Calibration, fit_calibration
from xraycore.models.architectures import peak_activation_bytes
from xraycore.models.classifier import BATCH, Classifier
from xraycore.utils.progress import Progress, ProgressCallback, ignore


@dataclass(frozen=True)
class PredictionSet:
    """What a model said about films.

    Attributes:
        model: Its name, or "ensemble".
        classes: Class names.
        records: The films.
        logits: Float64 (n, k); for an ensemble the logs of its probabilities.
        calibration: From logits to calibrated probabilities.
        fraction_in_lungs: Of the positive heat for the predicted class, in the lungs or their rim,
            (n,); NaN where no lungs were found, or for an ensemble, which has no heat of its own.
        lungs: Share of what the network sees of the film that the lungs with their rim cover, (n,);
            0 where none were found.
        sizes: Height and width of each film in pixels, (n, 2).
        peaks: Analytic method -> hottest raw value of each film's map, (n,); empty where not kept.
        seconds: Time a film took, reading apart; NaN where not measured.
        memory: Bytes of feature maps at once while a film is classified (see
            `peak_activation_bytes`), of an ensemble the most that a member takes; 0 where not
            known.
    """

    model: str
    classes: tuple[str, ...]
    records: tuple[Record, ...]
    logits: np.ndarray
    calibration: Calibration
    fraction_in_lungs: np.ndarray
    lungs: np.ndarray
    sizes: np.ndarray
    peaks: Mapping[str, np.ndarray]
    seconds: float = float("nan")
    memory: int = 0

    @property
    def probabilities(self) -> np.ndarray:
        """Calibrated probabilities, (n, k)."""
        return self.calibration.probabilities(self.logits)

    @cached_property
    def allowed(self) -> np.ndarray:
        """1 for every class that a film's label allows, (n, k)."""
        return _allowed(self.records, self.classes)

    @property
    def groups(self) -> list[str]:
        """The patient of each film."""
        return [record.group for record in self.records]

    def only(self, keep: Callable[[Record], bool] | np.ndarray) -> "PredictionSet":
        """The films for which `keep`, a function of a record or a bool array, is true."""
        mask = np.array([keep(r) for r in self.records], bool) if callable(keep) else keep
        # All of them: with what was already worked out for them.
        return self if mask.all() else self.at(np.flatnonzero(mask))

    def at(self, places: Sequence[int] | np.ndarray) -> "PredictionSet":
        """The films with these indices, in their order."""
        chosen = np.asarray(places, int)
        return PredictionSet(
            self.model,
            self.classes,
            tuple(self.records[i] for i in chosen),
            self.logits[chosen],
            self.calibration,
            self.fraction_in_lungs[chosen],
            self.lungs[chosen],
            self.sizes[chosen],
            {name: values[chosen] for name, values in self.peaks.items()},
            self.seconds,
            self.memory,
        )


def predict_dataset(
    classifier: Classifier,
    records: Sequence[Record],
    report: ProgressCallback = ignore,
    *,
    calibrate: bool = False,
) -> PredictionSet:
    """Runs a classifier over films as the app does; one that cannot be read is left out.

    Args:
        classifier: Which.
        records: The films.
        report: Called after every batch.
        calibrate: Fit the classifier's calibration on these films, before it is asked which class
            it calls: heat is of that class.

    Raises:
        ArgumentError: If none can be read.
    """
    kept, logits, fraction_in_lungs, lungs, sizes = [], [], [], [], []
    peaks: dict[str, list[np.ndarray]] = {method: [] for method in ANALYTIC}
    seconds = 0.0
    for start in range(0, len(records), BATCH):
        films = []
        for record in records[start : start + BATCH]:
            try:
                films.append(read_radiograph(record.path))
                kept.append(record)
            except RadiographError:
                continue
        began = time.perf_counter()
        predictions = classifier.predict(films)
        seconds += time.perf_counter() - began
        for film, prediction in zip(films, predictions, strict=True):
            maps = {
                name: all_maps(METHODS[name], classifier, prediction.features) for name in ANALYTIC
            }
            for method, values in maps.items():
                peaks[method].append(values.max(axis=(0, 1)))
            logits.append(prediction.logits)
            field = prediction.lungs
            heatmap = np.moveaxis(maps["grad_cam"], -1, 0)
            fraction_in_lungs.append(
                [field.fraction_in_lungs(values, prediction.box) for values in heatmap]
            )
            lungs.append(field.lung_fraction_of(prediction.box) if field.found else 0.0)
            sizes.append(film.pixels.shape)
        report(Progress(min(1.0, (start + BATCH) / len(records))))
    if not kept:
        raise ArgumentError(f"none of {len(records)} films could be read.")
    said = np.stack(logits).astype(np.float64)
    if calibrate:
        classifier.calibration = fit_calibration(said, _allowed(kept, classifier.classes))
    every, probabilities = np.arange(len(kept)), classifier.probabilities_of(said)
    called = probabilities.argmax(axis=1)
    # As `target_of` has it.
    abnormal = np.array([name != NORMAL for name in classifier.classes])
    contrasted = np.where(abnormal, probabilities, -1.0).argmax(axis=1)
    return PredictionSet(
        classifier.spec.name,
        classifier.classes,
        tuple(kept),
        said,
        classifier.calibration,
        np.array(fraction_in_lungs)[every, called],
        np.array(lungs),
        np.array(sizes),
        {
            method: np.stack(values)[every, contrasted if METHODS[method].contrast else called]
            for method, values in peaks.items()
        },
        seconds / len(kept),
        peak_activation_bytes(classifier.network),
    )


def _allowed(records: Sequence[Record], classes: Sequence[str]) -> np.ndarray:
    sets = [members(record.label, classes) for record in records]
    return np.array([[name in allowed for name in classes] for allowed in sets], float)


def film_keys(records: Iterable[Record]) -> list[tuple]:
    """What tells a film in the predictions of several models; a folder is not among it.

    Files of one name, patient and label are told apart by which of them comes first.
    """
    occurrences: Counter = Counter()
    keys = []
    for record in records:
        key = record.split, record.source, record.path.name, record.group, record.label
        keys.append((*key, occurrences[key]))
        occurrences[key] += 1
    return keys


def ensemble(outcomes: Sequence[PredictionSet]) -> PredictionSet:
    """The mean of the models' calibrated probabilities on the films that all of them saw.

    Raises:
        ArgumentError: If the models know other classes, or have no film in common.
    """
    if len({outcome.classes for outcome in outcomes}) > 1:
        names = ", ".join(outcome.model for outcome in outcomes)
        raise ArgumentError(
            f"an ensemble needs models of the same classes; those of {names} differ."
        )
    keys = [film_keys(outcome.records) for outcome in outcomes]
    common = set(keys[0]).intersection(*keys[1:])
    if not common:
        raise ArgumentError("an ensemble needs films that all of its models saw. Received: none")
    # In the order of the first model's.
    order = [key for key in keys[0] if key in common]
    outcomes = [
        outcome.at([places[key] for key in order])
        for outcome, places in zip(
            outcomes, ({key: i for i, key in enumerate(of)} for of in keys), strict=True
        )
    ]
    first = outcomes[0]
    mean = np.mean([outcome.probabilities for outcome in outcomes], axis=0)
    nothing = np.full(len(first.records), np.nan)
    seconds = float(np.sum([outcome.seconds for outcome in outcomes]))
    return PredictionSet(
        ENSEMBLE,
        first.classes,
        first.records,
        np.log(np.maximum(mean, 1e-12)),
        Calibration(),
        nothing,
        first.lungs,
        first.sizes,
        {},
        seconds,
        max(outcome.memory for outcome in outcomes),
    )
