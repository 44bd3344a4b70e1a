from types import SimpleNamespace

from pages.review.answer import ReadingSession
from tests.pages.review.review_page import open_page, words
from xraycore.imaging.box import Box
from xraycore.reader_study import Answer, Author
from xraycore.reader_study.records import MAX_BOXES


def test_two_windows_of_one_reader_lose_nothing(app, reviews, study):
    reader = reviews.add_reader("Ada")
    open_page(app, study=study.id, reader=reader.id)
    item = reviews.worklist(reader, study)[0].item
    app.button(key="no-finding").click().run()
    app.button(key="heat").click().run()
    # The other window, meanwhile.
    reviews.save_draft(reader, item, Answer("unsure", no_finding=True, comment="late"))
    app.button(key="grade-2").click().run()
    stored = reviews.history(reader, item)[-1].answer
    # The other window had not seen the heat; that this one has stays known.
    assert stored == Answer("unsure", 2, no_finding=True, comment="late", before_heat=())
    assert app.text_input(key=f"comment-{reader.id}-{item.id}").value == "late"
    # A review is final only as the reader has seen it.
    reviews.save_draft(reader, item, Answer("disagree", 1, no_finding=True))
    app.button(key="save").click().run()
    assert "judged in another window meanwhile" in words(app)
    assert "Not stored yet" not in words(app)
    assert not reviews.results(study)
    # It is said of this heatmap, and of no other.
    app.selectbox(key="go-to").select_index(1).run()
    assert "another window" not in words(app)
    app.selectbox(key="go-to").select_index(0).run()
    assert "another window" not in words(app)
    app.button(key="save").click().run()
    assert [one.answer.verdict for one in reviews.results(study)] == ["disagree"]


def test_boxes_of_another_window_stay(reviews, study, monkeypatch):
    monkeypatch.setattr(
        "pages.review.answer.st", SimpleNamespace(session_state={}, query_params={})
    )
    reader = reviews.add_reader("Ada")
    entry = reviews.worklist(reader, study)[0]
    reading = ReadingSession().open(reviews, reader, entry, authorise=Author)

    def stored():
        return reviews.history(reader, entry.item)[-1].answer

    first, second, third = (Box(n / 10, n / 10, n / 10 + 0.05, n / 10 + 0.05) for n in range(3))
    reviews.save_draft(reader, entry.item, Answer(boxes=[first]))
    reading.draw((second.left, second.top, second.right, second.bottom))
    assert stored().boxes == (first, second)
    reviews.save_draft(reader, entry.item, Answer(boxes=[first, second, third]))
    reading.remove(first)
    assert stored().boxes == (second, third)
    # To say that there is none takes boxes away, but none that the reader has not seen here.
    reviews.save_draft(reader, entry.item, Answer(boxes=[first, second, third]))
    reading.toggle_no_finding()
    assert stored().boxes == (first, second, third)
    assert "another window" in reading.refused
    reading.toggle_no_finding()
    assert stored() == Answer(no_finding=True)
    assert reading.refused is None
    # Taken back here, while a box was drawn there.
    reviews.save_draft(reader, entry.item, Answer(boxes=[first]))
    reading.toggle_no_finding()
    assert stored() == Answer(boxes=[first])

    reviews.save_draft(reader, entry.item, Answer(boxes=[first] * MAX_BOXES))
    reading.draw((0.1, 0.1, 0.9, 0.9))
    assert reading.refused.startswith(f"A film holds up to {MAX_BOXES} boxes")
    assert stored().boxes == (first,) * MAX_BOXES
