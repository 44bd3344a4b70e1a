import csv
import io
from datetime import UTC, datetime

import numpy as np
import pytest

import xraycore
from xraycore.imaging.box import Box
from xraycore.reader_study import Answer, HeatmapItem, Reader, Review, Study
from xraycore.reader_study.agreement import (
    cohen_kappa,
    describe_strength,
    fleiss_kappa,
    overall_agreement,
    pairwise_agreement,
)
from xraycore.reader_study.localisation import compare_boxes, draw_mask, localisation_table
from xraycore.reader_study.records import finished_readers
from xraycore.reader_study.results import summarise_study
from xraycore.reader_study.summary import by_method, by_reader, median_seconds, reviews_csv

SAVED = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)


def review(
    reader, number, verdict="agree", grade=3, *, model="vgg16", seconds=10.0, boxes=(), before=None
):
    """A final review; films are numbered, and each has one heatmap of a model."""
    item = HeatmapItem(
        number + (100 if model != "vgg16" else 0), f"{number:064x}", model, "rise", "Flu"
    )
    answer = Answer(verdict, grade, "", boxes, before_heat=before)
    return Review(Reader(ord(reader), reader), item, 1, True, answer, seconds, SAVED)


def panel(**verdicts):
    """Reviews by readers whose verdicts on films 0, 1, ... are given by their first letters."""
    words = {"a": "agree", "d": "disagree", "u": "unsure"}
    return [
        review(reader, number, words[letter])
        for reader, letters in verdicts.items()
        for number, letter in enumerate(letters)
        if letter != "-"
    ]


def near(value):
    """As a score is kept: to four places."""
    return pytest.approx(value, abs=5.1e-5)


def pairs(counts):
    """Answers (n, 2) from a table of how often the readers gave categories i and j."""
    return np.array([pair for pair, n in np.ndenumerate(counts) for _ in range(n)])


def test_cohens_kappa_by_hand():
    # They agree on 35 of 50; by chance on 25 * 30 + 25 * 20 = 1250 of 2500: (0.7 - 0.5) / 0.5.
    assert cohen_kappa(pairs(np.array([[20, 5], [10, 15]])), 3) == pytest.approx(0.4)


def test_weighted_kappa_by_hand():
    # Squared distances seen: 1 + 4 = 5 over 4 films; by chance 4 + 4 + 12 + 4
    # = 24 over the 16 pairs of an answer of each.
    answers = np.array([[0, 0], [1, 2], [2, 0], [0, 0]])
    assert cohen_kappa(answers, 3, weighted=True) == pytest.approx(1 - (5 / 4) / (24 / 16))


def test_fleiss_kappa_of_the_published_kind_by_hand():
    # Three readers: aaa, aab, abb, bbb. Agreeing pairs 3, 1, 1, 3 of 3 each: 8 / 12. Answers are
    # half a, half b, so that chance gives 1 / 2: (2/3 - 1/2) / (1/2).
    answers = np.array([[0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 1, 1]])
    assert fleiss_kappa(answers, 3) == pytest.approx(1 / 3)


def test_kappa_of_perfect_and_of_opposite_readers():
    assert cohen_kappa(np.array([[0, 0], [1, 1]]), 2) == 1
    assert cohen_kappa(np.array([[0, 1], [1, 0]]), 2) == -1
    assert fleiss_kappa(np.array([[0, 1], [1, 0]]), 2) == -1
    # One always says 0 and the other always 1: chance would never agree either.
    assert cohen_kappa(np.array([[0, 1], [0, 1]]), 2) == 0


def test_constant_answers_have_no_kappa():
    assert cohen_kappa(np.zeros((5, 2)), 3) is None
    assert fleiss_kappa(np.ones((5, 3)), 3) is None


@pytest.mark.parametrize("answers", [np.zeros((0, 2)), np.zeros((3, 1)), np.zeros(3)])
def test_too_few_answers_are_refused(answers):
    for kappa in (cohen_kappa, fleiss_kappa):
        with pytest.raises(ValueError, match="one heatmap and two readers"):
            kappa(answers, 3)
    with pytest.raises(ValueError, match="of two readers. Received: 3"):
        cohen_kappa(np.zeros((3, 3)), 3)


