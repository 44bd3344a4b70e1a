"""Films like one, beside the answer on Compare and Explain."""

import time

import pytest

from pages.shared import similar_films
from tests.datasets.film_files import draw, write
from tests.pages.conftest import SAMPLE, png
from tests.pages.films_page import component, upload
from tests.pages.similar_store import FILMS, write_similar_store
from xraycore.datasets.locator import FoundFilm
from xraycore.datasets.masks import Lesion
from xraycore.retrieval.index_file import FILE
from xraycore.utils.files import sha256


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The app's weights and data: one network with an index of thirty drawn films."""
    weights, data = write_similar_store(tmp_path)
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(weights))
    monkeypatch.setenv("XRAYCORE_DATA", str(data))
    similar_films.cache.film_locator.clear()
    similar_films.cache.samples.clear()
    yield weights
    similar_films.cache.film_locator.clear()
    similar_films.cache.samples.clear()


def said(app) -> str:
    texts = [one.value for one in (*app.caption, *app.markdown, *app.warning)]
    return " ".join(texts).replace("\\", "").replace("\u2060", "")


def test_compare_says_what_the_films_like_it_are_and_shows_them(store, app):
    upload(app, ("film.png", png(seed=21)))
    assert not app.exception
    text = said(app)
    assert "Of the 20 films most alike to Basic CNN" in text
    assert "all 20 are from Guangzhou's children" in text
    assert "They all have one origin" in text
    assert f"Searched: {FILMS} films, a part of those that it learnt from." in text
    assert "The index did not come with xraycore." in text
    app.session_state["similar-pictures"] = True
    app.run()
    for _ in range(100):  # Until they are found.
        if not app.get("progress"):
            break
        time.sleep(0.1)
        app.run()
    assert not app.exception
    tiles = component(app, "film_grid")["tiles"]
    assert len(tiles) == 20
    assert {tile["title"] for tile in tiles} == {"Normal", "Viral pneumonia"}
    assert all(tile["src"].startswith("data:image/jpeg") for tile in tiles)
    assert tiles[0]["details"][0] == "Guangzhou's children"
    assert not any("person" in str(tile["details"]) for tile in tiles)


def test_explain_says_it_too(store, explain):
    app = explain(sample=SAMPLE)
    assert not app.exception
    assert "Of the 20 films most alike to Basic CNN" in said(app)


def test_an_outlier_is_told_as_one(store, app, monkeypatch):
    monkeypatch.setattr(similar_films.SimilarFilms, "alike", property(lambda self: False))
    upload(app, ("film.png", png(seed=22)))
    (told,) = [one.value for one in app.warning if "learnt from is like it" in one.value]
    assert told.startswith("Nothing that Basic CNN learnt from is like it")


def test_where_there_is_no_index_it_says_how_to_make_one(store, app):
    (store / "basic_cnn" / FILE).unlink()
    upload(app, ("film.png", png(seed=23)))
    assert not app.exception
    assert "`xraycore index DATASET…` makes it" in said(app)


def test_a_damaged_index_is_said_and_takes_nothing_else_out(store, app):
    (store / "basic_cnn" / FILE).write_bytes(b"no index")
    upload(app, ("film.png", png(seed=24)))
    assert not app.exception
    assert "expected an index of films" in said(app)
    assert "panels" in component(app, "room")


def test_what_a_person_drew_is_outlined(tmp_path):
    write(tmp_path / "film.png", draw(1, (90, 80)))
    digest = sha256(tmp_path / "film.png")
    plain, outlined = (
        similar_films.draw_similar(digest, FoundFilm(tmp_path / "film.png", lesion), 220)
        for lesion in (None, Lesion(boxes=((0.25, 0.25, 0.5, 0.5),)))
    )
    differs = (plain != outlined).any(axis=2)
    rows, columns = differs.nonzero()
    assert (rows.min() / 90, rows.max() / 90) == pytest.approx((0.25, 0.75), abs=0.04)
    assert (columns.min() / 80, columns.max() / 80) == pytest.approx((0.25, 0.75), abs=0.04)
    assert not differs[45, 40]
    write(tmp_path / "film.png", draw(2, (90, 80)))
    assert similar_films.draw_similar(digest, FoundFilm(tmp_path / "film.png"), 221) is None


def test_films_that_a_visitor_may_not_name_are_not_shown(tmp_path, monkeypatch):
    offered, hidden = tmp_path / "offered", tmp_path / "hidden"
    for folder in (offered, hidden):
        write(folder / "film.png", draw(1))
    monkeypatch.setenv("XRAYCORE_ROOTS", str(offered))
    may = similar_films._may_be_shown
    assert may(FoundFilm(offered / "film.png"))
    assert not may(FoundFilm(hidden / "film.png"))
    assert not may(FoundFilm(offered / "film.png", Lesion(hidden / "film.png")))
    assert not may(FoundFilm(offered / "gone.png"))
