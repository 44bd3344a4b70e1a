"""What is computed of a film is computed once, and let go of in one place."""

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pages.shared import analysis, inference
from pages.shared.analysis import Analysis
from pages.shared.film_memory import FilmMemory, size_of
from xraycore.config import SHIPPED
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.errors import Cancelled
from xraycore.imaging import Radiograph
from xraycore.imaging.radiograph import RadiographInfo
from xraycore.models.cards import card_sha256

MODELS = ["first", "second", "third", "fourth"]


def film(name="film") -> Analysis:
    pixels = np.zeros((8, 8), np.float32)
    return Analysis(lambda: Radiograph(pixels, RadiographInfo(name, name, "PNG", 8, 8, 8)))


def test_who_asks_while_it_is_computed_waits_for_the_same_answer():
    asked, go, together = [], threading.Event(), threading.Barrier(5)
    one = film()

    def make():
        asked.append(1)
        assert go.wait(10)
        return object()

    def ask(_):
        together.wait()
        return one.once(("slow",), make)

    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(ask, range(4))
        together.wait()
        go.set()
        assert len(set(answers)) == 1
    assert len(asked) == 1


def test_what_fails_is_told_to_all_and_not_kept():
    one, made = film(), []

    def make():
        made.append(1)
        raise OSError("damaged")

    for _ in range(2):
        with pytest.raises(OSError, match="damaged"):
            one.once(("broken",), make)
    assert len(made) == 2


def test_results_of_a_film_are_bounded_the_unread_go_first(monkeypatch):
    monkeypatch.setattr(analysis, "MOST_BRIEF", 10)
    monkeypatch.setattr(analysis, "MOST_LONG", 10)
    one, made = film(), []
    for number in range(30):
        one.once(("used",), lambda: made.append("used"))
        one.once(("brief", number), lambda number=number: made.append(number))
        one.keep({("long", number): number})
        assert one.long_result(("long", 0)) == 0
    assert made.count("used") == 1
    one.once(("brief", 0), lambda: made.append("again"))
    assert "again" in made
    assert [n for n in range(30) if one.long_result(("long", n)) is not None] == [
        0,
        *range(21, 30),
    ]


def test_films_of_all_sessions_share_the_memory(monkeypatch):
    # Two films of less than a thousand bytes each fit, not three.
    memory = FilmMemory(2_000)
    monkeypatch.setattr(analysis, "all_films", lambda: memory)
    first, second, third = films = [film(name) for name in "abc"]
    read = [one.radiograph() for one in (first, second)]
    assert 1_000 < memory.size < 2_000 < 1.5 * memory.size
    first.keep({("long",): "minutes"})
    assert first.radiograph() is read[0]
    third.radiograph()
    # The second was used longest ago; what took minutes stays with any.
    assert [one.radiograph() is kept for one, kept in zip(films, read, strict=False)][0]
    assert second.radiograph() is not read[1]
    assert first.long_result(("long",)) == "minutes"


def test_results_that_take_minutes_go_last_and_never_those_of_the_film_in_use():
    memory = FilmMemory(12_000)
    films = [film(name) for name in "abc"]
    for one in films:
        one.memories = (memory,)
        one.once(("brief",), lambda: bytes(1_000))
        one.keep({("long",): bytes(4_000)})
    # What is brief goes first, then what was used longest ago.
    films[2].once(("more",), lambda: bytes(2_000))
    assert [("brief",) in one._brief for one in films] == [False, False, True]
    assert [one.long_result(("long",)) is None for one in films] == [True, False, False]
    # One alone may take more than there is: it is looked at.
    films[2].keep({("huge",): bytes(20_000)})
    assert memory.size > 20_000
    assert films[2].once(("more",), lambda: "again") == bytes(2_000)
    assert films[1].size == 0
    films[2].close()
    assert memory.size == 0


def test_the_size_of_a_result_is_that_of_its_arrays_each_once():
    pixels = np.zeros((100, 100), np.float32)
    info = RadiographInfo("a", "b", "PNG", 100, 100, 8)
    assert 40_000 < size_of(Radiograph(pixels, info)) < 41_500
    assert 40_000 < size_of({"one": [pixels, pixels], "other": (pixels,)}) < 41_000


