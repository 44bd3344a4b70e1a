"""Is this a frontal chest X-ray at all? How far a film is from those that the networks know."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np

from xraycore.anatomy.segmenter import load_segmenter_card, segmenter_folder
from xraycore.errors import WeightsError
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.utils.files import sha256

FILE, VIEWS = "screening.npz", "views.npz"
# Principal components of the known films by which many films together are compared with them.
COMPONENTS = 16
UNLIKE = FilmWarning(
    "unlike",
    "This does not look like the frontal chest X-rays that the networks know. What they say about "
    "it means little.",
)


@dataclass(frozen=True, eq=False)
class OODDetector:
    """What the segmenter's features of frontal chest films are like.

    The Mahalanobis distance in the features of a network tells films from what is none (Lee et al.
    2018, arXiv:1807.03888); here in those of the lung segmenter, which every film passes anyway.

    Attributes:
        mean: Float32 (d,), of log(1 + feature) of the training films.
        scale: Float32 (d,), their standard deviation.
        precision: Float32 (d, d), inverse of their shrunk correlation.
        limit: Distance that hardly any film of the validation split exceeds.
        towards: Float32 (d,), the direction in which known films of other views lie, such as
            laterals (Fisher's discriminant); scaled so that hardly any film of the validation split
            lies farther along it than 1. None where none was fitted.
    """

    mean: np.ndarray
    scale: np.ndarray
    precision: np.ndarray
    limit: float
    towards: np.ndarray | None = None

    def ood_score(self, features: np.ndarray) -> np.ndarray:
        """Distances (n,) of features (n, d) as shares of the limit: above 1 a film is unlike.

        The greater of the distance from frontal films and that towards other views.
        """
        standard = standardised(features, self.mean, self.scale)
        squares = np.einsum("nd,de,ne->n", standard, self.precision, standard)
        away = np.sqrt(np.maximum(squares, 0.0)) / self.limit
        return away if self.towards is None else np.maximum(away, standard @ self.towards)

    def components(self, features: np.ndarray) -> np.ndarray:
        """Features (n, d) along the known films' principal components, float32 (n, COMPONENTS).

        Of the known films each is 0 in the mean and varies by 1, independently of the others.
        """
        return (standardised(features, self.mean, self.scale) @ self._directions).astype(np.float32)

    @cached_property
    def _directions(self) -> np.ndarray:
        values, vectors = np.linalg.eigh(np.linalg.inv(self.precision.astype(np.float64)))
        most = np.argsort(-values)[:COMPONENTS]
        found = vectors[:, most]
        # Either sign is right; all machines are to take the same.
        found = found * np.where(
            found[np.abs(found).argmax(axis=0), np.arange(len(most))] < 0, -1, 1
        )
        return found / np.sqrt(values[most])


def standardised(features: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Features (n, d), never negative, on the scale on which films are compared."""
    return (np.log1p(features) - mean) / scale


def screen(features: np.ndarray) -> np.ndarray:
    """Unlikeness (n,) of the segmenter's features (n, 512); NaN where it has no screening.

    Raises:
        WeightsError: If the screening's file is missing or not what the segmenter's card says.
    """
    screening = load_ood_detector()
    return screening.ood_score(features) if screening else np.full(len(features), np.nan)


def known_components(features: np.ndarray) -> np.ndarray:
    """The segmenter's features (n, 512) as `OODDetector.components`; (n, 0) without a screening.

    Raises:
        WeightsError: See `screen`.
    """
    screening = load_ood_detector()
    if screening is None:
        return np.zeros((len(features), 0), np.float32)
    return screening.components(features)


@cache
def load_ood_detector() -> OODDetector | None:
    """The shipped screening, verified against the segmenter's card; loaded once.

    Raises:
        WeightsError: If its file is missing or not what the card says.
    """
    folder = segmenter_folder()
    described = load_segmenter_card().get("screening")
    if described is None:
        return None
    file = folder / FILE
    if not file.is_file() or sha256(file) != described["sha256"]:
        raise WeightsError(f"{file}: expected the screening that its card describes.")
    try:
        with np.load(file, allow_pickle=False) as stored:
            detector = OODDetector(
                stored["mean"], stored["scale"], stored["precision"], float(stored["limit"])
            )
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{file}: expected a screening, four arrays: {error}") from None
    size = len(np.atleast_1d(detector.mean))
    shapes = [np.shape(one) for one in (detector.mean, detector.scale, detector.precision)]
    if shapes != [(size,), (size,), (size, size)]:
        raise WeightsError(f"{file}: expected arrays of one length. Received: {shapes}")
    views = described.get("views")
    return detector if views is None else replace(detector, towards=_read_views(views, size))


def _read_views(described: Mapping[str, Any], size: int) -> np.ndarray:
    """The direction towards other views that a card describes, (size,)."""
    file = segmenter_folder() / VIEWS
    if not file.is_file() or sha256(file) != described["sha256"]:
        raise WeightsError(f"{file}: expected the direction that the segmenter's card describes.")
    try:
        with np.load(file, allow_pickle=False) as stored:
            towards = stored["towards"]
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{file}: expected a direction, one array: {error}") from None
    if np.shape(towards) != (size,):
        raise WeightsError(f"{file}: expected {size} numbers. Received: {np.shape(towards)}")
    return towards
