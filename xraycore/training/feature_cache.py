"""What frozen layers make of the films, computed once and kept on disk: only the rest is trained.

The frozen trunk of a network costs most of an epoch and says the same of the same film every time.
So each training film passes it a few times only, under as many sets of random changes (masks move
along), each other film once, and the tail is trained on that. It is augmentation from a few fixed
draws instead of a new one in every epoch, at a fraction of the time.

What is kept is found by its content: the trunk's weights and shapes, the films, the changes, the
seed. So a killed run goes on where it was, and several runs of one folder share what they have in
common; source by source, so that one more costs no more than its own films.

KEY-DRAW/values.npy     feature maps, float16 (n, h, w, c)
KEY-DRAW/places.npy     lungs and drawn lesions, uint8 (n, 56, 56, 2)
KEY-DRAW/painted.npy    whether opacities were painted in, bool (n,)
KEY-DRAW/done.json      how many films are done
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Literal

import keras
import numpy as np

from xraycore.errors import ArgumentError
from xraycore.training.batches import MASK, BatchSequence, Features, ImageArray, Rows
from xraycore.training.config import TrainingConfig
from xraycore.training.learner import with_xla
from xraycore.utils.files import write_json
from xraycore.utils.progress import Progress, ProgressCallback, ignore

# Films between two notes of how far it is.
_NOTED = 512
# Bytes that are left free, for weights and whatever else is written meanwhile.
_SPARE = 2 * 1024**3
_FILES = ("values", "places", "painted")
_LARGEST = float(np.finfo(np.float16).max)


def split_frozen(network: keras.Model) -> tuple[keras.Model, keras.Model]:
    """The trunk and the tail of a network: what is frozen, and the rest, which shares its layers.

    They meet at the last layer in front of all that is trained through which alone everything goes.

    Args:
        network: See `build_network`, and `set_trainable` for what is frozen.

    Raises:
        ArgumentError: If nothing in front of what is trained has weights.
    """
    place = None
    last: dict[int, int] = {}
    for step, layer in enumerate(network.layers):
        last |= {id(tensor): step for tensor in keras.tree.flatten(layer.input)}
    # Keras makes no tail that would hand on what it is given: not at the feature layer itself.
    outputs = {id(tensor) for tensor in network.outputs}
    last |= dict.fromkeys(outputs, len(network.layers))
    alive: set[int] = set()
    weights = 0
    for step, layer in enumerate(network.layers):
        if layer.trainable_variables:
            break
        weights += len(layer.weights)
        made = {id(tensor) for tensor in keras.tree.flatten(layer.output)}
        alive = {tensor for tensor in alive | made if last.get(tensor, step) > step}
        if alive == made and weights and not made & outputs:
            place = layer
    if place is None:
        raise ArgumentError(
            f"{network.name} is trained from its first layer on: there are no features of frozen "
            "layers to keep (--cache-features 0)."
        )
    return (
        keras.Model(network.inputs, place.output, name="trunk"),
        keras.Model(place.output, network.outputs, name=network.name),
    )


@dataclass(frozen=True)
class _Part:
    """Films of one source under one set of changes: where their features lie, or will."""

    batches: BatchSequence
    films: range
    draw: int
    folder: Path

    @property
    def done(self) -> int:
        file = self.folder / "done.json"
        return json.loads(file.read_text())["films"] if file.exists() else 0


def with_features(
    network: keras.Model,
    films: Sequence[ImageArray],
    recipe: TrainingConfig,
    classes: Sequence[str],
    folder: Path,
    *,
    seed: int = 0,
    report: ProgressCallback = ignore,
) -> list[ImageArray]:
    """Films with their features, made where the folder does not have them yet.

    Args:
        network: Whose frozen layers make them.
        films: Of a network's size: those that are trained on first, under `recipe.feature_draws`
            sets of changes; the others as they are.
        recipe: How it is trained.
        classes: Names of its classes.
        folder: Where features are kept; created.
        seed: Of the changes.
        report: Called after every batch.

    Raises:
        ArgumentError: If nothing is frozen, or the features do not fit on the disk.
    """
    trunk, _ = split_frozen(network)
    trunk.compile(jit_compile=with_xla())
    trunk_sha256 = _trunk_sha256(trunk)
    found: list[list[list[_Part]]] = []
    for number, one in enumerate(films):
        trained = number == 0
        batches = BatchSequence(
            one,
            classes,
            (1, 1),
            batch_size=recipe.batch_size,
            augmentation=recipe.augmentation if trained else None,
            synthetic_opacity_rate=recipe.synthetic_opacity_rate if trained else 0.0,
            seed=seed,
        )
        contents = {block: _sha256(trunk_sha256, batches, block) for block in _sources(one)}
        found.append(
            [
                [
                    _Part(batches, block, draw, folder / f"{content[:16]}-{draw}")
                    for block, content in contents.items()
                ]
                for draw in range(recipe.feature_draws if trained else 1)
            ]
        )
    parts = [part for draws in found for draw in draws for part in draw]
    _check_space(folder, trunk, parts)
    total, before = sum(len(part.films) for part in parts), 0
    for part in parts:
        _fill(part, trunk, before, total, report)
        before += len(part.films)
    return [
        replace(one, features=tuple(_joined(draw) for draw in draws))
        for one, draws in zip(films, found, strict=True)
    ]


def _sources(films: ImageArray) -> list[range]:
    """Places of films of one source that follow one another."""
    counts = [len(list(some)) for _, some in groupby(films.records, lambda record: record.source)]
    ends = np.cumsum(counts)
    return [range(end - count, end) for end, count in zip(ends.tolist(), counts, strict=True)]


def _trunk_sha256(trunk: keras.Model) -> str:
    found = hashlib.sha256()
    for layer in trunk.layers:
        # Not its name: layers without one of their own are numbered through a whole session.
        found.update(f"{type(layer).__name__} {layer.compute_dtype} {layer.output.shape}".encode())
        for weight in layer.get_weights():
            found.update(np.ascontiguousarray(weight).tobytes())
    return found.hexdigest()


def _sha256(trunk_sha256: str, batches: BatchSequence, films: range) -> str:
    """Of all that features of some films follow from."""
    array, here = batches.films, slice(films.start, films.stop)
    found = hashlib.sha256(trunk_sha256.encode())
    nowhere = array.lesions is None or not array.lesions[here].any()
    for values in (array.pixels, array.lungs, None if nowhere else array.lesions):
        found.update(b"-" if values is None else np.ascontiguousarray(values[here]).tobytes())
    if batches.augmentation is not None:
        # A film's changes follow from its place; its target tells whether it may be painted.
        rate = batches.synthetic_opacity_rate
        found.update(repr((batches.augmentation, rate, batches.seed, films.start)).encode())
        found.update(batches.targets[here].tobytes() if rate else b"-")
    return found.hexdigest()


def _check_space(folder: Path, trunk: keras.Model, parts: Sequence[_Part]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    one = 2 * int(np.prod(trunk.output.shape[1:])) + 2 * MASK**2 + 1
    needed = sum(len(part.films) * one for part in parts if not part.folder.exists())
    free = shutil.disk_usage(folder).free
    if needed > free - _SPARE:
        raise ArgumentError(
            f"{folder}: features of the frozen layers take {needed / 1e9:.1f} GB, and of "
            f"{free / 1e9:.1f} GB that are free {_SPARE / 1e9:.1f} GB are to stay so. Keep fewer "
            "sets of changes (--cache-features), or train on fewer films."
        )


def _fill(
    part: _Part, trunk: keras.Model, before: int, total: int, report: ProgressCallback
) -> None:
    """Computes what is missing of a part, and notes every few films how far it is."""
    count = len(part.films)
    if part.done == count:
        return
    kept = _open(part) if part.done else _create(part, trunk, count)
    part.batches.start(part.draw)
    size = part.batches.batch_size
    noted = part.done
    for start in range(noted, count, size):
        seen = [part.batches.film(i) for i in part.films[start : start + size]]
        here = slice(start, start + len(seen))
        made = np.asarray(trunk.predict_on_batch(np.stack([film for film, _, _ in seen])))
        kept["values"][here] = np.clip(made.astype(np.float32), -_LARGEST, _LARGEST)
        kept["places"][here] = np.rint(255.0 * np.stack([places for _, places, _ in seen]))
        kept["painted"][here] = [painted for _, _, painted in seen]
        if here.stop == count or here.stop - noted >= _NOTED:
            noted = here.stop
            for values in kept.values():
                values.flush()
            write_json(part.folder / "done.json", {"films": noted})
        report(Progress((before + here.stop) / total, "computing features of the frozen layers"))


def _create(part: _Part, trunk: keras.Model, count: int) -> dict[str, np.memmap]:
    part.folder.mkdir(exist_ok=True)
    shapes = {
        "values": (np.float16, trunk.output.shape[1:]),
        "places": (np.uint8, (MASK, MASK, 2)),
        "painted": (np.bool_, ()),
    }
    made = {}
    for name, (kind, shape) in shapes.items():
        file = part.folder / f"{name}.npy"
        made[name] = np.lib.format.open_memmap(file, "w+", kind, (count, *shape))
        if hasattr(os, "posix_fallocate"):  # Not on macOS.
            # A full disk is an error here, and later a bus error in a file that has no room yet.
            with file.open("r+b") as handle:
                os.posix_fallocate(handle.fileno(), 0, file.stat().st_size)
    return made


def _open(part: _Part) -> dict[str, np.memmap]:
    mode: Literal["r", "r+"] = "r" if part.done == len(part.films) else "r+"
    return {
        name: np.lib.format.open_memmap(part.folder / f"{name}.npy", mode=mode) for name in _FILES
    }


def _joined(parts: Sequence[_Part]) -> Features:
    """The features of all films, source after source."""
    opened = [_open(part) for part in parts]
    return Features(**{name: Rows([one[name] for one in opened]) for name in _FILES})
