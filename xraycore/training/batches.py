"""Films decoded once into memory, and the batches a network is trained on."""

import logging
import math
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import cv2
import keras
import numpy as np

from xraycore.anatomy.crop import check_field_of_view, crop_inputs
from xraycore.datasets.labels import NORMAL, members
from xraycore.datasets.manifest import Record
from xraycore.errors import DatasetError
from xraycore.imaging import Radiograph, RadiographError, read_radiograph
from xraycore.imaging.box import Box
from xraycore.imaging.resample import resize
from xraycore.training.augmentation import Augmentation, add_opacities
from xraycore.utils.progress import Progress, ProgressCallback, ignore

logger = logging.getLogger(__name__)

# Height and width of the lung masks that are kept beside the films.
MASK = 56
CHUNK = 32


class Rows:
    """Rows of several arrays, one array after the other."""

    def __init__(self, arrays: Sequence[np.ndarray]):
        self.arrays, self.ends = arrays, np.cumsum([len(one) for one in arrays])

    def __getitem__(self, row: int) -> np.ndarray:
        which = int(np.searchsorted(self.ends, row, side="right"))
        return self.arrays[which][row - self.ends[which]]  # Negative: from its end.


@dataclass(frozen=True)
class Features:
    """What the frozen layers of a network make of films, as files keep it, row by row.

    Attributes:
        values: Feature maps, float16 (h, w, c) a film.
        places: Lungs and drawn lesions, moved as the film was, uint8 (56, 56, 2) in [0, 255].
        painted: Whether opacities were painted in.
    """

    values: Rows
    places: Rows
    painted: Rows


@dataclass(frozen=True)
class ImageArray:
    """What networks see of decoded films.

    Attributes:
        pixels: uint8 (n, s, s).
        lungs: uint8 (n, 56, 56) in [0, 255], the lungs with their rim on the same part of the film;
            255 everywhere where no lungs were found.
        records: The record of each.
        lesions: Likewise where the finding was drawn, uint8 (n, 56, 56); 0 everywhere where it was
            not. None where it was on no film.
        features: What is trained on in place of the films, for every drawn set of changes; () for
            the films (see `training.feature_cache`).
    """

    pixels: np.ndarray
    lungs: np.ndarray
    records: tuple[Record, ...]
    lesions: np.ndarray | None = None
    features: tuple[Features, ...] = ()

    def at(self, size: int) -> "ImageArray":
        """The same films at another size; area averaging, which reduces without aliasing."""
        if self.pixels.shape[1] == size:
            return self
        smaller = [cv2.resize(p, (size, size), interpolation=cv2.INTER_AREA) for p in self.pixels]
        return replace(self, pixels=np.stack(smaller))

    def joined(self, other: "ImageArray") -> "ImageArray":
        """These films and others of the same size."""
        lesions = [
            np.zeros_like(f.lungs) if f.lesions is None else f.lesions for f in (self, other)
        ]
        return ImageArray(
            np.concatenate([self.pixels, other.pixels]),
            np.concatenate([self.lungs, other.lungs]),
            (*self.records, *other.records),
            np.concatenate(lesions),
        )

    def targets(self, classes: Sequence[str]) -> np.ndarray:
        """Float32 (n, classes): 1 for every class that the film's label allows."""
        allowed = [members(record.label, classes) for record in self.records]
        return np.array([[name in names for name in classes] for names in allowed], np.float32)


def load_images(
    records: Sequence[Record],
    size: int,
    view: str = "lungs",
    report: ProgressCallback = ignore,
) -> ImageArray:
    """Reads what a network sees of films; one that cannot be read is logged and left out.

    Args:
        records: What to read.
        size: Height and width in pixels.
        view: "lungs" or "film", see `xraycore.anatomy.crop`.
        report: Called after every few films.

    Raises:
        DatasetError: If none can be read.
        ArgumentError: If there is no such view.
    """
    check_field_of_view(view)

    def read(record: Record) -> Radiograph | None:
        try:
            return read_radiograph(record.path)
        except RadiographError as error:
            logger.warning("left out: %s", error)
            return None

    pixels, lungs, lesions, read_records = [], [], [], []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(records), CHUNK):
            chunk = records[start : start + CHUNK]
            found = [
                (record, radiograph)
                for record, radiograph in zip(chunk, pool.map(read, chunk), strict=True)
                if radiograph is not None
            ]
            parts = crop_inputs([radiograph for _, radiograph in found], view, size)
            for (record, _), part in zip(found, parts, strict=True):
                pixels.append(np.rint(part.grey[..., 0] * 255.0).astype(np.uint8))
                lungs.append(np.rint(part.lungs_on((MASK, MASK)) * 255.0).astype(np.uint8))
                lesions.append(_lesion_on(part.box, record))
                read_records.append(record)
            report(Progress((start + len(chunk)) / len(records), "reading films"))
    if not read_records:
        raise DatasetError(f"expected readable films; none of {len(records)} could be read.")
    drawn = np.stack(lesions) if any(one.any() for one in lesions) else None
    return ImageArray(np.stack(pixels), np.stack(lungs), tuple(read_records), drawn)


