"""A store of the smallest network with an index, and the films of that index as a public set."""

import json
import shutil
from pathlib import Path

import numpy as np

from tests.datasets.film_files import draw, write
from tests.retrieval.films import NOTE, features
from xraycore.anatomy.segmenter import segmenter_sha256
from xraycore.config import SHIPPED
from xraycore.retrieval.index import fit_index
from xraycore.retrieval.index_file import save_index
from xraycore.utils.files import sha256

FILMS = 30


def write_similar_store(folder: Path) -> tuple[Path, Path]:
    """Folders of weights and of data; the index holds films of which two in three are normal.

    Features are random, so that a film that is uploaded is like none of them, or like all.
    """
    weights, data = folder / "weights", folder / "data"
    for name in ("basic_cnn", "lungs"):
        shutil.copytree(SHIPPED / name, weights / name)
    files, labels = [], []
    for number in range(FILMS):
        ill = number % 3 == 0
        place = data / "chest_xray" / "train"
        name = f"person{number}_virus_{number}.png" if ill else f"IM-{number:04}-0001.png"
        file = place / ("PNEUMONIA" if ill else "NORMAL") / name
        write(file, draw(number, (90, 80)))
        files.append(file)
        labels.append("Viral pneumonia" if ill else "Normal")
    pooled = np.random.default_rng(0).random((FILMS, 192))
    splits = ["train"] * (FILMS - 8) + ["val"] * 8
    found = features(pooled, labels, ["chest_xray"] * FILMS, splits)
    hashes = tuple(sha256(file) for file in files)
    card = read_card_of(weights)
    note = NOTE | {"weights_sha256": card["weights"]["sha256"]}
    note |= {"lungs_sha256": segmenter_sha256(), "complete": False}
    index = fit_index(type(found)(**{**vars(found), "hashes": hashes}), note)
    save_index(index, weights / "basic_cnn")
    return weights, data


def read_card_of(weights: Path) -> dict:
    """The card of the network of a store that may not be the app's."""
    return json.loads((weights / "basic_cnn" / "card.json").read_text())
