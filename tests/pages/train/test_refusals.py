"""What the Train page refuses, and that it can be used all the same."""

import threading

import pytest

from pages.train import dataset as train_data
from pages.train import start
from tests.pages.train.train_page import button, field, labels, open_page, settle, words
from tests.training.test_runs import row, write_run
from xraycore.datasets.synthetic import phantom
from xraycore.errors import JobError
from xraycore.training.runs import SHIPPING, shipped_into

NO_PATHS = {
    "~nobody-here/films": "no home folder ~nobody-here on this computer",
    "/" + "x" * 300: "it is too long",
    "guarded": "may not be entered by this user",
}


@pytest.fixture(params=NO_PATHS)
def no_path(request, guarded):
    """A text that is no path here, and what is said of it."""
    text = str(guarded / "films") if request.param == "guarded" else request.param
    return text, NO_PATHS[request.param]


def test_a_data_set_at_no_path_is_said(runs, no_path):
    app = open_page(dataset=no_path[0])
    assert no_path[1] in words(app)
    assert "How a training goes" in words(app)


def test_the_data_page_says_the_same(app, no_path):
    app.switch_page("pages/data/page.py").run()
    app.text_input(key="dataset").set_value(no_path[0]).run()
    settle(app, lambda app: app.error)
    assert no_path[1] in words(app)
    assert "RuntimeError" not in words(app)


def test_a_weight_file_at_no_path_is_said(films, runs, no_path):
    app = open_page(dataset=films)
    app.segmented_control(key="start-basic_cnn").set_value("file").run()
    app.text_input(key="weight-file").set_value(no_path[0]).run()
    assert no_path[1] in words(app)
    assert "Start training" not in labels(app)


def test_a_folder_to_promote_into_at_no_path_is_said(films, runs, no_path):
    asked = ["train", str(films), "--model", "vgg16"]
    folder = write_run(runs / "good", stage=2, rows=[row(1, "full")], job={"arguments": asked})
    config = (folder / "run.json").read_text()
    config = config.replace("{", '{"classes": ["Normal", "Opacity"],', 1)
    (folder / "run.json").write_text(config)
    app = open_page(run="good")
    assert "Promote" in labels(app)
    field(app, "text_input", "Folder").set_value(no_path[0]).run()
    assert not app.exception
    assert no_path[1] in words(app)
    assert "Promote" not in labels(app)


def test_a_folder_of_models_that_may_not_be_entered_is_no_empty_one(guarded):
    with pytest.raises(ValueError, match="may not be entered"):
        shipped_into(guarded, "vgg16")


def order(app) -> list[str]:
    """Headings and errors of the page, from above to below."""
    return [one.value for one in app.main if one.type in ("subheader", "error")]


@pytest.fixture
def refused(monkeypatch):
    """The next process is refused, those after it are not."""
    launch, refusals = start.launch, [JobError("another process works there")]

    def once(*args, **more):
        if refusals:
            raise refusals.pop()
        launch(*args, **more)

    monkeypatch.setattr(start, "launch", once)


def test_a_refused_start_is_said_and_can_be_tried_again(films, runs, refused):
    app = open_page(dataset=films)
    button(app, "Start training").click().run()
    assert order(app)[-3:] == ["Start", "another process works there", "Which learning rate?"]
    assert not button(app, "Start training").disabled
    button(app, "Start training").click().run()
    assert app.query_params["run"] in ("basic_cnn-quick", ["basic_cnn-quick"])


def test_a_refused_search_for_a_rate_is_said_where_it_was_asked_for(films, runs, refused):
    app = open_page(dataset=films)
    button(app, "Find a learning rate").click().run()
    assert order(app)[-3:] == ["Start", "Which learning rate?", "another process works there"]
    assert not button(app, "Start training").disabled
    button(app, "Find a learning rate").click().run()
    assert "another process works there" not in words(app)
    settle(app, lambda app: "Use 1.0e-03" in labels(app))


@pytest.fixture
def drawing(tmp_path, monkeypatch):
    """Phantoms are drawn into an own cache folder, each job held up after its first film."""

    class Drawing:
        begun, go_on = threading.Semaphore(0), threading.Event()

    def held(seed, **how):
        if seed == 1:
            Drawing.begun.release()
            assert Drawing.go_on.wait(20)
        return make(seed, **how)

    make = phantom.make_phantom
    monkeypatch.setenv("XRAYCORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(phantom, "make_phantom", held)
    train_data._generating.clear()
    yield Drawing
    Drawing.go_on.set()
    train_data._generating.clear()


def test_two_jobs_that_draw_the_same_films_leave_one_another_alone(drawing, tmp_path):
    jobs = []
    for _ in range(2):
        jobs.append(train_data._generating(10))
        assert drawing.begun.acquire(timeout=10)
        train_data._generating.clear(10)
    drawing.go_on.set()
    for job in jobs:
        assert job.wait(20)
        assert job.error is None
    folder = train_data.phantoms_folder(10)
    assert len(list(folder.glob("*/*.png"))) == 20
    assert list((tmp_path / "cache").iterdir()) == [folder]


def test_reading_a_data_set_again_leaves_the_drawing_of_others_alone(drawing):
    job = train_data._generating(10)
    train_data._forget((str(train_data.phantoms_folder(20)),), "")
    train_data._forget(("/films",), "")
    assert train_data._generating(10) is job
    train_data._forget((str(train_data.phantoms_folder(10)),), "")
    assert train_data._generating(10) is not job


@pytest.mark.parametrize("linked", [SHIPPING, f"{SHIPPING}/limits.txt", "notes.txt"])
def test_a_link_in_a_run_has_a_promotion_write_nowhere_else(films, runs, tmp_path, linked):
    asked = ["train", str(films), "--model", "vgg16"]
    folder = write_run(runs / "good", stage=2, rows=[row(1, "full")], job={"arguments": asked})
    config = (folder / "run.json").read_text()
    config = config.replace("{", '{"classes": ["Normal", "Opacity"],', 1)
    (folder / "run.json").write_text(config)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "limits.txt").write_text("mine")
    place = folder / linked
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(mine if linked == SHIPPING else mine / "limits.txt")
    app = open_page(run="good")
    field(app, "text_input", "Folder").set_value(str(tmp_path / "models")).run()
    button(app, "Promote").click().run()
    assert not app.exception
    assert "a link to another place" in words(app)
    assert [file.name for file in mine.iterdir()] == ["limits.txt"]
    assert (mine / "limits.txt").read_text() == "mine"
