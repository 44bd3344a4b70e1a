from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from xraycore.attribution.heatmap import Heatmap
from xraycore.imaging.box import Box
from xraycore.reader_study import Answer, Reader, ReaderStudyError, ToRead
from xraycore.reader_study.checks import MAX_NAME
from xraycore.reader_study.records import MAX_BOXES, MAX_COMMENT


def test_a_review_comes_back_as_it_was_said(reviews, heatmaps):
    study = reviews.create_study("Pilot", heatmaps[:1], blinded=True)
    reader = reviews.add_reader("Dr Ada")
    item = reviews.worklist(reader, study)[0].item
    boxes = [Box(0.1, 0.2, 0.3, 0.4), Box(np.float32(0.5), 0.5, 1.0, 1.0)]
    answer = Answer("disagree", 2, "Δ “left” lower lobe 🫁\n'; DROP TABLE", boxes)
    saved = reviews.save_review(reader, item, answer, seconds=12.5)
    assert abs(datetime.now(UTC) - saved.saved) < timedelta(seconds=5)
    (found,) = reviews.results(study)
    assert found == saved
    assert found.answer.boxes == tuple(boxes)
    assert (found.reader.name, found.seconds, found.version) == ("Dr Ada", 12.5, 1)
    assert ToRead(found.item.sha256, "vgg16", "grad_cam", "Pneumonia") == heatmaps[0]


def test_what_made_a_heatmap_and_that_nothing_is_found_are_kept(reviews):
    made = ToRead("a" * 64, "vgg16", "grad_cam", "COVID-19", weights="b" * 64)
    study = reviews.create_study("Pilot", [made])
    reader = reviews.add_reader("Ada")
    (item,) = reviews.items(study)
    assert item == reviews.worklist(reader, study)[0].item
    assert item.weights == "b" * 64
    reviews.save_review(reader, item, Answer("agree", 4, no_finding=True))
    (found,) = reviews.results(study)
    assert (found.answer.no_finding, found.item) == (True, item)


def test_boxes_from_before_the_heat_are_kept_and_never_replaced(reviews, heatmaps):
    study = reviews.create_study("Pilot", heatmaps[:2])
    reader = reviews.add_reader("Ada")
    first, second = reviews.items(study)
    left, right = Box(0, 0, 1, np.float32(0.3)), Box(0, 0.5, 1, 1)
    reviews.save_draft(reader, first, Answer(boxes=[left, right]))
    assert reviews.history(reader, first)[-1].answer.before_heat is None
    reviews.save_draft(reader, first, Answer(boxes=[left, right], before_heat=[left, right]))
    # Another order is no other marking.
    same = reviews.save_draft(reader, first, Answer(boxes=[right, left], before_heat=[left, right]))
    assert same.answer.marked_after_heat is False
    # Neither who forgets them nor who knows others takes them away.
    for said in (None, [right]):
        saved = reviews.save_review(reader, first, Answer("agree", 4, "", [right], False, said))
        assert saved == reviews.results(study)[0]
        assert saved.answer.before_heat == saved.answer.first_boxes == (left, right)
        assert saved.answer.marked_after_heat is True
    # That there were none is known too.
    reviews.save_draft(reader, second, Answer(no_finding=True, before_heat=[]))
    drawn = reviews.save_draft(reader, second, Answer(boxes=[left])).answer
    assert (drawn.before_heat, drawn.first_boxes, drawn.marked_after_heat) == ((), (), True)


def test_how_many_heatmaps_a_reader_has_judged(reviews, heatmaps, agrees):
    one, two = (reviews.create_study(name, heatmaps[:2]) for name in ("One", "Two"))
    ada, bob = reviews.add_reader("Ada"), reviews.add_reader("Bob")
    for study in (one, two):
        for _ in range(2):
            reviews.save_review(ada, reviews.items(study)[0], agrees)
    reviews.save_draft(ada, reviews.items(one)[1], agrees)
    assert (reviews.count_judged(ada), reviews.count_judged(bob)) == (2, 0)


def test_the_heatmaps_of_a_study_come_in_its_order(reviews, heatmaps):
    study = reviews.create_study("Pilot", heatmaps[::-1], seed=1)
    reviews.create_study("Other", heatmaps[:1])
    assert [int(item.sha256, 16) for item in reviews.items(study)] == [5, 4, 3, 2, 1, 0]