def test_a_closed_film_answers_nobody_and_keeps_nothing():
    one, go, begun = film(), threading.Event(), threading.Event()

    def make():
        begun.set()
        go.wait(10)
        return "late"

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(one.once, ("slow",), make)
        assert begun.wait(10)
        one.close()
        go.set()
        assert late.result() == "late"
    one.keep({("long",): "late too"})
    assert one.long_result(("long",)) is None
    assert one._brief == {}
    with pytest.raises(Cancelled):
        one.once(("slow",), make)


@pytest.fixture
def asked(monkeypatch):
    """What was asked, in order; the networks answer once `asked.go` is set."""

    class Asked(list):
        go = threading.Event()

    def prediction(self, name):
        def predict():
            found.append((name, self))
            assert found.go.wait(10)
            if name == "second":
                raise OSError("damaged")
            return name

        return self.once(("prediction", name), predict)

    found = Asked()
    monkeypatch.setattr(Analysis, "prediction", prediction)
    yield found
    found.go.set()


def wait_for(one):
    for future in one._ahead.values():
        if not future.cancelled():
            future.exception(10)


def test_each_network_is_asked_once_a_film_by_prefetch_and_page(asked):
    asked.go.set()
    one = film()
    one.prefetch(MODELS)
    assert one.prediction("first") == "first"
    one.prefetch(MODELS)
    wait_for(one)
    with pytest.raises(OSError, match="damaged"):
        one.prediction("second")
    assert sorted(name for name, _ in asked if name != "second") == ["first", "fourth", "third"]


def test_a_film_that_was_left_is_not_looked_at_to_the_end(asked):
    asked.go.clear()
    one, other = film("a"), film("b")
    one.prefetch(MODELS)
    left = list(one._ahead.values())
    one.stop_prefetch()
    other.prefetch(MODELS)
    asked.go.set()
    wait_for(other)
    assert sorted(name for name, of in asked if of is other) == sorted(MODELS)
    assert {name for name, of in asked if of is one} <= {"first", "second"}
    assert sum(future.cancelled() for future in left) >= 2


def test_a_model_that_was_calibrated_anew_is_asked_anew(tmp_path, monkeypatch):
    shutil.copytree(SHIPPED / "basic_cnn", tmp_path / "basic_cnn")
    shutil.copytree(SHIPPED / "lungs", tmp_path / "lungs")
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    pixels = make_phantom(3, opacity=True, size=256).pixels
    info = RadiographInfo("film", "of a phantom", "PNG", 256, 256, 8)
    one = Analysis(lambda: Radiograph(pixels, info))
    before, print_before = one.prediction("basic_cnn"), card_sha256("basic_cnn")
    file = tmp_path / "basic_cnn" / "card.json"
    card = json.loads(file.read_text())
    file.write_text(json.dumps({**card, "temperature": 1.0, "bias": [9.0, -3.0, -3.0, -3.0]}))
    after = one.prediction("basic_cnn")
    assert card_sha256("basic_cnn") != print_before
    assert (after.logits == before.logits).all()
    assert after.label == "Normal"
    assert after.probabilities["Normal"] > 0.99 > before.probabilities["Normal"]
    assert after.weights_sha256 == before.weights_sha256 == card["weights"]["sha256"]


def test_the_lungs_are_found_once_and_no_whole_film_is_sent_for_them(monkeypatch):
    sent = []
    run = inference.run

    def spy(function, *arguments, **settings):
        sent.append((function.__qualname__, arguments))
        return run(function, *arguments, **settings)

    monkeypatch.setattr(inference, "run", spy)
    pixels = make_phantom(3, opacity=False, size=512).pixels
    info = RadiographInfo("film", "of a phantom", "PNG", 512, 512, 8)
    one = Analysis(lambda: Radiograph(pixels, info))
    first = one.prediction("basic_cnn")
    heatmap = one.heatmap("basic_cnn", "grad_cam", "Normal")
    assert one.heatmap("basic_cnn", "grad_cam", "Normal") is heatmap
    assert one.prediction("basic_cnn") is first
    assert [name for name, _ in sent] == ["segment_lungs", "Classifier.predict", "explain"]
    assert sent[0][1][0][0].pixels.shape == (128, 128)
    assert first.lungs.found
    assert heatmap.box == first.box
