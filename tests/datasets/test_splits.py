from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from xraycore.datasets.manifest import Manifest, Record
from xraycore.datasets.splits import assign_splits, group_copies, limit_training, read_splits


def films(label, patients, each=1, split="", source="a"):
    """`patients` patients with `each` films of one class."""
    return [
        Record(Path(f"{label}-{p}-{n}.png"), label, split, f"{source}/{label}-{p}", source)
        for p in range(patients)
        for n in range(each)
    ]


def split_of(manifest):
    return {(r.source, r.path.name): r.split for r in manifest.records}


def test_shares_by_class_are_a_fifth_and_a_fifth_of_the_rest():
    manifest = assign_splits(Manifest((*films("Normal", 100), *films("Rare", 50))))
    assert manifest.counts() == {
        "train": {"Normal": 64, "Rare": 32},
        "val": {"Normal": 16, "Rare": 8},
        "test": {"Normal": 20, "Rare": 10},
    }


def test_patients_stay_together():
    manifest = assign_splits(Manifest((*films("A", 40, each=5), *films("B", 40, each=3))))
    splits = {}
    for record in manifest.records:
        splits.setdefault(record.group, set()).add(record.split)
    assert all(len(names) == 1 for names in splits.values())
    # 8 of 40 patients for the test, then a fifth of the 32 left is 6.4: the seventh fills it up.
    counts = Counter(next(iter(names)) for group, names in splits.items() if "/A-" in group)
    assert counts == {"train": 25, "val": 7, "test": 8}


def test_split_depends_neither_on_order_nor_on_other_sources():
    records = (*films("A", 60), *films("B", 60))
    alone = split_of(assign_splits(Manifest(records)))
    assert split_of(assign_splits(Manifest(records[::-1]))) == alone
    beside = assign_splits(Manifest((*films("A", 90, source="z"), *records)))
    assert {key: split for key, split in split_of(beside).items() if key[0] == "a"} == alone


def test_seed_changes_the_split():
    manifest = Manifest(tuple(films("A", 100)))
    first, second = (split_of(assign_splits(manifest, seed=seed)) for seed in (0, 1))
    assert first != second
    assert Counter(first.values()) == Counter(second.values())


def test_official_test_is_kept_and_tiny_validation_folded_back():
    # 8 films a class in val, as in Kaggle's set: 92 + 8 = 100 to train, a fifth of them to val.
    records = [
        record
        for label in ("A", "B")
        for split, patients in (("train", 92), ("val", 8), ("test", 30))
        for record in films(f"{label}", patients, split=split)
    ]
    records = [
        Record(Path(f"{r.split}-{r.path.name}"), r.label, r.split, f"{r.split}/{r.group}", r.source)
        for r in records
    ]
    manifest = assign_splits(Manifest(tuple(records)))
    assert manifest.counts() == {
        "train": {"A": 80, "B": 80},
        "val": {"A": 20, "B": 20},
        "test": {"A": 30, "B": 30},
    }
    assert all(r.path.name.startswith("test-") == (r.split == "test") for r in manifest.records)


@pytest.mark.parametrize(("number", "kept"), [(19, False), (20, True)])
def test_validation_split_needs_twenty_of_every_class(number, kept):
    records = (
        *films("A", 100, split="train"),
        *films("B", 100, split="train"),
        *films("A", 50, split="val", source="a"),
        *films("B", number, split="val"),
        *films("A", 5, split="test"),
    )
    records = tuple(
        Record(Path(f"{r.split}-{r.path.name}"), r.label, r.split, f"{r.split}/{r.group}", r.source)
        for r in records
    )
    validation = assign_splits(Manifest(records)).split("val")
    assert all(r.path.name.startswith("val-") for r in validation) == kept
    assert len(validation) == (70 if kept else 30 + 24)


def test_a_film_without_a_split_goes_where_its_patient_is():
    given = {"p1": "test", "p2": "val", "p3": "train"}
    known = [
        *(Record(Path(f"{p}-0.png"), "A", split, p, "a") for p, split in given.items()),
        *films("A", 40, split="val"),
    ]
    new = [Record(Path(f"{p}-1.png"), "A", "", p, "a") for p in (*given, "p4")]
    found = {r.path.name: r.split for r in assign_splits(Manifest((*known, *new))).records}
    assert [found[f"{p}-1.png"] for p in (*given, "p4")] == ["test", "val", "train", "train"]


