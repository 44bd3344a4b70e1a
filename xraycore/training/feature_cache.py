"""What frozen layers make of the films, computed once and kept on disk: only the rest is trained.

The frozen trunk of a network costs most of an epoch and says the same of the same film every time.
So each training film passes it a few times only, under as many sets of random changes (masks move
along), each other film once, and the tail is trained on that. It is augmentation from a few fixed
draws instead of a new one in every epoch, at a fraction of the time.

What is kept is found by its content: the trunk's weights and shapes, the films, the changes, the
seed. So a killed run goes on where it was, and several runs of one folder share what they have in
common.

KEY/values.npy     feature maps, float16 (n, h, w, c)
KEY/places.npy     lungs and drawn lesions, uint8 (n, 56, 56, 2)
KEY/painted.npy    whether opacities were painted in, bool (n,)
KEY/done.json      how many films are done
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import keras
import numpy as np

from xraycore.errors import ArgumentError
from xraycore.training.batches import MASK, BatchSequence, Features, ImageArray
from xraycore.training.config import TrainingConfig
from xraycore.utils.files import write_json
from xraycore.utils.progress import Progress, ProgressCallback, ignore

# Films between two notes of how far it is.
_NOTED = 512
# Bytes that are left free, for weights and whatever else is written meanwhile.
_SPARE = 2 * 1024**3
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
    """One set of films under one set of changes: where its features lie, or will."""

    batches: BatchSequence
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
    trunk_sha256 = _trunk_sha256(trunk)
    parts: list[list[_Part]] = []
    for number, one in enumerate(films):
        draws = range(recipe.feature_draws if number == 0 else 1)
        changes = recipe.augmentation if number == 0 else None
        painted = recipe.synthetic_opacity_rate if number == 0 else 0.0
        batches = BatchSequence(
            one,
            classes,
            (1, 1),
            batch_size=recipe.batch_size,
            augmentation=changes,
            synthetic_opacity_rate=painted,
            seed=seed,
        )
        facts = [trunk_sha256, _films_sha256(one, classes)]
        facts += [repr((changes, painted, seed))] if changes else []
        keys = [hashlib.sha256(repr([*facts, draw]).encode()).hexdigest()[:16] for draw in draws]
        parts.append([_Part(batches, draw, folder / key) for draw, key in enumerate(keys)])
    flat = [part for some in parts for part in some]
    _check_space(folder, trunk, flat)
    total, before = sum(len(part.batches.order) for part in flat), 0
    for part in flat:
        _fill(part, trunk, before, total, report)
        before += len(part.batches.order)
    return [
        replace(one, features=tuple(_open(part) for part in some))
        for one, some in zip(films, parts, strict=True)
    ]


def _trunk_sha256(trunk: keras.Model) -> str:
    found = hashlib.sha256()
    for layer in trunk.layers:
        # Not its name: layers without one of their own are numbered through a whole session.
        found.update(f"{type(layer).__name__} {layer.compute_dtype} {layer.output.shape}".encode())
        for weight in layer.get_weights():
            found.update(np.ascontiguousarray(weight).tobytes())
    return found.hexdigest()


def _films_sha256(films: ImageArray, classes: Sequence[str]) -> str:
    found = hashlib.sha256()
    # The targets tell which films may be painted.
    for values in (films.pixels, films.lungs, films.lesions, films.targets(classes)):
        found.update(b"-" if values is None else np.ascontiguousarray(values).tobytes())
    return found.hexdigest()


def _check_space(folder: Path, trunk: keras.Model, parts: Sequence[_Part]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    one = 2 * int(np.prod(trunk.output.shape[1:])) + 2 * MASK**2 + 1
    needed = sum(len(p.batches.order) * one for p in parts if not p.folder.exists())
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
    count = len(part.batches.order)
    if part.done == count:
        return
    kept = _open(part) if part.done else _create(part, trunk, count)
    part.batches.start(part.draw)
    size = part.batches.batch_size
    noted = part.done
    for start in range(noted, count, size):
        seen = [part.batches.film(i) for i in range(start, min(start + size, count))]
        here = slice(start, start + len(seen))
        made = np.asarray(trunk.predict_on_batch(np.stack([film for film, _, _ in seen])))
        kept.values[here] = np.clip(made.astype(np.float32), -_LARGEST, _LARGEST)
        kept.places[here] = np.rint(255.0 * np.stack([places for _, places, _ in seen]))
        kept.painted[here] = [painted for _, _, painted in seen]
        if here.stop == count or here.stop - noted >= _NOTED:
            noted = here.stop
            for values in (kept.values, kept.places, kept.painted):
                if isinstance(values, np.memmap):
                    values.flush()
            write_json(part.folder / "done.json", {"films": noted})
        report(Progress((before + here.stop) / total, "computing features of the frozen layers"))


def _create(part: _Part, trunk: keras.Model, count: int) -> Features:
    part.folder.mkdir(exist_ok=True)
    shapes = {
        "values": (np.float16, trunk.output.shape[1:]),
        "places": (np.uint8, (MASK, MASK, 2)),
        "painted": (np.bool_, ()),
    }
    made = {
        name: np.lib.format.open_memmap(
            part.folder / f"{name}.npy", mode="w+", dtype=kind, shape=(count, *shape)
        )
        for name, (kind, shape) in shapes.items()
    }
    return Features(**made)


def _open(part: _Part) -> Features:
    names = ("values", "places", "painted")
    mode: Literal["r", "r+"] = "r" if part.done == len(part.batches.order) else "r+"
    return Features(*(np.load(part.folder / f"{name}.npy", mmap_mode=mode) for name in names))
