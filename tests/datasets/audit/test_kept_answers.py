"""What an audit keeps in its store is asked for by all that decides it, value by value."""

from dataclasses import replace

import numpy as np
import pytest
import sklearn.ensemble

from tests.datasets.film_files import draw, write
from xraycore.datasets.audit import audit as audit_module
from xraycore.datasets.audit.audit import audit
from xraycore.datasets.index import ImageIndex, measure_images
from xraycore.datasets.manifest import Manifest, Record


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """24 small films of two labels; width tells which, so that files give the class away."""
    folder, found = tmp_path_factory.mktemp("set"), []
    for number in range(24):
        size = (40, 40 + 4 * (number // 2))
        path = write(folder / f"{number}.png", draw(number, size))
        found.append(Record(path, "AB"[number % 2], "", f"p{number}", "set"))
    return found


@pytest.fixture(autouse=True)
def small_forests(monkeypatch):
    """Shortcuts are measured with a few trees: what is asked here is when, not how well."""
    forest = sklearn.ensemble.RandomForestClassifier
    monkeypatch.setattr(
        sklearn.ensemble, "RandomForestClassifier", lambda trees, **options: forest(4, **options)
    )


@pytest.fixture
def store(tmp_path):
    return ImageIndex(tmp_path / "films.sqlite3")


def check(records, store):
    """An audit with the store, which must be as one without."""
    kept = audit(Manifest(tuple(records)), store=store).to_json()
    assert kept == audit(Manifest(tuple(records))).to_json()
    return kept


def test_the_same_files_with_other_patients(records, store):
    """Of 24 patients the shortcut is measured; of two a class there are too few."""
    assert check(records, store)["confounding"] is not None
    paired = [replace(r, group=f"{r.label}{n // 8}") for n, r in enumerate(records)]
    assert check(paired, store)["confounding"] is None
    assert check(records, store)["confounding"] is not None


def test_what_was_answered_is_not_asked_again(records, store, monkeypatch):
    first = check(records, store)
    monkeypatch.setattr(sklearn.ensemble, "RandomForestClassifier", None)
    monkeypatch.setattr(audit_module, "near_copies", None)
    assert audit(Manifest(tuple(records)), store=store).to_json() == first


def test_the_same_files_with_other_labels(records, store):
    first = check(records, store)["confounding"]
    halves = [replace(r, label="AB"[n // 12]) for n, r in enumerate(records)]
    other = check(halves, store)["confounding"]
    # Wider by number: half and half it tells the label, by turns it does not.
    assert other["file_auroc"] > 0.9 > 0.7 > first["file_auroc"]


def test_the_same_labels_on_other_files(records, store):
    check(records, store)
    labels = [r.label for r in records]
    turned = [replace(r, label=label) for r, label in zip(records, labels[::-1], strict=True)]
    check(turned, store)


def test_another_order_of_the_same_films(records, store, tmp_path):
    """Near copies are kept by their places, which the order changes."""
    near = [
        Record(write(tmp_path / "near" / f"{n}.jpg", draw(n, (40, 40)), quality=90), "A", "",
               f"q{n}", "set")
        for n in (30, 31)
    ]  # fmt: skip
    same = [
        Record(write(tmp_path / "same" / f"{n}.png", draw(n, (40, 40))), "A", "", f"r{n}", "set")
        for n in (30, 31)
    ]
    films = [near[0], *records[:3], same[0], near[1], same[1]]
    first = check(films, store)["near_copies"]
    assert len(first) == 2
    backwards = check(films[::-1], store)["near_copies"]
    assert {frozenset(pair["paths"]) for pair in first} == {
        frozenset(pair["paths"]) for pair in backwards
    }
    assert check(films[:5], store)["near_copies"] != first


def test_the_same_names_with_other_contents(records, store, tmp_path):
    path = write(tmp_path / "0.png", draw(90))
    record = replace(records[0], path=path)
    ((_, before),), _ = measure_images([record], store)
    write(path, draw(91, (50, 90)))
    ((_, after),), _ = measure_images([record], store)
    ((_, plain),), _ = measure_images([record])
    assert (after.sha256, after.features) == (plain.sha256, plain.features)
    assert after.features != before.features


def test_what_comes_out_of_the_store_is_what_went_in(records, store):
    first, _ = measure_images(records, store)
    again, _ = measure_images(records, store)
    for (record, one), (_, other) in zip(first, again, strict=True):
        assert one.sha256 == other.sha256
        assert one.features == other.features
        assert one.warnings == other.warnings
        for name in ("phash", "dhash", "thumbnail"):
            np.testing.assert_array_equal(
                getattr(one.fingerprint, name), getattr(other.fingerprint, name)
            )
        # Measured on the file itself.
        assert one.bytes == record.path.stat().st_size


HARMS = [
    # Splits, then labels, then patients; each alone outweighs all that come after it.
    ("splits", {"split": "test"}),
    ("labels and patients", {"label": "B", "group": "other"}),
    ("labels", {"label": "B"}),
    ("patients", {"group": "other"}),
    ("nothing", {}),
]


@pytest.mark.parametrize("turned", [False, True])
def test_copies_are_told_by_their_harm(tmp_path, turned):
    """Of two files of one content each: what differs between the two decides the order."""
    records = []
    for number, (_, changes) in enumerate(HARMS):
        content = draw(number, (40, 40))
        for place in range(2):
            path = write(tmp_path / f"{number}-{place}.png", content)
            record = Record(path, "A", "train", f"p{number}", "set")
            records.append(replace(record, **changes) if place else record)
    found = audit(Manifest(tuple(records[::-1] if turned else records)))
    order = [int(same.paths[0].name[0]) for same in found.copies]
    assert [HARMS[number][0] for number in order] == [harm for harm, _ in HARMS]
    for same in found.copies:
        _, changes = HARMS[int(same.paths[0].name[0])]
        assert same.splits_disagree == ("split" in changes)
        assert same.labels_disagree == ("label" in changes)
        assert same.patients_disagree == ("group" in changes)
        assert same.likeness == 1.0


def test_near_copies_are_told_the_most_alike_first(tmp_path):
    records = []
    for number, quality in enumerate((30, 95)):
        picture = draw(number)
        for path, options in (("png", {}), ("jpg", {"quality": quality})):
            file = write(tmp_path / f"{number}.{path}", picture, **options)
            records.append(Record(file, "A", "", f"p{number}", "set"))
    first, second = audit(Manifest(tuple(records))).near_copies
    assert first.likeness > second.likeness > 0.85
    assert {path.stem for path in first.paths} == {"1"}


def test_a_film_without_a_split_does_not_disagree_with_one_that_has_one(tmp_path):
    write(tmp_path / "a.png", draw(0))
    write(tmp_path / "b.png", draw(0))
    records = (
        Record(tmp_path / "a.png", "A", "train", "p", "set"),
        Record(tmp_path / "b.png", "A", "", "p", "set"),
    )
    (same,) = audit(Manifest(records)).copies
    assert not same.splits_disagree
