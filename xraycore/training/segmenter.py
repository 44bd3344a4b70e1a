"""Training and judging the lung segmenter on films with lung masks."""

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
from PIL import Image

from xraycore.anatomy.segmenter import NAME, SIZE, Segmenter, build_segmenter
from xraycore.datasets.manifest import list_images
from xraycore.datasets.masks import read_mask
from xraycore.errors import DatasetError
from xraycore.imaging import read_radiograph
from xraycore.imaging.resample import resize
from xraycore.training.augmentation import Augmentation
from xraycore.utils.checkpoints import Card, describe_weights, save_float16
from xraycore.utils.files import write_json
from xraycore.utils.installation import install
from xraycore.utils.progress import Progress, ProgressCallback, ignore

# Wide: the masks are of adults, the films to come also of children, rotated, dark or cropped.
AUGMENTATION = Augmentation(
    shear=0.1, zoom=0.3, rotation=12, shift=0.12, gamma=0.5, contrast=0.4, noise=0.04
)
HELD_BACK = 0.2


@dataclass(frozen=True)
class Masked:
    """Films with lung masks: names, and uint8 (n, 128, 128) pixels and masks in [0, 255]."""

    names: tuple[str, ...]
    pixels: np.ndarray
    masks: np.ndarray

    def only(self, keep: np.ndarray) -> "Masked":
        """The films for which `keep` is true."""
        chosen = np.flatnonzero(keep)
        return Masked(tuple(self.names[i] for i in chosen), self.pixels[chosen], self.masks[chosen])


def read_masked(folder: Path) -> Masked:
    """Reads `images/` and the masks of the same stem in `lung_masks/`.

    Raises:
        DatasetError: If there are none, or a film has no mask.
    """
    files = sorted(list_images((folder / "images").glob("*")))
    masks = {file.stem: file for file in (folder / "lung_masks").glob("*")}
    if not files or any(file.stem not in masks for file in files):
        raise DatasetError(
            f"{folder}: expected films in images/ and a mask of the same stem in lung_masks/ for "
            f"each. Found {len(files)} films and {len(masks)} masks."
        )

    def small(file: Path) -> np.ndarray:
        return np.rint(resize(read_radiograph(file).pixels, (SIZE, SIZE)) * 255).astype(np.uint8)

    def small_mask(file: Path) -> np.ndarray:
        return np.rint(resize(read_mask(file), (SIZE, SIZE)) * 255).astype(np.uint8)

    return Masked(
        tuple(file.stem for file in files),
        np.stack([small(file) for file in files]),
        np.stack([small_mask(masks[file.stem]) for file in files]),
    )


def held_back(names: Sequence[str], seed: int) -> np.ndarray:
    """Bool (n,): the fifth of the films that is never trained on, by the rank of a sha256."""
    ranks = [hashlib.sha256(f"{seed}|{name}".encode()).hexdigest() for name in names]
    last = sorted(ranks)[: round(HELD_BACK * len(names))]
    return np.isin(ranks, last)


class MaskBatches(keras.utils.PyDataset):
    """Batches (films (b, 128, 128, 1) in [0, 1], masks likewise) of one augmented epoch."""

    def __init__(self, films: Masked, *, batch_size: int, seed: int, workers: int = 1):
        super().__init__(workers=workers)
        self.films, self.batch_size, self.seed, self.epoch = films, batch_size, seed, 0
        self.on_epoch_begin()

    def on_epoch_begin(self) -> None:
        """Called by Keras."""
        self.order = np.random.default_rng((self.seed, self.epoch)).permutation(
            len(self.films.names)
        )

    def on_epoch_end(self) -> None:
        """Called by Keras."""
        self.epoch += 1

    def __len__(self) -> int:
        return len(self.order) // self.batch_size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        pairs = [
            AUGMENTATION.with_mask(
                self.films.pixels[i],
                self.films.masks[i],
                np.random.default_rng((self.seed, self.epoch, i)),
            )
            for i in chosen
        ]
        films, masks = (np.stack(arrays)[..., None] for arrays in zip(*pairs, strict=True))
        return films, masks


