"""How many films, and how many bytes, a session and all sessions may have open."""

import pytest

from pages.shared.open_films import OpenFilm, OpenFilms
from tests.pages.conftest import png
from tests.pages.films_page import close, open_in, opened, titles, upload
from xraycore.errors import RadiographError

pytestmark = pytest.mark.usefixtures("small_model")


def test_a_session_opens_as_many_films_as_it_may(app, monkeypatch):
    monkeypatch.setenv("XRAYCORE_LIMITS", "films=2")
    upload(app, *((f"{name}.png", png(n)) for n, name in enumerate("abc")))
    assert titles(app) == ["a.png", "b.png"]
    assert [error.value.replace("\\", "").replace("\u2060", "") for error in app.error] == [
        "c.png: expected at most 2 films that are open; received 3. Close films, then open it again"
    ]
    close(app, "a.png")
    upload(app, ("c.png", png(2)))
    assert titles(app) == ["b.png", "c.png"]
    assert not app.error


def test_bytes_of_a_session_and_of_all_sessions_are_bounded(monkeypatch):
    size = len(png(1))
    mine, yours = OpenFilms(), OpenFilms()
    mine.open([OpenFilm.of_file("a.png", png(1))])
    assert mine.kept.size == size
    monkeypatch.setenv("XRAYCORE_LIMITS", f"film_mb={1.5 * size / 1e6}")
    with pytest.raises(RadiographError, match="b.png: expected at most .* MB of files of films"):
        mine.check_room("b.png", size)
    yours.check_room("b.png", size)
    with pytest.raises(RadiographError, match="b.png"):
        yours.check_room("b.png", size, [OpenFilm.of_file("c.png", png(3))])
    # Other tests of this process may have left sessions with films.
    monkeypatch.setenv("XRAYCORE_LIMITS", f"all_film_mb={1.5 * size / 1e6}")
    with pytest.raises(RadiographError, match="all users have open"):
        yours.check_room("b.png", size)
    mine.close_all()
    assert mine.kept.size == 0


def test_films_of_a_session_share_its_memory(app):
    open_in(app, OpenFilm.of_file("a.png", png(1)), OpenFilm.of_file("b.png", png(2)))
    films = opened(app)
    sizes = []
    for film in films.films.values():
        film.analysis.radiograph()
        sizes.append(film.analysis.size)
    assert films.kept.memory.size == sum(sizes) > 0
    films.kept.memory.most = max(sizes)
    film.analysis.picture()
    assert [film.analysis.size > 0 for film in films.films.values()] == [False, True]
