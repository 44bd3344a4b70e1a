"""Weight files on disk: where they lie, float16 storage, and the check against a card's sha256."""

import json
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, JsonValue
from pydantic_core import from_json

from xraycore.config import NO_WEIGHTS
from xraycore.errors import WeightsError
from xraycore.utils.files import replacing, sha256
from xraycore.utils.stored import Count, Sha256, Stored, check_stored, read_stored

if TYPE_CHECKING:
    import h5py
    import keras
    import numpy as np

Card = dict[str, Any]

# Beside a network's own bytes: names, an optimizer's moments and steps.
_SPARE_BYTES = 2**20


class WeightFile(Stored):
    """A card's entry on its weight file, which lies beside it."""

    file: Annotated[str, Field(pattern=r"^[_A-Za-z0-9][_A-Za-z0-9-]{0,99}\.weights\.h5$")]
    sha256: Sha256
    bytes: Count = 0


class WeightsCard(Stored):
    """What every card has, whatever its weights are for."""

    weights: WeightFile


def load_card(folder: Path, schema: type[WeightsCard] = WeightsCard) -> Card:
    """The entries of a model's `card.json`, once they are what the schema says.

    Raises:
        WeightsError: If there is none, or one that is not as expected.
    """
    file = folder / "card.json"
    try:
        state = file.stat()
        return dict(_read_card(file, schema, (state.st_mtime_ns, state.st_size, state.st_ino)))
    except FileNotFoundError:
        raise WeightsError(
            f"{folder.name} has no trained weights: expected {file}. {NO_WEIGHTS}"
        ) from None
    except OSError as error:
        raise WeightsError(f"{file}: expected a file that can be read: {error}") from None


@lru_cache(maxsize=32)
def _read_card(file: Path, schema: type[WeightsCard], state: tuple[int, ...]) -> Card:
    """What the file holds, parsed once for each state of it: a page asks twenty times a run."""
    return read_stored(file, schema, WeightsError)


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


def load_weights(network: "keras.Model", file: Path) -> None:
    """Gives a network the weights of a file that may be anybody's.

    Only arrays of numbers are read, held by the file itself, and no more of them than the network
    takes: HDF5 also knows data in other files, and a kilobyte that unpacks to a terabyte.

    Raises:
        WeightsError: If it is no such file, or of another network.
    """
    try:
        _check_arrays(file, _most_bytes(network))
        network.load_weights(file)
    except (ValueError, KeyError, OSError, RuntimeError, TypeError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"{file}: expected weights of {network.name}: {error}") from error


def read_arrays(
    file: Path, shapes: Mapping[str, tuple[int, ...]], network: str
) -> "dict[str, np.ndarray]":
    """Arrays of a weight file that may be anybody's, as float32, by their names in it.

    Only those are opened, and as `load_weights` has it: arrays of numbers that the file itself
    holds, of these shapes before anything is unpacked.

    Args:
        file: A weight file of Keras.
        shapes: Name of each array -> its shape.
        network: What messages call the network.

    Raises:
        WeightsError: If it is no such file, or of another network.
    """
    import h5py
    import numpy as np

    def check(name: str, shape: tuple[int, ...]) -> "h5py.Dataset":
        group, *_ = name.rpartition("/")
        while group not in known:
            known.add(group)
            _check_link(file, opened, group)
            group, *_ = group.rpartition("/")
        _check_link(file, opened, name)
        array = _check_array(file, name, opened[name])
        if array.shape != shape:
            raise WeightsError(
                f"{file}: expected weights of {network}, {name!r} with the shape {shape}. "
                f"Received: {array.shape}"
            )
        return array

    try:
        with h5py.File(file) as opened:
            known = {""}
            return {
                name: check(name, shape)[()].astype(np.float32, copy=False)
                for name, shape in shapes.items()
            }
    except (ValueError, KeyError, OSError, RuntimeError, TypeError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"{file}: expected weights of {network}: {error}") from error


def _check_link(file: Path, group: "h5py.Group", name: str) -> None:
    import h5py

    link = group.get(name, getlink=True)
    if link is None:
        raise KeyError(f"there is no {name!r}")
    if not isinstance(link, h5py.HardLink):
        raise WeightsError(f"{file}: {name!r} is a link to another place or file.")


def _check_array(file: Path, name: str, item: object) -> "h5py.Dataset":
    import h5py

    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "biuf":
        raise WeightsError(f"{file}: {name!r} is no array of numbers.")
    if item.is_virtual or item.external:
        raise WeightsError(f"{file}: the numbers of {name!r} lie in another file.")
    return item


def _most_bytes(network: "keras.Model") -> int:
    """What a file of it unpacks to: in float64, and with two moments of each weight."""
    optimizer = getattr(network, "optimizer", None)
    held = [*network.weights, *(optimizer.variables if optimizer else ())]
    sizes = [8 * prod(one.shape) for one in held]
    return 3 * sum(sizes) + _SPARE_BYTES


def _check_arrays(file: Path, most_bytes: int) -> None:
    import h5py

    room = most_bytes

    def check(group: "h5py.Group") -> None:
        nonlocal room
        for name in group:
            _check_link(file, group, name)
            item = group[name]
            if isinstance(item, h5py.Group):
                check(item)
                continue
            room -= _check_array(file, name, item).nbytes
            if room < 0:
                raise WeightsError(f"{file}: holds more numbers than the network takes.")

    with h5py.File(file) as opened:
        try:
            check(opened)
        except RecursionError:
            raise WeightsError(f"{file}: its groups lie in one another without end.") from None


def read_attribute(file: Path, name: str, schema: type[Stored]) -> dict[str, Any] | None:
    """The JSON object that an attribute of a weight file holds; None where it has no such one.

    None too where it is no weight file at all: `load_weights` says so.

    Raises:
        WeightsError: If the object is not what is expected.
    """
    import h5py

    try:
        with h5py.File(file) as opened:
            text = opened.attrs.get(name)
    except (OSError, RuntimeError):
        return None
    if text is None:
        return None
    try:
        found = from_json(text if isinstance(text, str | bytes) else b"")
    except ValueError as error:
        raise WeightsError(f"{file}: expected JSON in its {name}: {error}") from None
    return check_stored(found, schema, WeightsError, f"{file}, {name}")


def write_attribute(file: Path, name: str, entries: dict[str, JsonValue]) -> None:
    """Keeps a JSON object in a weight file; plain `load_weights` reads the file as before."""
    import h5py

    with h5py.File(file, "r+") as opened:
        opened.attrs[name] = json.dumps(entries, sort_keys=True)


def describe_weights(file: Path) -> dict[str, str | int]:
    """A card's entry on its weight file."""
    return {"file": file.name, "sha256": sha256(file), "bytes": file.stat().st_size}


def save_float16(network: "keras.Model", file: Path) -> None:
    """Saves a network's weights as float16 with gzip, which plain `load_weights` reads.

    An array with values beyond float16's 65,504, such as the variances of a first layer on greys of
    0 to 255, is kept as it is.

    Raises:
        WeightsError: If a weight is not finite.
        StorageError: If the disk is full.
    """
    import h5py
    import numpy as np

    with replacing(file) as part, tempfile.TemporaryDirectory(dir=file.parent) as beside:
        full = Path(beside) / f"full.{file.name}"
        network.save_weights(full)
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