def soft_dice_and_cross_entropy(
    masks: "keras.KerasTensor", logits: "keras.KerasTensor"
) -> "keras.KerasTensor":
    """Mean of both losses: cross-entropy for every pixel, soft Dice for the overlap as a whole."""
    ops = keras.ops
    probability = ops.sigmoid(logits)
    axes = (1, 2, 3)
    overlap = ops.sum(probability * masks, axis=axes)
    dice = (2 * overlap + 1) / (ops.sum(probability, axis=axes) + ops.sum(masks, axis=axes) + 1)
    entropy = ops.mean(ops.binary_crossentropy(masks, logits, from_logits=True), axis=axes)
    return (1 - dice + entropy) / 2


def train_segmenter(
    films: Masked, *, epochs: int, seed: int = 0, report: ProgressCallback = ignore
) -> keras.Model:
    """Trains a U-Net from scratch; the rate falls to zero over the epochs, none is chosen.

    Args:
        films: What to train on, all of it.
        epochs: Passes over the films.
        seed: Of the initial weights, order and augmentation.
        report: Called after each epoch.
    """
    keras.utils.set_random_seed(seed)
    network = build_segmenter()
    batches = MaskBatches(films, batch_size=16, seed=seed)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        decay_steps=epochs * len(batches) - len(batches) // 2,
        warmup_target=3e-3,
        warmup_steps=len(batches) // 2,
    )
    network.compile(
        keras.optimizers.AdamW(schedule, weight_decay=1e-4, clipnorm=1.0),
        soft_dice_and_cross_entropy,
    )
    progress = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: report(
            Progress((epoch + 1) / epochs, "training", epoch + 1, epochs, float(logs["loss"]))
        )
    )
    network.fit(batches, epochs=epochs, shuffle=False, verbose=0, callbacks=[progress])
    return network


def dice(mask: np.ndarray, found: np.ndarray) -> float:
    """Overlap of two bool masks in [0, 1] (Dice 1945, doi:10.2307/1932409); 1 if both are empty."""
    total = int(mask.sum()) + int(found.sum())
    return 2 * int((mask & found).sum()) / total if total else 1.0


def dice_scores(network: keras.Model, films: Masked) -> np.ndarray:
    """Dice of each film at 128 x 128, probability 0.5; float64 (n,)."""
    probability = Segmenter.of(network)(list(films.pixels.astype(np.float32) / 255))
    return np.array(
        [dice(mask > 127, p > 0.5) for mask, p in zip(films.masks, probability, strict=True)]
    )


def install_segmenter(network: keras.Model, card: Card) -> Path:
    """Installs a trained segmenter in the weight store with its card; returns the folder."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / NAME
        folder.mkdir()
        file = folder / f"{NAME}.weights.h5"
        # A copy that was never compiled: the optimizer's moments are twice the weights.
        bare = build_segmenter()
        bare.set_weights(network.get_weights())
        save_float16(bare, file)
        write_json(folder / "card.json", {"weights": describe_weights(file), **card})
        return install(folder, NAME)


def draw_worst(films: Masked, network: keras.Model, scores: np.ndarray, file: Path) -> None:
    """Saves a picture of the twelve worst films: the drawn mask's edge green, the found one red."""
    worst = np.argsort(scores)[:12]
    probability = Segmenter.of(network)(list(films.pixels[worst].astype(np.float32) / 255))
    tiles = []
    for i, found in zip(worst, probability, strict=True):
        tile = cv2.resize(films.pixels[i], (2 * SIZE, 2 * SIZE), interpolation=cv2.INTER_CUBIC)
        tile = np.repeat(tile[..., None], 3, axis=2)
        for mask, colour in ((films.masks[i] / 255.0, (0, 200, 0)), (found, (255, 60, 60))):
            large = cv2.resize(mask.astype(np.float32), (2 * SIZE, 2 * SIZE)) > 0.5
            lines, _ = cv2.findContours(
                large.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
            )
            cv2.drawContours(tile, lines, -1, colour, 1)
        tiles.append(tile)
    rows = [np.hstack(tiles[start : start + 4]) for start in range(0, len(tiles) - 3, 4)]
    Image.fromarray(np.vstack(rows)).save(file)
