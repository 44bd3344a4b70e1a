"""What is kept of films that are open, and of those that were closed."""

import contextlib
import gc
import hashlib
import io
import weakref
import zipfile
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.runtime.caching import clear_session_resource_cache
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from pages.compare import worklist
from pages.shared.analysis import Analysis
from pages.shared.open_films import OpenFilm, OpenFilms
from tests.pages.conftest import png
from tests.pages.films_page import close, finish, opened, rows, titles, upload
from xraycore.errors import Cancelled
from xraycore.imaging import read_radiograph

pytestmark = pytest.mark.usefixtures("small_model")


def test_the_uploader_says_where_files_go(app):
    text = app.file_uploader[0].help
    assert "Files go to the computer that runs this app" in text
    assert "until you close them or nobody has looked at them for a while" in text
    assert "Names of files appear in exports" in text


def test_nothing_is_kept_of_a_film_that_was_closed(app, monkeypatch):
    """Neither by us nor by Streamlit: nobody holds its file, or what was made of it."""
    dropped = []
    remove = MemoryUploadedFileManager.remove_file
    monkeypatch.setattr(
        MemoryUploadedFileManager,
        "remove_file",
        lambda self, of, file_id: (dropped.append(file_id), remove(self, of, file_id)),
    )
    upload(app, ("first.png", png(41)), ("second.png", png(42)))
    finish(app)
    assert len(set(dropped)) == 2
    first, second = opened(app).films.values()
    assert set(first.answers) == set(second.answers) == {"basic_cnn"}
    kept = {
        "file": weakref.ref(first.analysis._read),
        "radiograph": weakref.ref(first.analysis.radiograph()),
        "picture": weakref.ref(first.analysis.picture()),
        "prediction": weakref.ref(first.analysis.prediction("basic_cnn")),
    }
    del first
    close(app, "first.png")
    assert titles(app) == ["second.png"]
    app.run()
    gc.collect()
    assert [name for name, held in kept.items() if held() is not None] == []
    assert second.analysis.prediction("basic_cnn")


def test_nothing_is_kept_of_a_film_whose_tab_was_closed(app):
    # What stands for a session here is one and the same for all tests.
    clear_session_resource_cache("test session id")
    upload(app, ("left.png", png(43)))
    film = opened(app).current
    assert not film.analysis.closed
    clear_session_resource_cache("test session id")
    assert film.analysis.closed
    assert opened(app).films == {}
    with pytest.raises(Cancelled):
        film.analysis.radiograph()


def test_a_film_that_was_closed_meanwhile_is_not_looked_at(monkeypatch):
    films, asked = OpenFilms(), []
    films.open(OpenFilm.of_file(f"{name}.png", png(n)) for n, name in enumerate("abc"))
    closed, staying, closing = films.films.values()
    films.close(closed.key)

    def prediction(analysis, name):
        asked.append(analysis)
        if analysis is closing.analysis:
            films.close(closing.key)
        return analysis.once(("answer", name), lambda: name)

    monkeypatch.setattr(Analysis, "prediction", prediction)
    monkeypatch.setattr(
        worklist, "note_answers", lambda film, found: film.answers.update(dict.fromkeys(found))
    )
    everyone = [closed, staying, closing]
    worklist._ask(everyone, films, ["basic_cnn", "vgg16"], lambda progress: None)
    assert asked == [staying.analysis, staying.analysis, closing.analysis]
    assert [len(film.answers) for film in everyone] == [0, 2, 0]


def test_closing_a_film_ends_its_work_and_looks_at_the_next(monkeypatch):
    films = OpenFilms()
    films.open(OpenFilm.of_file(f"{name}.png", png(n)) for n, name in enumerate("ab"))
    first, second = films.films.values()
    stopped = []
    first.jobs["kind", "network"] = SimpleNamespace(stop=lambda: stopped.append(first))
    films.close(first.key)
    assert stopped == [first]
    assert films.current is second
    films.close_all()
    assert films.current is None


def test_a_sample_stays_for_other_sessions(app):
    app.selectbox(key="sample").select_index(0).run()
    film = opened(app).current
    close(app, film.title)
    assert opened(app).films == {}
    assert not film.analysis.closed


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
    assert "Reading 1 file …" in said
    pictures = [film.thumbnail for film in opened(app).films.values()]
    assert len(set(pictures)) == len(rows(app)) == 3
    assert all(picture.startswith("data:image/jpeg") for picture in pictures)


def test_a_film_is_known_by_its_content_and_name():
    data = png(44)
    film = OpenFilm.of_file("a.png", data)
    assert film.key == f"{hashlib.sha256(data).hexdigest()}/a.png"
    assert film.sha256 == film.analysis.radiograph().info.sha256
