import json
import re
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from pages.explain import lesion_insertion, methods
from pages.shared.heatmap_controls import CONTOUR, HeatmapStyle
from tests.pages.conftest import SAMPLE, png
from tests.pages.explain.explain_page import click, labels, open_tab, press, said, wait
from tests.pages.films_page import opened
from xraycore.anatomy import lung_field as lungs
from xraycore.attribution import perturbation
from xraycore.attribution.heatmap import Heatmap
from xraycore.attribution.metrics import faithfulness
from xraycore.attribution.metrics.faithfulness import Faithfulness
from xraycore.attribution.registry import ANALYTIC, METHODS
from xraycore.errors import ArgumentError
from xraycore.imaging.box import Box
from xraycore.models.cards import card_sha256


def test_without_a_film_there_is_a_gallery(explain):
    app = explain(sample="")
    assert not app.exception
    assert app.title[0].value == "Explain"
    assert SAMPLE in labels(app)


def test_all_analytic_methods_at_once_and_the_others_on_demand(explain, passes):
    app = explain()
    assert not app.exception
    headings = [markdown.value for markdown in app.markdown]
    for method in METHODS.values():
        assert f"**{method.title}**" in headings
    assert labels(app).count("Compute") == len(METHODS) - len(ANALYTIC)
    assert app.info[0].value.startswith("Basic CNN says **")
    assert sum("In the lungs or at their rim lies" in caption.value for caption in app.caption) >= 7
    passes.clear()
    app.segmented_control(key="show").set_value("Contour").run()
    app.selectbox(key="target").select("COVID-19").run()
    app.selectbox(key="against").select("Normal").run()
    assert "COVID-19 beside Normal" in [heading.value for heading in app.subheader]
    assert passes == []


def test_a_slow_method_runs_once_and_its_map_stays(explain, passes):
    app = explain(target="COVID-19")
    before = labels(app).count("Compute")
    button = next(i for i, name in enumerate(METHODS) if name == "score_cam") - len(ANALYTIC)
    passes.clear()
    [one for one in app.button if one.label == "Compute"][button].click()
    app.run()
    wait(app, lambda: "Stop" not in labels(app))
    assert labels(app).count("Compute") == before - 1
    assert sum(passes) == 64
    app.selectbox(key="target").select("Normal").run()
    assert labels(app).count("Compute") == before
    app.selectbox(key="target").select("COVID-19").run()
    assert labels(app).count("Compute") == before - 1
    assert sum(passes) == 64


def test_slow_work_can_be_stopped_and_begun_again(explain, monkeypatch):
    batches = perturbation.batches

    def slowly(count, report):
        for part in batches(count, report):
            time.sleep(0.1)
            yield part

    monkeypatch.setattr(perturbation, "batches", slowly)
    app = explain(method="RISE", question="Is it faithful?")
    press(app, "Hide and ask")
    assert "Stop" in labels(app)
    open_tab(app, "Insert a lesion")
    assert "Going on meanwhile" in said(app)
    press(app, "Stop")
    open_tab(app, "Is it faithful?")
    wait(app, lambda: "Hide and ask" in labels(app))
    assert "Stopped." in said(app)


def test_models_are_asked_for_the_same_class(explain, monkeypatch):
    monkeypatch.setattr("pages.shared.cache.list_trained", lambda: ["basic_cnn", "vgg16"])
    app = explain(target="COVID-19")
    press(app, "Ask the other models")
    wait(app, lambda: "that Basic CNN or VGG16 count among their hottest" in said(app))
    # It is about the film and the class, whichever of the models is looked at.
    app.selectbox(key="model").select("vgg16").run()
    assert "that Basic CNN or VGG16 count among their hottest" in said(app)
    assert "Ask the other models" not in labels(app)


def test_models_with_other_weights_are_asked_again_and_compared_again(explain, monkeypatch):
    monkeypatch.setattr("pages.shared.cache.list_trained", lambda: ["basic_cnn", "vgg16"])
    compared, agree = [], methods.map_agreement
    monkeypatch.setattr(
        methods,
        "map_agreement",
        lambda heats, film: (compared.append(tuple(heats)), agree(heats, film))[1],
    )
    app = explain(target="COVID-19")
    press(app, "Ask the other models")
    wait(app, lambda: "that Basic CNN or VGG16 count among their hottest" in said(app))

    monkeypatch.setattr(
        methods,
        "card_sha256",
        lambda name: "new" if name == "vgg16" else card_sha256(name),
    )
    app.run()
    assert "that Basic CNN or VGG16 count among their hottest" not in said(app)
    press(app, "Ask the other models")
    wait(app, lambda: "that Basic CNN or VGG16 count among their hottest" in said(app))
    assert compared.count(("Basic CNN", "VGG16")) == 2


