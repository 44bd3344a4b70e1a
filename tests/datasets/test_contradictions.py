"""Data sets that contradict themselves: where their films go, and whom they count for."""

from dataclasses import replace
from pathlib import Path

import pytest

from xraycore.datasets.manifest import Manifest, Record
from xraycore.datasets.splits import (
    assign_splits,
    group_copies,
    leave_out_copies,
    limit_training,
    trainable_classes,
)
from xraycore.errors import DatasetError


def film(name, split="", group=None, label="A", source="a"):
    return Record(Path(f"{name}.png"), label, split, group or name, source)


def split_of(records, **options):
    found = assign_splits(Manifest(tuple(records)), **options).records
    return {record.path.stem: record.split for record in found}


# Enough films to test and to validate on, so that nothing is carved.
WHOLE = [film(f"{split}{n}", split) for split in ("val", "test") for n in range(20)]


@pytest.mark.parametrize(
    ("splits", "goes"),
    [
        (("train", "val"), "val"),
        (("val", "train"), "val"),
        (("train", "test"), "test"),
        (("test", "train"), "test"),
        (("val", "test"), "test"),
        (("train", "val", "test"), "test"),
    ],
)
def test_a_film_of_a_patient_in_two_splits_is_not_trained_on(splits, goes):
    """It follows those that measure before those that teach, in whichever order they come."""
    known = [film(f"p{n}", split, "p") for n, split in enumerate(splits)]
    found = split_of([*WHOLE, *known, film("new", "", "p")])
    assert found["new"] == goes
    # Where the data set itself sets films apart, they stay.
    assert [found[f"p{n}"] for n in range(len(splits))] == list(splits)


def test_a_film_of_a_patient_without_any_split_is_trained_on():
    found = split_of([*WHOLE, film("one", "", "q"), film("two", "", "q")])
    assert (found["one"], found["two"]) == ("train", "train")


def test_too_few_films_to_validate_on_take_their_patients_unassigned_film_along():
    tests = [film(f"test{n}", "test") for n in range(20)]
    records = [*tests, film("v", "val", "p"), film("t", "train", "p"), film("new", "", "p")]
    found = split_of([*records, *(film(f"more{n}", "train") for n in range(40))])
    assert found["v"] == found["t"] == found["new"]


def test_patients_of_two_labels_count_for_the_label_of_most_of_their_films():
    """Ten patients of two A and one B each, ten of one A and two B: shares are of their classes."""
    records = [
        film(f"{kind}{p}-{n}", "", f"{kind}{p}", label)
        for kind, labels in (("a", "AAB"), ("b", "ABB"))
        for p in range(10)
        for n, label in enumerate(labels)
    ]
    found = split_of(records)
    for kind in "ab":
        patients = {p: {found[f"{kind}{p}-{n}"] for n in range(3)} for p in range(10)}
        # All films of a patient lie together, and of each kind 2 of 10 are tested on, then a fifth
        # of the 8 others, which is two.
        assert all(len(splits) == 1 for splits in patients.values())
        counts = [sum(splits == {name} for splits in patients.values())
                  for name in ("test", "val", "train")]  # fmt: skip
        assert counts == [2, 2, 6]


def test_a_share_is_filled_up_and_not_exceeded_by_more_than_a_patient():
    # 7 patients of 10 films: a fifth of 70 is 14, so two patients; then a fifth of 50, one.
    records = [film(f"{p}-{n}", "", str(p)) for p in range(7) for n in range(10)]
    counts = assign_splits(Manifest(tuple(records))).counts()
    assert {name: by["A"] for name, by in counts.items()} == {"train": 40, "val": 10, "test": 20}


def test_a_validation_split_needs_twenty_of_every_label_that_there_is():
    """Also of one that the training films lack."""
    few = [*(film(f"v{n}", "val") for n in range(20)), film("b", "train", label="B")]
    tests = [film(f"t{n}", "test") for n in range(9)]
    found = split_of([*few, *tests, *(film(f"m{n}", "train") for n in range(50))])
    assert sum(found[f"v{n}"] == "val" for n in range(20)) < 20
    enough = [film(f"b{n}", "val", label="B") for n in range(20)]
    found = split_of([*few, *tests, *enough])
    assert all(found[f"v{n}"] == "val" for n in range(20))


