"""A small world to ship into: drawn films under the names of the public sets, an untrained run."""

import csv
from pathlib import Path

import cv2
import keras
import numpy as np
from sklearn.linear_model import LogisticRegression

from xraycore.datasets.splits import read_splits
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.models.architectures import HEAD, build_network
from xraycore.models.registry import get_spec
from xraycore.training.batches import ImageArray, load_images
from xraycore.training.config import Stage, TrainingConfig
from xraycore.training.run import Run, State


def draw_sets(folder: Path, per_class: int = 6) -> list[Path]:
    """Writes `chest_xray`, `covid_radiography` and `nih`; returns the first two's folders."""
    seeds = iter(range(10_000))

    def write(file: Path, *, opacity: bool) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = make_phantom(next(seeds), opacity=opacity, size=96).pixels
        cv2.imwrite(str(file), np.rint(pixels * 255).astype(np.uint8))

    children, adults, abroad = (
        folder / name for name in ("chest_xray", "covid_radiography", "nih")
    )
    for split in ("train", "test"):
        for i in range(per_class):
            n = i + 100 * (split == "test")
            write(children / split / "NORMAL" / f"IM-{n:04}-0001.jpeg", opacity=False)
            for kind in ("bacteria", "virus"):
                name = f"person{n}_{kind}_{i}.jpeg"
                write(children / split / "PNEUMONIA" / name, opacity=True)
    for i in range(4 * per_class):
        write(adults / "Normal" / f"Normal-{i}.png", opacity=False)
        write(adults / "COVID" / f"COVID-{i}.png", opacity=True)
    with open_csv(abroad / "labels.csv") as handle:
        writer = csv.writer(handle)
        writer.writerow(["path", "label", "group", "age"])
        for i in range(2 * per_class):
            write(abroad / "images" / f"{i}.png", opacity=bool(i % 2))
            label = ("Normal", "Lung Opacity")[i % 2]
            writer.writerow([f"images/{i}.png", label, i, 20 + i])
    return [children, adults]


def _fit_head(network, films: ImageArray, classes: tuple[str, ...]) -> None:
    """Gives the head what a logistic regression makes of the random features of films."""
    grey = films.pixels[..., None].astype(np.float32) / 255
    pooled = np.concatenate(
        [np.asarray(network(grey[i : i + 16], training=False)[1]) for i in range(0, len(grey), 16)]
    ).mean(axis=(1, 2))
    mean, spread = pooled.mean(axis=0), pooled.std(axis=0) + 1e-6
    found = LogisticRegression(C=0.1, max_iter=500).fit(
        (pooled - mean) / spread, films.targets(classes).argmax(axis=1)
    )
    kernel = found.coef_.T / spread[:, None]
    bias = found.intercept_ - mean @ kernel
    # What all classes share changes no probability; shipping takes it out.
    shared = np.random.default_rng(0).normal(size=(len(kernel), 1))
    network.get_layer(HEAD).set_weights([kernel + shared, bias])


def open_csv(file: Path):
    """A CSV file to write, its folder made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.open("w", newline="")


def finished_run(folder: Path, datasets: list[Path], *, model: str = "basic_cnn", seed: int = 0):
    """A run that ended with random features under a fitted head, its network and its manifest."""
    manifest = read_splits(datasets)
    recipe = TrainingConfig((Stage("all", 1, 224, 1e-3),))
    run = Run(folder)
    run.start(
        {
            "model": model,
            "classes": list(manifest.classes),
            "recipe": recipe.to_json(),
            "seed": 0,
            "start": "none",
            "precision": "float32",
            "manifest_sha256": manifest.fingerprint(),
            "split_sizes": manifest.counts(),
            "command": "python -m xraycore train",
            "environment": {"commit": None},
        },
        resume=False,
    )
    keras.utils.set_random_seed(seed)
    network = build_network(get_spec(model), len(manifest.classes))
    _fit_head(network, load_images(manifest.split("train"), 224), manifest.classes)
    run.save_best(network)
    run.commit(State(stage=1, total_epochs=1, history=[{"epoch": 1, "loss": 1.0}]))
    return run, network, manifest
