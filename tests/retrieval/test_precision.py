import numpy as np
import pytest

from tests.retrieval.films import NOTE, cloud, features
from xraycore.retrieval.precision import (
    class_of,
    compare_retrieval,
    fit_on_training,
    measure_retrieval,
    opacity_of,
    retrieve,
    score_retrieval,
)

# Directions: the two sources along the first two, opacity along the third.
CHILD, ADULT, ILL = np.eye(6)[0], np.eye(6)[1], np.eye(6)[2]


def world(*, by_source: bool, seed=0):
    """Forty training films of each source and kind, ten validation films of each.

    Seen by a network that goes by the source alone, or by the opacity as well.
    """
    rng = np.random.default_rng(seed)
    pooled, labels, sources, splits, groups = [], [], [], [], []
    for split, count in (("train", 40), ("val", 10)):
        for source, place in (("children", CHILD), ("adults", ADULT)):
            for label in ("Normal", "COVID-19" if source == "adults" else "Pneumonia"):
                ill = 0 if by_source or label == "Normal" else 2
                pooled.append(cloud(rng, place + ill * ILL, count, 0.1))
                labels += [label] * count
                sources += [source] * count
                splits += [split] * count
                groups += [f"{source} {label} {split} {i // 2}" for i in range(count)]
    return features(np.vstack(pooled), labels, sources, splits, groups)


def looked_up(films):
    return fit_on_training(films, NOTE), films.of_split("val")


def test_labels_as_kinds():
    assert [opacity_of(label) for label in ("Normal", "Pneumonia", "COVID-19", "nodule")] == [
        *("Normal", "Opacity", "Opacity"),
        None,
    ]
    assert class_of("Pneumonia") is None and class_of("COVID-19") == "COVID-19"


def test_a_network_that_sees_the_opacity_finds_it_in_the_other_source_too():
    index, asked = looked_up(world(by_source=False))
    across = score_retrieval(retrieve(index, asked, opacity_of, across=True))
    assert set(across) == {"Normal", "Opacity", "all"}
    assert across["Opacity"]["precision"]["value"] == 1.0
    assert across["Opacity"]["films"] == 20
    # Of the other source's eighty films half are of the kind.
    assert across["all"]["chance"] == 0.5
    assert across["all"]["precision"]["low"] > 0.6


def test_one_that_goes_by_the_source_finds_no_more_than_chance_elsewhere():
    index, asked = looked_up(world(by_source=True))
    score = score_retrieval(retrieve(index, asked, opacity_of, across=True))["all"]["precision"]
    assert score["low"] < 0.5 < score["high"]


def test_classes_within_the_source_and_what_cannot_be_found_ten_times():
    index, asked = looked_up(world(by_source=False))
    within = retrieve(index, asked, class_of, across=False)
    # A pneumonia of unknown kind is asked about for no class, and is nobody's neighbour.
    assert set(within.kinds) == {"Normal", "COVID-19"}
    assert within.found.mean() == 1.0
    of_children = [c for r, c in zip(within.records, within.chance, strict=True)
                   if r.source == "children"]  # fmt: skip
    assert set(of_children) == {1.0}
    # COVID-19 films are in one source only: in others there are not ten to be found.
    assert set(retrieve(index, asked, class_of, across=True).kinds) == {"Normal"}
    assert set(measure_retrieval(index, asked)) == {
        *("within, class", "within, opacity", "across, class", "across, opacity")
    }


def test_the_difference_is_paired():
    good, bad = (
        retrieve(*looked_up(world(by_source=by_source)), opacity_of, across=True)
        for by_source in (False, True)
    )
    gain = compare_retrieval(good, bad)
    assert gain["value"] == pytest.approx(good.found.mean() - bad.found.mean(), abs=1e-4)
    assert gain["low"] > 0.3
    assert compare_retrieval(good, good)["value"] == 0.0
    other = retrieve(*looked_up(world(by_source=False, seed=1)), opacity_of, across=False)
    assert compare_retrieval(good, other) is not None  # The same records, asked otherwise.
    part = looked_up(world(by_source=False))[1].at(np.arange(40) < 30)
    short = retrieve(looked_up(world(by_source=False))[0], part, opacity_of, across=True)
    assert compare_retrieval(good, short) is None