def test_pairs_compare_what_both_have_judged():
    # On the first four A and B: agree on 3; by chance (3 * 2 + 1 * 2) / 16: (3/4 - 1/2) / (1/2).
    found = pairwise_agreement(panel(A="aaadu", B="aadd", C="----u"))
    ab, ac, bc = found
    assert (ab.readers, ab.heatmaps, ab.observed) == (("A", "B"), 4, 0.75)
    assert ab.kappa["value"] == pytest.approx(0.5)
    assert ab.kappa["low"] <= 0.5 <= ab.kappa["high"] <= 1
    assert (ac.heatmaps, ac.observed, ac.kappa) == (1, 1.0, None)
    assert "All answers are the same" in ac.reason
    assert (bc.heatmaps, bc.observed, bc.kappa) == (0, None, None)
    assert "No heatmap is judged by all" in bc.reason


def test_all_readers_together():
    # aaa, aad, add, ddd as in the test by hand; the fifth film has two readers only.
    found = overall_agreement(panel(A="aaadu", B="aaddu", C="addd-"))
    assert (found.readers, found.heatmaps) == (("A", "B", "C"), 4)
    assert found.observed == pytest.approx(8 / 12)
    assert found.kappa["value"] == near(1 / 3)
    assert found.kappa["n"] == 4


def test_grades_of_two_readers_are_weighed_by_distance():
    grades = [(1, 1), (2, 3), (3, 1), (1, 1)]
    said = [review("A", i, grade=a) for i, (a, _) in enumerate(grades)]
    said += [review("B", i, grade=b) for i, (_, b) in enumerate(grades)]
    assert pairwise_agreement(said, "grade")[0].kappa["value"] == near(1 / 6)
    # Fleiss knows no distance: 2 of 4 agree; of 8 answers 5, 1 and 2 are alike: 30 / 64.
    fleiss = overall_agreement(said, "grade").kappa["value"]
    assert fleiss == near((1 / 2 - 30 / 64) / (1 - 30 / 64))


def test_too_few_readers_say_so():
    assert pairwise_agreement(panel(A="aad")) == []
    for said in ([], panel(A="aad")):
        found = overall_agreement(said)
        assert (found.kappa, found.reason) == (None, "Agreement needs two readers.")


def test_the_mask_is_the_union_of_the_boxes():
    boxes = [Box(0, 0, 0.5, 0.5), Box(0.25, 0.25, 0.75, 0.5)]
    mask = draw_mask(boxes, (4, 8))
    expected = np.zeros((4, 8), bool)
    expected[:2, :4] = True
    expected[1:3, 2:4] = True
    np.testing.assert_array_equal(mask, expected)


def test_heat_against_boxes_by_hand():
    heat = np.zeros((4, 8))
    heat[0, 0], heat[1, 1], heat[3, 7] = 1.0, 0.5, 0.4
    overlap = compare_boxes(heat, [Box(0, 0, 0.5, 0.25)])
    # Of the two pixels from half the maximum on, both lie in the box's four.
    assert (overlap.hit, overlap.iou) == (1.0, pytest.approx(2 / 4))
    assert compare_boxes(heat, [Box(0, 0, 0.5, 0.25)], threshold=0.4).iou == pytest.approx(2 / 5)
    other = compare_boxes(heat, [Box(0.5, 0.5, 1, 1)])
    assert (other.hit, other.iou) == (0.0, 0.0)
    both = compare_boxes(np.eye(2), [Box(0, 0, 0.5, 0.5)])
    assert (both.hit, both.iou) == (0.5, 0.5)


def test_a_map_without_heat_points_anywhere_and_overlaps_nothing():
    overlap = compare_boxes(np.zeros((4, 8)), [Box(0, 0, 0.5, 0.5)])
    assert (overlap.hit, overlap.iou) == (pytest.approx(8 / 32), 0.0)


