"""The benchmark measures what it says, in turns, and its figures agree with one another."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from xraycore.attribution.registry import ANALYTIC
from xraycore.cli.app import app
from xraycore.cli.main import main  # noqa: F401  (registers the commands)
from xraycore.evaluation.benchmark import (
    TASKS,
    Benchmark,
    Timing,
    benchmark,
    tasks_of,
    time_tasks,
)
from xraycore.utils.progress import Progress


@pytest.fixture
def empty_store(tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path / "weights"))


@pytest.fixture(scope="module")
def tasks(random_classifier):
    return tasks_of(random_classifier("basic_cnn"))


def test_ratios_by_hand():
    found = Benchmark(
        "vgg16",
        "random",
        3,
        {
            "forward": Timing(median=0.5, fastest=0.4),
            "predict_explain": Timing(median=0.55, fastest=0.5),
            "tf_keras_vis": Timing(median=2.2, fastest=2.0),
        },
    ).to_json()
    assert found["tasks"]["predict_explain"] == {
        "seconds": 0.55,
        "seconds_fastest": 0.5,
        "times_forward": pytest.approx(1.1),
        "times_forward_fastest": pytest.approx(1.25),
    }
    assert found["tf_keras_vis_times_predict_explain"] == pytest.approx(4)
    assert found["tf_keras_vis_times_predict_explain_fastest"] == pytest.approx(4)


def test_tasks_take_turns_after_a_round_that_is_not_timed():
    calls = []
    timings = time_tasks({name: lambda n=name: calls.append(n) for name in "abc"}, 4, seed=0)
    rounds = [calls[start : start + 3] for start in range(0, len(calls), 3)]
    assert len(rounds) == 5
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert len({tuple(one) for one in rounds[1:]}) > 1
    assert all(0 < timing.fastest <= timing.median for timing in timings.values())


def test_median_and_fastest(monkeypatch):
    """A clock by which the three timed calls take 5, 1 and 2 seconds."""
    ticks = iter([0, 5, 10, 11, 20, 22])
    monkeypatch.setattr("xraycore.evaluation.benchmark.perf_counter", lambda: next(ticks))
    assert time_tasks({"only": lambda: None}, 3, seed=0) == {"only": Timing(2.0, 1.0)}


def test_both_explanations_are_of_the_same_film_and_agree(tasks):
    """tf-keras-vis' map is ours, class 0, scaled to [0, 1]."""
    assert set(tasks) == set(TASKS)
    maps, theirs = tasks["predict_explain"](), np.asarray(tasks["tf_keras_vis"]())[0]
    ours = maps[..., 0]
    assert ours.max() > 0
    assert maps.shape == (14, 14, 4)
    np.testing.assert_allclose((ours - ours.min()) / np.ptp(ours), theirs, atol=1e-3)


def test_forward_is_the_prediction_of_that_film(tasks, random_classifier, monkeypatch):
    model = random_classifier("basic_cnn")
    passes = []
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda grey: passes.append(forward(grey)) or passes[-1])
    maps = tasks["predict_explain"]()
    ((logits, features),) = passes
    np.testing.assert_allclose(tasks["forward"](), logits, rtol=1e-4)
    np.testing.assert_array_equal(maps, ANALYTIC["grad_cam"](features[0], *model.head))


def test_reading_and_resizing_are_of_a_large_film(tasks):
    assert tasks["read"]().pixels.shape == (1024, 1024)
    assert tasks["resize"]().shape == (224, 224, 1)


def test_figures_of_a_small_run_agree(empty_store):
    seen = []
    (found,) = benchmark(["basic_cnn"], repeats=5, report=seen.append)
    assert seen == [Progress(0.0, "timing basic_cnn")]
    assert (found.model, found.weights, found.repeats) == ("basic_cnn", "random", 5)
    facts = found.to_json()
    forward = facts["tasks"]["forward"]
    assert list(facts["tasks"]) == list(TASKS)
    for task in facts["tasks"].values():
        assert 0 < task["seconds_fastest"] <= task["seconds"] < 60
        assert task["times_forward"] == pytest.approx(task["seconds"] / forward["seconds"])
        assert task["times_forward_fastest"] == pytest.approx(
            task["seconds_fastest"] / forward["seconds_fastest"]
        )
    # Loose: about 1.05 and 8 on two idle cores.
    assert facts["tasks"]["predict_explain"]["times_forward_fastest"] < 3
    assert facts["tf_keras_vis_times_predict_explain_fastest"] > 1


def test_unknown_models_and_no_rounds_are_refused(empty_store):
    with pytest.raises(ValueError, match="Received: 'alexnet'"):
        benchmark(["alexnet"])
    with pytest.raises(ValueError, match="repeats must be at least 1. Received: 0"):
        benchmark(["basic_cnn"], repeats=0)


def test_trained_models_are_the_default(empty_store, monkeypatch, random_classifier):
    timed = []
    monkeypatch.setattr("xraycore.evaluation.benchmark.list_trained", lambda: ["basic_cnn"])
    monkeypatch.setattr("xraycore.evaluation.benchmark.load_model", random_classifier)
    monkeypatch.setattr(
        "xraycore.evaluation.benchmark.time_tasks",
        lambda tasks, repeats, seed: timed.append(repeats) or {},
    )
    (found,) = benchmark(repeats=7)
    assert (found.model, found.weights, timed) == ("basic_cnn", "trained", [7])


def test_command_gives_one_json_document(empty_store):
    result = CliRunner().invoke(
        app, ["benchmark", "--model", "basic_cnn", "--repeats", "1", "--json"]
    )
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert set(document) == {"machine", "tasks", "models"}
    assert {"cores", "load_before", "tensorflow", "keras"} <= set(document["machine"])
    assert [model["model"] for model in document["models"]] == ["basic_cnn"]
    assert set(document["models"][0]["tasks"]) == set(document["tasks"]) == set(TASKS)


def test_command_says_that_weights_are_random(empty_store):
    result = CliRunner().invoke(app, ["benchmark", "--model", "basic_cnn", "--repeats", "1"])
    assert result.exit_code == 0
    assert "predict_explain" in result.stdout
    assert "Random weights, on which timings do not depend: basic_cnn" in result.stderr
