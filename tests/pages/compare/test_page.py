import shutil
from dataclasses import replace

import numpy as np
import pytest

from pages.shared import analysis
from tests.imaging.test_archive import packed
from tests.models.test_sites import PROFILE
from tests.pages.conftest import SAMPLE, png
from tests.pages.films_page import component, look, opened, rows, shown, upload
from xraycore.anatomy import lung_field as lungs
from xraycore.config import weights_folder
from xraycore.models.cards import list_trained, read_card, stored_title
from xraycore.models.classifier import Classifier
from xraycore.models.sites import write_site
from xraycore.report.annotations import read_annotations

# As many as it takes to be several: loading the deep ones is tested once.
NAMES = ["basic_cnn", "vgg16"]


@pytest.fixture(autouse=True)
def several_models(monkeypatch):
    monkeypatch.setattr(
        "pages.shared.cache.list_trained", lambda: [n for n in list_trained() if n in NAMES]
    )


@pytest.fixture
def forward_calls(monkeypatch):
    """How often any network was run."""
    calls = []
    forward = Classifier.forward
    monkeypatch.setattr(
        Classifier,
        "forward",
        lambda self, grey: (calls.append(self.spec.name), forward(self, grey))[1],
    )
    return calls


def refused(app) -> list[str]:
    """What is said of files that cannot be read, without the escapes that Markdown needs."""
    return [error.value.replace("\\", "") for error in app.error]


def sample(app, title: str = SAMPLE, **query: str):
    """Opens a sample by its address."""
    for name, value in ({"sample": title} | query).items():
        app.query_params[name] = value
    return app.run()


def panels(app) -> dict[str, dict]:
    """The room's panels by id."""
    return {panel["id"]: panel for panel in component(app, "room")["panels"]}


def written(app) -> str:
    """All that the answer card says."""
    html = [one.proto.body for one in app.get("html")]
    return " ".join([*html, *(one.value for one in (*app.caption, *app.markdown, *app.warning))])


def test_the_first_page_offers_samples_and_says_what_it_is_not_for(app):
    assert not app.exception
    assert app.title[0].value == "Compare"
    assert any("not for diagnosis" in markdown.value for markdown in app.markdown)
    assert {"Clear lungs 1", "Opacity 1"} <= {button.label for button in app.button}


@pytest.mark.slow
def test_a_sample_shows_every_shipped_model(app, monkeypatch):
    monkeypatch.setattr("pages.shared.cache.list_trained", list_trained)
    next(button for button in app.button if button.label == "Opacity 1").click()
    app.run()
    assert not app.exception
    assert app.query_params["sample"] in ("Opacity 1", ["Opacity 1"])
    names = list_trained()
    assert list(panels(app)) == ["film", *names, "agreement"]
    assert [panels(app)[name]["title"] for name in names] == [stored_title(n) for n in names]
    assert component(app, "room")["facts"].startswith("synthetic-opacity")
    assert "of 5 networks" in written(app)
    assert rows(app)["Opacity 1"]["truth"] == "an opacity"


def test_a_session_sends_a_film_once_and_again_when_the_browser_lost_it(app):
    app = sample(app)
    assert [one["film"] is not None for one in panels(app).values()] == [True] + [False] * 3
    app.query_params["layout"] = "grid"
    app.run()
    assert [one["film"] for one in panels(app).values()] == [None] * 4
    assert len({one["filmId"] for one in panels(app).values()}) == 1
    # As the browser does that reopened the page: what it says is asked of the next run.
    app.session_state["room-films-sent"].clear()
    app.run()
    assert panels(app)["film"]["film"] is not None


def test_only_what_is_in_sight_is_drawn(app):
    def drawn(**query):
        found = panels(sample(app, "Opacity 1", **query))
        return {name for name, one in found.items() if one["heat"] or one["contour"]}

    assert drawn(panel="vgg16") == {"vgg16"}
    assert drawn(layout="2", beside="basic_cnn") == {"vgg16", "basic_cnn"}
    assert drawn(layout="grid") == {*NAMES, "agreement"}
    assert drawn(show="Plain film") == {"agreement"}


def test_no_control_runs_a_model_again(app, forward_calls):
    upload(app, ("film.png", png(seed=11)))
    assert sorted(forward_calls) == sorted(NAMES)
    choices = {"opacity": "20", "target": "COVID-19", "method": "Layer-CAM", "colours": "viridis"}
    for name, value in (choices | {"stretch": "true", "anyway": "true"}).items():
        app.query_params[name] = value
        app.run()
    assert not app.exception
    assert sorted(forward_calls) == sorted(NAMES)
    for name in NAMES:
        assert "Layer-CAM, evidence for COVID-19" in panels(app)[name]["caption"]
    assert component(app, "room")["opacity"] == 20


