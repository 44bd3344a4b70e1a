"""Fitting what frontal chest films are like, and the distance from which one is warned about."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.covariance import LedoitWolf

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
) -> tuple[OODDetector, dict[tuple[str, str], tuple[int, int]]]:
    """Fits on the training films; says how many films of each source's splits are warned about.

    Returns:
        The screening, and by source and split how many films are warned about, for ood_score or
        for want of lungs, of how many.

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
    return screening, warned


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
