"""What an audit says of numbers just below and just above its limits."""

from pathlib import Path

import pytest

from xraycore.datasets.audit.audit import Audit, Likes, Patients
from xraycore.datasets.audit.findings import describe
from xraycore.datasets.audit.shortcuts import ShortcutScore
from xraycore.datasets.index import Unreadable


def audit_of(**changes):
    """A data set without fault, but for what is given."""
    nothing_wrong = {
        "films": 90,
        "counts": {name: {"A": 30, "B": 30} for name in ("train", "val", "test")},
        "sources": {"set": {"A": 90, "B": 90}},
        "unreadable": (),
        "film_warnings": {},
        "copies": (),
        "near_copies": (),
        "patients": Patients(80, 5, False, {}),
        "confounding": score(0.5, 0.5),
    }
    return Audit(**{**nothing_wrong, **changes})


def score(file, grey, limit=0.55):
    return ShortcutScore(("A", "B"), 90, file, 0.5, grey, 0.5, 0.5, limit, {})


def said(topic, **changes):
    """Severity, title and advice of what is said of that topic."""
    found = [one for one in describe(audit_of(**changes)) if one.topic == topic]
    return [(one.severity, one.title, one.advice) for one in found]


def severity(topic, **changes):
    return [severity for severity, _, _ in said(topic, **changes)]


def likes(*names, labels=False, splits=False, patients=False):
    return Likes(tuple(Path(name) for name in names), labels, splits, patients)


def test_a_data_set_without_fault_is_told_so():
    found = describe(audit_of())
    assert {one.severity for one in found} == {"ok"}
    assert [one.title for one in found] == [
        "Every file can be read.",
        "By name, none of 80 patients crosses splits.",
        "No two files are byte-identical.",
        "No two different files look like one exposure.",
        "The file hardly tells the class: AUROC 0.50 from file size and shape, 0.50 with "
        "brightness and contrast; chance is 0.50 and reaches 0.55.",
        "No film is tiny, blank, clipped or coloured.",
    ]


def test_the_worst_stands_first_and_the_rest_in_order():
    found = describe(
        audit_of(
            film_warnings={"The image is very small (# x # pixels).": 2},
            unreadable=(Unreadable(Path("x.png"), "x.png: no"),),
            patients=Patients(80, 0, False, {}),
        )
    )
    assert [one.severity for one in found] == ["warning", "note", "note", "ok", "ok", "ok"]
    assert [one.topic for one in found][:3] == ["files", "patients", "films"]


@pytest.mark.parametrize(("count", "more"), [(3, ""), (4, " and 1 more"), (5, " and 2 more")])
def test_three_files_are_named(count, more):
    bad = tuple(Unreadable(Path(f"{n}.png"), "") for n in range(count))
    ((_, title, _),) = said("files", unreadable=bad)
    assert title == f"{count} of 90 files cannot be read: 0.png, 1.png, 2.png{more}."


def test_one_class_in_several_splits_is_one():
    assert severity("classes", counts={"train": {"A": 30}, "test": {"A": 30}}) == ["warning"]
    assert severity("classes", counts={"": {"A": 30}}) == ["warning"]
    assert severity("classes", counts={"": {"A": 30, "B": 1}}) == []


@pytest.mark.parametrize(("number", "noted"), [(19, True), (20, False)])
def test_twenty_films_to_validate_on_are_enough(number, noted):
    counts = {
        "train": {"A": 30, "B": 30},
        "val": {"A": 30, "B": number},
        "test": {"A": 30, "B": 30},
    }
    found = said("classes", counts=counts)
    assert [severity for severity, _, _ in found] == ["note"] * noted
    if noted:
        assert found[0][1] == "The validation split has 49 images and fewer than 20 of B."


def test_what_a_split_lacks_is_said_of_training_and_of_testing():
    counts = {"train": {"A": 30}, "test": {"B": 30}}
    train, test = said("classes", counts=counts)
    assert train[:2] == ("warning", "The train split has no image of B.")
    assert "nothing can be learnt about it" in train[2]
    assert test[:2] == ("warning", "The test split has no image of A.")
    assert "nothing can be measured about it" in test[2]
    # A split that is not there at all is carved; and so are all where some films have none.
    assert said("classes", counts={"train": {"A": 30, "B": 30}}) == []
    assert said("classes", counts={"": {"A": 1, "B": 1}, "train": {"A": 1}}) == []
    three = {"train": {"A": 30}, "test": {"A": 30, "B": 30, "C": 9}}
    assert said("classes", counts=three)[0][1] == "The train split has no image of B and C."


