import json

import numpy as np
import pytest

from pages.shared import analysis
from tests.pages.conftest import png
from xraycore.anatomy import lung_field as lungs
from xraycore.models.cards import list_trained
from xraycore.models.classifier import Classifier
from xraycore.models.registry import MODELS


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


def verdict(app) -> str:
    """The line that says whether the models agree."""
    return app.info[0].value


def refused(app) -> list[str]:
    """What is said of files that cannot be read, without the escapes that Markdown needs."""
    return [error.value.replace("\\", "") for error in app.error]


def test_the_first_page_offers_samples_and_says_what_it_is_not_for(app):
    assert not app.exception
    assert app.title[0].value == "Compare"
    assert any("not for diagnosis" in markdown.value for markdown in app.markdown)
    assert {"Clear lungs 1", "Opacity 1"} <= {button.label for button in app.button}


def test_a_sample_shows_every_shipped_model(app):
    next(button for button in app.button if button.label == "Opacity 1").click()
    app.run()
    assert not app.exception
    headings = [markdown.value for markdown in app.markdown]
    for name in list_trained():
        assert f"**{MODELS[name].title}**" in headings
    assert len(app.subheader) == len(list_trained())
    assert any(r"synthetic\-opacity" in caption.value for caption in app.caption)
    assert "say" in verdict(app)


def test_a_run_of_the_page_sends_a_film_once(app):
    def panels():
        data = [json.loads(one.proto.json) for one in app.get("bidi_component")]
        return [one for one in data if "filmId" in one]

    app.file_uploader[0].set_value([("film.png", png(seed=12), "image/png")]).run()
    for opacity in (60, 20):
        app.slider(key="opacity").set_value(opacity).run()
        assert len(panels()) == 1 + len(list_trained())
        assert len({one["filmId"] for one in panels()}) == 1
        assert [one["film"] is not None for one in panels()] == [True] + [False] * (
            len(panels()) - 1
        )


def test_no_control_runs_a_model_again(app, forward_calls):
    app.file_uploader[0].set_value([("film.png", png(seed=11), "image/png")]).run()
    assert sorted(forward_calls) == sorted(list_trained())
    app.slider(key="opacity").set_value(20).run()
    app.selectbox(key="target").select("COVID-19").run()
    app.selectbox(key="method").select("layer_cam").run()
    app.selectbox(key="color_map").select("viridis").run()
    app.toggle(key="stretch").set_value(True).run()
    assert not app.exception
    assert sorted(forward_calls) == sorted(list_trained())
    assert sum("evidence for COVID-19" in c.value for c in app.caption) == len(list_trained())


def test_a_link_keeps_how_the_heat_is_drawn(app):
    for name, value in (("show", "Contour"), ("contour", "80"), ("stretch", "true")):
        app.query_params[name] = value
    next(button for button in app.button if button.label == "Opacity 1").click().run()
    assert app.slider(key="contour").value == 80
    assert app.toggle(key="stretch").value
    assert app.query_params["contour"] in ("80", ["80"])


def test_bad_files_are_named_and_the_good_one_goes_on(app):
    good = png(seed=12)
    app.file_uploader[0].set_value(
        [
            ("notes.txt", b"a text file", "text/plain"),
            ("half.png", good[: len(good) // 2], "image/png"),
            ("empty.png", b"", "image/png"),
            ("film.png", good, "image/png"),
        ]
    ).run()
    assert not app.exception
    errors = refused(app)
    assert [message.split(":")[0] for message in errors] == ["notes.txt", "half.png", "empty.png"]
    assert any(r"film\.png" in caption.value for caption in app.caption)
    assert len(app.subheader) == len(list_trained())


def test_only_bad_files_leave_the_page_usable(app):
    app.file_uploader[0].set_value([("cat.txt", b"meow", "text/plain")]).run()
    assert not app.exception
    assert refused(app)[0].startswith("cat.txt: expected")


def test_two_uploads_can_be_switched_between(app):
    files = [(f"film-{n}.png", png(seed=20 + n), "image/png") for n in (1, 2)]
    app.file_uploader[0].set_value(files).run()
    assert any(r"film\-1\.png" in caption.value for caption in app.caption)
    app.selectbox(key="film").select_index(1).run()
    assert not app.exception
    assert any(r"film\-2\.png" in caption.value for caption in app.caption)


def test_the_caption_says_that_a_film_is_shown_reduced(app):
    app.file_uploader[0].set_value(
        [("large.png", png(seed=16, shape=(1300, 1100)), "image/png")]
    ).run()
    captions = [caption.value.replace("\\", "") for caption in app.caption]
    assert "large.png  \nPNG · 1100 × 1300 px, 8 bit (shown at 1,024 px)" in captions


def test_a_films_warnings_are_shown(app):
    app.file_uploader[0].set_value([("small.png", png(seed=13, shape=(90, 90)), "image/png")]).run()
    assert any("90" in warning.value for warning in app.warning)


def test_without_trained_models_the_page_says_what_to_do(monkeypatch, tmp_path, app):
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    app.file_uploader[0].set_value([("film.png", png(seed=14), "image/png")]).run()
    assert not app.exception
    assert "No trained model" in app.error[0].value


def test_damaged_weights_are_refused_and_named(monkeypatch, tmp_path, app):
    import shutil

    from xraycore.config import weights_folder

    name = list_trained()[0]
    shutil.copytree(weights_folder() / name, tmp_path / name)
    card = tmp_path / name / "card.json"
    card.write_text(card.read_text().replace('"sha256": "', '"sha256": "0', 1))
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    app.file_uploader[0].set_value([("film.png", png(seed=15), "image/png")]).run()
    assert not app.exception
    assert "expected sha256" in app.error[0].value


def test_where_the_heat_lies_and_what_the_models_say_together(app):
    next(button for button in app.button if button.label == "Clear lungs 1").click()
    app.run()
    shares = ["In the lungs or at their rim lies" in caption.value for caption in app.caption]
    assert sum(shares) == len(list_trained())
    assert "Their mean: " in verdict(app)


def test_heat_beside_the_lungs_raises_an_alarm(app, monkeypatch):
    monkeypatch.setattr(analysis, "check_plausibility", lambda *_: ("Heat on a marker.",))
    next(button for button in app.button if button.label == "Clear lungs 1").click()
    app.run()

    def said():
        return [one.value for one in app.markdown if one.value.endswith("Heat on a marker.")]

    assert len(said()) == len(list_trained())
    app.segmented_control(key="show").set_value("Plain film").run()
    assert said() == []


def test_a_film_without_lungs_is_warned_about_once(app, monkeypatch):
    empty = lungs.lung_field(np.zeros((128, 128)))
    monkeypatch.setattr("pages.shared.analysis.segment_lungs", lambda films: [empty for _ in films])
    app.file_uploader[0].set_value([("film.png", png(seed=77), "image/png")]).run()
    assert not app.exception
    assert not any("in the lungs" in caption.value for caption in app.caption)
    said = [warning for warning in app.warning if warning.value == lungs.NO_LUNGS]
    assert len(said) == 1