def test_heat_is_compared_with_a_box():
    with pytest.raises(ValueError, match="at least one box"):
        compare_boxes(np.ones((2, 2)), [])


def test_localisation_by_model_and_method():
    left, right = Box(0, 0, 1, 0.5), Box(0, 0.5, 1, 1)
    said = [review("A", 0, boxes=[left]), review("B", 0, boxes=[right])]
    said += [review("A", 1, boxes=[left]), review("B", 1), review("A", 2, boxes=[left])]
    said += [review("A", 0, model="xception", boxes=[left, right])]
    asked = []

    def heatmap_of(item):
        asked.append(item)
        return None if item.sha256.endswith("2") else np.array([[1.0, 0.0]])

    vgg16, xception = localisation_table(said, heatmap_of)
    assert len(asked) == len(set(asked)) == 4
    assert (vgg16.model, vgg16.method, vgg16.films) == ("vgg16", "rise", 2)
    assert (vgg16.hit["value"], vgg16.hit["n"]) == (near(2 / 3), 3)
    # Film 0 drawn twice gives 1/2, film 1 drawn twice 1; Wilson's low end of 2/3 of two is lower:
    # (2/3 + 0.9604 - 1.96 sqrt(1/9 + 0.2401)) / 2.9207.
    assert (vgg16.hit["low"], vgg16.hit["high"]) == (pytest.approx(0.1594, abs=1e-4), 1.0)
    assert (xception.hit["value"], xception.iou["value"]) == (1.0, 0.5)
    assert localisation_table([review("A", 0)], heatmap_of) == []


def test_boxes_changed_after_the_heat_count_as_they_were_before():
    left, right = Box(0, 0, 1, 0.5), Box(0, 0.5, 1, 1)
    heat = np.array([[1.0, 0.0]])
    said = [
        # Moved to where the heat is; drawn only there; taken away; left alone; not known.
        review("A", 0, boxes=[left], before=[right]),
        review("B", 0, boxes=[left], before=[]),
        review("C", 0, boxes=[], before=[left]),
        review("D", 0, boxes=[left], before=[left]),
        review("E", 0, boxes=[left]),
    ]
    found = summarise_study(said, lambda item: heat)
    (place,) = found.localisation
    # Of A's right box, and of C's, D's and E's left ones; B had none.
    assert (place.hit["value"], place.iou["value"], place.hit["n"]) == (0.75, 0.75, 4)
    assert (found.changed, found.undated, found.unmarked, found.unseen) == (3, 1, 1, 0)
    assert summarise_study(said, lambda item: None).unseen == 4


def test_summaries_by_method_and_by_reader():
    said = [review("A", i, seconds=s, grade=g) for i, s, g in [(0, 10, 5), (1, 20, 4), (2, 90, 3)]]
    said += [review("B", 0, "disagree", 1, model="xception", seconds=4)]
    vgg16, xception = by_method(said)
    assert (vgg16.group, vgg16.reviews) == (("vgg16", "rise"), 3)
    assert vgg16.verdicts == {"agree": 3, "disagree": 0, "unsure": 0}
    assert (vgg16.grade, vgg16.seconds) == (4, 20)
    # Wilson's lower limit of 3 in 3: n / (n + z²).
    assert vgg16.agree["low"] == near(3 / (3 + 1.959964**2))
    assert (xception.agree["value"], xception.verdicts["disagree"]) == (0, 1)
    assert [(row.group, row.seconds) for row in by_reader(said)] == [(("A",), 20), (("B",), 4)]
    assert by_method([]) == []


def test_time_per_film_adds_up_its_heatmaps():
    said = [review("A", 0, seconds=10), review("A", 0, model="xception", seconds=5)]
    said += [review("A", 1, seconds=40), review("B", 0, seconds=20)]
    assert median_seconds(said) == 20
    assert median_seconds([]) is None