@pytest.mark.parametrize("method", ["Saliency", "Fine Grad-CAM"])
def test_methods_of_two_passes_follow_lesions_and_compare_models(explain, monkeypatch, method):
    monkeypatch.setattr("pages.shared.cache.list_trained", lambda: ["basic_cnn", "vgg16"])
    app = explain(method=method, question="Insert a lesion", target="COVID-19")
    click(app, (0.3, 0.45))
    assert not app.exception
    assert "a random point in the lungs would lie in it" in said(app)
    open_tab(app, "Methods")
    press(app, "Ask the other models")
    wait(app, lambda: "that Basic CNN or VGG16 count among their hottest" in said(app))


def test_methods_of_many_passes_say_what_they_cost(explain):
    app = explain(method="RISE", question="Insert a lesion")
    assert "RISE takes 300 forward passes for one map" in said(app)
    assert "Eigen-CAM, Fine Grad-CAM and Saliency" in said(app)
    chosen = app.selectbox(key="method").help
    assert "RISE (300 forward passes)" in chosen
    assert "Saliency" not in chosen
    open_tab(app, "Methods")
    assert "To compare models choose a quick method" in said(app)


def test_faithfulness_with_what_it_means(explain, passes, monkeypatch):
    brief = partial(faithfulness.measure_faithfulness, steps=3)
    monkeypatch.setattr("pages.explain.faithfulness.measure_faithfulness", brief)
    monkeypatch.setattr(faithfulness, "ROAD_SHARES", (0.0, 0.2, 0.4))
    app = explain(question="Is it faithful?")
    press(app, "Hide and ask")
    wait(app, lambda: "Hide and ask" not in labels(app) and "Stop" not in labels(app))
    assert "Hiding the 20 % hottest part" in said(app)
    assert "Lower is better" in said(app)
    press(app, "Disturb and ask")
    wait(app, lambda: "Rank correlation" in said(app))
    assert "JPEG compression" in said(app)
    passes.clear()
    open_tab(app, "Methods")
    assert "Do the maps agree?" in [heading.value for heading in app.subheader]
    open_tab(app, "Is it faithful?")
    assert "Hiding the 20 % hottest part" in said(app)
    assert passes == []
    kept = opened(app).current.analysis._long.values()
    assert sum(isinstance(one, Faithfulness) for one in kept) == 1


def test_randomising_step_by_step(explain):
    app = explain(question="Randomise the network")
    press(app, "Randomise step by step")
    wait(app, lambda: app.select_slider)
    assert "rank correlation" in said(app)
    assert "Random now, with all before: conv1" in said(app)
    app.select_slider(key="step").set_value(1).run()
    assert "Random now, with all before: logits" in said(app)


def test_the_lungs_are_cleared_and_the_network_asked_again(explain, passes):
    app = explain(question="Clear the lungs")
    assert not app.exception
    assert "With clear lungs the answer" in said(app)
    # The film cleared, and before it the film, unless another test asked; once is enough.
    assert passes in ([1], [1, 1])
    passes.clear()
    open_tab(app, "Methods")
    open_tab(app, "Clear the lungs")
    assert "With clear lungs the answer" in said(app)
    assert passes == []


def test_a_lesion_is_painted_where_the_film_was_clicked(explain, passes):
    app = explain(question="Insert a lesion")
    assert "Nothing is painted yet" in said(app)
    click(app, (0.02, 0.02))
    assert "lies outside the lungs" in said(app)
    passes.clear()
    click(app, (0.3, 0.45))
    assert not app.exception
    assert passes == [1]
    assert "a random point in the lungs would lie in it" in said(app)
    app.slider(key="opacity-size").set_value(40).run()
    app.slider(key="opacity-size").set_value(28).run()
    assert passes == [1, 1]
    app.selectbox(key="opacity-kind").select("ground_glass").run()
    assert "**Peripheral ground-glass opacity**" in [one.value for one in app.markdown]


def test_many_places_are_summed_up(explain, monkeypatch):
    monkeypatch.setattr(lesion_insertion, "TRIES", 3)
    app = explain(question="Insert a lesion")
    press(app, "Try 3 random places")
    wait(app, lambda: app.metric)
    assert "rises by a tenth or more for" in said(app)
    assert "95 % interval" in said(app)


