import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.metrics import cache
from pages.metrics import errors as metric_films
from pages.shared import inference_worker
from tests.conftest import ROOT
from tests.pages.conftest import select_rows, selected
from tests.stored_models import VGG16, outcome, write_run, write_store
from xraycore.datasets.locator import FilmLocator
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.errors import WeightsError
from xraycore.evaluation import comparison
from xraycore.evaluation.prediction_files import write_predictions
from xraycore.imaging.overlay import to_uint8


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A folder with `weights/` of two models, and no runs."""
    write_store(tmp_path / "weights")
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("XRAYCORE_RUNS", str(tmp_path / "runs"))
    return tmp_path


def open_page(**query: str) -> AppTest:
    """The Metrics page as a link opens it."""
    app = AppTest.from_file(str(ROOT / "pages" / "metrics" / "page.py"), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    """All that is written on the page."""
    return "\n".join(one.value for one in (*app.markdown, *app.caption, *app.info, *app.warning))


def test_scores_are_those_of_the_stored_predictions(store):
    app = open_page()
    table = app.dataframe[0].value.set_index("Model")
    assert list(table.index) == ["Basic CNN", "VGG16", "Ensemble"]
    # 34 of 40 films right, 18 of 20 found, 16 of 20 spared: Wilson's intervals.
    assert table.loc["VGG16", "Accuracy"] == " 85.0 % (70.9–92.9)"
    assert table.loc["VGG16", "Sensitivity"] == " 90.0 % (69.9–97.2)"
    assert table.loc["VGG16", "Specificity"] == " 80.0 % (58.4–91.9)"
    assert table.loc["Basic CNN", "AUC"].startswith("0.880 (")
    assert "40 films, patients unknown" in texts(app)


def test_the_numbers_follow_the_threshold_and_the_prevalence(store):
    app = open_page(section="Threshold")
    app.button_group(key="threshold-model").set_value("vgg16").run()
    assert [metric.value for metric in app.metric] == ["90.0 %", "80.0 %", "33.3 %", "98.6 %"]
    assert "it finds 90 and misses 10; it also calls 180 of the 900" in texts(app)
    app.slider(key="threshold").set_value(0.75).run()
    assert [metric.value for metric in app.metric] == ["75.0 %", "100.0 %", "100.0 %", "97.3 %"]
    app.number_input(key="prevalence").set_value(50.0).run()
    assert [metric.value for metric in app.metric][3] == "80.0 %"
    next(one for one in app.button if one.label == "Sensitivity at least 95 %").click().run()
    # 0.25049, rounded down.
    assert app.slider(key="threshold").value == 0.25
    assert app.metric[0].value == "100.0 %"


def test_a_link_keeps_the_model_and_the_class(store):
    link = {"section": "Threshold", "threshold-model": "VGG16", "threshold": "0.75"}
    app = open_page(**link)
    assert [metric.value for metric in app.metric][:2] == ["75.0 %", "100.0 %"]
    many = open_page(view="Four classes", **link, **{"threshold-class": "Viral pneumonia"})
    assert "Viral pneumonia" in many.slider(key="threshold").label
    curves = open_page(view="Four classes", **{"curve-class": "Viral pneumonia"})
    assert "Viral pneumonia against all else." in texts(curves)
    # Nothing is chosen by nothing.
    nothing = {"threshold-model": "", "threshold-class": ""}
    assert open_page(section="Threshold", view="Four classes", **nothing).metric


def test_a_row_of_the_films_can_be_clicked_twice(store):
    app = open_page(section="Errors", cell="vgg16~Normal~Normal")
    table = "table-cell-vgg16-0-0"
    files = list(app.dataframe[0].value["file"])
    for _ in range(2):
        select_rows(app, table, 3)
        assert app.query_params["film"] in (f"chest_xray/{files[3]}", [f"chest_xray/{files[3]}"])
        assert selected(app, table) == []
        del app.query_params["film"]
        app.run()
    first = app.dataframe[0].key
    # A row of one page is none of the next.
    app.session_state["page-cell-vgg16-0-0"] = 2
    app.run()
    assert app.dataframe[0].key != first


def test_a_model_of_two_classes_has_points_of_its_own_finding(store):
    pair = ("Normal", "Opacity")
    folder = store / "weights" / "vgg16"
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, "classes": pair}))
    whole = outcome("vgg16", VGG16)
    labels = [pair[record.label != "Normal"] for record in whole.records]
    films = [replace(r, label=label) for r, label in zip(whole.records, labels, strict=True)]
    two = replace(whole, classes=pair, records=tuple(films), logits=whole.logits[:, :2])
    write_predictions(folder / "predictions.csv", [two])
    app = open_page(section="Threshold", view="All classes", **{"threshold-model": "VGG16"})
    assert "Stored operating points: not measured" not in texts(app)
    assert any(button.label == "Sensitivity at least 95 %" for button in app.button)


def test_models_of_the_first_generation_say_what_was_not_measured(store):
    app = open_page(section="Threshold")
    assert "Stored operating points: not measured, its card holds none" in texts(app)
    assert "Not calibrated on validation films" in texts(open_page(section="Calibration"))
    assert "Age: not measured" in texts(open_page(section="Subgroups", models="Basic CNN"))


def test_a_link_opens_the_films_behind_a_cell(store):
    app = open_page(section="Errors", cell="vgg16~Normal~Pneumonia")
    assert app.subheader[0].value == "VGG16: 4 films of Normal called Pneumonia"
    films = app.dataframe[0].value
    assert sorted(films["file"]) == [f"IM-{i}.jpeg" for i in range(16, 20)]
    assert films["probability"].tolist() == pytest.approx([60] * 4, abs=0.01)

    many = open_page(section="Errors", cell="vgg16~Normal~Normal")
    assert len(many.dataframe[0].value) == 12
    assert "Films 1 to 12 of 16" in texts(many)
    nonsense = open_page(section="Errors", cell="vgg16~Nor~mal", film="nih/none.png")
    assert not nonsense.subheader
    assert "is not among these films" in texts(nonsense)


def test_the_worst_errors_show_where_the_model_looked(
    store, monkeypatch, random_classifier, tmp_path
):
    file = tmp_path / "film.png"
    Image.fromarray(to_uint8(make_phantom(0, size=256).pixels)).save(file)
    there = {f"IM-{i}.jpeg": file for i in range(18)}
    monkeypatch.setattr(FilmLocator, "path", lambda _, source, name: there.get(name))
    drawn = []
    grid = metric_films.film_grid
    monkeypatch.setattr(metric_films, "film_grid", lambda t, **o: drawn.append(t) or grid(t, **o))
    app = open_page(section="Errors", models="Basic CNN")
    # Eight of the well are called ill, six of these have their picture here.
    assert [len(tiles) for tiles in drawn] == [6]
    assert {tile.picture.shape for tile in drawn[0]} == {(200, 200)}

    monkeypatch.setattr(inference_worker, "_load", lambda net: random_classifier(net.name))
    app.toggle(key="heat-losses-basic_cnn").set_value(True).run()
    assert not app.exception
    assert {tile.picture.shape for tile in drawn[-1]} == {(200, 200, 3)}
    # Some of it is coloured.
    assert np.ptp(drawn[-1][0].picture.astype(int), axis=2).max() > 30

    def missing(network):
        raise WeightsError(f"{network.name}: expected weights. Found none.")

    st.cache_data.clear()
    monkeypatch.setattr(inference_worker, "_load", missing)
    app.run()
    assert "expected weights" in app.error[0].value
    assert {tile.picture.shape for tile in drawn[-1]} == {(200, 200)}
    # An ensemble has no heat of its own.
    assert not open_page(section="Errors", models="Ensemble").toggle


def test_what_was_chosen_stays_while_another_section_is_looked_at(store, monkeypatch, tmp_path):
    monkeypatch.setattr(metric_films, "PER_PAGE", 2)
    file = tmp_path / "film.png"
    Image.fromarray(to_uint8(make_phantom(0, size=64).pixels)).save(file)
    monkeypatch.setattr(FilmLocator, "path", lambda *_: file)
    monkeypatch.setattr(
        metric_films, "draw_heatmap_thumbnail", lambda path, *_: cache.draw_thumbnail(path)
    )

    def look(app, section):
        app.query_params["section"] = app.session_state["section"] = section
        assert not app.run().exception

    app = open_page(section="Errors")
    app.button_group(key="loss-model").set_value("vgg16").run()
    app.toggle(key="heat-losses-vgg16").set_value(True)
    app.session_state["page-losses-vgg16"] = 2
    assert "Films 3 to 4 of 6" in texts(app.run())
    look(app, "Subgroups")
    app.button_group(key="subgroup-score").set_value("ece").run()
    look(app, "Errors")
    assert app.button_group(key="loss-model").value == "vgg16"
    assert app.toggle(key="heat-losses-vgg16").value
    assert "Films 3 to 4 of 6" in texts(app)
    look(app, "Subgroups")
    assert app.button_group(key="subgroup-score").value == "ece"


def test_pairs_are_told_in_words(store):
    said = texts(open_page(section="Pairs"))
    assert "VGG16 is right more often than Basic CNN" in said
    assert "p = 0.023" in said
    assert "VGG16 and Ensemble are right on exactly the same films" in said
    app = open_page(section="Pairs")
    ranks, answers = (json.loads(one.proto.spec) for one in app.get("plotly_chart"))
    cells = answers["data"][0]
    assert cells["y"] == ["Basic CNN", "VGG16", "Ensemble"]
    # Of 8 films that one of them calls rightly alone VGG16 has all.
    assert cells["text"][1][0] == "+8<br>p = 0.023"
    assert cells["text"][0][1] == "\N{MINUS SIGN}8<br>p = 0.023"
    assert ranks["data"][0]["text"][0][0] == ""


def test_a_part_of_ones_own_has_every_score(store):
    app = open_page(section="Subgroups", **{"slice-source": "chest_xray"})
    table = app.dataframe[-1].value
    assert list(table["On"]) == ["these films"] * 3
    assert list(table["Films"]) == ["40"] * 3
    assert table.set_index("Model").loc["VGG16", "Sensitivity"] == " 90.0 % (69.9–97.2)"
    assert "**40 films** of chest" in texts(app)
    # Nothing is chosen: no table but that of the groups.
    assert len(open_page(section="Subgroups").dataframe) == 1


@pytest.mark.parametrize(
    "view", ["Normal / Pneumonia", "Four classes", "COVID-19 / Normal / Viral"]
)
def test_every_section_is_drawn_in_every_view(store, view):
    app = open_page(view=view)
    for section in [tab.label for tab in app.tabs]:
        app.query_params["section"] = section
        app.run()
        assert not app.exception, section
        assert not app.error, section


def test_a_run_of_ones_own_joins(store):
    write_run(store / "runs" / "mine")
    write_predictions(store / "runs" / "mine" / "predictions.csv", [outcome("runs/mine", VGG16)])
    table = open_page().dataframe[0].value
    assert "Xception, run mine" in list(table["Model"])


def test_intervals_are_not_drawn_again(store, monkeypatch):
    open_page()
    calls = []
    monkeypatch.setattr(comparison, "score_classes", lambda *a: calls.append(a))
    open_page(section="Size and time")
    st.cache_data.clear()
    open_page()
    assert calls == []


def test_broken_predictions_are_named_and_the_others_go_on(store):
    (store / "weights" / "vgg16" / "predictions.csv").write_text("not,a\ntable\n")
    app = open_page()
    assert len(app.error) == 1
    assert "VGG16 is left out" in app.error[0].value
    assert "expected predictions" in app.error[0].value
    assert list(app.dataframe[0].value["Model"]) == ["Basic CNN"]
    only = open_page(section="Pairs")
    assert "Choose two models or more" in texts(only)


def test_an_empty_store_says_what_to_do(store, monkeypatch):
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(store / "nothing"))
    app = open_page()
    assert not app.error
    assert "No stored predictions yet" in app.info[0].value
    write_run(store / "runs" / "mine")
    assert "Xception, run mine" in texts(open_page())


@pytest.mark.slow
def test_no_section_needs_tensorflow(store):
    script = f"""
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file({str(ROOT / "pages" / "metrics" / "page.py")!r}, default_timeout=60)
app.run()
for section in [tab.label for tab in app.tabs]:
    app.query_params["section"] = section
    app.run()
assert len(app.tabs) == 9 and not app.exception
print(sorted({{"tensorflow", "keras", "torch"}} & set(sys.modules)))
"""
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_a_link_that_names_no_view_shows_the_first(store):
    app = open_page(view="")
    assert list(app.dataframe[0].value["Model"]) == ["Basic CNN", "VGG16", "Ensemble"]
