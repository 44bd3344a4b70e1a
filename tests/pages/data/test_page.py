import hashlib
import json
import time

import numpy as np
import pytest
import streamlit as st

from pages.data import films as dataset_films
from pages.shared.open_films import OpenFilm
from tests.datasets.film_files import draw, write
from tests.pages.conftest import png
from tests.pages.films_page import open_in, opened, titles
from xraycore.datasets.audit.audit import BY_NAME, audit_names
from xraycore.datasets.audit.shortcuts import FEATURES, ShortcutScore
from xraycore.datasets.index import read_measured
from xraycore.datasets.manifest import read_manifest
from xraycore.errors import Cancelled
from xraycore.utils.progress import Progress


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Six films; a copy of one in the other split, a patient in both, a file that is none."""
    folder = tmp_path_factory.mktemp("planted") / "set"
    for number, split in enumerate(("train", "train", "test")):
        write(folder / split / "NORMAL" / f"IM-000{number}-0001.png", draw(number))
    for number, split in ((1, "train"), (2, "train"), (3, "test")):
        film = draw(10 + number)
        write(folder / split / "PNEUMONIA" / f"person{number % 2}_virus_{number}.png", film)
    original = folder / "train" / "NORMAL" / "IM-0000-0001.png"
    (folder / "test" / "NORMAL" / "IM-0009-0001.png").write_bytes(original.read_bytes())
    (folder / "train" / "NORMAL" / "IM-0008-*a*_[b].png").write_bytes(b"no picture")
    return folder


def open_page(app, dataset, tab="Findings"):
    """The Data page on a data set, once that is read."""
    app.switch_page("pages/data/page.py").run()
    app.text_input(key="dataset").set_value(str(dataset)).run()
    deadline = time.monotonic() + 60
    while app.get("progress") and time.monotonic() < deadline:
        time.sleep(0.1)
        app.run()
    return show(app, tab)


def test_a_class_whose_files_cannot_be_read_is_a_class_all_the_same(app, tmp_path):
    for number in range(3):
        write(tmp_path / "set" / "normal" / f"{number}.png", draw(number))
        broken = tmp_path / "set" / "covid" / f"{number}.png"
        broken.parent.mkdir(exist_ok=True)
        broken.write_bytes(b"no picture")
    open_page(app, tmp_path / "set", "Classes")
    assert not app.exception
    (row,) = app.table[0].value.to_dict("records")
    assert {name.replace("\\", "").replace("\u2060", ""): count for name, count in row.items()} == {
        "Normal": "3",
        "COVID-19": "3",
        "All": "6",
    }


def show(app, tab):
    app.session_state["tab"] = tab
    return app.run()


def words(app) -> str:
    """All text of the page, without the backslashes that keep Markdown from reading it."""
    return "\n".join(e.value for e in (*app.markdown, *app.caption, *app.subheader)).replace(
        "\\", ""
    )


def grids(app) -> list[list[str]]:
    """The titles of each grid of films."""
    found = []
    for element in app.get("bidi_component"):
        tiles = json.loads(element.proto.json).get("tiles")
        if tiles is not None:
            found.append([tile["title"] for tile in tiles])
    return found


def test_the_start_offers_data_sets(app):
    app.switch_page("pages/data/page.py").run()
    assert not app.exception
    assert app.title[0].value == "Data"
    assert any(button.label == "Generate and open" for button in app.button)
    assert "path,label[,split,group]" in app.code[0].value


def test_headline_and_findings(app, planted):
    open_page(app, planted)
    assert not app.exception
    numbers = {metric.label: metric.value for metric in app.metric}
    assert numbers["Films"] == "8"
    # Five IM numbers and two persons, of whom one has two films.
    assert numbers["Patients"] == "7"
    assert (numbers["Classes"], numbers["Splits"]) == ("2", "2")
    text = words(app)
    assert "1 patient lies in more than one split: set/person1_virus." in text
    assert "1 of these across splits (IM-0000-0001.png = IM-0009-0001.png)" in text
    assert "1 of 8 files cannot be read: IM-0008-*a*_[b].png." in text
    assert "Fetch them again or take them out." in text


def test_a_finding_leads_to_what_it_is_about(app, planted):
    open_page(app, planted)
    button = next(b for b in app.button if b.help == "Opens Patients.")
    button.click().run()
    assert app.session_state["tab"] == "Patients"
    assert "Patients in several splits: 1" in words(app)


def test_the_copy_and_the_patient_stand_side_by_side(app, planted):
    open_page(app, planted, "Copies")
    assert sorted(grids(app)[0]) == [
        "test/NORMAL/IM-0009-0001.png",
        "train/NORMAL/IM-0000-0001.png",
    ]
    assert "the same bytes · :orange[in several splits" in words(app)
    show(app, "Patients")
    assert grids(app) == [
        ["train/PNEUMONIA/person1_virus_1.png", "test/PNEUMONIA/person1_virus_3.png"]
    ]
    assert "in training and test" in words(app)


def test_pictures_side_by_side_are_decoded_once(app, planted, monkeypatch):
    decoded = []
    monkeypatch.setattr(
        "pages.data.films.read_measured",
        lambda path, sha256: (decoded.append(path), read_measured(path, sha256))[1],
    )
    dataset_films._reduced.clear()
    open_page(app, planted, "Copies")
    assert len(decoded) == 2
    show(app, "Patients")
    assert len(decoded) == 4
    show(app, "Copies")
    assert len(decoded) == 4


def test_a_picture_is_kept_reduced(tmp_path):
    path = tmp_path / "film.png"
    path.write_bytes(png(70, (900, 600)))
    picture = dataset_films._reduced(path, hashlib.sha256(path.read_bytes()).hexdigest())
    assert (picture.shape, picture.dtype) == ((360, 240), np.uint8)


def test_every_tab_draws(app, planted):
    open_page(app, planted, "Classes")
    assert app.table[0].value.loc["Training"].to_dict() == {
        "Normal": "3",
        "Viral pneumonia": "2",
        "All": "5",
    }
    show(app, "Sizes and greys")
    assert "160 × 160 pixels" in app.info[0].value
    show(app, "Films")
    averages, gallery = grids(app)
    assert averages == ["Normal", "Viral pneumonia"] * 2
    assert len(gallery) == 4
    app.selectbox(key="gallery-class").select("Viral pneumonia").run()
    app.selectbox(key="gallery-split").select("test").run()
    assert grids(app)[1] == ["person1_virus_3.png"]
    show(app, "Shortcuts")
    assert "Too few patients of two classes" in words(app)
    show(app, "Files")
    assert app.dataframe[0].value["File"].to_list() == ["train/NORMAL/IM-0008-*a*_[b].png"]
    assert not app.exception


def test_a_film_is_shown_large_with_what_training_makes_of_it(app, planted):
    open_page(app, planted, "Films")
    film = planted / "train" / "NORMAL" / "IM-0001-0001.png"
    app.session_state["opened-film"] = str(film)
    app.run()
    assert not app.exception
    assert "train/NORMAL/IM-0001-0001.png" in words(app)
    assert ["Unchanged", *(f"Seed {n}" for n in range(7))] in grids(app)
    assert "turned by up to 10°" in words(app)


def test_a_film_of_a_name_that_is_open_is_opened_under_another(app, planted, monkeypatch):
    monkeypatch.setattr("pages.shared.cache.list_trained", lambda: ["basic_cnn"])
    name = "IM-0001-0001.png"
    other = OpenFilm.of_file(name, png(1))
    open_in(app, other)
    for _ in range(2):
        open_page(app, planted, "Films")
        film = str(planted / "train" / "NORMAL" / name)
        app.session_state["opened-film"] = film
        app.run()
        # A dialog's own runs are unknown to AppTest: it is opened anew for the click.
        app.session_state["opened-film"] = film
        app.button(key="open-in-compare").click().run()
        assert not app.exception
        assert titles(app) == [name, f"{name} (2)"]
        assert opened(app).current is not other


def test_names_of_classes_and_patients_are_shown_as_they_are(app, tmp_path):
    for number in range(2):
        write(tmp_path / "NORMAL" / f"{number}.png", draw(50 + number))
    film = write(tmp_path / "my_*odd*_class" / "p_*1*_.png", draw(60))
    open_page(app, tmp_path, "Classes")
    assert list(app.table[0].value.columns) == ["Normal", r"my\_\*odd\*\_class", "All"]
    show(app, "Films")
    app.session_state["opened-film"] = str(film)
    app.run()
    facts = app.table[0].value.iloc[:, 0]
    assert facts["Class"] == r"my\_\*odd\*\_class"
    assert facts["Patient"] == r"p\_\*1\*\_"
    assert facts["Split"] == "No split given"


def test_shortcuts_are_told_in_pairs_of_a_hundred(app, tmp_path, monkeypatch):
    medians = dict.fromkeys(FEATURES, 1.0)
    classes = ("COVID-19", "Normal")
    measured = ShortcutScore(
        *(classes, 2, 0.52, 0.5, 0.834, 0.7, 0.5, 0.6),
        {label: medians for label in classes},
    )
    monkeypatch.setattr("xraycore.datasets.audit.audit.measure_shortcuts", lambda *_: measured)
    for number, label in enumerate(("NORMAL", "Covid")):
        write(tmp_path / label / f"{number}.png", draw(40 + number))
    open_page(app, tmp_path, "Shortcuts")
    assert not app.exception
    text = words(app)
    assert "**52 of 100** such pairs, no better than guessing; with mean brightness" in text
    assert "**83 of 100** such pairs. Whatever" in text
    assert "AUROC 0.52 and 0.83" in text
    assert app.table[0].value.index.to_list() == ["Normal", "COVID-19"]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("no/such/folder", "there is nothing"),
        ("", "expected images under"),
        ("a\0b", "there is nothing"),
        ("x" * 5000, "too long"),
    ],
)
def test_a_bad_folder_is_named_and_the_layouts_stand_below(app, tmp_path, place, said):
    open_page(app, f"{tmp_path}/{place}")
    assert not app.exception
    assert said in app.error[0].value.replace("\\", "").replace("\u2060", "")
    assert "path,label[,split,group]" in app.code[0].value
    # The folder may be put right, and is read again.
    write(tmp_path / "NORMAL" / "a.png", draw(1))
    if not place:
        app.button(key="again").click().run()
        open_page(app, f"{tmp_path}/")
        assert {metric.label: metric.value for metric in app.metric}["Films"] == "1"


def test_one_class_and_nothing_readable(app, tmp_path):
    (tmp_path / "NORMAL").mkdir()
    (tmp_path / "NORMAL" / "a.png").write_bytes(b"text")
    open_page(app, tmp_path)
    assert "All films are of one class, Normal." in words(app)
    for tab in ("Classes", "Sizes and greys", "Films", "Copies", "Patients", "Shortcuts", "Files"):
        show(app, tab)
        assert not app.exception
    assert app.dataframe[0].value["File"].to_list() == ["a.png"]


def test_a_known_layout_is_said_and_what_is_not_used_has_its_reason(app, tmp_path):
    for number, name in enumerate(("COVID", "Normal")):
        write(tmp_path / "set" / name / "images" / f"{name}.png", draw(number))
        write(tmp_path / "set" / name / "masks" / f"{name}.png", draw(number))
    (tmp_path / "set" / "README.txt").touch()
    open_page(app, tmp_path / "set", "Files")
    assert not app.exception
    said = "COVID-19 Radiography Database: 2 films of 2 patients"
    assert any(said in text.value.replace("\\", "") for text in app.markdown)
    (table,) = (frame.value for frame in app.dataframe if "Why" in frame.value)
    assert dict(zip(table["Why"], table["Number"], strict=True)) == {
        "masks, not films": 2,
        "tables and texts": 1,
    }
    assert "COVID/masks/COVID.png" in table["For instance"][0]


def test_uncertain_labels_are_read_as_asked(app, tmp_path):
    rows = ["a.png,1,0", "b.png,0,1", "c.png,-1,0"]
    for number, row in enumerate(rows):
        write(tmp_path / "set" / row[:5], draw(number))
    file = tmp_path / "set" / "labels.csv"
    file.write_text("path,Pneumonia,Mass\n" + "\n".join(rows) + "\n")
    open_page(app, file)
    assert {metric.label: metric.value for metric in app.metric}["Films"] == "2"
    app.selectbox(key="labels-uncertain").set_value("positive").run()
    open_page(app, file)
    assert {metric.label: metric.value for metric in app.metric}["Films"] == "3"


def test_a_survey_can_be_stopped_and_gone_on_with(app, tmp_path, monkeypatch):
    write(tmp_path / "NORMAL" / "a.png", np.full((160, 160), 90, np.uint8))

    def slow(names, policy, *, store, report, on_part):
        on_part(audit_names(read_manifest(tmp_path)), BY_NAME)
        for step in range(200):
            report(Progress(step / 200, "reading films"))
            time.sleep(0.05)
        raise AssertionError("was not stopped")

    with monkeypatch.context() as patch:
        patch.setattr("xraycore.datasets.audit.overview.survey_dataset", slow)
        app.switch_page("pages/data/page.py").run()
        app.text_input(key="dataset").set_value(str(tmp_path)).run()
        assert "Reading films" in app.get("progress")[0].proto.text
        # What names tell is there before any film is read.
        app.run()
        assert app.table[0].value.loc["No split given"].tolist() == ["1", "1"]
        assert any("Still to come: files, films, copies" in one.value for one in app.caption)
        app.button(key="stop").click().run()
        assert "Stopped" in app.info[0].value
    app.button(key="go-on").click().run()
    open_page(app, tmp_path)
    assert {metric.label: metric.value for metric in app.metric}["Films"] == "1"


def test_the_readme_of_a_set_is_shown_as_text(app, tmp_path):
    write(tmp_path / "NORMAL" / "a.png", np.full((160, 160), 90, np.uint8))
    (tmp_path / "README.md").write_text("# Films of *nobody*\n\n<script>alert(1)</script>")
    (tmp_path / "licence").write_bytes(b"\x00\x01 no text")
    open_page(app, tmp_path)
    assert [one.label for one in app.expander if "README" in one.label] == [
        "README and notes: README.md"
    ]
    assert "# Films of *nobody*\n\n<script>alert(1)</script>" in [one.value for one in app.code]


def test_of_many_surveys_the_oldest_ends(app, tmp_path, monkeypatch):
    """An address can ask for one after another, each of which would read whole data sets."""
    ended = []

    def survey(places, *_, report, **__):
        try:
            while True:
                report(Progress(0.1, "reading films"))
                time.sleep(0.01)
        except Cancelled:
            ended.append(places[0])
            raise

    monkeypatch.setattr("xraycore.datasets.audit.overview.survey_dataset", survey)
    folders = [tmp_path / str(number) for number in range(5)]
    app.switch_page("pages/data/page.py").run()
    for folder in folders:
        folder.mkdir()
        app.text_input(key="dataset").set_value(str(folder)).run()
    deadline = time.monotonic() + 10
    while not ended and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ended == [str(folders[0])]
    st.cache_resource.clear()
