"""Films that outlive a tab: whose they are, and when they are forgotten."""

import pytest

from pages.shared import kept_films
from pages.shared.film_memory import MB
from pages.shared.kept_films import KeptFilmsStore, size_of_all
from pages.shared.open_films import OpenFilm, OpenFilms
from tests.pages.conftest import png
from xraycore.datasets.film_names import FilmName


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(kept_films.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def store(clock):
    made = KeptFilmsStore()
    yield made
    made.close()


def film(number: int) -> OpenFilm:
    return OpenFilm.of_file(f"{number}.png", png(number))


def test_tabs_of_a_browser_share_films_and_look_where_they_want(store):
    one, other = OpenFilms(store.of("a")), OpenFilms(store.of("a"))
    one.open([film(1), film(2)])
    other.select_film(list(other.films)[1])
    assert [one.current.title, other.current.title] == ["1.png", "2.png"]
    # A tab that is opened now begins where one was last.
    assert OpenFilms(store.of("a")).current is other.current
    assert OpenFilms(store.of("b")).films == {}


def test_an_address_names_a_film_by_chance_alone(store):
    films = OpenFilms(store.of("a"))
    films.open([film(1)])
    assert films.with_id(films.current.id) is films.current
    assert films.with_id(films.current.sha256) is None
    assert film(1).id != film(1).id


def test_films_are_forgotten_an_hour_after_the_last_use(store, clock):
    films = OpenFilms(store.of("a"))
    films.open([film(1)])
    analysis = films.current.analysis
    clock[0] += 3599
    films.use(store.of("a"))
    clock[0] += 3599
    store.sweep()
    assert films.current.title == "1.png"
    assert films.kept.seconds_left() == 1
    clock[0] += 1
    store.sweep()
    assert analysis.closed
    films.use(store.of("a"))
    assert films.films == {}
    assert films.current is None
    assert films.forgotten


def test_the_time_that_films_are_kept_can_be_set(store, clock, monkeypatch):
    monkeypatch.setenv("XRAYCORE_LIMITS", "keep_minutes=5")
    assert store.of("a").seconds_left() == 300


def test_browsers_that_are_away_give_way_the_longest_first(store, clock, monkeypatch):
    held = size_of_all()
    films = {}
    for name in "abc":
        films[name] = OpenFilms(store.of(name))
        films[name].open([film(ord(name))])
        clock[0] += 200
    first, second, third = (opened.current for opened in films.values())
    room = held + second.size + third.size
    monkeypatch.setenv("XRAYCORE_LIMITS", f"all_film_mb={(room + 0.5) / MB}")
    store.make_room(0)
    assert [one.analysis.closed for one in (first, second, third)] == [True, False, False]
    # Who used the app in the last minutes keeps what is open: the new film is refused.
    store.make_room(10**9)
    assert [one.analysis.closed for one in (first, second, third)] == [True, True, False]


def test_another_film_of_the_study_is_found_first_of_another_view(store):
    films = OpenFilms(store.of("a"))
    films.open([film(n) for n in range(4)])
    frontal, again, lateral, stranger = films.films.values()
    for one, study, view in (
        (frontal, "s", "PA"),
        (again, "s", "PA"),
        (lateral, "s", "LL"),
        (stranger, "t", "LL"),
    ):
        one.study, one.view = study, view
    assert beside(films, frontal) == [(lateral, "lateral", False)]
    assert beside(films, lateral) == [(frontal, "study", False)]
    assert beside(films, stranger) == []
    # Of films without a known study none is another's.
    frontal.study = again.study = None
    assert beside(films, frontal) == []


def beside(films, one):
    return [(found.film, found.relation, found.by_name) for found in films.companions(one)]


def test_films_of_one_patient_by_their_names(store):
    films = OpenFilms(store.of("a"))
    films.open([film(n) for n in range(6)])
    first, second, side, third, other, loose = films.films.values()
    first.name, second.name = FilmName("p", "1", 1), FilmName("p", "2", 2)
    side.name, third.name = FilmName("p", "2", 2, lateral=True), FilmName("p", "3", 3)
    other.name = FilmName("q", "2", 2)
    assert beside(films, second) == [
        *((side, "lateral", True), (first, "earlier", True), (third, "later", True))
    ]
    assert beside(films, third) == [(second, "earlier", True)]
    assert beside(films, other) == beside(films, loose) == []
    # What DICOM headers say of the study goes before what names do.
    second.study = loose.study = "s"
    assert beside(films, second) == [
        *((loose, "study", False), (first, "earlier", True), (third, "later", True))
    ]
    # A name that tells only the patient counts where there is no better.
    other.name, third.name = FilmName("p"), None
    assert beside(films, first) == [(second, "later", True)]
    assert beside(films, other)[0][1:] == ("patient", True)