def test_copies_that_contradict_each_other_leave_what_measures():
    """One content in all three splits: the test film stays; one in train and val: the latter."""
    contents = {}

    def record(name, split, content):
        one = film(name, split)
        contents[one.path] = content
        return one

    records = [
        *(record(f"x-{split}", split, b"x") for split in ("train", "val", "test")),
        *(record(f"y-{split}", split, b"y") for split in ("train", "val")),
        *(record(f"z-{n}", "train", b"z") for n in range(2)),
        film("unread", "train"),
    ]
    kept = leave_out_copies(Manifest(tuple(records)), contents).records
    assert [r.path.stem for r in kept] == ["x-test", "y-val", "z-0", "z-1", "unread"]


def test_a_chain_of_copies_is_one_patient():
    """a = b, c = d, then b = c: joined late, from the far ends."""
    one, two, link = b"1", b"2", b"3"
    said = [("a", one), ("b", one), ("c", two), ("d", two), ("b", link), ("c", link)]
    records = [film(f"{n}-{group}", "", group) for n, (group, _) in enumerate(said)]
    contents = {r.path: content for r, (_, content) in zip(records, said, strict=True)}
    groups = {r.group for r in group_copies(Manifest(tuple(records)), contents).records}
    assert len(groups) == 1
    assert groups < set("abcd")


def test_limiting_takes_whole_rounds_over_labels_even_of_mixed_patients():
    records = [film(f"{p}{label}", "train", p, label) for p in "pqrst" for label in "AB"]
    kept = limit_training(Manifest(tuple(records)), 5).records
    assert sorted(r.label for r in kept) == list("AAABB")
    # The films of a label are ranked by their patients: both labels begin with the same one.
    by_label = {label: {r.group for r in kept if r.label == label} for label in "AB"}
    assert by_label["B"] < by_label["A"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"train": "A", "val": "A"}, "at least two classes. Received: A"),
        ({"train": "A", "val": "AB"}, "split 'train'; there is none of B"),
        ({"train": "AB", "val": "B"}, "split 'val'; there is none of A"),
        ({"train": "AB"}, "split 'val'; there is none of A, B"),
    ],
)
def test_a_class_that_is_not_everywhere_is_not_trained_on(labels, message):
    records = [
        film(f"{split}{label}", split, label=label) for split in labels for label in labels[split]
    ]
    with pytest.raises(DatasetError, match=message):
        trainable_classes(Manifest(tuple(records)))


def test_classes_of_which_there_is_something_everywhere_can_be_trained():
    records = [film(f"{s}{label}", s, label=label) for s in ("train", "val") for label in "BA"]
    # A class that is tested on only is missed in both.
    assert trainable_classes(Manifest(tuple(records))) == ("A", "B")
    with pytest.raises(DatasetError, match="none of C"):
        trainable_classes(Manifest((*records, film("x", "test", label="C"))))


def test_what_decides_a_run_is_in_the_fingerprint_and_nothing_else():
    one = film("one", "train", "p")
    same = Manifest((one, film("two"))).fingerprint()
    assert Manifest((film("two"), one)).fingerprint() == same
    assert Manifest((replace(one, path=Path("elsewhere/one.png")), film("two"))).fingerprint() == (
        same
    )
    assert Manifest((replace(one, age=3.0), film("two"))).fingerprint() == same
    for field in ("label", "split", "group", "source"):
        assert Manifest((replace(one, **{field: "x"}), film("two"))).fingerprint() != same
    assert Manifest((one, one, film("two"))).fingerprint() != same


def test_films_of_several_splits_cross_and_unassigned_ones_do_not():
    records = [
        *(film("1", "train", "p"), film("2", "test", "p"), film("3", "train", "q")),
        *(film("4", "", "q"), film("5", "val", "p"), film("6", "", "r")),
    ]
    assert Manifest(tuple(records)).crossing() == {"p": ("test", "train", "val")}


def test_shares_of_nothing_are_nothing():
    assert assign_splits(Manifest(())).records == ()
    assert limit_training(Manifest(()), 0).records == ()
    assert [r.path.stem for r in assign_splits(Manifest((film("only"),))).records] == ["only"]