def test_a_worklist_says_what_is_done(reviews, heatmaps, agrees):
    study = reviews.create_study("Pilot", heatmaps[:3])
    ada, bob = reviews.add_reader("Ada"), reviews.add_reader("Bob")
    first, second, _ = (entry.item for entry in reviews.worklist(ada, study))
    reviews.save_review(ada, first, agrees)
    reviews.save_draft(ada, second, Answer(comment="hm"))
    entries = reviews.worklist(ada, study)
    assert [entry.state for entry in entries] == ["done", "draft", "to read"]
    assert [entry.number for entry in entries] == [1, 2, 3]
    assert entries[1].review.answer == Answer(comment="hm")
    assert entries[2].review is None
    assert {entry.state for entry in reviews.worklist(bob, study)} == {"to read"}


def test_a_draft_of_a_change_does_not_count_until_it_is_final(reviews, heatmaps, agrees):
    study = reviews.create_study("Pilot", heatmaps[:1])
    reader = reviews.add_reader("Ada")
    item = reviews.worklist(reader, study)[0].item
    reviews.save_draft(reader, item, Answer(grade=1), seconds=1)
    assert reviews.results(study) == []
    reviews.save_review(reader, item, agrees, seconds=2)
    reviews.save_draft(reader, item, Answer("unsure"), seconds=4)
    entry = reviews.worklist(reader, study)[0]
    assert (entry.state, entry.review.answer) == ("draft", Answer("unsure"))
    assert [(r.answer, r.seconds) for r in reviews.results(study)] == [(agrees, 3)]
    reviews.save_review(reader, item, Answer("unsure", 3))
    assert [(r.answer.verdict, r.version) for r in reviews.results(study)] == [("unsure", 4)]
    versions = reviews.history(reader, item)
    assert [v.final for v in versions] == [False, True, False, True]
    assert [v.seconds for v in versions] == [1, 3, 7, 7]


def test_results_are_of_one_study_and_all_its_readers(reviews, heatmaps, agrees):
    study, other = (reviews.create_study(name, heatmaps[:2]) for name in ("One", "Two"))
    for name in ("Bob", "Ada"):
        reader = reviews.add_reader(name)
        for entry in reviews.worklist(reader, study):
            reviews.save_review(reader, entry.item, agrees)
        reviews.save_review(reader, reviews.worklist(reader, other)[0].item, agrees)
    found = [(r.item.sha256[-1], r.reader.name) for r in reviews.results(study)]
    assert found == [("0", "Ada"), ("0", "Bob"), ("1", "Ada"), ("1", "Bob")]
    assert len(reviews.results(other)) == 2


def test_a_seed_shuffles_for_each_reader_alike_every_time(reviews, heatmaps):
    plain = reviews.create_study("Plain", heatmaps)
    shuffled = reviews.create_study("Shuffled", heatmaps, seed=2**62)
    ada, bob = reviews.add_reader("Ada"), reviews.add_reader("Bob")

    def order(reader, study):
        return [int(entry.item.sha256, 16) for entry in reviews.worklist(reader, study)]

    assert order(ada, plain) == order(bob, plain) == list(range(6))
    assert sorted(order(ada, shuffled)) == list(range(6))
    assert order(ada, shuffled) == order(ada, shuffled)
    assert len({tuple(order(ada, shuffled)), tuple(order(bob, shuffled)), tuple(range(6))}) == 3


def test_the_newest_study_comes_first(reviews, heatmaps):
    made = [reviews.create_study("One", heatmaps, seed=3), reviews.create_study("Two", heatmaps)]
    assert reviews.studies() == made[::-1]


def test_a_heatmap_given_twice_is_read_once(reviews, heatmaps):
    study = reviews.create_study("Pilot", [heatmaps[0], heatmaps[1], heatmaps[0]])
    assert len(reviews.worklist(reviews.add_reader("Ada"), study)) == 2


def test_a_reader_is_known_by_name_whatever_its_case(reviews):
    ada = reviews.add_reader("  Dr   Ada Weiß ")
    assert ada.name == "Dr Ada Weiß"
    assert reviews.add_reader("DR ADA WEISS") == ada
    reviews.add_reader("bob")
    assert [reader.name for reader in reviews.readers()] == ["bob", "Dr Ada Weiß"]


