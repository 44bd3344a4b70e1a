"""Films decoded once into memory, and the batches a network is trained on."""

import logging
import math
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import keras
import numpy as np

from xraycore.data.manifest import DatasetError, Record
from xraycore.imaging import RadiographError, read_radiograph
from xraycore.imaging.resample import resize
from xraycore.training.augmentation import Augmentation

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Films:
    """Decoded films: `pixels` uint8 (n, s, s) and the record of each."""

    pixels: np.ndarray
    records: tuple[Record, ...]

    def at(self, size: int) -> "Films":
        """The same films at another size; area averaging, which reduces without aliasing."""
        if self.pixels.shape[1] == size:
            return self
        smaller = [cv2.resize(p, (size, size), interpolation=cv2.INTER_AREA) for p in self.pixels]
        return Films(np.stack(smaller), self.records)

    def targets(self, classes: Sequence[str]) -> np.ndarray:
        """Class indices (n,)."""
        return np.array([classes.index(record.label) for record in self.records])


def load_films(
    records: Sequence[Record], size: int, report: Callable[[int, int], None] = lambda _, __: None
) -> Films:
    """Reads films at size x size; a film that cannot be read is logged and left out.

    Args:
        records: What to read.
        size: Height and width in pixels.
        report: Called with the number done and the number to do.

    Raises:
        DatasetError: If none can be read.
    """

    def load(record: Record) -> np.ndarray | None:
        try:
            pixels = read_radiograph(record.path).pixels
        except RadiographError as error:
            logger.warning("left out: %s", error)
            return None
        return np.rint(resize(pixels, (size, size)) * 255.0).astype(np.uint8)

    films, kept = [], []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, (record, film) in enumerate(
            zip(records, pool.map(load, records), strict=True), start=1
        ):
            report(done, len(records))
            if film is not None:
                films.append(film)
                kept.append(record)
    if not films:
        raise DatasetError(f"expected readable films; none of {len(records)} could be read.")
    return Films(np.stack(films), tuple(kept))


def balance_weights(records: Sequence[Record], power: float) -> np.ndarray:
    """Loss weight of each film, n(class, source)^-power scaled to mean 1; float32 (n,)."""
    counts = Counter((record.label, record.source) for record in records)
    weights = np.array([counts[r.label, r.source] ** -power for r in records])
    return (weights / weights.mean()).astype(np.float32)


class Batches(keras.utils.PyDataset):
    """Batches (films (b, s, s, 1) in [0, 1], one-hot (b, classes), weights (b,)) of one epoch.

    The order and every random change follow from (seed, epoch, place) alone, so a resumed epoch
    sees what the interrupted one would have seen, whatever the number of workers.
    """

    def __init__(
        self,
        films: Films,
        classes: Sequence[str],
        *,
        batch_size: int,
        augmentation: Augmentation | None = None,
        balance: float = 0.0,
        seed: int = 0,
        epoch: int = 0,
        workers: int = 1,
    ):
        super().__init__(workers=workers, max_queue_size=8)
        self.films, self.batch_size, self.augmentation = films, batch_size, augmentation
        self.targets = np.eye(len(classes), dtype=np.float32)[films.targets(classes)]
        self.weights = balance_weights(films.records, balance)
        self.seed, self.epoch = seed, epoch
        count = len(films.records)
        shuffled = np.random.default_rng((seed, epoch)).permutation(count)
        self.order = np.arange(count) if augmentation is None else shuffled

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        if self.augmentation is None:
            pixels = self.films.pixels[chosen].astype(np.float32) / 255.0
        else:
            pixels = np.stack(
                [
                    self.augmentation(
                        self.films.pixels[i], np.random.default_rng((self.seed, self.epoch, i))
                    )
                    for i in chosen
                ]
            )
        return pixels[..., None], self.targets[chosen], self.weights[chosen]
