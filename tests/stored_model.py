"""A model as it lies in a folder, small enough for tests of what becomes of its files."""

import json
from pathlib import Path

from xraycore.utils.files import sha256


def model_folder(folder: Path, weights: bytes) -> Path:
    """A model that can be installed: weights, and the card that belongs to them."""
    folder.mkdir()
    file = folder / "m.weights.h5"
    file.write_bytes(weights)
    card = {"weights": {"file": file.name, "sha256": sha256(file), "bytes": len(weights)}}
    (folder / "card.json").write_text(json.dumps(card))
    return folder
