"""Fitting what frontal chest films are like, and the distance from which one is warned about."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.covariance import LedoitWolf

from xraycore.anatomy.feature_distance import FEWEST, distance_from_known
from xraycore.anatomy.lung_field import lung_field
from xraycore.anatomy.ood import FILE, VIEWS, OODDetector, standardised
from xraycore.anatomy.segmenter import BATCH, load_segmenter, load_segmenter_card, segmenter_folder
from xraycore.datasets.manifest import Manifest, Record
from xraycore.errors import DatasetError, WeightsError
from xraycore.imaging import RadiographError, read_radiograph
from xraycore.utils.files import replacing, sha256, write_json
from xraycore.utils.progress import Progress, ProgressCallback, ignore, part_of

# At most this share of any source's validation films is to be unlike.
UNLIKE_SHARE = 0.002
# Below this spread a feature says nothing, and dividing by it would make it say much.
LEAST_SPREAD = 1e-3
# How many films together are drawn from home's, how often, and which share of draws is usual.
COUNTS = (20, 50, 100, 200, 500, 1000, 2000, 5000)
DRAWS = 400
USUAL_SHARE = 0.95


def fit_detector(features: np.ndarray, validation: Sequence[np.ndarray]) -> OODDetector:
    """Mean, spread and shrunk correlation of training films' features, limit by other films'.

    The shrinkage is Ledoit & Wolf's (2004, doi:10.1016/S0047-259X(03)00096-4).

    Args:
        features: Of the segmenter, float (n, d).
        validation: Likewise, of films that were not fitted to, source by source.
    """
    logs = np.log1p(features)
    mean, scale = logs.mean(axis=0), np.maximum(logs.std(axis=0), LEAST_SPREAD)
    precision = LedoitWolf().fit(standardised(features, mean, scale)).precision_
    unlimited = OODDetector(mean, scale, precision.astype(np.float32), 1.0)
    limit = max(np.quantile(unlimited.ood_score(v), 1 - UNLIKE_SHARE) for v in validation)
    return OODDetector(mean, scale, unlimited.precision, float(limit))


def predict_lungs(
    records: Sequence[Record], report: ProgressCallback
) -> tuple[np.ndarray, np.ndarray]:
    """Whether plausible lungs were found, bool (n,), and features (n, d), of readable films.

    Raises:
        DatasetError: If none can be read.
    """
    found: list[bool] = []
    features: list[np.ndarray] = []
    for start in range(0, len(records), BATCH):
        films = []
        for record in records[start : start + BATCH]:
            try:
                films.append(read_radiograph(record.path).pixels)
            except RadiographError:
                continue  # `audit` says so.
        if films:
            probabilities, of_films = load_segmenter().predict(films)
            found.extend(lung_field(one).found for one in probabilities)
            features.append(of_films)
        report(Progress(min(1.0, (start + BATCH) / len(records))))
    if not features:
        raise DatasetError(f"expected films that can be read. Found none among {len(records)}")
    return np.array(found), np.concatenate(features)


def fit_on_splits(
    manifest: Manifest, report: ProgressCallback = ignore
) -> tuple[OODDetector, dict[tuple[str, str], tuple[int, int]], dict[str, Any]]:
    """Fits on the training films; says how many films of each source's splits are warned about.

    Returns:
        The screening, by source and split how many films are warned about, for ood_score or for
        want of lungs, of how many, and `measure_usual` of its validation films.

    Raises:
        DatasetError: If there are no films to fit to or to set the limit by.
    """
    predicted = {}
    parts = sorted({(r.source, r.split) for r in manifest.records})
    for source, split in parts:
        chosen = [r for r in manifest.records if (r.source, r.split) == (source, split)]
        predicted[source, split] = predict_lungs(
            chosen, part_of(report, activity=f"looking at {source}, {split}")
        )

    def features(name: str) -> list[np.ndarray]:
        chosen = [values for (_, split), (_, values) in predicted.items() if split == name]
        if not chosen:
            raise DatasetError(f"expected films in the split {name!r}. Found none")
        return chosen

    screening = fit_detector(np.concatenate(features("train")), features("val"))
    warned = {
        part: (int(((screening.ood_score(values) > 1) | ~found).sum()), len(found))
        for part, (found, values) in predicted.items()
    }
    home = {source: values for (source, split), (_, values) in predicted.items() if split == "val"}
    return screening, warned, measure_usual(screening, home)


def validation_features(
    manifest: Manifest, report: ProgressCallback = ignore
) -> dict[str, np.ndarray]:
    """Source -> features (n, d) of its validation films that can be read.

    Raises:
        DatasetError: If there are no validation films, or none of a source can be read.
    """
    films = manifest.split("val")
    sources = sorted({record.source for record in films})
    if not sources:
        raise DatasetError("expected films in the split 'val'. Found none")
    return {
        source: predict_lungs(
            [record for record in films if record.source == source],
            part_of(report, at, len(sources), f"looking at {source}"),
        )[1]
        for at, source in enumerate(sources)
    }


def fit_direction(
    screening: OODDetector, others: np.ndarray, validation: Sequence[np.ndarray]
) -> OODDetector:
    """The screening with the direction towards films of other views, such as laterals.

    Fisher's linear discriminant (1936, doi:10.1111/j.1469-1809.1936.tb02137.x) between the frontal
    films, whose mean and correlation the screening knows, and the others.

    Args:
        screening: Fitted to frontal films.
        others: Features (n, d) of films of other views.
        validation: Features of frontal films, source by source: at most 0.2 % of each are to lie
            farther along than 1.
    """
    mean, scale = screening.mean, screening.scale
    along = screening.precision @ standardised(others, mean, scale).mean(axis=0)
    limit = max(
        np.quantile(standardised(one, mean, scale) @ along, 1 - UNLIKE_SHARE) for one in validation
    )
    return replace(screening, towards=(along / limit).astype(np.float32))


def held_out(
    screening: OODDetector,
    others: np.ndarray,
    groups: Sequence[str],
    validation: Sequence[np.ndarray],
) -> np.ndarray:
    """Which of the others are unlike by a direction that other patients' films gave, bool (n,)."""
    patients, found = np.asarray(groups), np.zeros(len(others), bool)
    for patient in np.unique(patients):
        left = patients == patient
        fitted = fit_direction(screening, others[~left], validation)
        found[left] = fitted.ood_score(others[left]) > 1
    return found


