"""The file in which an index goes with a network's weights, and whether it belongs to them."""

import io
import json
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from math import prod
from pathlib import Path

import numpy as np
from pydantic_core import from_json

from xraycore.anatomy.segmenter import segmenter_sha256
from xraycore.config import weights_folder
from xraycore.errors import WeightsError
from xraycore.models.cards import read_card, shipped_models
from xraycore.retrieval.index import SPLITS, FeatureIndex, IndexNote
from xraycore.utils.checkpoints import Card
from xraycore.utils.files import replacing, sha256
from xraycore.utils.stored import check_stored, read_limited

FILE = "index.npz"
# What is read may be anybody's.
_MOST_READ = 64 * 2**20
# Of an index that is stored: name -> type.
_ARRAYS: Mapping[str, type] = {
    "note": np.uint8,
    "mean": np.float32,
    "components": np.float16,
    "codes": np.int8,
    "steps": np.float32,
    "labels": np.uint16,
    "sources": np.uint8,
    "splits": np.uint8,
    "hashes": np.uint8,
}


def save_index(index: FeatureIndex, folder: Path) -> Path:
    """Writes an index beside the weights that it belongs to.

    Raises:
        StorageError: If the disk is full.
    """
    note = np.frombuffer(json.dumps(dict(index.note), ensure_ascii=False).encode(), np.uint8)
    arrays = {name: getattr(index, name) for name in _ARRAYS if name != "note"}
    arrays["components"] = np.ascontiguousarray(index.components, np.float16)
    file = folder / FILE
    with replacing(file) as part, part.open("wb") as opened:
        np.savez_compressed(opened, note=note, **arrays)
    return file


def has_index(name: str) -> bool:
    """Whether an index lies beside a model's weights; `load_index` says whether it can be used."""
    return (weights_folder() / name / FILE).is_file()


def load_index(name: str) -> FeatureIndex:
    """The index of a trained model, once it is known to belong to its weights.

    Raises:
        WeightsError: If there is none, it is damaged, or of other weights; says what to do.
        ArgumentError: If there is no such model.
    """
    card = read_card(name)
    file = weights_folder() / name / FILE
    try:
        state = file.stat()
    except FileNotFoundError:
        raise WeightsError(
            f"{name} has no index of the films that it learnt from: expected {file}. "
            "`xraycore index DATASET…` makes it, of the data sets of its training."
        ) from None
    except OSError as error:
        raise WeightsError(f"{file}: expected a file that can be read: {error}") from None
    index = _read(file, (state.st_mtime_ns, state.st_size, state.st_ino))
    _check_binding(file, index, name, card)
    return index


def _check_binding(file: Path, index: FeatureIndex, name: str, card: Card) -> None:
    found, weights = index.note["weights_sha256"], card["weights"]["sha256"]
    anew = "Make it anew: xraycore index DATASET…"
    if index.note["model"] != name or found != weights:
        raise WeightsError(
            f"{file}: expected an index of these weights, {name} {weights[:12]}…. Received: one of "
            f"{index.note['model']} {found[:12]}…. {anew}"
        )
    if card.get("view") == "lungs" and index.note["lungs_sha256"] != segmenter_sha256():
        raise WeightsError(
            f"{file}: expected an index made with the lung segmenter that is installed. Received: "
            f"one made with another, which crops films otherwise. {anew}"
        )


@lru_cache(maxsize=16)
def _read(file: Path, state: tuple[int, ...]) -> FeatureIndex:
    arrays = _read_arrays(file)
    try:
        said = from_json(arrays.pop("note").tobytes())
    except ValueError as error:
        raise WeightsError(f"{file}: expected JSON in its note: {error}") from None
    note = check_stored(said, IndexNote, WeightsError, f"{file}, note")
    films, numbers = arrays["codes"].shape if arrays["codes"].ndim == 2 else (0, 0)
    channels = arrays["mean"].size
    shapes = {
        "mean": (channels,),
        "components": (numbers, channels),
        "steps": (numbers,),
        **dict.fromkeys(("labels", "sources", "splits"), (films,)),
        "hashes": (films, 32),
    }
    wrong = [name for name, shape in shapes.items() if arrays[name].shape != shape]
    finite = all(np.isfinite(arrays[name]).all() for name in ("mean", "components", "steps"))
    most = {"labels": len(note["labels"]), "sources": len(note["sources"]), "splits": len(SPLITS)}
    if not films or wrong or not finite or any(arrays[n].max() >= m for n, m in most.items()):
        raise WeightsError(
            f"{file}: expected arrays that fit one another. Received: "
            f"{', '.join(wrong) or 'indices or numbers out of range'}"
        )
    arrays["components"] = arrays["components"].astype(np.float32)
    pinned = shipped_models().get(note["weights_sha256"], {}).get("indexes", ())
    return FeatureIndex(note, **arrays, shipped=sha256(file) in pinned)


def _read_arrays(file: Path) -> dict[str, np.ndarray]:
    """The arrays of a file that may be anybody's: only those that are expected, none of them vast.

    Raises:
        WeightsError: If it is no such file.
    """
    data = read_limited(file, WeightsError, _MOST_READ)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sizes = {one.filename: one.file_size for one in archive.infolist()}
            if sizes.keys() != {f"{name}.npy" for name in _ARRAYS}:
                raise ValueError(f"it holds {', '.join(sorted(sizes))[:200]}")
            if sum(sizes.values()) > _MOST_READ:
                raise ValueError("it unpacks to more than 64 MiB")
            return {name: _array(archive.read(f"{name}.npy"), name) for name in _ARRAYS}
    except (ValueError, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise WeightsError(f"{file}: expected an index of films: {error}") from None
    except zipfile.BadZipFile as error:
        raise WeightsError(f"{file}: expected an index of films: {error}") from None


def _array(data: bytes, name: str) -> np.ndarray:
    stream = io.BytesIO(data)
    np.lib.format.read_magic(stream)
    shape, in_columns, dtype = np.lib.format.read_array_header_1_0(stream)
    wanted = np.dtype(_ARRAYS[name])
    if in_columns or dtype != wanted or len(shape) > 2:
        raise ValueError(f"{name} is no array of {wanted}")
    rest = data[stream.tell() :]
    # Before it is made: a header may claim any shape.
    if prod(shape) * wanted.itemsize != len(rest):
        raise ValueError(f"{name} is not as long as its head says")
    return np.frombuffer(rest, wanted).reshape(shape)
