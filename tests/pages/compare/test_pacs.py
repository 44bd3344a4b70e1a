"""A study out of a real Orthanc on the Compare page."""

from datetime import date

import pytest

from tests.pacs.orthanc import NAME, PATIENT, make_film
from xraycore.access import Action, Role, User

STUDY, PRIOR, OTHER = "1.2.826.1", "1.2.826.2", "1.2.826.3"


@pytest.fixture(scope="module")
def filled(orthanc):
    """A study of two films of which one is broken, an earlier one, one of another patient."""
    broken = make_film(study=STUDY, seed=2, number=2)
    broken.PixelData = broken.PixelData[:100]
    orthanc.push(
        make_film(study=STUDY, seed=1, number=1, size=300),
        broken,
        make_film(study=PRIOR, seed=3, StudyDate="20250101", size=300),
        make_film(study=OTHER, seed=4, StudyDate="20260401", PatientID="PID-2"),
    )
    return orthanc


@pytest.fixture(autouse=True)
def _one_network(monkeypatch):
    """A film that is opened is looked at by the quickest one only."""
    monkeypatch.setattr("pages.shared.cache.trained_models", lambda: (["basic_cnn"], []))


def search(app, *days):
    app.session_state["pacs-days"] = days
    next(one for one in app.button if one.label == "Search").click()
    return app.run()


def test_a_study_is_searched_for_and_opened_with_its_prior(filled, pacs_settings, app):
    app.run()
    # Where there is one PACS only, nobody is asked which.
    assert not [one for one in app.selectbox if one.key == "pacs-name"]
    search(app, date(2026, 3, 1), date(2026, 3, 1))
    assert not app.exception and not app.error
    choice = app.selectbox(key="pacs-study")
    assert len(choice.options) == 1
    assert NAME.replace("^", " ") in choice.options[0] and PATIENT in choice.options[0]
    choice.set_value(STUDY).run()
    app.checkbox(key="pacs-priors").check().run()
    next(one for one in app.button if one.label == "Open study").click().run()
    assert not app.exception
    films = app.session_state["open-films"].films.values()
    assert [film.title for film in films] == ["2026-03-01 CR 1", "2025-01-01 CR 1"]
    # The broken one is told, and does not keep the others away.
    assert any("expected a DICOM chest radiograph" in one.value for one in app.error)
    # Who the patient is was for the choice alone.
    assert app.session_state["pacs-found"] is None


def test_a_search_that_finds_nothing_says_so(filled, pacs_settings, app):
    app.run()
    search(app, date(1990, 1, 1), date(1990, 1, 2))
    assert any("No study fits" in one.value for one in app.info)


def test_a_pacs_that_is_gone_is_named(filled, pacs_settings, app):
    app.run()
    filled.kill()
    search(app)
    filled.start()
    assert not app.exception
    assert any("asked for a list of studies" in one.value for one in app.error)


def test_who_may_not_ask_is_offered_nothing(filled, pacs_settings, app, monkeypatch):
    viewer = User("ada", "Ada", frozenset({Role.VIEWER}), "sign-in")
    monkeypatch.setattr("pages.shared.access.current_user", lambda: viewer)
    app.run()
    assert not app.exception
    assert not [one for one in app.button if one.label == "Search"]
    from pages.compare.pacs import _open, _search

    # Nor does a callback that is called all the same.
    from pages.shared import access

    said = []
    monkeypatch.setattr(access.st, "error", lambda text, **_: said.append(text))
    assert _search() is None and _open(print) is None
    assert len(said) == 2 and all(Action.ASK_PACS in text for text in said)


def test_without_settings_there_is_no_pacs(app, monkeypatch):
    monkeypatch.delenv("XRAYCORE_SETTINGS", raising=False)
    app.run()
    assert not app.exception
    assert not [one for one in app.button if one.label == "Search"]