def test_a_link_keeps_how_the_heat_is_drawn(app):
    sample(app, "Opacity 1", show="Contour", contour="80", stretch="true", layout="2")
    room = component(app, "room")
    chosen = {choice["name"]: choice["value"] for choice in room["choices"]}
    assert (chosen["show"], chosen["contour"], chosen["stretch"]) == ("Contour", "80", "true")
    assert room["layout"] == "2"
    assert panels(app)[room["shown"]]["contour"]


def test_what_an_address_says_and_nobody_knows_is_as_it_comes(app):
    query = {"layout": "9", "panel": "x", "beside": "x", "method": "x", "target": "x"}
    sample(app, **query, opacity="-3", contour="many", show="x", colours="x", point="x")
    assert not app.exception
    room = component(app, "room")
    assert (room["layout"], room["beside"], room["opacity"]) == ("1", "film", 60)
    assert room["shown"] in NAMES


def test_bad_files_are_named_and_the_good_one_goes_on(app):
    good = png(seed=12)
    bad = [("notes.txt", b"a text file"), ("half.png", good[: len(good) // 2]), ("empty.png", b"")]
    upload(app, *bad, ("film.png", good))
    assert not app.exception
    assert [message.split(":")[0] for message in refused(app)] == [name for name, _ in bad]
    assert shown(app) == "film.png"


def test_only_bad_files_leave_the_page_usable(app):
    upload(app, ("cat.txt", b"meow"))
    assert not app.exception
    assert refused(app)[0].startswith("cat.txt: expected")


def test_films_of_one_patient_by_their_names_are_offered_beside_one_another(app, small_model):
    members = {
        "set/patient00042/study1/view1_frontal.png": png(31, (90, 80)),
        "set/patient00042/study2/view1_frontal.png": png(32, (90, 80)),
        "set/patient00042/study2/view2_lateral.png": png(33, (90, 80)),
        "set/patient00043/study1/view1_frontal.png": png(34, (90, 80)),
    }
    upload(app, ("films.zip", packed(members)))
    assert not app.exception
    assert list(panels(app)) == ["film", "basic_cnn", "later"]
    look(app, "view1_frontal.png (2)")
    found = panels(app)
    assert list(found)[2:] == ["other", "earlier"]
    assert found["other"]["title"] == "Lateral, by name"
    assert found["earlier"]["title"] == "Earlier, by name"
    # No name of a patient; and of what nobody has checked no more than where it stands.
    assert found["earlier"]["caption"] == (
        "view1_frontal.png: by its name, a film of the same patient, study 1"
    )
    assert component(app, "room")["beside"] == "other"
    assert "00042" not in str(component(app, "room"))
    # Another upload may number its patients anew.
    again = "set/patient00042/study3/view1_frontal.png"
    upload(app, ("more.zip", packed({again: png(35, (90, 80))})))
    assert list(panels(app)) == ["film", "basic_cnn"]


def test_two_uploads_can_be_switched_between(app):
    upload(app, *((f"film-{n}.png", png(seed=20 + n)) for n in (1, 2)))
    assert shown(app) == "film-1.png"
    assert shown(look(app, "film-2.png")) == "film-2.png"


def test_the_facts_say_that_a_film_is_shown_reduced(app):
    upload(app, ("large.png", png(seed=16, shape=(1300, 1100))))
    facts = component(app, "room")["facts"]
    assert facts == "large.png · 1100 × 1300 px, 8 bit (shown at 1,024 px)"


def test_a_films_warnings_are_shown(app):
    upload(app, ("small.png", png(seed=13, shape=(90, 90))))
    assert any("90" in warning.value for warning in app.warning)
    assert any("90" in text for text in rows(app)["small.png"]["warnings"])


def test_without_trained_models_the_page_says_what_to_do(monkeypatch, tmp_path, app):
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    upload(app, ("film.png", png(seed=14)))
    assert not app.exception
    assert "No trained model" in app.error[0].value


def test_damaged_weights_are_refused_and_named(monkeypatch, tmp_path, app):
    name = NAMES[0]
    shutil.copytree(weights_folder() / name, tmp_path / name)
    card = tmp_path / name / "card.json"
    card.write_text(card.read_text().replace('"sha256": "', '"sha256": "0', 1))
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    upload(app, ("film.png", png(seed=15)))
    assert not app.exception
    assert "card.json: weights.sha256" in refused(app)[0]


def test_where_the_heat_lies_and_what_each_model_says(app):
    sample(app)
    assert any("In the lungs or at their rim lies" in one.value for one in app.caption)
    assert any(one.value.startswith("Their mean: **") for one in app.markdown)
    said = [one.value for one in app.markdown]
    for name in NAMES:
        assert any(text.startswith(f"**{stored_title(name)}**: ") for text in said)


def test_heat_beside_the_lungs_raises_an_alarm(app, monkeypatch):
    monkeypatch.setattr(analysis, "check_plausibility", lambda *_: ("Heat on a marker.",))
    sample(app)
    assert sum("Heat on a marker" in one.value for one in app.markdown) == 1


def test_a_film_without_lungs_has_no_answer_and_no_heat_until_it_is_wanted(app, monkeypatch):
    empty = lungs.lung_field(np.zeros((128, 128)))
    monkeypatch.setattr("pages.shared.analysis.segment_lungs", lambda films: [empty for _ in films])
    upload(app, ("film.png", png(seed=77)))
    assert not app.exception
    html = [one.proto.body for one in app.get("html") if "<h2>" in one.proto.body]
    assert len(html) == 1
    assert "<h2>No answer</h2>" in html[0]
    assert "No lungs were found on it." in html[0]
    assert rows(app)["film.png"]["answer"] == "No answer: no lungs were found on it"
    assert rows(app)["film.png"]["tone"] == "silent"
    assert not any(one["heat"] for one in panels(app).values())
    assert component(app, "room")["choices"] == []
    assert [one.label for one in app.expander] == ["Show them anyway", "Take along"]
    assert not any("in the lungs" in caption.value for caption in app.caption)
    said = [one.value.replace("\\", "") for one in app.warning]
    assert said.count(lungs.NO_LUNGS) == 1
    app.toggle(key="anyway").set_value(True).run()
    assert component(app, "room")["choices"]
    assert any(one["heat"] for one in panels(app).values())
    assert any("<h2>No answer</h2>" in one.proto.body for one in app.get("html"))


def test_what_was_drawn_stays_with_the_film_and_is_named(app):
    upload(app, ("a.png", png(1)), ("b.png", png(2)))
    drawn = {"kind": "length", "points": ((0.25, 0.5), (0.75, 0.5)), "text": ""}
    film = opened(app).current
    film.annotations = read_annotations([drawn])
    app.run()
    (note,) = component(app, "room")["notes"]
    assert note["points"] == [[0.25, 0.5], [0.75, 0.5]]
    assert any("120 px" in caption.value for caption in app.caption)
    look(app, "b.png")
    assert component(app, "room")["notes"] == []
    look(app, "a.png")
    assert len(component(app, "room")["notes"]) == 1


def test_heat_against_normal_is_never_what_speaks_for_normal(app):
    for title in ("Clear lungs 1", "Opacity 1"):
        captions = [one["caption"] for one in panels(sample(app, title)).values()]
        named = [text for text in captions if "evidence for" in text]
        assert len(named) == len(NAMES)
        assert all(text.startswith("Against Normal, evidence for ") for text in named)
        assert not any("evidence for Normal" in text for text in named)


def test_films_are_answered_by_a_site_profile_that_is_chosen(
    app, small_model, tmp_path, monkeypatch
):
    monkeypatch.setenv("XRAYCORE_SITES", str(tmp_path / "sites"))
    weights = read_card("basic_cnn")["weights"]["sha256"]
    # Everything is called an opacity there, or nothing.
    for name, threshold in (("all", 0.0), ("nobody", 1.0)):
        own = replace(PROFILE, name=name, model="basic_cnn", weights_sha256=weights, sets={})
        write_site(replace(own, threshold=threshold))
    write_site(replace(PROFILE, name="old", model="basic_cnn", weights_sha256="f" * 64))
    sample(app, site="all")
    assert rows(app)[SAMPLE]["answer"] == "Opacity"
    app.selectbox(key="compare-site").select("nobody").run()
    assert app.query_params["site"] in ("nobody", ["nobody"])
    assert rows(app)[SAMPLE]["answer"] != "Opacity"
    # A profile of other weights changes nothing, and that is said.
    app.selectbox(key="compare-site").select("old").run()
    assert "No profile of old for these weights: Basic CNN." in written(app)


def test_the_whole_list_goes_into_one_report(app, small_model):
    upload(app, ("one.png", png(seed=3)))
    assert "worklist-report" not in {one.key for one in app.get("download_button")}
    upload(app, ("two.png", png(seed=4)))
    labels = [one.proto.label for one in app.get("download_button")]
    assert "Report of 2 films (HTML)" in labels