@pytest.mark.parametrize("validation", [10, 40])
def test_a_test_split_is_carved_of_whole_patients(validation):
    """Patients of whom the source has films in train and val: none of them in test as well."""
    records = [
        *films("A", 100, split="train"),
        *(replace(r, split="val", path=Path(f"v-{r.path.name}")) for r in films("A", validation)),
    ]
    manifest = assign_splits(Manifest(tuple(records)))
    splits = {}
    for record in manifest.records:
        splits.setdefault(record.group, set()).add(record.split)
    assert not [names for names in splits.values() if "test" in names and len(names) > 1]
    assert len(manifest.split("test")) > 0
    # Too few to validate on, they are training films as the others: then nobody is set apart.
    assert any(len(names) > 1 for names in splits.values()) == (validation == 40)


def test_what_is_a_test_film_too_is_not_trained_on(tmp_path, caplog):
    for source, names in (("one", "0123456789"), ("two", "0123456789")):
        for label in ("A", "B"):
            (tmp_path / source / label).mkdir(parents=True)
            for name in names:
                content = f"{label}{name}" + ("" if name in "01234" else source)
                (tmp_path / source / label / f"{source}{name}.png").write_bytes(content.encode())
    manifest = read_splits([tmp_path / "one", tmp_path / "two"])
    tested = {r.path.read_bytes() for r in manifest.split("test")}
    others = [r.path.read_bytes() for r in manifest.records if r.split != "test"]
    assert len(manifest.split("test")) == 8
    assert not tested & set(others)
    learnt, judged = ({r.path.read_bytes() for r in manifest.split(s)} for s in ("train", "val"))
    assert judged
    assert not learnt & judged
    left_out = 40 - len(manifest.records)
    assert left_out > 0
    assert f"{left_out} training or validation films are byte-identical to" in caplog.text


def test_copies_join_groups_of_one_source_only():
    contents = {}

    def record(name, content, group, source="a"):
        path = Path(f"{source}-{name}")
        contents[path] = content
        return Record(path, "A", "", group, source)

    # p1 and p2 share a file, p2 and p3 another: one group of three. Source b is left alone.
    manifest = group_copies(
        Manifest(
            (
                record("1", b"one", "p1"),
                record("2", b"one", "p2"),
                record("3", b"two", "p2"),
                record("4", b"two", "p3"),
                record("5", b"three", "p4"),
                record("6", b"three", "q1", source="b"),
            )
        ),
        contents,
    )
    groups = {r.path.name: r.group for r in manifest.records}
    assert len({groups[f"a-{n}"] for n in "1234"}) == 1
    assert groups["a-5"] == "p4"
    assert groups["b-6"] == "q1"


def test_copies_under_two_names_get_one_split(tmp_path):
    (tmp_path / "A").mkdir()
    for number in range(60):
        for name in ("x", "y"):
            (tmp_path / "A" / f"{number}{name}.png").write_bytes(b"%d" % number)
    splits = {r.path.name: r.split for r in read_splits(tmp_path).records}
    assert Counter(splits.values()) == {"test": 24, "val": 20, "train": 76}
    assert all(splits[f"{number}x.png"] == splits[f"{number}y.png"] for number in range(60))


def labelled(counts, split="train"):
    """`counts[label]` films of each label, each of its own patient."""
    return [
        Record(Path(f"{label}{i}.png"), label, split, f"{label}{i}", "one")
        for label, count in counts.items()
        for i in range(count)
    ]


def test_a_limited_training_split_has_as_many_of_each_label():
    manifest = Manifest(
        tuple(labelled({"A": 50, "B": 3, "C": 50}) + labelled({"A": 5, "B": 5}, "test"))
    )
    few = limit_training(manifest, 13)
    # Three rounds of three labels, then A and C by turns.
    assert few.counts() == {"train": {"A": 5, "B": 3, "C": 5}, "test": {"A": 5, "B": 5}}
    assert limit_training(manifest, 13) == few
    backwards = limit_training(Manifest(manifest.records[::-1]), 13)
    assert set(backwards.records) == set(few.records)
    assert set(limit_training(manifest, 13, seed=1).records) != set(few.records)
    assert limit_training(manifest, 500) == manifest


def test_a_limit_below_one_film_of_each_label_is_refused():
    with pytest.raises(ValueError, match=r"at least one of each of 2 labels. Received: 1"):
        limit_training(Manifest(tuple(labelled({"A": 5, "B": 5}))), 1)