def test_what_cannot_be_stored_is_refused(reviews, heatmaps, agrees):
    study = reviews.create_study("Pilot", heatmaps[:1])
    reader = reviews.add_reader("Ada")
    item = reviews.worklist(reader, study)[0].item
    with pytest.raises(ReaderStudyError, match="named 'PILOT' already"):
        reviews.create_study("PILOT", heatmaps)
    with pytest.raises(ReaderStudyError, match="at least one heatmap"):
        reviews.create_study("Empty", [])
    for seed in (-1, 2**63):
        with pytest.raises(ReaderStudyError, match=f"seed must be.*{seed}"):
            reviews.create_study("Seeded", heatmaps, seed=seed)
    with pytest.raises(ReaderStudyError, match="Received: no grade"):
        reviews.save_review(reader, item, Answer("agree"))
    with pytest.raises(ReaderStudyError, match="Received: no verdict"):
        reviews.save_review(reader, item, Answer(grade=3))
    for seconds in (-1, float("nan"), float("inf")):
        with pytest.raises(ReaderStudyError, match=f"0 s or more. Received: {seconds}"):
            reviews.save_draft(reader, item, agrees, seconds=seconds)
    with pytest.raises(ReaderStudyError, match="no reader 'Eve'"):
        reviews.save_draft(Reader(99, "Eve"), item, agrees)
    with pytest.raises(ReaderStudyError, match="no such heatmap"):
        reviews.save_draft(reader, replace(item, id=99), agrees)
    assert reviews.history(reader, item) == []
    assert len(reviews.studies()) == 1


def test_text_that_no_database_takes_is_dropped(reviews, heatmaps):
    study = reviews.create_study("Pilot", heatmaps[:1])
    reader = reviews.add_reader("A\0da")
    item = reviews.worklist(reader, study)[0].item
    reviews.save_draft(reader, item, Answer(comment="left\0 lung\ud800"))
    assert reviews.worklist(reader, study)[0].review.answer.comment == "left lung"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"verdict": "maybe"}, "verdict must be one of agree, disagree, unsure. Received: 'maybe'"),
        ({"grade": 6}, "grade must be one of 1, 2, 3, 4, 5. Received: 6"),
        ({"comment": "x" * (MAX_COMMENT + 1)}, "up to 2000 characters. Received: 2001"),
        ({"boxes": [Box()], "no_finding": True}, "has no boxes. Received: 1 boxes"),
        ({"boxes": [Box()] * (MAX_BOXES + 1)}, "up to 50 boxes. Received: 51"),
        ({"before_heat": [Box()] * (MAX_BOXES + 1)}, "up to 50 boxes. Received: 51"),
    ],
)
def test_an_answer_is_checked(values, said):
    with pytest.raises(ReaderStudyError, match=said):
        Answer(**values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (("/home/smith.png", "vgg16", "grad_cam", "Normal"), "known by its sha256.*smith.png"),
        (("0" * 64, "vgg16", "rise", "Flu", "v1"), "weights are known by its sha256.*'v1'"),
        (("0" * 64, " ", "grad_cam", "Normal"), "1 to 80 characters. Received: 0"),
        (("0" * 64, "vgg16", "grad_cam", "x" * (MAX_NAME + 1)), "Received: 81"),
    ],
)
def test_a_film_is_known_by_nothing_but_its_hash(values, said):
    with pytest.raises(ReaderStudyError, match=said):
        ToRead(*values)


def test_a_heatmap_of_a_film_to_read(film):
    heat = Heatmap(np.ones((7, 7), np.float32), "COVID-19", "rise", "xception", Box())
    made = ("0" * 64, "xception", "rise", "COVID-19")
    assert ToRead.of(film, heat) == ToRead(*made)
    assert ToRead.of(film, heat, "b" * 64) == ToRead(*made, "b" * 64)


def test_a_study_of_two_generations_of_weights_is_refused_for_that(reviews, heatmaps):
    one = heatmaps[0]
    with pytest.raises(ReaderStudyError, match="one generation of its weights only"):
        reviews.create_study("Both", [replace(one, weights=w * 64) for w in "ab"])
    assert reviews.studies() == []
