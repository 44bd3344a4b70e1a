"""Plants shortcuts into some films of a data set, and keeps where they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from xraycore.datasets.records import Manifest, Record
from xraycore.datasets.synthetic.plants import plant
from xraycore.imaging import read_radiograph
from xraycore.imaging.encode import encode_png
from xraycore.imaging.overlay import to_uint8
from xraycore.imaging.resample import fit_within

# Longest side of planted films, in pixels.
_SIDE = 512


@dataclass(frozen=True)
class Planted:
    """A data set with a plant: its records, and where the plant is on those that bear it."""

    records: tuple[Record, ...]
    places: Mapping[Path, np.ndarray | None]


def plant_films(
    manifest: Manifest,
    folder: Path,
    kind: str,
    label: str,
    share: float,
    others: float,
    seed: int = 0,
) -> Planted:
    """The manifest with a plant in a share of one class's films of each split, and of the others'.

    A larger share holds the films of a smaller one. Planted films are a source of their own, as
    those of a ward would be.

    Args:
        manifest: Records with their splits.
        folder: Where planted films go; those that lie there are not written again.
        kind: One of `PLANTS`.
        label: The class.
        share: Of its films.
        others: Of the films of other classes.
        seed: Of which films, and of how each is planted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chosen = choose_planted(manifest.records, label, share, others, seed)
    records, places = [], {}
    for number, record in enumerate(manifest.records):
        if number not in chosen:
            records.append(record)
            continue
        pixels = fit_within(read_radiograph(record.path).pixels, _SIDE)
        planted, place = plant(kind, pixels, np.random.default_rng((seed, number)))
        file = folder / f"{number:05d}.png"
        if not file.exists():
            file.write_bytes(encode_png(to_uint8(planted)))
        places[file] = place
        records.append(replace(record, path=file, source=f"{record.source}, planted"))
    return Planted(tuple(records), places)


def choose_planted(
    records: Sequence[Record], label: str, share: float, others: float, seed: int
) -> set[int]:
    """Numbers of the records that are planted."""
    order = np.random.default_rng(seed).permutation(len(records))
    chosen: set[int] = set()
    for split in {record.split for record in records}:
        for of_class, wanted in ((True, share), (False, others)):
            those = [
                int(i)
                for i in order
                if records[i].split == split and (records[i].label == label) == of_class
            ]
            chosen.update(those[: round(wanted * len(those))])
    return chosen
