"""Settings stay when what they set is hidden, and when another page was looked at."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.explain.explain_page import open_tab
from tests.pages.train.train_page import labels, settle, words
from xraycore.models.pretrained import imagenet_file
from xraycore.models.registry import MODELS


def look():
    import streamlit as st

    from pages.shared.heatmap_controls import choose_style

    st.json(choose_style().arguments)


@pytest.mark.parametrize("shown", ["Plain film", "Contour"])
def test_opacity_and_colours_stay_while_they_are_hidden(shown):
    app = AppTest.from_function(look).run()
    app.slider(key="opacity").set_value(20)
    colours = app.selectbox(key="color_map").options[-1]
    app.selectbox(key="color_map").set_value(colours).run()
    app.segmented_control(key="show").set_value(shown).run().run()
    assert not app.slider or app.slider[0].key == "contour"
    assert '"opacity": 0.2' in app.json[0].value
    assert f'"color_map": "{colours}"' in app.json[0].value
    app.segmented_control(key="show").set_value("Heat").run()
    assert app.slider(key="opacity").value == 20
    assert app.selectbox(key="color_map").value == colours


def test_what_explain_was_set_to_stays_on_other_tabs_and_pages(explain):
    app = explain(question="Insert a lesion")
    app.slider(key="opacity").set_value(20)
    app.slider(key="opacity-size").set_value(40)
    app.selectbox(key="opacity-kind").set_value("ground_glass").run()
    open_tab(app, "Clear the lungs")
    open_tab(app, "Insert a lesion")
    assert app.slider(key="opacity-size").value == 40
    app.switch_page("pages/about/page.py").run()
    app.switch_page("pages/explain/page.py")
    app.query_params["question"] = "Insert a lesion"
    app.query_params["sample"] = "Clear lungs 1"
    app.run()
    assert not app.exception
    assert app.slider(key="opacity").value == 20
    assert app.slider(key="opacity-size").value == 40
    assert app.selectbox(key="opacity-kind").value == "ground_glass"


def test_the_starting_weights_stay_after_another_page(app, films, runs, tmp_path, monkeypatch):
    # As if they had been fetched before; else they are not offered.
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    fetched = imagenet_file(MODELS["vgg16"])
    fetched.parent.mkdir(parents=True)
    fetched.touch()

    def train():
        app.switch_page("pages/train/page.py")
        app.query_params["dataset"], app.query_params["network"] = str(films), "VGG16"
        settle(app.run(), lambda app: "2 · Network" in words(app))

    train()
    assert "VGG16 starts from random weights and learns" in words(app).replace("*", "")
    app.segmented_control(key="start-vgg16").set_value("imagenet").run()
    assert "starts from ImageNet weights" in words(app)
    app.switch_page("pages/about/page.py").run()
    train()
    assert "starts from ImageNet weights" in words(app)
    app.segmented_control(key="start-vgg16").set_value("file").run()
    assert "Start training" not in labels(app)
    app.text_input(key="weight-file").set_value('"/films/my_own.weights.h5"').run()
    assert "starts from the weights in /films/my_own.weights.h5" in words(app)
    app.switch_page("pages/about/page.py").run()
    train()
    assert "starts from the weights in /films/my_own.weights.h5" in words(app)
    assert "--weights /films/my_own.weights.h5" in app.code[0].value
