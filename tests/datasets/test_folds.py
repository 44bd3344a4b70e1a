"""Folds of patients: each once held out, no test film in any."""

import random
from collections import Counter
from pathlib import Path

import pytest

from xraycore.datasets.folds import Fold, hold_out
from xraycore.datasets.manifest import Manifest, Record
from xraycore.datasets.reasons import FOR_THE_TEST, SAME_FILE
from xraycore.datasets.splits import read_splits
from xraycore.errors import ArgumentError


def films(patients, label, split="train", source="one", each=2):
    return [
        Record(Path(f"{source}-{label}-{p}-{n}.png"), label, split, f"{source}-{label}-{p}", source)
        for p in range(patients)
        for n in range(each)
    ]


@pytest.fixture
def manifest():
    """Two sources; ten test films, and two films of every other patient."""
    return Manifest(
        (
            *films(10, "Normal"),
            *films(5, "Opacity", "val"),
            *films(20, "Normal", source="two"),
            *films(5, "Opacity", "test", source="two"),
            *films(10, "Opacity", source="two"),
        )
    )


def test_every_patient_is_held_out_once_and_every_class_evenly(manifest):
    held = []
    for number in range(1, 6):
        fold = hold_out(manifest, Fold(number, 5))
        held.append(fold.split("test"))
        # By hand: a fifth of the patients of each class of each source, two films each.
        assert Counter((r.source, r.label) for r in held[-1]) == {
            ("one", "Normal"): 4,
            ("one", "Opacity"): 2,
            ("two", "Normal"): 8,
            ("two", "Opacity"): 4,
        }
        assert not {r.group for r in held[-1]} & {r.group for r in fold.split("train")}
        assert not fold.split("val")
        assert len(fold.records) == 90
        (left,) = [one for reason, one in fold.left_out.items() if reason == FOR_THE_TEST]
        assert left.count == 10
    every = [r.path for one in held for r in one]
    assert sorted(every) == sorted(r.path for r in manifest.records if r.split != "test")


def test_folds_depend_on_the_seed_and_on_nothing_else(manifest):
    def paths(of, seed=0):
        return {r.path for r in hold_out(of, Fold(1, 5), seed=seed).split("test")}

    shuffled = list(manifest.records)
    random.Random(1).shuffle(shuffled)
    assert paths(Manifest(tuple(shuffled))) == paths(manifest) != paths(manifest, seed=1)
    # Another source beside it moves nobody.
    alone = Manifest(tuple(r for r in manifest.records if r.source == "one"))
    assert paths(alone) == {path for path in paths(manifest) if path.name.startswith("one")}


def test_a_fold_is_read_as_splits_are_and_has_validation_films_of_its_own(tmp_path):
    for source in ("a", "b"):
        for label in ("Normal", "Opacity"):
            for split, count in {"train": 24, "test": 5}.items():
                for number in range(count):
                    file = tmp_path / source / split / label / f"{number}.png"
                    file.parent.mkdir(parents=True, exist_ok=True)
                    # The first film of both sources is the same, and one is tested on elsewhere.
                    said = f"{label} {number} {split}" if number == 0 else f"{source} {file}"
                    file.write_text(said)
    one = read_splits([tmp_path / "a", tmp_path / "b"], fold=Fold(1, 2))
    counts = {split: len(one.split(split)) for split in ("train", "val", "test")}
    assert counts["test"] == 48 and counts["val"] >= 8
    tested = {r.path.read_text() for r in one.split("test")}
    learnt = {r.path.read_text() for split in ("train", "val") for r in one.split(split)}
    assert not tested & learnt and not any(" test" in text for text in tested | learnt)
    assert not {r.path for r in one.records} & set(tmp_path.glob("*/test/*/*"))
    two = read_splits([tmp_path / "a", tmp_path / "b"], fold=Fold(2, 2))
    assert not {r.path for r in one.split("test")} & {r.path for r in two.split("test")}
    # The same film in another fold is not learnt from while it is held out.
    copies = one.left_out.get(SAME_FILE), two.left_out.get(SAME_FILE)
    assert any(copy and copy.count for copy in copies)


@pytest.mark.parametrize("text", ["", "2", "0/5", "6/5", "1/1", "1/51", "1/5/2", "a/b", "-1/5"])
def test_what_is_no_fold_is_said(text):
    with pytest.raises(ArgumentError, match=r"NUMBER/FOLDS, such as 2/5"):
        Fold.parse(text)
    assert str(Fold.parse("2/5")) == "2/5"