def test_a_film_without_lungs_says_so(explain, monkeypatch):
    empty = lungs.lung_field(np.zeros((128, 128)))
    monkeypatch.setattr("pages.shared.analysis.segment_lungs", lambda films: [empty for _ in films])
    app = explain(sample="", question="Insert a lesion")
    app.file_uploader[0].set_value([("film.png", png(seed=78), "image/png")]).run()
    assert not app.exception
    assert "no place to paint an opacity" in said(app)
    assert lungs.NO_LUNGS in [warning.value for warning in app.warning]
    open_tab(app, "Methods")
    assert not app.exception
    assert "Where the network finds evidence" in said(app)
    assert "In the lungs or" not in said(app)
    open_tab(app, "Clear the lungs")
    assert "nothing can be cleared" in said(app)


def test_damaged_weights_are_named_and_another_model_can_be_chosen(explain, monkeypatch, tmp_path):
    import shutil

    from xraycore.config import weights_folder

    for name in ("basic_cnn", "lungs"):
        shutil.copytree(weights_folder() / name, tmp_path / name)
    shutil.copytree(weights_folder() / "basic_cnn", tmp_path / "vgg16")
    card = tmp_path / "vgg16" / "card.json"
    # A card of VGG16 whose weights, which nobody shipped, are others than it says.
    entries = json.loads(card.read_text()) | {"model": "vgg16"}
    entries["weights"]["sha256"] = "0" * 64
    card.write_text(json.dumps(entries))
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    app = explain(model="VGG16")
    assert not app.exception
    assert "expected sha256" in app.error[0].value.replace("\\", "").replace("\u2060", "")
    app.selectbox(key="model").select("basic_cnn").run()
    assert not app.error
    assert app.info[0].value.startswith("Basic CNN says **")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ArgumentError("expected a map. Received: none"), r"expected a map"),
        (ValueError("shapes do not match"), r"a fault of xraycore itself, F[0-9A-F]{6} in the log"),
    ],
)
def test_work_that_fails_is_said_and_can_be_tried_again(explain, monkeypatch, error, words):
    def fail(*_, **__):
        raise error

    app = explain(question="Randomise the network", target="Viral pneumonia")
    with monkeypatch.context() as broken:
        broken.setattr("pages.explain.randomisation.cascades", fail)
        press(app, "Randomise step by step")
        wait(app, lambda: app.error)
    said_first = app.error[0].value
    assert re.search(words, said_first)
    # Written to the log once, however often the page is drawn.
    assert app.run().error[0].value == said_first
    press(app, "Try again")
    assert "Randomise step by step" in labels(app)


def test_all_maps_are_computed_with_one_button(explain, monkeypatch):
    slow = ["score_cam", "saliency", "fused"]
    few = {name: m for name, m in METHODS.items() if name in (*ANALYTIC, *slow)}
    monkeypatch.setattr(methods, "METHODS", few)
    app = explain(target="COVID-19")
    # 64 and twice 2 passes, at what the benchmark measured of this network: under a second.
    assert "68 passes of the film through the network: about 0 s" in said(app)
    press(app, "Compute all 3")
    wait(app, lambda: "Compute" not in labels(app) and "Stop" not in labels(app))
    assert not any(label.startswith("Compute all") for label in labels(app))
    of = opened(app).current.analysis._long
    assert {key[-2] for key in of if key[0] == "heatmap"} >= set(slow)


def test_against_normal_of_a_normal_film_shows_what_speaks_for_a_disease(explain):
    app = explain(target="Normal", against="Viral pneumonia", question="Randomise the network")
    heading = next(one.value for one in app.markdown if one.value.startswith("**Against Normal**"))
    assert "for **Normal**" not in heading
    open_tab(app, "Methods")
    places = [one.value for one in app.caption if re.match(r"Heat: |Too little|No heat", one.value)]
    # Grad-CAM and the others show Normal's; the two that are against other classes do not.
    assert sum("for Normal" in text for text in places) == len(ANALYTIC) - 2


def test_a_line_that_nothing_reaches_says_why():
    style = HeatmapStyle(CONTOUR, 0.6, "inferno", 0.5, False)
    heatmap = Heatmap(
        np.full((2, 2), 0.3, np.float32), "COVID-19", "grad_cam", "vgg16", Box(0, 0, 1, 1), 1.0
    )
    assert style.scale_note(heatmap) == (
        " No line: the strongest place reaches 30 % of full heat, the line is at 50 %."
    )
    assert style.scale_note(replace(heatmap, scale=0.4)) == ""
    faint = replace(heatmap, threshold=0.4)
    assert "Nothing is coloured" in style.scale_note(faint)
