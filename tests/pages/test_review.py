import csv
import hashlib
import io
import time
from types import SimpleNamespace

import pytest

from pages.widgets.films import _OPEN, OpenFilm
from pages.widgets.review_answer import Desk
from tests.pages.conftest import png
from xraycore.imaging.box import Box
from xraycore.models.store import read_card
from xraycore.review import Answer, ReviewError, Reviews, ToRead, open_database
from xraycore.review.records import MAX_BOXES
from xraycore.review.summary import to_csv

FILMS = [
    OpenFilm(f"film-{n}", f"film-{n}.png", hashlib.sha256(data).hexdigest(), data=data)
    for n, data in enumerate(png(seed=60 + n) for n in range(2))
]


@pytest.fixture
def reviews(tmp_path, monkeypatch):
    """The app's database, empty."""
    url = f"sqlite:///{tmp_path / 'reviews.sqlite3'}"
    monkeypatch.setenv("XRAYCORE_DATABASE", url)
    # Looking for what is not here would read every film of the data sets.
    monkeypatch.setattr("xraycore.review.films.PublicFilms.must_search", lambda *_: False)
    engine = open_database(url)
    yield Reviews(engine)
    engine.dispose()


@pytest.fixture
def study(reviews):
    """Two films, of which the basic CNN's Grad-CAM is judged, blinded."""
    weights = read_card("basic_cnn")["weights"]["sha256"]
    made = ("basic_cnn", "grad_cam", "Bacterial pneumonia", weights)
    return reviews.create_study("Pilot", [ToRead(f.sha256, *made) for f in FILMS], blinded=True)


def open_page(app, **link):
    """The Review page at a link, with both films open."""
    app.session_state[_OPEN] = {film.key: film for film in FILMS}
    for name, value in link.items():
        app.query_params[name] = str(value)
    app.session_state["review-me"] = link.get("reader")
    app.switch_page("pages/review.py").run()
    return settle(app)


def settle(app):
    deadline = time.monotonic() + 60
    while app.get("progress") and "stop-results" in keys(app) and time.monotonic() < deadline:
        time.sleep(0.1)
        app.run()
    assert not app.exception
    return app


def keys(app) -> set[str]:
    return {button.key for button in app.button}


def words(app) -> str:
    """All text of the page, without the backslashes that keep Markdown from reading it."""
    parts = (app.markdown, app.caption, app.subheader, app.info, app.warning, app.error)
    parts += (app.success,)
    return "\n".join(one.value for part in parts for one in part).replace("\\", "")


def click(app, key):
    app.button(key=key).click().run()
    return settle(app)


def read_all(reviews, study, name, answers):
    reader = reviews.add_reader(name)
    for item, answer in zip(reviews.items(study), answers, strict=True):
        reviews.save_review(reader, item, answer, seconds=10)
    return reader


def test_the_start_says_what_there_is(app, reviews):
    open_page(app)
    assert app.title[0].value == "Review"
    assert "There is no study yet" in words(app)
    assert "set-up" in keys(app)


def test_a_database_that_cannot_be_reached_is_one_plain_sentence(app, monkeypatch, tmp_path):
    monkeypatch.setenv("XRAYCORE_DATABASE", f"postgresql://ada:secret@/reviews?host={tmp_path}")
    app.switch_page("pages/review.py").run()
    assert not app.exception
    (error,) = app.error
    assert "cannot reach the server" in error.value
    assert "secret" not in error.value
    assert "again" in keys(app)


def test_a_study_is_set_up_of_the_open_films(app, reviews):
    open_page(app)
    click(app, "set-up")
    assert "Give the study a title." in words(app)
    app.text_input(key="title").set_value("New *study*")
    app.pills(key="study-models").set_value(["basic_cnn"])
    app.toggle(key="blinded").set_value(False)
    app.number_input(key="seed").set_value(7).run()
    assert "2 films × 1 network × 1 method = **2 heatmaps to judge**" in words(app)
    click(app, "set-up")
    deadline = time.monotonic() + 60
    while "stop-making" in keys(app) and time.monotonic() < deadline:
        time.sleep(0.1)
        app.run()
    (study,) = reviews.studies()
    assert (study.name, study.seed, study.blinded) == ("New *study*", 7, False)
    items = reviews.items(study)
    assert [item.sha256 for item in items] == [film.sha256 for film in FILMS]
    assert {item.weights for item in items} == {read_card("basic_cnn")["weights"]["sha256"]}
    assert "Normal" not in {item.target for item in items}
    assert app.query_params["study"] in (str(study.id), [str(study.id)])


