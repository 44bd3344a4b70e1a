import time

from tests.pages.films_page import open_in
from tests.pages.review.review_page import FILMS, click, keys, open_page, read_all, words
from xraycore.imaging.box import Box
from xraycore.models.cards import read_card
from xraycore.reader_study import Answer, ReaderStudyError, ReaderStudyRepository, ToRead


def test_the_start_says_what_there_is(app, reviews):
    open_page(app)
    assert app.title[0].value == "Review"
    assert "There is no study yet" in words(app)
    assert "set-up" in keys(app)


def test_a_database_that_cannot_be_reached_is_one_plain_sentence(app, monkeypatch, tmp_path):
    monkeypatch.setenv("XRAYCORE_DATABASE", f"postgresql://ada:secret@/reviews?host={tmp_path}")
    app.switch_page("pages/review/page.py").run()
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
    # No name that several might take for theirs is proposed.
    assert "Reader" not in app.text_input(key="reader-name").placeholder
    app.text_input(key="reader-name").set_value("Heron").run()
    click(app, "join")
    assert [reader.name for reader in reviews.readers()] == ["Heron"]
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
    answer = Answer("disagree", 2, "apex *?*", no_finding=True, before_heat=())
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
    assert "As you marked this film before" in words(app)
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
            raise ReaderStudyError("the disk is full")

        broken.setattr(ReaderStudyRepository, "save_draft", fail)
        click(app, "no-finding")
        assert "Not stored yet: the disk is full." in words(app)
        assert reviews.worklist(reader, study)[0].review is None
    click(app, "heat")
    click(app, "grade-1")
    assert "Not stored yet" not in words(app)
    # Also what stood when the heat was shown.
    answer = Answer(grade=1, no_finding=True, before_heat=())
    assert reviews.worklist(reader, study)[0].review.answer == answer


def test_what_waits_of_one_heatmap_is_stored_with_a_change_of_another(
    app, reviews, study, monkeypatch
):
    reader = reviews.add_reader("Ada")
    open_page(app, study=study.id, reader=reader.id)
    first = reviews.worklist(reader, study)[0].item
    with monkeypatch.context() as broken:

        def fail(*_, **__):
            raise ReaderStudyError("the server is away")

        broken.setattr(ReaderStudyRepository, "save_draft", fail)
        click(app, "no-finding")
        app.selectbox(key="go-to").select_index(1).run()
        assert "Not stored yet: the server is away." in words(app)
    click(app, "no-finding")
    assert "Not stored yet" not in words(app)
    entries = {entry.item.id: entry.review for entry in reviews.worklist(reader, study)}
    assert entries.pop(first.id).answer == Answer(no_finding=True)
    assert [review.answer for review in entries.values()] == [Answer(no_finding=True)]


def test_a_film_that_is_not_open_does_not_open_a_blinded_study(app, reviews, study):
    reader = reviews.add_reader("Ada")
    reviews.save_review(reader, reviews.items(study)[0], Answer("agree", 4, no_finding=True))
    open_page(app, study=study.id, reader=reader.id, part="Results")
    for films in (FILMS[:1], []):
        open_in(app, *films)
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
    open_in(app)
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
    # Nor would it be shown if the film were there.
    open_in(app)
    app.run()
    assert "trained anew" in words(app) and "film is not on this computer" not in words(app)


def test_a_readers_own_link_asks_who_opens_it(app, reviews, study):
    ada = reviews.add_reader("Ada")
    open_page(app, study=study.id, reader=ada.id)
    app.session_state["review-me"] = None
    app.run()
    assert "**Ada** has judged 0 heatmaps here. Is that you?" in words(app)
    assert "save" not in keys(app)
    app.button(key="it-is-me").click().run()
    assert "save" in keys(app)
    app.session_state["review-me"] = None
    app.run()
    app.button(key="not-me").click().run()
    assert app.text_input(key="reader-name").value == ""
    assert "Ada is the name of another reader. Choose your own." in words(app)
    assert app.query_params["study"] == str(study.id)
    assert "reader" not in app.query_params


def test_a_name_that_is_known_asks_who_enters_it(app, reviews, study):
    ada = read_all(reviews, study, "Ada", [Answer("agree", 4, no_finding=True)] * 2)
    open_page(app, study=study.id)
    app.text_input(key="reader-name").set_value(" ADA ").run()
    click(app, "join")
    assert "**Ada** has judged 2 heatmaps here. Is that you?" in words(app)
    assert not {"save", "look-back"} & keys(app)
    # To look at the results says nothing of who looks.
    click(app, "other-part")
    click(app, "other-part")
    assert "Is that you?" in words(app)
    click(app, "not-me")
    app.text_input(key="reader-name").set_value("Ada L").run()
    click(app, "join")
    assert "Mark the finding" in words(app)
    assert [reader.name for reader in reviews.readers()] == ["Ada", "Ada L"]
    # Who has said so is not asked again, here or in another study.
    click(app, "leave")
    app.text_input(key="reader-name").set_value("Ada").run()
    click(app, f"read-{study.id}")
    click(app, "it-is-me")
    assert "All 2 heatmaps are judged and stored. Thank you, Ada." in words(app)
    click(app, "leave")
    click(app, f"read-{study.id}")
    assert "Thank you, Ada." in words(app)
    assert app.query_params["reader"] in (str(ada.id), [str(ada.id)])


def test_a_link_to_no_study_shows_the_others(app, reviews, study):
    open_page(app, study=99, reader=99)
    assert "The study of this link is not in the database" in words(app)
    assert f"read-{study.id}" in keys(app)


def test_readers_are_told_the_question_and_what_to_mark(app, reviews):
    made = ToRead(FILMS[0].sha256, "basic_cnn", "grad_cam", "COVID-19")
    study = reviews.create_study(
        "Asked", [made], question="Where is *pneumonia*?", finding="every  consolidation"
    )
    assert reviews.studies() == [study]
    reader = reviews.add_reader("Ada")
    open_page(app, study=study.id, reader=reader.id)
    assert "Question: Where is *pneumonia*?" in words(app).replace("**", "")
    assert "To mark: every consolidation" in words(app).replace("**", "")


def test_the_links_of_organiser_and_readers_differ(app, reviews, study):
    open_page(app, study=study.id)
    readers, own = (code.value for code in app.code)
    assert readers.endswith(f"?study={study.id}&for=readers")
    assert own.endswith(f"?study={study.id}&part=Results")
    assert {"other-part", "leave"} <= keys(app)


def test_a_link_for_readers_shows_the_reading_only(app, reviews, study):
    reader = reviews.add_reader("Ada")
    open_page(app, study=study.id, reader=reader.id, **{"for": "readers"})
    assert "heat" in keys(app)
    assert not {"other-part", "leave", f"finish-{study.id}"} & keys(app)
    assert not app.code
    click(app, "no-finding")
    assert app.query_params["for"] in ("readers", ["readers"])


def test_films_of_a_study_are_chosen_one_by_one(app, reviews):
    open_page(app)
    assert "2 films × " in words(app)
    app.multiselect(key="study-opened-2").set_value([FILMS[1].key]).run()
    assert "1 film × " in words(app)
    app.pills(key="study-films").set_value("Generated").run()
    app.segmented_control(key="study-way-Generated").set_value("One by one").run()
    app.multiselect(key="study-generated").set_value([4, 7]).run()
    assert "2 films × " in words(app)
