"""The list of open films, as Compare shows it."""

import csv
import io
import zipfile

import pytest

from pages.widgets.exports import predictions_csv
from pages.widgets.films import OpenFilm
from tests.pages.conftest import png
from xraycore.imaging import read_radiograph
from xraycore.models.classifier import load_model


def archive(**files: bytes) -> bytes:
    """A ZIP archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, data in files.items():
            made.writestr(name.replace("__", "."), data)
    return buffer.getvalue()


def upload(app, *files):
    """Uploads (name, bytes) pairs."""
    app.file_uploader[0].set_value([(name, data, "") for name, data in files]).run()
    return app


def titles(app) -> list[str]:
    """The films that are open."""
    return list(app.selectbox(key="film").options)


def refused(app) -> list[str]:
    return [error.value.replace("\\", "") for error in app.error]


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """One model, the small one: these tests are about films."""
    monkeypatch.setattr("pages.widgets.films.list_shipped", lambda: ["basic_cnn"])


def test_an_archive_is_opened_film_by_film(app):
    data = archive(a__png=png(1), b__png=png(2), notes__txt=b"none")
    upload(app, ("films.zip", data))
    assert titles(app) == ["a.png", "b.png"]
    assert [text.partition(":")[0] for text in refused(app)] == ["notes.txt"]


def test_films_of_one_name_can_be_told_apart(app):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for number in range(3):
            made.writestr(f"patient{number}/IM1.png", png(number))
    upload(app, ("films.zip", buffer.getvalue()))
    assert titles(app) == ["IM1.png", "IM1.png (2)", "IM1.png (3)"]
    # The same file again is the same film; its folder may be a patient's name and is not told.
    upload(app, ("IM1.png", png(1)))
    assert titles(app) == ["IM1.png", "IM1.png (2)", "IM1.png (3)"]
    assert any(text.value.startswith("IM1.png") for text in app.caption)


def test_a_film_is_open_once_and_more_join_it(app):
    upload(app, ("a.png", png(1)))
    upload(app, ("a.png", png(1)), ("b.png", png(2)))
    assert titles(app) == ["a.png", "b.png"]


def test_an_archive_of_too_many_files_is_refused(app, monkeypatch):
    monkeypatch.setattr("pages.widgets.films.MOST_FILMS", 1)
    upload(app, ("films.zip", archive(a__png=png(1), b__png=png(2))))
    assert not app.exception
    assert refused(app) == [
        "films.zip: expected an archive of at most 1 files and 1 GiB. Received: 2 files, 0 MiB"
    ]


def test_a_damaged_archive_is_refused_by_name(app):
    data = bytearray(archive(a__png=png(1)))
    data[40:400] = bytes(360)
    upload(app, ("films.zip", bytes(data)), ("good.png", png(3)))
    assert refused(app)[0].startswith("films.zip: expected a ZIP archive")
    assert titles(app) == ["good.png"]


def test_an_archive_whose_packing_is_damaged_is_refused_by_name(app):
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("a.png", png(1))
        data = bytearray(buffer.getvalue())
    # Behind the header of 30 bytes and the name: a kind of block that there is not.
    data[35] = 0xFF
    upload(app, ("films.zip", bytes(data)), ("good.png", png(3)))
    assert not app.exception
    assert refused(app)[0].startswith("films.zip: expected a ZIP archive")
    assert titles(app) == ["good.png"]


def test_films_can_be_closed(app):
    upload(app, ("a.png", png(1)), ("b.png", png(2)))
    app.selectbox(key="film").select_index(1).run()
    next(button for button in app.button if button.label == "Close film").click().run()
    assert titles(app) == ["a.png"]
    next(button for button in app.button if button.label == "Close film").click().run()
    assert not app.exception
    assert any("Upload a chest X-ray" in heading.value for heading in app.subheader)


def test_a_sample_joins_the_films_and_leaves_them(app):
    upload(app, ("a.png", png(1)))
    app.selectbox(key="sample").select_index(0).run()
    assert titles(app) == ["a.png", "Clear lungs 1"]
    assert app.selectbox(key="film").value.startswith("sample-")
    app.selectbox(key="film").select_index(0).run()
    assert app.selectbox(key="sample").value is None
    assert any("a.png" in caption.value for caption in app.caption)


def test_the_worklist_has_every_film_and_answer(app):
    upload(app, *((f"film-{n}.png", png(30 + n)) for n in range(3)))
    while any("looks at film" in str(getattr(one, "value", "")) for one in app.main):
        app.run()
    app.run()
    table = app.dataframe[0].value
    assert sorted(table["Name"]) == [f"film-{n}.png" for n in range(3)]
    assert all(text.endswith("%") for text in table["Basic CNN"])


def test_answers_of_other_weights_are_forgotten(app, monkeypatch):
    upload(app, ("a.png", png(1)))
    assert app.session_state["worklist-answers"]
    kept = dict(app.session_state["worklist-answers"])
    monkeypatch.setattr(
        "pages.widgets.worklist.read_card", lambda name: {"weights": {"sha256": "of others"}}
    )
    app.session_state["worklist-answers"] = {("another film", "basic_cnn"): "an old answer"}
    app.run()
    assert list(app.session_state["worklist-answers"]) == list(kept)


def test_predictions_as_csv():
    film = OpenFilm("k", "=SUM(A1).png", "ab", data=png(5))
    seen = load_model("basic_cnn").predict(read_radiograph(png(5)))
    (row,) = csv.DictReader(io.StringIO(predictions_csv([(film, [seen])])))
    assert row["file"] == "'=SUM(A1).png"
    assert (row["model"], row["label"], row["file_sha256"]) == ("basic_cnn", seen.label, "ab")
    assert float(row["Normal"]) == pytest.approx(seen.probabilities["Normal"], abs=1e-6)
    assert "Not for diagnosis" in row["notice"]
