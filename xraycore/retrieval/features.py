"""What networks find on films that are to be compared; each film is read once for all of them."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from xraycore.anatomy.crop import ModelInput, crop_inputs
from xraycore.anatomy.lung_field import segment_lungs
from xraycore.anatomy.segmenter import segmenter_sha256
from xraycore.attribution.registry import METHODS, all_maps
from xraycore.datasets.locator import FoundFilm
from xraycore.datasets.manifest import Record
from xraycore.errors import ArgumentError, RadiographError
from xraycore.imaging import Radiograph, read_radiograph
from xraycore.imaging.decoding import MAX_BYTES
from xraycore.imaging.film_warnings import NO_DOUBT, warning_codes
from xraycore.imaging.resample import resize
from xraycore.models.classifier import BATCH, Classifier, Prediction
from xraycore.retrieval.feature_store import (
    GRID,
    VERSION,
    FeatureStore,
    Findings,
    default_store,
)
from xraycore.utils.files import sha256
from xraycore.utils.progress import Progress, ProgressCallback, ignore, part_of

# Of the class that is called, as `predict_dataset` has it.
METHOD = "grad_cam"


@dataclass(frozen=True, eq=False)
class FilmFeatures:
    """What one network found on films; attributes but the first two as in `Findings`.

    Attributes:
        records: The films.
        hashes: sha256 of each film's file.
        pooled: Float32 (n, c).
        logits: Float32 (n, k).
        heatmaps: Float32 (n, 16, 16).
        in_lungs: Float (n,).
        codes: Codes of each film's warnings.
    """

    records: tuple[Record, ...]
    hashes: tuple[str, ...]
    pooled: np.ndarray = field(repr=False)
    logits: np.ndarray = field(repr=False)
    heatmaps: np.ndarray = field(repr=False)
    in_lungs: np.ndarray = field(repr=False)
    codes: tuple[tuple[str, ...], ...] = ()

    def at(self, keep: np.ndarray) -> "FilmFeatures":
        """The films for which a bool array (n,) is true."""
        places = np.flatnonzero(keep)
        return FilmFeatures(
            tuple(self.records[i] for i in places),
            tuple(self.hashes[i] for i in places),
            self.pooled[places],
            self.logits[places],
            self.heatmaps[places],
            self.in_lungs[places],
            tuple(self.codes[i] for i in places),
        )

    def of_split(self, *splits: str) -> "FilmFeatures":
        """The films of these splits."""
        return self.at(np.array([record.split in splits for record in self.records], bool))


def network_key(model: Classifier) -> str:
    """What features hang on beside the film: weights, and how the lungs are found."""
    weights = model.card.get("weights", {}).get("sha256", "")
    return hashlib.sha256(f"{VERSION} {weights} {segmenter_sha256()}".encode()).hexdigest()[:24]


def gather_features(
    models: Sequence[Classifier],
    records: Sequence[Record],
    store: FeatureStore | None = None,
    report: ProgressCallback = ignore,
) -> dict[str, FilmFeatures]:
    """Model -> what it finds on the films that can be read, in their order.

    Args:
        models: Films are read, and their lungs found, once for all that do not know them yet.
        records: The films.
        store: What was found before lies there, and what is new is added as it comes: a run that
            was stopped goes on. The answer is the same without, but for rounding to float16.
        report: Called after every few films; what it raises stops the work.

    Raises:
        ArgumentError: If none of the films can be read.
    """
    digests = _hash_all(records, part_of(report, 0, 10, "looking at the files"))
    keys = {model.spec.name: network_key(model) for model in models}
    known = {
        name: store.findings(key, digests.values()) if store else {} for name, key in keys.items()
    }
    missing = [
        record
        for record in {digests[r]: r for r in records if r in digests}.values()
        if any(digests[record] not in found for found in known.values())
    ]
    # The other nine tenths.
    telling = part_of(report, 1 / 9, 10 / 9) if missing else ignore
    for start in range(0, len(missing), BATCH):
        part = missing[start : start + BATCH]
        for name, found in _look(models, part, digests, known).items():
            known[name] |= found
            if store:
                store.keep(keys[name], found)
        words = f"film {min(start + BATCH, len(missing)):,} of {len(missing):,}"
        telling(Progress(min(1.0, (start + BATCH) / len(missing)), words))
    if store:
        store.remember({digest: FoundFilm(r.path, r.lesion) for r, digest in digests.items()})
    return {name: _join(records, digests, found) for name, found in known.items()}


def keep_features(
    model: Classifier, records: Sequence[Record], report: ProgressCallback = ignore
) -> FilmFeatures:
    """What a network finds on the films that can be read, kept in the user's cache.

    Of films that it was asked about before it is there at once.

    Raises:
        ArgumentError: If none of the films can be read.
    """
    with default_store() as store:
        return gather_features([model], records, store, report)[model.spec.name]


def _hash_all(records: Sequence[Record], report: ProgressCallback) -> dict[Record, str]:
    """The sha256 of every file that can be read."""
    found = {}
    for number, record in enumerate(records):
        with suppress(OSError):
            if record.path.stat().st_size <= MAX_BYTES:
                found[record] = sha256(record.path)
        if number % 100 == 0:
            report(Progress(number / len(records)))
    return found


def _look(
    models: Sequence[Classifier],
    records: Sequence[Record],
    digests: dict[Record, str],
    known: dict[str, dict[str, Findings]],
) -> dict[str, dict[str, Findings]]:
    """What the models find on films that they do not know."""
    read: list[tuple[str, Radiograph]] = []
    for record in records:
        with suppress(RadiographError):  # `audit` says so.
            read.append((digests[record], read_radiograph(record.path)))
    if not read:
        return {}
    films = [film for _, film in read]
    lungs = segment_lungs(films)
    inputs: dict[tuple[str, int], list[ModelInput]] = {}
    found: dict[str, dict[str, Findings]] = {}
    for model in models:
        seen = (model.view, model.size)
        if seen not in inputs:
            inputs[seen] = crop_inputs(films, *seen, lungs)
        asked = [i for i, (digest, _) in enumerate(read) if digest not in known[model.spec.name]]
        predictions = model.predict([inputs[seen][i] for i in asked])
        found[model.spec.name] = {
            read[i][0]: _findings(model, prediction)
            for i, prediction in zip(asked, predictions, strict=True)
        }
    return found


def pool(prediction: Prediction) -> np.ndarray:
    """What a film is compared by: the mean of the feature map, float32 (c,)."""
    return prediction.features.mean(axis=(0, 1), dtype=np.float32)


def _findings(model: Classifier, prediction: Prediction) -> Findings:
    called = model.classes.index(prediction.label)
    values = all_maps(METHODS[METHOD], model, prediction.features)[..., called]
    heatmap = np.maximum(resize(values, (GRID, GRID)), 0)
    return Findings(
        pool(prediction),
        prediction.logits,
        heatmap / (heatmap.sum() or 1.0),
        prediction.lungs.fraction_in_lungs(values, prediction.box),
        tuple(code for code in warning_codes(prediction.warnings) if code not in NO_DOUBT),
    )


def _join(
    records: Sequence[Record], digests: dict[Record, str], found: dict[str, Findings]
) -> FilmFeatures:
    kept = [record for record in records if digests.get(record) in found]
    if not kept:
        raise ArgumentError(f"none of {len(records)} films could be read.")
    hashes = tuple(digests[record] for record in kept)
    of_films = [found[digest] for digest in hashes]
    pooled, logits, heatmaps, in_lungs, codes = zip(*of_films, strict=True)
    return FilmFeatures(
        tuple(kept),
        hashes,
        np.stack(pooled),
        np.stack(logits),
        np.stack(heatmaps),
        np.array(in_lungs, float),
        codes,
    )