def test_the_csv_can_be_read_back_and_runs_nothing():
    study = Study(1, "=Pilot", 7, True, SAVED)
    answer = Answer("unsure", 2, '+ "effusion",\nleft', [Box(0.1, 0.2, 0.3, 0.4)])
    item = HeatmapItem(1, "a" * 64, "vgg16", "grad_cam", "COVID-19", "b" * 64)
    text = reviews_csv(study, [Review(Reader(1, "Ada"), item, 3, True, answer, 12.34, SAVED)])
    assert list(csv.DictReader(io.StringIO(text))) == [
        {
            "study": "'=Pilot",
            "blinded": "True",
            "seed": "7",
            "reader": "Ada",
            "sha256": "a" * 64,
            "model": "vgg16",
            "weights": "b" * 64,
            "method": "grad_cam",
            "target": "COVID-19",
            "verdict": "unsure",
            "grade": "2",
            "comment": '\'+ "effusion",\nleft',
            "boxes": "[[0.2, 0.1, 0.4, 0.3]]",
            "no_finding": "False",
            "boxes_before_heat": "",
            "marked_after_heat": "",
            "seconds": "12.3",
            "version": "3",
            "saved": "2026-05-01T09:30:00+00:00",
            "xraycore": xraycore.__version__,
            "notice": "For education and research. Not for diagnosis.",
        }
    ]
    assert len(reviews_csv(study, []).splitlines()) == 1
    box = Box(0.1, 0.2, 0.3, 0.4)
    said = [review("A", 0, boxes=[box], before=[box]), review("A", 1, boxes=[box], before=[])]
    rows = csv.DictReader(io.StringIO(reviews_csv(study, said)))
    assert [(row["boxes_before_heat"], row["marked_after_heat"]) for row in rows] == [
        ("[[0.2, 0.1, 0.4, 0.3]]", "False"),
        ("[]", "True"),
    ]


def test_kappa_in_words():
    said = [describe_strength(kappa) for kappa in (-0.1, 0.0, 0.2, 0.21, 0.5, 0.8, 0.81)]
    assert [words.split()[0] for words in said] == [
        *("less", "slight", "slight", "fair", "moderate", "substantial", "almost")
    ]


def test_who_has_finished():
    said = panel(a="aaa", b="aa-", c="-aa")
    first, second = said[0].item, said[1].item
    assert finished_readers(said, {one.item for one in said}) == {ord("a")}
    assert finished_readers(said, [first, second]) == {ord("a"), ord("b")}
    assert finished_readers(said, []) == set()


def test_the_results_of_a_study():
    left, right = Box(0, 0, 1, 0.5), Box(0, 0.5, 1, 1)
    said = [
        *(review("a", 0, boxes=[left]), review("a", 1, "disagree", 1, boxes=[right])),
        *(review("b", 0, boxes=[left]), review("b", 1, boxes=[right])),
        *(review("c", 0), review("c", 1, boxes=[left])),
    ]
    heat = np.zeros((10, 10))
    heat[:, :5] = 1
    asked, shares = [], []

    def heatmap_of(item):
        asked.append(item.id)
        return heat if item.id == 0 else None

    found = summarise_study(
        said, heatmap_of, {ord("a"), ord("b"), ord("c")}, lambda now: shares.append(now.done)
    )
    (place,) = found.localisation
    # Of film 0 two readers have boxes, just where it is hot; film 1 cannot be drawn.
    assert (place.hit["value"], place.iou["value"], place.hit["n"], place.films) == (1, 1, 2, 1)
    assert (sorted(asked), shares) == ([0, 1], [0, 0.5])
    assert (found.unmarked, found.unseen) == (1, 3)
    assert [kappa.readers for kappa in found.verdicts] == [("a", "b"), ("a", "c"), ("b", "c")]
    # Three readers, one of six verdicts another: same pairs (3 + 1) / 6; by chance 26 / 36.
    assert found.overall.kappa["value"] == near((4 / 6 - 26 / 36) / (1 - 26 / 36))
    assert summarise_study(said, heatmap_of, {ord("a"), ord("b")}).overall is None
    # Whose readers share no heatmap says nothing of agreement.
    assert summarise_study([review("a", 0), review("b", 1)], heatmap_of).verdicts == []
