"""The heat of the Review page: when it is shown, what is drawn, and what is stored of it."""

import pytest
import streamlit as st

from pages.review.answer import MARK_FIRST
from tests.pages.review.review_page import FILMS, click, open_page, words
from xraycore.imaging.box import Box
from xraycore.models.cards import read_card
from xraycore.reader_study import Answer, ToRead
from xraycore.reader_study.records import corners

LEFT, RIGHT = Box(0.1, 0.1, 0.4, 0.4), Box(0.1, 0.6, 0.4, 0.9)
# Of one forward pass, with a scale in the model's card; and of many, without one.
METHODS = ("grad_cam", "score_cam")


@pytest.fixture
def shown(monkeypatch):
    """What the page draws: heat, or None, and what is written below its colours.

    Buttons drag the boxes, since AppTest cannot.
    """
    drawn, captions = [], []

    def panel(*_, on_click, **told):
        drawn.append(told["heatmap"])
        for name, box in (("left", LEFT), ("right", RIGHT)):
            st.button(name, key=f"drag-{name}", on_click=on_click, args=(corners(box),))

    monkeypatch.setattr("pages.review.reading.film_panel", panel)
    monkeypatch.setattr("pages.review.reading.color_strip", lambda _, full: captions.append(full))
    return drawn, captions


def study_of(reviews, methods, *, blinded):
    """The heatmaps of one film by these methods, in their order."""
    made = [ToRead(FILMS[0].sha256, "basic_cnn", method, "COVID-19") for method in methods]
    return reviews.create_study("One film", made, blinded=blinded)


def newest(reviews, reader, item):
    return reviews.history(reader, item)[-1].answer


def test_there_is_no_heat_before_the_film_is_marked(app, reviews, study, shown):
    drawn, _ = shown
    reader = reviews.add_reader("Ada")
    open_page(app, study=study.id, reader=reader.id)
    item = reviews.worklist(reader, study)[0].item
    assert app.button(key="heat").disabled
    assert app.button(key="heat").help == MARK_FIRST
    click(app, "no-finding")
    assert not app.button(key="heat").disabled
    # Taken back in another window, which this one has not seen yet.
    reviews.save_draft(reader, item, Answer())
    click(app, "heat")
    assert drawn == [None] * len(drawn)
    assert MARK_FIRST in words(app)
    assert app.button(key="heat").disabled
    assert app.button(key="verdict-agree").disabled
    click(app, "drag-left")
    assert newest(reviews, reader, item).before_heat is None
    click(app, "heat")
    assert drawn[-1] is not None
    assert not app.button(key="verdict-agree").disabled
    assert newest(reviews, reader, item).before_heat == (LEFT,)


def test_boxes_changed_after_the_heat_are_stored_as_that(app, reviews, study, shown):
    reader = reviews.add_reader("Ada")
    open_page(app, study=study.id, reader=reader.id)
    item = reviews.worklist(reader, study)[0].item
    click(app, "drag-left")
    click(app, "heat")
    click(app, "heat")
    click(app, "heat")
    assert newest(reviews, reader, item).marked_after_heat is False
    # Also where the heat is hidden again, and the page was reloaded.
    click(app, "heat")
    del app.session_state["reading-session"]
    app.run()
    click(app, "drag-right")
    click(app, f"remove-{item.id}-1")
    click(app, "verdict-agree")
    click(app, "grade-4")
    click(app, "save")
    (stored,) = (review.answer for review in reviews.results(study))
    assert (stored.boxes, stored.before_heat) == ((RIGHT,), (LEFT,))
    assert stored.marked_after_heat is True


def test_a_box_that_heat_has_drawn_is_not_offered_for_the_next_heatmap(app, reviews, shown):
    study = study_of(reviews, ("grad_cam", "hires_cam"), blinded=True)
    reader = reviews.add_reader("Ada")
    first, second = reviews.items(study)
    after = Answer("agree", 4, boxes=[RIGHT], before_heat=[LEFT])
    reviews.save_review(reader, first, after)
    open_page(app, study=study.id, reader=reader.id)
    assert any(button.label == "Box 1, upper left of the picture" for button in app.button)
    # Heat of this film was seen: a box that is drawn now is not from before it.
    click(app, "drag-right")
    click(app, "heat")
    stored = newest(reviews, reader, second)
    assert (stored.boxes, stored.before_heat) == ((LEFT, RIGHT), (LEFT,))


def test_a_review_of_an_older_version_stays_final_until_it_is_changed(app, reviews, study, shown):
    """What it stored says nothing of the heat, but to judge it, the reader has seen it."""
    reader = reviews.add_reader("Ada")
    entry = reviews.worklist(reader, study)[0]
    reviews.save_review(reader, entry.item, Answer("agree", 4, boxes=[LEFT]))
    open_page(app, study=study.id, reader=reader.id, at=entry.number)
    click(app, "heat")
    click(app, "heat")
    assert reviews.worklist(reader, study)[0].state == "done"
    click(app, "drag-right")
    assert newest(reviews, reader, entry.item).marked_after_heat is True


@pytest.mark.parametrize("blinded", [True, False])
def test_a_blinded_study_draws_all_maps_alike(app, reviews, shown, blinded):
    drawn, captions = shown
    assert [method in read_card("basic_cnn")["heat_scale"] for method in METHODS] == [True, False]
    study = study_of(reviews, METHODS, blinded=blinded)
    reader = reviews.add_reader("Ada")
    maps = []
    for number in (1, 2):
        open_page(app, study=study.id, reader=reader.id, at=number)
        click(app, "no-finding")
        click(app, "heat")
        maps.append(drawn[-1].heatmap)
    full = [heat.values.max() / (heat.scale or heat.values.max()) for heat in maps]
    if blinded:
        assert full == [1, 1]
        assert set(captions) == {"this map's maximum"}
    else:
        assert full[0] != 1
        assert set(captions) == {"strong evidence", "this map's maximum"}
