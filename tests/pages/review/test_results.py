import csv
import io

from tests.pages.review.review_page import click, open_page, read_all, settle, words
from xraycore.imaging.box import Box
from xraycore.reader_study import Answer
from xraycore.reader_study.summary import reviews_csv


def test_results_of_two_readers(app, reviews, study):
    whole = Box()
    read_all(reviews, study, "Ada", [Answer("agree", 4, boxes=[whole]), Answer("disagree", 2)])
    read_all(reviews, study, "Bob", [Answer("agree", 5, boxes=[whole]), Answer("unsure", 2)])
    open_page(app, study=study.id, part="Results")
    # Nobody reads any more; but who has not begun should still not see them by accident.
    assert "This study is blinded. Its results name the networks" in words(app)
    app.button(key="open-results").click().run()
    settle(app)
    numbers = {metric.label: metric.value for metric in app.metric}
    assert numbers["Readers who have finished"] == "2 of 2"
    assert numbers["Time per film (median)"] == "10 s"
    assert numbers["Reviews that agree with the heat"] == "50 %"
    text = words(app)
    # A box of the whole film holds the hottest point wherever it is.
    assert "hottest point lies in a reader's box in 2 of 2 reviews" in text
    # Same verdict on 1 of 2; by chance 1/2 * 1/2 = 1/4: (1/2 - 1/4) / (3/4) = 1/3.
    assert "Ada and Bob gave the same verdict on 50 % of 2 heatmaps: **fair agreement**" in text
    assert "κ = 0.33" in text
    assert "Without a box, and so without a place: 2 reviews." in text
    heat = app.table[0].value
    assert heat.loc["Basic CNN, Grad-CAM", "Agree"] == "2"
    rows = list(csv.DictReader(io.StringIO(reviews_csv(study, reviews.results(study)))))
    assert [row["reader"] for row in rows] == ["Ada", "Bob", "Ada", "Bob"]
    assert {row["notice"] for row in rows} == {"For education and research. Not for diagnosis."}
    assert app.get("download_button")


def test_results_say_whose_boxes_the_heat_may_have_drawn(app, reviews, study):
    whole, corner = Box(), Box(0, 0, 0.01, 0.01)
    moved = Answer("agree", 4, boxes=[corner], before_heat=[whole])
    left_alone = Answer("agree", 4, boxes=[whole], before_heat=[whole])
    read_all(reviews, study, "Ada", [moved, left_alone])
    read_all(reviews, study, "Bob", [Answer("agree", 5, boxes=[whole]), left_alone])
    open_page(app, study=study.id, part="Results")
    click(app, "open-results")
    text = words(app)
    assert (
        "Boxes changed after heat was seen: 1 review; hit rate and overlap take them as they were "
        "before. Not known whether they were: 1 review, taken as is."
    ) in text
    assert "hottest point lies in a reader's box in 4 of 4 reviews" in text


def test_empty_results_and_a_blinded_reader_in_the_middle(app, reviews, study):
    open_page(app, study=study.id, part="Results")
    assert "No heatmap has been judged yet." in words(app)
    reader = reviews.add_reader("Ada")
    reviews.save_review(reader, reviews.items(study)[0], Answer("agree", 4, no_finding=True))
    app.run()
    # Who does not read here is asked first whether he wants to know what readers must not.
    assert "This study is blinded. 1 reader is still reading." in words(app)
    assert not app.metric
    app.button(key="open-results").click().run()
    assert "No reader has finished yet" in words(app)
    assert "Agreement needs two readers" in words(settle(app))
    app.query_params["reader"] = str(reader.id)
    app.run()
    app.button(key="it-is-me").click().run()
    assert "You have judged 1 of 2 heatmaps." in words(app)
    assert len(app.metric) == 0


def test_names_of_readers_are_shown_as_they_are(app, reviews, study):
    said = [Answer("agree", 4, no_finding=True)] * 2
    read_all(reviews, study, "*Ada*", said)
    read_all(reviews, study, "Bob_1_", said)
    open_page(app, study=study.id, part="Results")
    click(app, "open-results")
    agreement, readers = (one.value for one in app.table[1:3])
    assert set(agreement["Readers"]) == {r"\*Ada\*, Bob\_1\_"}
    assert list(readers.index) == [r"\*Ada\*", r"Bob\_1\_"]