def install_direction(screening: OODDetector, about: dict) -> Path:
    """Stores a direction beside the screening, which stays as it is, and describes it there.

    Raises:
        WeightsError: If the segmenter has no screening, or that has no direction.
    """
    folder, card = segmenter_folder(), load_segmenter_card()
    if card.get("screening") is None or screening.towards is None:
        raise WeightsError(f"{folder}: expected a screening, and a direction that belongs to it.")
    file = folder / VIEWS
    with replacing(file) as part, part.open("wb") as opened:
        np.savez_compressed(opened, towards=screening.towards)
    described = {"file": VIEWS, "sha256": sha256(file), "bytes": file.stat().st_size, **about}
    changed = {**card["screening"], "views": described}
    write_json(folder / "card.json", {**card, "screening": changed})
    return file


def measure_usual(
    screening: OODDetector, validation: Mapping[str, np.ndarray], *, seed: int = 0
) -> dict[str, Any]:
    """How far films of home are from the known ones, by how many they are; see `UsualDistances`.

    Args:
        screening: What the known films are like.
        validation: Source -> features (n, d) of films that it was not fitted to.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    home = {source: screening.components(values) for source, values in validation.items()}
    every = np.concatenate(list(home.values()))

    def distance(films: np.ndarray) -> float:
        return distance_from_known(films.mean(axis=0), np.cov(films.T, bias=True))

    def drawn(count: int) -> float:
        found = [distance(every[rng.integers(0, len(every), count)]) for _ in range(DRAWS)]
        return round(float(np.quantile(found, USUAL_SHARE)), 4)

    return {
        "films": len(every),
        "usual": {str(count): drawn(count) for count in COUNTS},
        "sources": {
            source: round(distance(films), 4)
            for source, films in home.items()
            if len(films) >= FEWEST
        },
    }


def install_usual(found: dict[str, Any]) -> Path:
    """Describes what is usual of home's films in the segmenter's card; the screening stays.

    Raises:
        WeightsError: If the segmenter has no screening.
    """
    folder, card = segmenter_folder(), load_segmenter_card()
    if card.get("screening") is None:
        raise WeightsError(f"{folder}: expected a screening: run fit-screening first.")
    changed = {**card["screening"], "distances": found}
    write_json(folder / "card.json", {**card, "screening": changed})
    return folder / "card.json"


def install_detector(screening: OODDetector, about: dict) -> Path:
    """Stores a screening beside the segmenter and describes it in that one's card."""
    folder = segmenter_folder()
    file = folder / FILE
    with replacing(file) as part:
        np.savez_compressed(
            part,
            mean=screening.mean.astype(np.float32),
            scale=screening.scale.astype(np.float32),
            precision=screening.precision,
            limit=screening.limit,
        )
    described = {"file": FILE, "sha256": sha256(file), "bytes": file.stat().st_size, **about}
    write_json(folder / "card.json", {**load_segmenter_card(), "screening": described})
    return file