def test_patients_by_what_is_known_of_them():
    assert severity("patients", patients=Patients(90, 0, False, {"p": ("test", "train")})) == [
        "note"
    ]
    ((level, title, advice),) = said("patients", patients=Patients(90, 1, False, None))
    assert (level, title) == ("ok", "90 patients and no splits, so none can cross them.")
    assert "Kermany" not in advice
    ((level, title, advice),) = said(
        "patients", patients=Patients(90, 1, True, {"p": ("test", "train")})
    )
    assert (level, title) == ("warning", "1 patient lies in more than one split: p.")
    assert "In Kermany's set" in advice
    crossing = {name: ("test", "train") for name in "srqp"}
    ((_, title, _),) = said("patients", patients=Patients(90, 1, True, crossing))
    assert title == "4 patients lie in more than one split: p, q, r and 1 more."


def test_copies_by_how_they_disagree():
    plain = likes("a", "b", "c")
    ((level, title, advice),) = said("copies", copies=(plain, likes("d", "e")))
    assert level == "note"
    assert title == "5 files are byte-identical to another, 3 more than there are films."
    assert "memory" not in advice and "wrong" not in advice and "several patients" not in advice
    across = likes("a", "b", splits=True)
    ((level, title, advice),) = said("copies", copies=(across, plain))
    assert level == "warning"
    assert title.endswith("; 1 of these across splits (a = b).")
    assert advice.endswith("remove it from one split.")
    twice = likes("d", "e", labels=True)
    ((level, title, advice),) = said("copies", copies=(twice,))
    assert level == "warning"
    assert title.endswith("; 1 with two classes (d = e).")
    assert advice.endswith(" One of two classes is wrong: find out which.")
    ((_, title, _),) = said("copies", copies=(across, twice))
    assert title.endswith("; 1 of these across splits (a = b); 1 with two classes (d = e).")
    named = likes("f", "g", patients=True)
    ((level, _, advice),) = said("copies", copies=(named,))
    assert level == "note"
    assert "1 of them under the names of several patients: f = g." in advice
    # Where every file counts as a patient of its own, that says nothing.
    ((_, _, advice),) = said("copies", copies=(named,), patients=Patients(90, 0, False, {}))
    assert "several patients" not in advice


def test_near_copies_are_counted_in_pairs():
    one, two = likes("a", "b"), likes("c", "d", splits=True)
    ((level, title, _),) = said("near copies", near_copies=(one,))
    assert level == "note"
    assert title.startswith("1 pair of different files look like one exposure")
    ((level, title, _),) = said("near copies", near_copies=(two, one))
    assert level == "warning"
    assert title.startswith("2 pairs of different files")


@pytest.mark.parametrize(
    ("file", "grey", "limit", "level"),
    [
        (0.70, 0.5, 0.55, "warning"),
        (0.699, 0.5, 0.55, "note"),
        (0.60, 0.5, 0.55, "note"),
        (0.599, 0.5, 0.55, "ok"),
        (0.5, 0.70, 0.55, "note"),
        (0.5, 0.699, 0.55, "ok"),
        # What guessing reaches with so few patients is no finding.
        (0.75, 0.5, 0.76, "ok"),
        (0.76, 0.5, 0.76, "warning"),
        (0.65, 0.5, 0.66, "ok"),
        (0.65, 0.66, 0.66, "note"),
        (0.66, 0.5, 0.66, "note"),
    ],
)
def test_how_well_a_file_may_tell_the_class(file, grey, limit, level):
    assert severity("shortcuts", confounding=score(file, grey, limit)) == [level]


def test_too_few_patients_for_shortcuts_is_noted():
    assert severity("shortcuts", confounding=None) == ["note"]


def test_a_class_of_one_source_is_named():
    assert said("sources", sources={"one": {"A": 1, "B": 1}}) == []
    both = {"one": {"A": 1, "B": 1}, "two": {"A": 1, "B": 1}}
    assert said("sources", sources=both) == []
    ((level, title, _),) = said("sources", sources={"one": {"A": 1, "B": 1}, "two": {"A": 1}})
    assert (level, title) == ("warning", "B comes from one data set only.")
    ((_, title, _),) = said("sources", sources={"one": {"A": 1, "C": 1, "B": 1}, "two": {"D": 1}})
    assert title == "A, B, C and D come from one data set only."


def test_warnings_of_films_are_added_up():
    ((level, title, _),) = said("films", film_warnings={"a": 2, "b": 3})
    assert (level, title) == ("note", "Reading the films gave 5 warnings.")
    assert said("films", film_warnings={"a": 1})[0][1] == "Reading the films gave 1 warning."
