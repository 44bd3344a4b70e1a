import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.datasets.film_files import draw, write
from tests.pages.train.train_page import badge, button, field, labels, open_page, settle, words
from tests.training.test_runs import STAGES, row, write_run
from xraycore.training.runs import list_runs


def test_the_start_tells_how_it_goes_and_offers_phantoms(runs):
    app = open_page()
    assert app.title[0].value == "Train"
    assert "Generate phantoms" in labels(app)
    assert "How a training goes" in words(app)
    assert "Start training" not in labels(app)
    app.session_state["section"] = "Runs"
    assert "No run yet" in words(app.run())


def test_phantoms_are_drawn_and_opened(runs):
    app = open_page()
    app.number_input(key="phantoms").set_value(10).run()
    settle(button(app, "Generate phantoms").click().run(), lambda app: app.table)
    assert app.table[0].value.loc["Training", "All"] == "12"
    assert "learns 2 classes on 12 films" in words(app)


def test_names_of_classes_are_shown_as_they_are(tmp_path, runs):
    for number in range(20):
        label = ("NORMAL", "my_*odd*_class")[number % 2]
        write(tmp_path / "set" / label / f"film-{number}.png", draw(number, (40, 40)))
    app = open_page(dataset=tmp_path / "set")
    assert r"my\_\*odd\*\_class" in app.table[0].value.columns


@pytest.mark.slow
def test_start_watch_stop_resume_and_compare(films, runs):
    app = open_page(dataset=films)
    assert app.table[0].value.loc["Training"].tolist() == ["6", "6", "12"]
    field(app, "number_input", "Epochs").set_value(15).run()
    assert "--epochs 15 --out" in app.code[0].value
    button(app, "Start training").click().run()
    assert app.query_params["run"] in ("basic_cnn-quick", ["basic_cnn-quick"])
    settle(app, lambda app: app.metric and app.metric[0].value >= "2 of 15")
    assert badge(app, "Running")
    figures = {one.label: one.value for one in app.metric}
    assert figures["Time left"].endswith(" s")
    assert float(figures["Training films a second"]) > 0
    assert len(app.get("plotly_chart")) == 2

    settle(button(app, "Stop").click().run(), lambda app: badge(app, "Stopped"))
    kept = list_runs(runs)[0].state.total_epochs
    assert f"Stopped after {kept} finished epoch" in words(app)
    button(app, "Resume").click().run()
    settle(app, lambda app: badge(app, "Finished"))
    assert [row["epoch"] for row in list_runs(runs)[0].state.history] == list(range(1, 16))
    assert app.metric[0].value == "15 of 15"

    write_run(runs / "other", stage=2, rows=[row(1, "full", val_auc=0.8, val_loss=0.5)])
    button(app, "All runs").click().run()
    assert "run" not in app.query_params
    assert {"basic_cnn-quick", "other"} <= {
        one.replace("\\", "").replace("\u2060", "") for one in labels(app)
    }
    table = app.dataframe[0].value.set_index("Run")
    # Numbers, so that the table sorts by any of them.
    assert table.loc["basic_cnn-quick", "Kept epoch"] == 15
    assert table.loc["other", "Validation AUC"] == 0.8
    assert "saw different films" in words(app)
    assert STAGES[1]["epochs"] == 3
    assert "1 of 5 epochs" in words(app)


def test_what_is_set_is_what_the_command_line_says(films, runs):
    app = open_page(dataset=films, network="VGG16")
    field(app, "text_input", "Peak learning rate").set_value("5e-4")
    field(app, "slider", "Weight of evidence").set_value(0.5)
    field(app, "slider", "Normal films with painted").set_value(0.5)
    field(app, "number_input", "Training films").set_value(8)
    app.run()
    command = app.code[0].value
    for part in ("--model vgg16", "--films 8", "--lr 0.0005", "--evidence 0.5", "--painted 0.5"):
        assert part in command
    assert "--epochs" not in command
    assert "learns 2 classes on 8 films" in words(app)


@pytest.mark.parametrize("rate", ["fast", "-1"])
def test_a_rate_that_is_none_is_refused(films, runs, rate):
    app = open_page(dataset=films)
    field(app, "text_input", "Peak learning rate").set_value(rate).run()
    assert "learning_rate must be positive" in words(app)
    assert "Start training" not in labels(app)


def test_a_folder_with_one_class_is_refused(tmp_path, runs):
    for number in range(3):
        write(tmp_path / "one" / "NORMAL" / f"{number}.png", draw(number, (40, 40)))
    app = open_page(dataset=tmp_path / "one")
    assert "expected at least two classes. Received: Normal" in words(app)
    assert "Start training" not in labels(app)


