"""The process that owns TensorFlow, as the app starts and calls it."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from pages.shared import inference_worker
from pages.shared.inference import InferenceError, InferenceProcess
from pages.shared.inference_worker import Network
from xraycore.anatomy.crop import ModelInput
from xraycore.anatomy.lung_field import lung_field, segment_lungs
from xraycore.attribution.heatmap import explain
from xraycore.attribution.metrics.lesion_removal import clear
from xraycore.datasets.samples import phantom_film
from xraycore.errors import ArgumentError, Cancelled
from xraycore.imaging.box import Box
from xraycore.models.classifier import Classifier, load_model
from xraycore.utils.progress import Progress

# Each starts the process that imports TensorFlow.
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def worker():
    process = InferenceProcess()
    yield process
    process.close()


@pytest.fixture
def seen() -> ModelInput:
    grey = np.random.default_rng(0).random((224, 224, 1), dtype=np.float32)
    return ModelInput(grey, Box(), lung_field(np.zeros((128, 128))), ("Not a film.",))


def test_what_it_says_is_what_the_library_says(worker, seen):
    network = Network.of("basic_cnn")
    found = worker.run(Classifier.predict, network, seen)
    expected = load_model("basic_cnn").predict(seen)
    np.testing.assert_allclose(found.logits, expected.logits, atol=1e-5)
    assert found.warnings == expected.warnings
    heatmap = worker.run(explain, network, found, "grad_cam", "Normal")
    np.testing.assert_allclose(
        heatmap.values,
        explain(load_model("basic_cnn"), expected, "grad_cam", "Normal").values,
        atol=1e-5,
    )
    assert (network.size, network.view) == (224, "lungs")
    film = phantom_film(3, opacity=False)
    (lungs,) = worker.run(segment_lungs, [film])
    np.testing.assert_array_equal(lungs.mask, segment_lungs([film])[0].mask)


def test_it_tells_how_far_it_is_and_can_be_stopped(worker, seen):
    network, shares = Network.of("basic_cnn"), []
    prediction = worker.run(Classifier.predict, network, seen)
    worker.run(
        explain,
        *(network, prediction, "score_cam", "Normal"),
        report=lambda now: shares.append(now.done),
    )
    assert shares == sorted(shares) and len(shares) > 2 and shares[-1] == 1.0

    told = []

    def stop(now: Progress) -> None:
        told.append(now)
        raise Cancelled

    with pytest.raises(Cancelled):
        worker.run(explain, network, prediction, "rise", "Normal", report=stop)
    assert len(told) == 1
    # Nobody waits for what was stopped.
    assert worker.run(Classifier.predict, network, seen).label == prediction.label


def test_calls_of_several_threads_do_not_wait_for_one_another(worker, seen):
    network = Network.of("basic_cnn")
    prediction = worker.run(Classifier.predict, network, seen)
    begun, go_on, found = threading.Event(), threading.Event(), []

    def report(now):
        begun.set()
        go_on.wait(30)

    def work():
        found.append(worker.run(explain, network, prediction, "rise", "Normal", report=report))

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(30)
    worker.run(Classifier.predict, network, seen)
    assert found == []
    go_on.set()
    thread.join(60)
    assert len(found) == 1


def test_what_is_wrong_there_is_raised_here(worker, seen):
    network = Network.of("basic_cnn")
    prediction = worker.run(Classifier.predict, network, seen)
    with pytest.raises(ArgumentError, match="method must be one of"):
        worker.run(explain, network, prediction, "no such method")
    # A bug: its trace is with it, for the log.
    with pytest.raises(AttributeError) as bug:
        worker.run(clear, network, "no prediction")
    assert "lesion_removal" in "".join(bug.value.__notes__)


def test_a_process_that_ends_says_so(seen):
    process = InferenceProcess()
    network = Network.of("basic_cnn")
    process.run(Classifier.predict, network, seen)
    process._process.kill()
    process._process.wait()
    assert not process.alive
    with pytest.raises(InferenceError, match="ended before it answered"):
        process.run(Classifier.predict, network, seen)
    process.close()


def test_the_app_itself_never_imports_tensorflow():
    """Else Streamlit would clear Keras' state and collect garbage after each of its runs."""
    script = """
import sys
from pages.shared import inference
from pages.shared.analysis import Analysis
from pages.shared.inference import InferenceProcess
from xraycore.datasets.samples import phantom_film

process = InferenceProcess()
inference.process = lambda: process
film = Analysis(lambda: phantom_film(3, opacity=True))
heatmap = film.heatmap("basic_cnn", "saliency", film.prediction("basic_cnn").label)
film.implausible(heatmap)
process.close()
print(heatmap.values.any(), sorted({"tensorflow", "keras"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True []"


def test_models_are_loaded_ahead_once_and_one_that_is_not_there_holds_up_none(worker, monkeypatch):
    asked, run = [], worker.run
    monkeypatch.setattr(
        worker, "run", lambda f, network: (asked.append(network.name), run(f, network))
    )
    worker.prepare(["no_such_network", "basic_cnn"])
    worker.prepare(["xception"])
    for thread in worker._preparing:
        thread.join()
    assert asked == ["basic_cnn"]


def test_a_network_that_is_there_waits_for_none_that_is_being_loaded(monkeypatch):
    network = Network.of("basic_cnn")
    there = {network.name: (network.card_sha256, "the classifier")}
    monkeypatch.setattr(inference_worker, "_loaded", there)
    with ThreadPoolExecutor(1) as pool, inference_worker._loading:
        asked = pool.submit(inference_worker.perform, str.upper, [network], {})
        assert asked.result(timeout=20) == "THE CLASSIFIER"


def test_one_network_is_loaded_while_another_runs_for_the_first_time(monkeypatch):
    """Loading one does not wait until the one before has run; whoever ran is not run again."""
    ran = []

    class Loaded:
        size = 8

        def __init__(self, name):
            self.name, self.compiled = name, self
            assert not ran, "it waited for a run"

        def experimental_get_tracing_count(self):
            return ran.count(self.name)

        def forward(self, grey):
            if self.name == "one":
                inference_worker.perform(str, [Network("two", "card")], {})
            ran.append(self.name)

    monkeypatch.setattr(inference_worker, "load_model", Loaded)
    monkeypatch.setattr(inference_worker, "_loaded", {})
    for _ in range(2):
        inference_worker.perform(inference_worker.make_ready, [Network("one", "card")], {})
    assert ran == ["one"] and list(inference_worker._loaded) == ["one", "two"]
