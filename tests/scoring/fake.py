"""An archive scored without TensorFlow: lungs and network are a few lines of NumPy.

As a program it scores a list into a folder, slowly enough to be killed on the way.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

from xraycore.anatomy.lung_field import lung_field
from xraycore.jobs.engines import LocalEngine
from xraycore.metrics.calibration import Calibration
from xraycore.models.classifier import Classifier
from xraycore.models.registry import get_spec
from xraycore.scoring import pipeline, tasks
from xraycore.scoring.archive import score_archive
from xraycore.scoring.setup import Network, ScoringSetup

CLASSES = ("Normal", "Bacterial pneumonia", "Viral pneumonia")
SETUP = ScoringSetup((Network("basic_cnn", "a" * 64, "b" * 64),), "c" * 64, error_rate=None)
CARD = {"weights": {"sha256": "a" * 64}, "view": "lungs"}


class FakeClassifier(Classifier):
    """Greys of a film's left, right and bottom speak for the three classes."""

    def __init__(self, name="basic_cnn"):
        self.spec, self.classes, self.card, self.card_sha256 = get_spec(name), CLASSES, CARD, ""
        self.view, self.size, self.warnings = "lungs", 28, ()
        self.calibration = Calibration()
        self.head = (4 * np.eye(3, dtype=np.float32), np.zeros(3, np.float32))

    def forward(self, grey):
        cells = grey.reshape(len(grey), 7, 4, 7, 4).mean(axis=(2, 4))
        left, bottom = np.zeros((2, 7, 7), np.float32)
        left[:, :4], bottom[4:] = 1, 1
        features = np.stack([cells * left, cells * (1 - left), cells * bottom], axis=-1)
        return features.mean(axis=(1, 2)) @ self.head[0], features


def fake_lungs(films):
    """Two fields in the middle; none on a film that is darker than a tenth."""
    mask = np.zeros((128, 128))
    mask[20:110, 15:55] = mask[20:110, 70:110] = 1
    return [
        replace(
            lung_field(mask * (film.pixels.mean() > 0.1), 0.5),
            components=np.array([film.pixels.mean(), film.pixels.std()], np.float32),
        )
        for film in films
    ]


def without_networks():
    """Whatever is scored in this block is scored by the fakes."""
    return mock.patch.multiple(
        tasks, load_model_in=lambda *_: FakeClassifier(), _check_networks=lambda setup: None
    ), mock.patch.object(pipeline, "segment_lungs", fake_lungs)


def write_films(folder: Path, count: int, first: int = 0) -> list[Path]:
    """So many small films, no two alike."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number in range(first, first + count):
        pixels = np.random.default_rng(number).integers(60, 255, (40, 32), dtype=np.uint8)
        files.append(folder / f"film-{number:04d}.png")
        Image.fromarray(pixels).save(files[-1])
    return files


def score(place, folder, *, shards=None, engine=None, setup=SETUP):
    """The summary of an archive that the fakes have scored."""
    networks, lungs = without_networks()
    with networks, lungs:
        try:
            return score_archive(str(place), folder, setup, engine or LocalEngine(), shards=shards)
        finally:
            tasks.close_scorers()


def score_task_with_fakes(*task):
    """`score_task` on a worker, which knows nothing of what is replaced here."""
    networks, lungs = without_networks()
    with networks, lungs:
        return tasks.score_task(*task)


def main(place: str, folder: str, shards: str) -> None:
    def slowly(*arguments, **named):
        time.sleep(0.2)
        return score_shard(*arguments, **named)

    score_shard = tasks.score_shard
    with mock.patch.object(tasks, "score_shard", slowly):
        score(place, Path(folder), shards=int(shards))


if __name__ == "__main__":
    main(*sys.argv[1:])
