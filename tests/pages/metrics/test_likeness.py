"""Scores of the films that are most alike to one."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from pages.metrics import likeness
from pages.shared.open_films import OpenFilm, OpenFilms
from tests.pages.metrics.test_page import open_page, store, texts  # noqa: F401  (a fixture)
from tests.retrieval.films import features
from tests.stored_models import records
from xraycore.access import Action
from xraycore.datasets.locator import FilmLocator


@pytest.fixture
def looked(store, monkeypatch, tmp_path):  # noqa: F811
    """What the networks were asked about; to them 25 films are like the first, 14 are not."""
    asked = []
    angles = np.radians([*np.linspace(0, 24, 25), *np.linspace(80, 90, 15)])

    def look(function, network, films, report):
        asked.append((function, network.name, [film.path for film in films]))
        numbers = [int(film.path.stem) for film in films]
        pooled = np.stack([np.cos(angles), np.sin(angles)], axis=1)[numbers]
        return replace(features(pooled, [f.label for f in films]), records=tuple(films))

    monkeypatch.setattr(likeness, "run", look)
    names = [record.path.name for record in records()]
    # The last film is not on this computer.
    there = {name: tmp_path / f"{n}.png" for n, name in enumerate(names[:-1])}
    monkeypatch.setattr(FilmLocator, "path", lambda _, source, name: there.get(name))
    likeness._job.clear()
    return asked


def test_the_films_most_alike_to_a_failure_have_every_score(looked):
    link = {"section": "Subgroups", "slice-like": "chest_xray/person0.jpeg"}
    app = open_page(**link, **{"slice-like-network": "VGG16", "slice-like-films": "20"})
    assert not looked, "nobody has asked for it yet"
    assert len(app.dataframe) == 1
    app.button(key="slice-like-look").click().run()
    assert not app.exception
    ((function, name, films),) = looked
    assert (function.__name__, name, len(films)) == ("keep_features", "vgg16", 39)
    said = texts(app)
    assert "**20 films** the 20 most alike to chest" in said
    assert "20 others beside them" in said
    # 20 degrees between features of length 1; of 38 films the middle is between 19 and 20.
    assert f"They lie within {2 * np.sin(np.radians(10)):.2f} of it" in said
    assert f"half of all films within {2 * np.sin(np.radians(9.75)):.2f}" in said
    assert "among the others: 2 films, such as" in said
    table = app.dataframe[-1].value
    assert list(table["On"]) == ["these films", "all others"] * 3
    assert list(table["Films"]) == ["20"] * 6
    # Those are persons 1 to 19, of whom VGG16 misses two, and one of the well, whom it spares.
    scores = table.set_index(["Model", "On"]).loc[("VGG16", "these films")]
    assert scores["Sensitivity"].startswith(" 89.5 %")
    assert scores["Accuracy"].startswith(" 90.0 %")
    # More of them, or of another film: the network has looked.
    app.number_input(key="slice-like-films").set_value(30).run()
    assert "**30 films**" in texts(app)
    app.selectbox(key="slice-like").set_value("chest_xray/IM-3.jpeg").run()
    assert "IM-3" in texts(app)
    assert len(looked) == 1


def test_films_like_one_of_ones_own_have_every_score(looked):
    app = open_page(section="Subgroups", **{"slice-like-network": "VGG16"})
    assert not [one for one in app.selectbox if one.key == "slice-like-open"]
    # Between the two clouds: the 25th of the distances from it is 38 degrees.
    seen = np.array([[[np.cos(np.radians(51)), np.sin(np.radians(51))]]], np.float32)
    analysis = SimpleNamespace(
        memories=(), close=lambda: None, prediction=lambda name: SimpleNamespace(features=seen)
    )
    films = OpenFilms()
    films.open([OpenFilm("key", "mine.png", "0" * 64, analysis)])
    app.session_state["open-films"] = films
    app.run().selectbox(key="slice-like-open").set_value("key").run()
    app.button(key="slice-like-look").click().run()
    assert not app.exception
    app.number_input(key="slice-like-films").set_value(25).run()
    assert "**25 films** the 25 most alike to mine" in texts(app)
    assert f"They lie within {2 * np.sin(np.radians(38 / 2)):.2f} of it" in texts(app)
    assert "others: 1 film, such" in texts(app)
    # An address is for others too.
    assert "mine" not in str(app.query_params)


def test_a_film_that_is_not_here_is_said_to_be_missing(looked):
    app = open_page(section="Subgroups", **{"slice-like": "chest_xray/IM-19.jpeg"})
    app.button(key="slice-like-look").click().run()
    assert "IM-19.jpeg is not on this computer" in texts(app).replace("\\", "")
    assert len(app.dataframe) == 1


def test_who_may_not_survey_starts_no_work(looked, monkeypatch):
    monkeypatch.setattr(likeness, "permitted", lambda action: action is not Action.SURVEY)
    app = open_page(section="Subgroups", **{"slice-like": "chest_xray/person0.jpeg"})
    assert "here nobody may ask" in texts(app)
    assert not [one for one in app.button if one.key == "slice-like-look"]


def test_without_the_films_nothing_can_be_compared(looked, monkeypatch):
    monkeypatch.setattr(FilmLocator, "path", lambda *_: None)
    app = open_page(section="Subgroups", **{"slice-like": "chest_xray/person0.jpeg"})
    app.button(key="slice-like-look").click().run()
    assert "These films are not on this computer" in texts(app)
    assert not looked


def test_a_film_leads_to_the_scores_of_its_like(looked, monkeypatch):
    app = open_page(section="Errors", film="chest_xray/person3.jpeg")
    app.button(key="slice-like-go").click().run()
    assert not app.exception
    assert app.selectbox(key="slice-like").value == "chest_xray/person3.jpeg"
    assert "film" not in app.query_params
