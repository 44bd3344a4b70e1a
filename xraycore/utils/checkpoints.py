"""Weight files on disk: where they lie, float16 storage, and the check against a card's sha256."""

import json
import shutil
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xraycore.config import NO_WEIGHTS, weights_folder
from xraycore.errors import WeightsError
from xraycore.utils.files import sha256

if TYPE_CHECKING:
    import keras

Card = dict[str, Any]


def load_card(folder: Path, required: tuple[str, ...]) -> Card:
    """The entries of a model's `card.json`.

    Raises:
        WeightsError: If there is none, or it lacks a required entry.
    """
    file = folder / "card.json"
    try:
        state = file.stat()
        card = dict(_read_json(file, (state.st_mtime_ns, state.st_size, state.st_ino)))
    except FileNotFoundError:
        raise WeightsError(
            f"{folder.name} has no trained weights: expected {file}. {NO_WEIGHTS}"
        ) from None
    except json.JSONDecodeError as error:
        raise WeightsError(f"{file}: expected JSON: {error}") from None
    if missing := [key for key in required if key not in card]:
        raise WeightsError(f"{file}: expected the entries {', '.join(missing)}; they are missing.")
    return card


@lru_cache(maxsize=32)
def _read_json(file: Path, state: tuple[int, ...]) -> Card:
    """What the file holds, parsed once for each state of it: a page asks twenty times a run."""
    return json.loads(file.read_text())


def verified_weights(folder: Path, card: Card) -> Path:
    """The weight file that belongs to a card, once its sha256 is the card's.

    Raises:
        WeightsError: If it is missing or differs.
    """
    file = folder / card["weights"]["file"]
    if not file.is_file():
        raise WeightsError(f"{file}: expected the weights of {folder.name}; there is no such file.")
    found = sha256(file)
    if found != card["weights"]["sha256"]:
        raise WeightsError(
            f"{file}: expected sha256 {card['weights']['sha256'][:12]}… as its card says. "
            f"Received: {found[:12]}…"
        )
    return file


def describe_weights(file: Path) -> dict[str, str | int]:
    """A card's entry on its weight file."""
    return {"file": file.name, "sha256": sha256(file), "bytes": file.stat().st_size}


def save_float16(network: "keras.Model", file: Path) -> None:
    """Saves a network's weights as float16 with gzip, which plain `load_weights` reads.

    An array with values beyond float16's 65,504, such as the variances of a first layer on greys of
    0 to 255, is kept as it is.

    Raises:
        WeightsError: If a weight is not finite.
    """
    import h5py
    import numpy as np

    full, part = file.with_name(f"full.{file.name}"), file.with_name(f"part.{file.name}")
    network.save_weights(full)
    try:
        with h5py.File(full) as source, h5py.File(part, "w") as target:

            def copy(name: str, item: "h5py.Group | h5py.Dataset") -> None:
                if isinstance(item, h5py.Group):
                    written = target.require_group(name)
                elif item.dtype.kind == "f" and item.ndim:
                    values = item[()]
                    if not np.isfinite(values).all():
                        raise WeightsError(f"{name}: a weight of {network.name} is not finite.")
                    if np.abs(values).max(initial=0) <= np.finfo(np.float16).max:
                        values = values.astype(np.float16)
                    written = target.create_dataset(
                        name, data=values, compression="gzip", compression_opts=9, shuffle=True
                    )
                else:
                    written = target.create_dataset(name, data=item[()])
                written.attrs.update(item.attrs)

            source.visititems(copy)
            target.attrs.update(source.attrs)
        part.replace(file)
    finally:
        full.unlink()
        part.unlink(missing_ok=True)


def install(folder: Path, name: str) -> Path:
    """Replaces a model's folder in the store by a finished one; returns where it lies now.

    The old one goes when the new one is all there: a copy that breaks off loses nothing.
    """
    target = weights_folder() / name
    new, old = (target.with_name(f".{name}.{what}") for what in ("new", "old"))
    target.parent.mkdir(parents=True, exist_ok=True)
    for rest in (new, old):
        shutil.rmtree(rest, ignore_errors=True)
    shutil.move(folder, new)
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return target