def test_a_reader_needs_a_name(app, reviews, study):
    open_page(app, study=study.id)
    click(app, "join")
    assert "Enter your name first" in words(app)
    app.text_input(key="reader-name").set_value("   ").run()
    click(app, "join")
    assert "Enter your name first" in words(app)
    assert reviews.readers() == []
    app.text_input(key="reader-name").set_value("Reader 1").run()
    click(app, "join")
    assert [reader.name for reader in reviews.readers()] == ["Reader 1"]
    assert "Mark the finding" in words(app)


def test_every_step_is_stored_at_once(app, reviews, study):
    reader = reviews.add_reader("Ada")
    open_page(app, study=study.id, reader=reader.id)

    def stored():
        return reviews.worklist(reader, study)[0]

    # What is judged is seen first, and nothing is said before anything is done.
    assert app.button(key="grade-4").disabled
    assert app.button(key="save").disabled
    assert stored().review is None
    click(app, "no-finding")
    assert stored().review.answer == Answer(no_finding=True)
    click(app, "heat")
    click(app, "verdict-disagree")
    click(app, "grade-2")
    app.text_input(key=f"comment-{reader.id}-{stored().item.id}").set_value("apex *?*").run()
    answer = Answer("disagree", 2, "apex *?*", no_finding=True)
    assert (stored().state, stored().review.answer) == ("draft", answer)
    # Blinded: neither the network nor its answer is told.
    assert "Basic CNN" not in words(app)
    assert "film-0" not in words(app)
    click(app, "save")
    assert (stored().state, stored().review.answer) == ("done", answer)
    assert "Heatmap 2 of 2" in app.get("progress")[0].proto.text
    click(app, "back")
    assert app.text_input(key=f"comment-{reader.id}-{stored().item.id}").value == "apex *?*"


def test_a_reload_reopens_what_was_begun(app, reviews, study):
    reader = reviews.add_reader("Ada")
    items = reviews.items(study)
    reviews.save_review(reader, items[0], Answer("agree", 5, no_finding=True))
    draft = Answer("unsure", None, "half typed", [Box(0.1, 0.2, 0.3, 0.4)])
    reviews.save_draft(reader, items[1], draft)
    open_page(app, study=study.id, reader=reader.id)
    assert "Heatmap 2 of 2" in app.get("progress")[0].proto.text
    assert app.text_input(key=f"comment-{reader.id}-{items[1].id}").value == "half typed"
    assert "Still missing: a grade. Draft stored at" in words(app)
    assert any(button.label == "Box 1, upper left of the picture" for button in app.button)
    click(app, "grade-3")
    click(app, "save")
    assert "All 2 heatmaps are judged and stored. Thank you, Ada." in words(app)
    assert [r.answer.boxes for r in reviews.results(study)] == [(), draft.boxes]


def test_boxes_are_offered_again_on_the_same_film(app, reviews):
    sha256 = FILMS[0].sha256
    made = [ToRead(sha256, "basic_cnn", method, "COVID-19") for method in ("grad_cam", "hires_cam")]
    study = reviews.create_study("Twice", made)
    reader = reviews.add_reader("Ada")
    box = Box(0.5, 0.6, 0.9, 0.9)
    first, second = reviews.items(study)
    reviews.save_review(reader, first, Answer("agree", 5, boxes=[box]))
    open_page(app, study=study.id, reader=reader.id)
    assert "From your last heatmap of this film" in words(app)
    click(app, "heat")
    click(app, "verdict-agree")
    assert reviews.worklist(reader, study)[1].review.answer.boxes == (box,)
    remove = next(b for b in app.button if b.label == "Box 1, lower right of the picture")
    click(app, remove.key)
    assert reviews.worklist(reader, study)[1].review.answer.boxes == ()
    # Not blinded: what made the heat is told.
    assert "Basic CNN, HiRes-CAM: evidence for COVID-19." in words(app)