def test_a_text_file_is_no_data_set(tmp_path, runs):
    (tmp_path / "notes.txt").write_text("Dear diary,\nno films today.\n")
    app = open_page(dataset=tmp_path / "notes.txt")
    assert "notes.txt: expected a CSV file with the columns path and label" in words(app)
    (tmp_path / "notes.txt").unlink()
    button(app, "Read again").click().run()
    assert "there is nothing" in words(settle(app))


@pytest.mark.parametrize("name", ["../weights", "taken"])
def test_a_bad_name_of_a_run_cannot_be_started(films, runs, name):
    (runs / "taken").mkdir(parents=True)
    app = open_page(dataset=films)
    field(app, "text_input", "Name of the run").set_value(name).run()
    assert "a run's name has" in words(app) or "taken in" in words(app)
    assert button(app, "Start training").disabled


def test_a_typed_name_stays_until_a_run_has_it(films, runs):
    write_run(runs / "other")
    app = open_page(dataset=films)
    field(app, "text_input", "Name of the run").set_value("mine").run()
    app.query_params["run"] = "other"
    assert "Name of the run" not in [one.label for one in app.run().text_input]
    button(app, "All runs").click().run()
    assert field(app, "text_input", "Name of the run").value == "mine"
    button(app, "Start training").click().run()
    button(app, "All runs").click().run()
    app.session_state["section"] = "New training"
    assert field(app.run(), "text_input", "Name of the run").value == "basic_cnn-quick"


def test_the_finder_suggests_a_rate_and_one_click_takes_it(films, runs):
    app = open_page(dataset=films)
    button(app, "Find a learning rate").click().run()
    settle(app, lambda app: "Use 1.0e-03" in labels(app))
    assert "fell fastest at 1.0e-03" in words(app)
    button(app, "Use 1.0e-03").click().run()
    assert "--lr 0.001" in app.code[0].value
    # Of other settings nothing is known yet.
    field(app, "slider", "Weight of evidence").set_value(0.5).run()
    assert "Find a learning rate" in labels(app)


def test_a_crash_is_told_with_the_last_lines_of_its_log(runs):
    folder = write_run(runs / "crashed", job={"arguments": []}, progress={"epoch": 1})
    (folder / "log.txt").write_text("--- yesterday\nold\n--- today\nstd::bad_alloc\n")
    app = open_page(run="crashed")
    assert badge(app, "Failed")
    assert "ran out of memory" in words(app)
    assert app.code[0].value == "std::bad_alloc"
    assert "Resume" in labels(app)


def test_promotion_replaces_nothing_unasked(runs, films, tmp_path):
    job = {"arguments": ["train", str(films), "--model", "basic_cnn"]}
    folder = write_run(runs / "good", stage=2, rows=[row(1, "full")], job=job)
    config = (folder / "run.json").read_text()
    more = '{"classes": ["Normal", "Opacity"], "split_sizes": {"test": {"Normal": 7}},'
    (folder / "run.json").write_text(config.replace("{", more, 1).replace("vgg16", "basic_cnn"))
    target = tmp_path / "mine" / "basic_cnn"
    target.mkdir(parents=True)
    app = open_page(run="good")
    field(app, "text_input", "Folder").set_value(str(target.parent)).run()
    assert "The 7 test films are opened and scored. Do this once" in words(app)
    assert f"{target} holds Basic CNN already" in words(app)
    assert button(app, "Promote").disabled
    field(app, "text_area", "What users").set_value("Knows phantoms only.")
    app.checkbox[0].check().run()
    button(app, "Promote").click().run()
    settle(app, lambda app: f"Installed in {target}" in words(app))
    assert (target / "card.json").read_text() == "Knows phantoms only."
    assert app.table[0].value.iloc[0].tolist() == ["Accuracy", "75.0 % (50.0–90.0)", "8"]
    # Once more has to be confirmed once more.
    assert button(app, "Promote").disabled


@pytest.mark.parametrize("name", ["gone", "../runs"])
def test_a_link_to_no_run_says_so(runs, name):
    runs.mkdir()
    app = open_page(run=name)
    assert f"There is no run {name}" in words(app)
    assert "How a training goes" in words(button(app, "All runs").click().run())


def test_a_run_of_another_version_is_named_and_the_others_go_on(runs):
    write_run(runs / "fine")
    (write_run(runs / "old") / "state.json").write_text('{"best_loss": 1}')
    app = open_page(section="Runs")
    assert "best_loss: Extra inputs are not permitted" in words(app)
    assert "old cannot be read: state.json: best_loss" in words(open_page(run="old"))


def test_the_page_needs_no_tensorflow(runs, films):
    script = f"""
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file({str(ROOT / "pages" / "train" / "page.py")!r}, default_timeout=60)
app.query_params["dataset"] = {str(films)!r}
while not app.run().code:
    assert not app.exception
print(sorted({{"tensorflow", "keras", "torch"}} & set(sys.modules)))
"""
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
