"""What is kept of films that are open, and of those that were closed."""

import contextlib
import hashlib
import io
import zipfile

import pytest
import streamlit as st
from streamlit.runtime.caching import clear_session_resource_cache
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from pages.compare import worklist
from pages.shared import cache
from pages.shared.open_films import OpenFilm
from tests.pages.conftest import png
from tests.pages.films_page import finish, press, titles, upload
from xraycore.imaging import read_radiograph
from xraycore.models.cards import card_sha256

pytestmark = pytest.mark.usefixtures("small_model")


class Gone(Exception):
    """What is asked for is kept no more, and would have to be made again."""


class Absent:
    """Stands for a film that nobody has."""

    def __len__(self):
        raise Gone


def _read_again():
    raise Gone


def kept_of(name: str, data: bytes) -> list[str]:
    """What all sessions share of an uploaded film; asking keeps nothing."""
    sha256 = hashlib.sha256(data).hexdigest()
    card = card_sha256("basic_cnn")
    found = []
    with contextlib.suppress(Gone):
        cache.read_film(f"{sha256}/{name}", _read_again)
        found.append("film")
    with contextlib.suppress(Gone):
        cache._prediction("basic_cnn", card, sha256, Absent())
        found.append("answer")
    return found


def test_the_uploader_says_where_files_go(app):
    text = app.file_uploader[0].help
    assert "Files go to the computer that runs this app" in text
    assert "only while they are open" in text
    assert "names of files appear in exports" in text


def test_nothing_is_kept_of_a_film_that_was_closed(app, monkeypatch):
    dropped = []
    remove = MemoryUploadedFileManager.remove_file
    monkeypatch.setattr(
        MemoryUploadedFileManager,
        "remove_file",
        lambda self, of, file_id: (dropped.append(file_id), remove(self, of, file_id)),
    )
    first, second = png(41), png(42)
    upload(app, ("first.png", first), ("second.png", second))
    finish(app)
    assert len(set(dropped)) == 2
    assert kept_of("first.png", first) == kept_of("second.png", second) == ["film", "answer"]
    press(app, "Close film")
    assert titles(app) == ["second.png"]
    assert kept_of("first.png", first) == []
    assert kept_of("second.png", second) == ["film", "answer"]
    keys = {film for film, _ in app.session_state["worklist-answers"]}
    assert keys == set(app.session_state["open-films"])


def test_nothing_is_kept_of_a_film_whose_tab_was_closed(app):
    # What stands for a session here is one and the same for all tests.
    clear_session_resource_cache("test session id")
    data = png(43)
    upload(app, ("left.png", data))
    assert kept_of("left.png", data) == ["film", "answer"]
    clear_session_resource_cache("test session id")
    assert kept_of("left.png", data) == []


def test_a_film_that_was_closed_meanwhile_is_not_looked_at(monkeypatch):
    asked, forgotten, opened = [], [], {}
    films = [OpenFilm(key, key, key, data=b"never read") for key in ("closed", "open", "closing")]
    opened.update({film.key: film for film in films[1:]})

    def prediction(name, xray):
        asked.append(xray)
        if xray == "closing":
            del opened["closing"]

    monkeypatch.setattr(OpenFilm, "read", lambda film: film.key)
    monkeypatch.setattr(OpenFilm, "forget", lambda film: forgotten.append(film.key))
    monkeypatch.setattr(worklist, "_light", lambda prediction: prediction)
    monkeypatch.setattr(cache, "prediction", prediction)
    worklist._ask(films, opened, ["basic_cnn"], {}, lambda words, share: None)
    assert asked == ["open", "closing"]
    assert forgotten == ["closing"]


def test_an_archive_is_decoded_once_and_its_films_are_counted(app, monkeypatch):
    decoded, said = [], []
    monkeypatch.setattr(
        "pages.shared.open_films.read_radiograph",
        lambda data, name: (decoded.append(name), read_radiograph(data, name=name))[1],
    )

    def spinner(text, **_):
        said.append(text)
        return contextlib.nullcontext()

    monkeypatch.setattr(st, "spinner", spinner)
    names = [f"film-{n}.png" for n in range(3)]
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w") as made:
            for number, name in enumerate(names):
                made.writestr(name, png(50 + number))
        upload(app, ("films.zip", buffer.getvalue()))
    finish(app)
    assert decoded == names
    assert "Reading 3 films …" in said
    pictures = list(app.dataframe[0].value["Film"])
    assert len(set(pictures)) == 3
    assert all(picture.startswith("data:image/jpeg") for picture in pictures)