def test_what_cannot_be_stored_stays_and_is_stored_with_the_next_change(
    app, reviews, study, monkeypatch
):
    reader = reviews.add_reader("Ada")
    open_page(app, study=study.id, reader=reader.id)
    with monkeypatch.context() as broken:

        def fail(*_, **__):
            raise ReviewError("the disk is full")

        broken.setattr(Reviews, "save_draft", fail)
        click(app, "no-finding")
        assert "Not stored yet: the disk is full." in words(app)
        assert reviews.worklist(reader, study)[0].review is None
    click(app, "heat")
    click(app, "grade-1")
    assert "Not stored yet" not in words(app)
    assert reviews.worklist(reader, study)[0].review.answer == Answer(grade=1, no_finding=True)


def test_what_waits_of_one_heatmap_is_stored_with_a_change_of_another(
    app, reviews, study, monkeypatch
):
    reader = reviews.add_reader("Ada")
    open_page(app, study=study.id, reader=reader.id)
    first = reviews.worklist(reader, study)[0].item
    with monkeypatch.context() as broken:

        def fail(*_, **__):
            raise ReviewError("the server is away")

        broken.setattr(Reviews, "save_draft", fail)
        click(app, "no-finding")
        app.selectbox(key="go-to").select_index(1).run()
        assert "Not stored yet: the server is away." in words(app)
    click(app, "heat")
    click(app, "grade-2")
    assert "Not stored yet" not in words(app)
    entries = {entry.item.id: entry.review for entry in reviews.worklist(reader, study)}
    assert entries.pop(first.id).answer == Answer(no_finding=True)
    assert [review.answer for review in entries.values()] == [Answer(grade=2)]


def test_a_film_that_is_not_open_does_not_open_a_blinded_study(app, reviews, study):
    reader = reviews.add_reader("Ada")
    reviews.save_review(reader, reviews.items(study)[0], Answer("agree", 4, no_finding=True))
    open_page(app, study=study.id, reader=reader.id, part="Results")
    for films in ({FILMS[0].key: FILMS[0]}, {}):
        app.session_state[_OPEN] = films
        app.run()
        assert "You have judged 1 of 2 heatmaps." in words(app)
        assert not app.metric


def test_a_missing_film_is_skipped_and_said(app, reviews):
    gone = "f" * 64
    made = [ToRead(s, "basic_cnn", "grad_cam", "COVID-19") for s in (gone, FILMS[1].sha256)]
    study = reviews.create_study("Half", made)
    reader = reviews.add_reader("Ada")
    open_page(app, study=study.id, reader=reader.id)
    assert "1 because its film is not on this computer" in words(app)
    assert "Heatmap 1 of 1" in app.get("progress")[0].proto.text
    app.session_state[_OPEN] = {}
    app.run()
    assert not app.exception
    assert "2 because its film is not on this computer" in words(app)
    assert "Nothing of this study can be read on this computer." in words(app)
    assert "save" not in keys(app)