def _lesion_on(box: Box, record: Record) -> np.ndarray:
    """Where a film's lesion was drawn on the part that is seen, uint8 (56, 56)."""
    try:
        drawn = record.lesion.draw() if record.lesion else np.zeros((1, 1), np.float32)
    except RadiographError as error:
        logger.warning("%s: its lesion is left out: %s", record.path.name, error)
        drawn = np.zeros((1, 1), np.float32)
    return np.rint(resize(box.crop(drawn), (MASK, MASK)) * 255.0).astype(np.uint8)


def balance_weights(records: Sequence[Record], power: float) -> np.ndarray:
    """Loss weight of each film, n(label, source)^-power scaled to mean 1; float32 (n,)."""
    counts = Counter((record.label, record.source) for record in records)
    weights = np.array([counts[r.label, r.source] ** -power for r in records])
    return (weights / weights.mean()).astype(np.float32)


class BatchSequence(keras.utils.PyDataset):
    """Batches (films (b, s, s, 1) in [0, 1], truth, weights (b,)) of one epoch.

    In place of films that have features the batches have these, (b, h, w, c): epoch e those of the
    changes that were drawn for epoch e modulo their number.

    Truth is a dict: `classes` (b, k), 1 for every class that the label allows; `lungs` (b, h, w),
    the share of each cell of the feature map that lies in the lungs; `lesions` (b, h, w), likewise
    where the finding was drawn, 0 everywhere where it was not; and `teacher` (b, k), probabilities
    to imitate, where there are any.

    Into a share of the normal films opacities are painted: they allow every class but normal, to
    the teacher as well, and `lesions` is where the opacities are.

    The order and every random change follow from (seed, epoch, place) alone, so a resumed epoch
    sees what the interrupted one would have seen, whatever the number of workers.
    """

    def __init__(
        self,
        films: ImageArray,
        classes: Sequence[str],
        grid: tuple[int, int],
        *,
        batch_size: int,
        augmentation: Augmentation | None = None,
        balance: float = 0.0,
        synthetic_opacity_rate: float = 0.0,
        teacher: np.ndarray | None = None,
        seed: int = 0,
        epoch: int = 0,
        workers: int = 1,
    ):
        super().__init__(workers=workers, max_queue_size=8)
        self.films, self.batch_size, self.augmentation = films, batch_size, augmentation
        self.grid, self.teacher = grid, teacher
        self.targets = films.targets(classes)
        can = NORMAL in classes and len(classes) > 1
        self.synthetic_opacity_rate = synthetic_opacity_rate if can else 0.0
        # What a painted film is: anything but normal.
        self.is_abnormal = np.array([name != NORMAL for name in classes], np.float32)
        self.weights = balance_weights(films.records, balance)
        self.seed = seed
        self.start(epoch)

    def start(self, epoch: int) -> None:
        """Draws an epoch anew. Keras' own `on_epoch_end` is called before the first one too."""
        self.epoch, count = epoch, len(self.films.records)
        shuffled = np.random.default_rng((self.seed, epoch)).permutation(count)
        self.order = np.arange(count) if self.augmentation is None else shuffled

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        drawn = [self.film(i) for i in chosen]
        painted = np.array([one for _, _, one in drawn])[:, None]
        # The triangle filter is the adjoint of the bilinear one that draws a map on the film.
        lungs, lesions = (
            np.stack([resize(places[..., which], self.grid) for _, places, _ in drawn])
            for which in (0, 1)
        )
        truth = {
            "classes": np.where(painted, self.is_abnormal, self.targets[chosen]),
            "lungs": lungs,
            "lesions": lesions,
        }
        if self.teacher is not None:
            truth["teacher"] = np.where(
                painted, self.is_abnormal / self.is_abnormal.sum(), self.teacher[chosen]
            )
        return np.stack([film for film, _, _ in drawn]), truth, self.weights[chosen]

    def film(self, i: int) -> tuple[np.ndarray, np.ndarray, bool]:
        """What stands in a batch for a film, and where and what it shows in this epoch.

        Returns:
            Film (s, s, 1) in [0, 1] or features (h, w, c); its lungs and its lesion, (56, 56, 2) in
            [0, 1]; all float32; and whether opacities were painted in.
        """
        if kept := self.films.features:
            drawn = kept[self.epoch % len(kept)]
            places = drawn.places[i].astype(np.float32) / 255.0
            return drawn.values[i].astype(np.float32), places, bool(drawn.painted[i])
        pixels, lungs = self.films.pixels[i], self.films.lungs[i]
        lesion = np.zeros_like(lungs) if self.films.lesions is None else self.films.lesions[i]
        if self.augmentation is None:
            places = np.stack([lungs, lesion], axis=-1).astype(np.float32) / 255.0
            return pixels[..., None].astype(np.float32) / 255.0, places, False
        rng = np.random.default_rng((self.seed, self.epoch, i))
        found = None
        if self.synthetic_opacity_rate and self._is_normal(i):
            # Of its own, so that all else is as it would be without.
            own = np.random.default_rng((self.seed, self.epoch, i, 1))
            found = (
                add_opacities(pixels, lungs, own)
                if own.random() < self.synthetic_opacity_rate
                else None
            )
        pixels, lesion = found or (pixels, lesion)
        places = np.stack([lungs, lesion], axis=-1)
        changed, places = self.augmentation.with_mask(pixels, places, rng)
        return changed[..., None], places, found is not None

    def _is_normal(self, i: int) -> bool:
        return bool((self.targets[i] == 1.0 - self.is_abnormal).all())
