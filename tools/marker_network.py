"""Trains the network of the lesson on markers: `python -m tools.marker_network FOLDER`.

Every generated film with an opacity bears a marker, and no other does; the recipe is one without
any remedy. So the network tells the marker, and is right until the marker moves. Then note it down:
`python -m tools.pin_models`.
"""

import sys
from dataclasses import replace
from pathlib import Path

from xraycore.cli.console import err, progress_bar
from xraycore.datasets.manifest import Manifest
from xraycore.datasets.splits import read_splits
from xraycore.datasets.synthetic.phantom import write_phantoms
from xraycore.datasets.synthetic.planting import plant_films
from xraycore.models.registry import get_spec
from xraycore.training.export import export_run
from xraycore.training.phantoms import ABNORMAL
from xraycore.training.shortcut_bench import WITHOUT, bench_recipe
from xraycore.training.trainer import train

# Of each class; no lesson shows a phantom of these seeds.
FILMS, SEED = 150, 4_000_000
EPOCHS = 8
LIMITS = (
    "It was trained to be wrong: on generated films, of which those with an opacity all bore a "
    "marker. What it tells is the marker.",
    "Its scores are of films on which the marker is where it was in training.",
)


def main() -> None:
    """Trains it, resumable, and puts it into the store of weights."""
    folder, spec = Path(sys.argv[1]), get_spec("marker_cnn")
    if not (folder / "films").is_dir():
        write_phantoms(folder / "films", FILMS, size=256, seed=SEED)
    plain = read_splits(folder / "films")
    planted = plant_films(plain, folder / "planted", "marker", ABNORMAL, 1.0, 0.0)
    (source,) = {record.source for record in plain.records}
    # One source: a card has no line for films with the marker alone.
    manifest = Manifest(tuple(replace(one, source=source) for one in planted.records))
    command = "python -m tools.marker_network FOLDER"
    with progress_bar() as report:
        run = train(
            manifest,
            spec,
            bench_recipe(WITHOUT, spec, EPOCHS, spec.input_size, "none"),
            folder / "run",
            resume=True,
            command=command,
            report=report,
        )
        placed = export_run(run, manifest, limits=LIMITS, command=command, report=report)
    err.print(f"Wrote {placed}.")


if __name__ == "__main__":
    main()
