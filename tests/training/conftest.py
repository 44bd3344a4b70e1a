"""Films that are learnt within seconds: noise, with or without a bright disc."""

import cv2
import numpy as np
import pytest

from xraycore.datasets.manifest import Manifest, Record

SIDE = 64
PER_SPLIT = {"train": 12, "val": 6}


@pytest.fixture(scope="session")
def disc_folder(tmp_path_factory):
    """A `{train,val}/<class>/` folder of 24 and 12 films of two classes."""
    folder = tmp_path_factory.mktemp("discs")
    rng = np.random.default_rng(0)
    for split, count in PER_SPLIT.items():
        for label in ("Normal", "Opacity"):
            for number in range(count):
                film = rng.integers(0, 120, (SIDE, SIDE), dtype=np.uint8)
                if label == "Opacity":
                    centre = tuple(int(c) for c in rng.integers(16, 48, 2))
                    cv2.circle(film, centre, 14, 230, cv2.FILLED)
                file = folder / split / label / f"{split}-{label}-{number}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(cv2.imencode(".png", film)[1].tobytes())
    return folder


@pytest.fixture(scope="session")
def discs(disc_folder):
    """The manifest of these films."""
    files = sorted(disc_folder.rglob("*.png"))
    return Manifest(
        tuple(Record(f, f.parent.name, f.parent.parent.name, f.stem, "discs") for f in files)
    )
