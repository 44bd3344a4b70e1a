"""Films as a user would upload them, and the app as AppTest sees it."""

import json
import shutil

import cv2
import numpy as np
import pytest
from streamlit.runtime.scriptrunner import script_runner
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from pages.shared import cache, inference
from pages.shared.inference_worker import perform
from pages.shared.open_films import OpenFilm
from tests.conftest import ROOT
from tests.datasets.film_files import draw, write
from tests.jobs.test_process import STAND_IN
from xraycore.jobs import process
from xraycore.models.cards import read_card
from xraycore.models.classifier import Classifier
from xraycore.reader_study import ReaderStudyRepository, ToRead, open_database
from xraycore.training.runs import list_runs

# A film that comes with the package.
SAMPLE = "Clear lungs 1"


def png(seed: int = 0, shape: tuple[int, int] = (300, 240)) -> bytes:
    """A smooth grey film as PNG bytes."""
    noise = np.random.default_rng(seed).random(shape, dtype=np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 12)
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    return cv2.imencode(".png", (smooth * 255).astype(np.uint8))[1].tobytes()


REVIEW_FILMS = [OpenFilm.of_file(f"film-{n}.png", png(seed=60 + n)) for n in range(2)]


class InThisProcess:
    """Runs networks in the tests' own process, where tests can count and replace what they do."""

    def run(self, function, *arguments, report=None, **settings):
        given = {"report": report} if report else {}
        return perform(function, arguments, settings | given)

    def prepare(self, names):
        """Nothing: a test asks for what it needs."""


@pytest.fixture(autouse=True)
def inference_in_this_process(monkeypatch):
    monkeypatch.setattr(inference, "process", InThisProcess)
    # The first run in a server reloads the browser's page, which is not there.
    monkeypatch.setattr("pages.shared.layout.server_started", lambda: True)
    # A run of the reading room ends with all answers.
    monkeypatch.setattr("pages.compare.reading.PATIENCE", 60)
    # Samples are shared by all sessions; a test is to find none of what another made of them.
    cache.sample_analysis.clear()
    # Streamlit clears Keras' state after each run where Keras is imported: here, not in the app.
    monkeypatch.setattr(script_runner, "_clean_problem_modules", lambda: None)


def selected(app: AppTest, key: str) -> list[int] | None:
    """The rows that a table tells the browser to select; None where it leaves what is there."""
    proto = next(one.proto for one in app.dataframe if (one.key or "").startswith(key))
    if not proto.HasField("selection_state"):
        return None
    return json.loads(proto.selection_state)["selection"]["rows"]


def select_rows(app: AppTest, key: str, *rows: int) -> None:
    """Runs the app as the browser does with these rows of a table selected; AppTest cannot."""
    proto = next(one.proto for one in app.dataframe if (one.key or "").startswith(key))
    states = app._tree.get_widget_states()
    chosen = {"rows": rows, "columns": [], "cells": []}
    states.widgets.add(id=proto.id, string_value=json.dumps({"selection": chosen}))
    app._run(states)


@pytest.fixture
def app(monkeypatch) -> AppTest:
    """The app, run once."""
    monkeypatch.chdir(ROOT)
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120).run()


@pytest.fixture
def reviews(tmp_path, monkeypatch, migrated):
    """The app's database, empty."""
    shutil.copy(migrated, tmp_path / "reviews.sqlite3")
    url = f"sqlite:///{tmp_path / 'reviews.sqlite3'}"
    monkeypatch.setenv("XRAYCORE_DATABASE", url)
    # Looking for what is not here would read every film of the data sets.
    monkeypatch.setattr("xraycore.datasets.locator.FilmLocator.must_search", lambda *_: False)
    engine = open_database(url)
    yield ReaderStudyRepository(engine)
    engine.dispose()


@pytest.fixture
def study(reviews):
    """Two films, of which the basic CNN's Grad-CAM is judged, blinded."""
    weights = read_card("basic_cnn")["weights"]["sha256"]
    made = ("basic_cnn", "grad_cam", "Bacterial pneumonia", weights)
    return reviews.create_study(
        "Pilot", [ToRead(f.sha256, *made) for f in REVIEW_FILMS], blinded=True
    )


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    """Ten films of each of two classes."""
    folder = tmp_path_factory.mktemp("films") / "set"
    for number in range(20):
        label = ("NORMAL", "OPACITY")[number % 2]
        write(folder / label / f"film-{number}.png", draw(number, (40, 40)))
    return folder


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """The folder of runs; processes that the page starts learn nothing, and fast."""
    monkeypatch.setenv("XRAYCORE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("XRAYCORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("STAND_IN_PAUSE", "0.2")
    monkeypatch.setattr(process, "COMMAND", STAND_IN)
    yield tmp_path / "runs"
    for run in list_runs(tmp_path / "runs"):
        process.stop(run.folder, at_once=True)


@pytest.fixture
def explain(monkeypatch):
    """`explain(**query)`: the page, opened by a link, with the smallest model."""
    monkeypatch.chdir(ROOT)

    def open_page(**query) -> AppTest:
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
        # Before its first run `switch_page` knows a page by the name of its file alone, and after
        # it the bound fields hold their values against the link's.
        app._page_hash = calc_hash("explain")
        for name, value in ({"sample": SAMPLE, "model": "Basic CNN"} | query).items():
            app.query_params[name] = value
        return app.run()

    return open_page


@pytest.fixture
def passes(monkeypatch):
    """How many films went through any network."""
    seen = []
    forward = Classifier.forward
    monkeypatch.setattr(
        Classifier, "forward", lambda self, grey: (seen.append(len(grey)), forward(self, grey))[1]
    )
    return seen


@pytest.fixture
def small_model(monkeypatch):
    """One model, the small one: for tests that are about films."""
    monkeypatch.setattr("pages.shared.cache.list_trained", lambda: ["basic_cnn"])
