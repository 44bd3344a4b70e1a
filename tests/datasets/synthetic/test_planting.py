"""Which films of a data set bear a plant, and what becomes of them."""

from pathlib import Path

from xraycore.datasets.manifest import Record
from xraycore.datasets.splits import read_splits
from xraycore.datasets.synthetic.phantom import write_phantoms
from xraycore.datasets.synthetic.planting import choose_planted, plant_films
from xraycore.imaging import read_radiograph


def records(count: int = 40) -> list[Record]:
    return [
        Record(
            Path(f"{n}.png"), ("Normal", "Opacity")[n % 2], ("train", "test")[n // 20], f"{n}", "s"
        )
        for n in range(count)
    ]


def test_a_share_of_each_split_is_planted_and_a_larger_share_holds_the_smaller():
    films = records()
    half, all_of_them = (choose_planted(films, "Opacity", share, 0.1, 0) for share in (0.5, 1.0))
    for split in ("train", "test"):
        ill = {n for n in half if films[n].split == split and films[n].label == "Opacity"}
        assert len(ill) == 5
        assert sum(films[n].split == split and films[n].label == "Normal" for n in half) == 1
    assert half < all_of_them and len(all_of_them) == 22
    assert choose_planted(films, "Opacity", 0.0, 0.0, 0) == set()
    assert half != choose_planted(films, "Opacity", 0.5, 0.1, 1)


def test_planted_films_are_new_files_with_a_place_and_a_source(tmp_path):
    write_phantoms(tmp_path / "films", 5, size=64)
    phantoms = read_splits(tmp_path / "films")
    found = plant_films(phantoms, tmp_path / "planted", "marker", "Opacity", 1.0, 0.0)
    pairs = list(zip(phantoms.records, found.records, strict=True))
    assert all((a.label, a.split, a.group) == (b.label, b.split, b.group) for a, b in pairs)
    planted = [(a, b) for a, b in pairs if a.path != b.path]
    assert {a.label for a, _ in planted} == {"Opacity"} and len(planted) == 5
    before, after = planted[0]
    assert after.source == f"{before.source}, planted"
    changed = read_radiograph(before.path).pixels != read_radiograph(after.path).pixels
    assert not changed[~found.places[after.path]].any() and changed.any()