def test_heat_of_other_weights_is_not_shown(app, reviews):
    other = ToRead(FILMS[0].sha256, "basic_cnn", "grad_cam", "COVID-19", "e" * 64)
    study = reviews.create_study("Old", [other])
    open_page(app, study=study.id, reader=reviews.add_reader("Ada").id)
    assert "a network was trained anew since: its heat is another" in words(app)
    # Which one is not told to a reader of a blinded study.
    assert "basic_cnn" not in words(app)


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
    text = words(app)
    # A box of the whole film holds the hottest point wherever it is.
    assert "hottest point lies in a reader's box in 2 of 2 reviews" in text
    # Same verdict on 1 of 2; by chance 1/2 * 1/2 = 1/4: (1/2 - 1/4) / (3/4) = 1/3.
    assert "Ada and Bob gave the same verdict on 50 % of 2 heatmaps: **fair agreement**" in text
    assert "κ = 0.33" in text
    assert "Without a box, and so without a place: 2 reviews." in text
    heat = app.table[0].value
    assert heat.loc["Basic CNN, Grad-CAM", "Agree"] == "2"
    rows = list(csv.DictReader(io.StringIO(to_csv(study, reviews.results(study)))))
    assert [row["reader"] for row in rows] == ["Ada", "Bob", "Ada", "Bob"]
    assert {row["notice"] for row in rows} == {"For education and research. Not for diagnosis."}
    assert app.get("download_button")


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


def test_a_readers_own_link_asks_who_opens_it(app, reviews, study):
    ada = reviews.add_reader("Ada")
    open_page(app, study=study.id, reader=ada.id)
    app.session_state["review-me"] = None
    app.run()
    assert "This link is that of **Ada**." in words(app)
    assert "save" not in keys(app)
    app.button(key="it-is-me").click().run()
    assert "save" in keys(app)
    app.session_state["review-me"] = None
    app.run()
    app.button(key="not-me").click().run()
    assert app.text_input(key="reader-name").value != "Ada"
    assert app.query_params["study"] == str(study.id)
    assert "reader" not in app.query_params


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
    assert stored == Answer("unsure", 2, no_finding=True, comment="late")
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
        "pages.widgets.review_answer.st", SimpleNamespace(session_state={}, query_params={})
    )
    reader = reviews.add_reader("Ada")
    entry = reviews.worklist(reader, study)[0]
    desk = Desk(reviews, reader, entry.item)
    desk.open(entry, ())

    def stored():
        return reviews.history(reader, entry.item)[-1].answer

    first, second, third = (Box(n / 10, n / 10, n / 10 + 0.05, n / 10 + 0.05) for n in range(3))
    reviews.save_draft(reader, entry.item, Answer(boxes=[first]))
    desk.draw((second.left, second.top, second.right, second.bottom))
    assert stored().boxes == (first, second)
    reviews.save_draft(reader, entry.item, Answer(boxes=[first, second, third]))
    desk.remove(first)
    assert stored().boxes == (second, third)
    # To say that there is none takes boxes away, but none that the reader has not seen here.
    reviews.save_draft(reader, entry.item, Answer(boxes=[first, second, third]))
    desk.say_no_finding()
    assert stored().boxes == (first, second, third)
    assert "another window" in desk.refused
    desk.say_no_finding()
    assert stored() == Answer(no_finding=True)
    assert desk.refused is None
    # Taken back here, while a box was drawn there.
    reviews.save_draft(reader, entry.item, Answer(boxes=[first]))
    desk.say_no_finding()
    assert stored() == Answer(boxes=[first])

    reviews.save_draft(reader, entry.item, Answer(boxes=[first] * MAX_BOXES))
    desk.draw((0.1, 0.1, 0.9, 0.9))
    assert desk.refused.startswith(f"A film holds up to {MAX_BOXES} boxes")
    assert stored().boxes == (first,) * MAX_BOXES


def test_names_of_readers_are_shown_as_they_are(app, reviews, study):
    said = [Answer("agree", 4, no_finding=True)] * 2
    read_all(reviews, study, "*Ada*", said)
    read_all(reviews, study, "Bob_1_", said)
    open_page(app, study=study.id, part="Results")
    click(app, "open-results")
    agreement, readers = (one.value for one in app.table[1:3])
    assert set(agreement["Readers"]) == {r"\*Ada\*, Bob\_1\_"}
    assert list(readers.index) == [r"\*Ada\*", r"Bob\_1\_"]


def test_a_link_to_no_study_shows_the_others(app, reviews, study):
    open_page(app, study=99, reader=99)
    assert "The study of this link is not in the database" in words(app)
    assert f"read-{study.id}" in keys(app)
