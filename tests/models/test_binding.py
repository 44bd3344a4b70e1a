"""Cards that lie: about classes, files, numbers; and who a network is from."""

import json
import shutil

import h5py
import keras
import numpy as np
import pytest

from tests.conftest import ROOT
from xraycore.config import SHIPPED
from xraycore.errors import WeightsError
from xraycore.imaging.film_warnings import warning_codes
from xraycore.models.architectures import build_network
from xraycore.models.cards import (
    SHIPPED_MODELS,
    bind_weights,
    card_sha256,
    list_trained,
    read_card,
    shipped_models,
)
from xraycore.models.classifier import load_model
from xraycore.models.registry import get_spec
from xraycore.utils.checkpoints import (
    describe_weights,
    load_weights,
    read_arrays,
    save_float16,
)
from xraycore.utils.files import sha256

FILE = "basic_cnn.weights.h5"
MINE = {"model": "basic_cnn", "classes": ["Clear", "Ill"], "view": "film", "input_size": 64}


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def shipped(store):
    """The basic CNN as it is shipped; gives its card's file."""
    shutil.copytree(SHIPPED / "basic_cnn", store / "basic_cnn")
    return store / "basic_cnn" / "card.json"


@pytest.fixture
def mine(store):
    """A network that somebody trained, as the export stores it; gives its card's file."""
    folder = store / "basic_cnn"
    folder.mkdir()
    keras.utils.set_random_seed(0)
    network = build_network(get_spec("basic_cnn"), 2, size=64)
    save_float16(network, folder / FILE)
    bind_weights(folder / FILE, MINE)
    card = {**MINE, "weights": describe_weights(folder / FILE), "heat_scale": {}}
    (folder / "card.json").write_text(
        json.dumps({**card, "training": {}, "scores": {}, "limits": []})
    )
    return folder / "card.json"


def change(card, **entries):
    card.write_text(json.dumps(json.loads(card.read_text()) | entries))


def test_every_shipped_model_is_pinned():
    """`python -m tools.pin_models` once a network or its card is another."""
    assert SHIPPED_MODELS.is_file()
    for card in SHIPPED.glob("*/card.json"):
        if card.parent.name != "lungs":
            held = shipped_models()[json.loads(card.read_text())["weights"]["sha256"]]
            assert sha256(card) in held["cards"], card.parent.name


def test_shipped_models_answer_without_a_word_about_their_origin(film):
    prediction = load_model("basic_cnn").predict(film)
    assert "own-model" not in warning_codes(prediction.warnings)
    assert prediction.card_sha256 == sha256(ROOT / "weights" / "basic_cnn" / "card.json")


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("classes", ["Bacterial pneumonia", "Normal", "Viral pneumonia", "COVID-19"]),
        ("classes", ["Normal", "Bacterial pneumonia", "Viral pneumonia", "Cancer"]),
        ("view", "film"),
        ("input_size", 96),
        ("end", "stage4"),
    ],
)
def test_shipped_weights_answer_what_they_were_trained_on(shipped, entry, value):
    change(shipped, **{entry: value})
    with pytest.raises(WeightsError, match=f"card.json: expected {entry} .*as the weights were"):
        read_card("basic_cnn")
    with pytest.raises(WeightsError, match=f"expected {entry}"):
        load_model("basic_cnn")


@pytest.mark.parametrize(
    ("entry", "value"),
    [("classes", ["Ill", "Clear"]), ("view", "lungs"), ("input_size", 128), ("model", "vgg16")],
)
def test_so_do_those_that_a_user_trained(mine, entry, value):
    assert load_model("basic_cnn").classes == ("Clear", "Ill")
    change(mine, **{entry: value})
    with pytest.raises(WeightsError, match=f"expected .*{'card' if entry == 'model' else entry}"):
        load_model("basic_cnn")


def test_a_weight_file_that_says_who_it_is_loads_plainly(mine):
    network = build_network(get_spec("basic_cnn"), 2, size=64)
    network.load_weights(mine.parent / FILE)
    assert load_model("basic_cnn").network.count_params() == network.count_params()


def test_who_is_not_ours_says_so_in_every_answer(mine, film):
    prediction = load_model("basic_cnn").predict(film)
    assert "own-model" in warning_codes(prediction.warnings)
    assert any("Basic CNN did not come with xraycore" in text for text in prediction.warnings)
    assert prediction.card_sha256 == card_sha256("basic_cnn") == sha256(mine)


@pytest.mark.parametrize("entries", [{"temperature": 5.0}, {"scores": {}}, {"limits": ["None."]}])
def test_a_changed_card_says_so(shipped, film, entries):
    change(shipped, **entries)
    told = [one for one in load_model("basic_cnn").predict(film).warnings if "card of" in one]
    assert told and warning_codes(told) == ["own-model"]


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"classes": []}, "classes"),
        ({"classes": ["Normal", "Normal"]}, "classes: expected every name once"),
        ({"classes": "Normal"}, "classes"),
        ({"classes": [{"a": 1}, "b"]}, "classes.0"),
        ({"classes": ["a\nb", "c"]}, "classes.0: expected a line"),
        ({"view": "elsewhere"}, "view"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": -1}, "temperature"),
        ({"bias": [float("nan")]}, "bias.0"),
        ({"input_size": 10**9}, "input_size"),
        ({"operating_points": {"x": {"title": "x"}}}, "operating_points.x.threshold"),
        ({"weights": {"file": "../../x.weights.h5", "sha256": "0" * 64}}, "weights.file"),
        ({"weights": {"file": "x.pkl", "sha256": "0" * 64}}, "weights.file"),
        ({"weights": []}, "weights"),
        ({"scores": {"all": {"accuracy": 1}}}, "scores.all.accuracy"),
        ({"external": {"nih": {}}}, "external.nih.citation"),
        ({"training": {"split_sizes": {"train": 3}}}, "training.split_sizes.train"),
        ({"training": None}, "training"),
        ({"limits": "none"}, "limits"),
        ({"heat_scale": {"grad_cam": None}}, "heat_scale.grad_cam"),
        ({"data": [1]}, "data"),
        ({"inside_lungs": {"x": 3}}, "inside_lungs.x"),
        ({"levels": {"opacity": {"trust": {"none": "much"}}}}, "levels.opacity.trust.none"),
    ],
)
def test_a_malformed_card_takes_out_its_model_only(shipped, store, entries, said):
    shutil.copytree(SHIPPED / "vgg16", store / "vgg16", ignore=shutil.ignore_patterns("*.h5"))
    change(shipped, **entries)
    with pytest.raises(WeightsError, match=rf"card.json: .*{said}") as raised:
        read_card("basic_cnn")
    assert "\n" not in str(raised.value)
    assert read_card("vgg16")["classes"][0] == "Normal"
    assert list_trained() == ["basic_cnn", "vgg16"]


def write_arrays(file, write):
    with h5py.File(file, "w") as opened:
        write(opened)


def test_a_weight_file_holds_its_own_arrays_and_no_more_than_the_network_takes(tmp_path):
    network, file = build_network(get_spec("basic_cnn"), 2, size=64), tmp_path / FILE
    (tmp_path / "secret").write_bytes(b"s" * 400)
    write_arrays(tmp_path / "other.h5", lambda h: h.create_dataset("x", data=np.zeros(4)))

    def bomb(opened):
        opened.create_dataset("x", (2**40,), "f4", chunks=(2**20,), compression="gzip")

    def outside(opened):
        opened.create_dataset("x", (100,), "f4", external=[(str(tmp_path / "secret"), 0, 400)])

    def virtual(opened):
        layout = h5py.VirtualLayout((4,), "f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (4,))
        opened.create_virtual_dataset("x", layout)

    def linked(opened):
        opened["x"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "x")

    def words(opened):
        opened.create_dataset("x", data=[b"cposix\nsystem\n"], dtype=h5py.string_dtype())

    def loop(opened):
        opened.create_group("x")["x"] = opened["/"]

    # Where arrays are asked for by name and shape, as for a graph, what is wrong is another.
    for write, said, by_name in (
        (bomb, "more numbers than the network takes", r"the shape \(4,\)"),
        (outside, "lie in another file", "lie in another file"),
        (virtual, "lie in another file", "lie in another file"),
        (linked, "is a link to another place or file", "is a link to another place or file"),
        (words, "is no array of numbers", "is no array of numbers"),
        (loop, "in one another without end", "is no array of numbers"),
    ):
        write_arrays(file, write)
        with pytest.raises(WeightsError, match=said):
            load_weights(network, file)
        with pytest.raises(WeightsError, match=by_name):
            read_arrays(file, {"x": (4,)}, "basic_cnn")
    file.write_bytes(b"\x80\x04cposix\nsystem\n")
    with pytest.raises(WeightsError, match="expected weights of basic_cnn"):
        load_weights(network, file)
    with pytest.raises(WeightsError, match="expected weights of basic_cnn"):
        read_arrays(file, {"x": (4,)}, "basic_cnn")


def test_arrays_are_read_by_name_and_only_as_they_should_be(tmp_path):
    file = tmp_path / FILE

    def write(opened):
        opened.create_dataset("a/b/x", data=np.arange(4, dtype=np.float16))
        opened["a/linked"] = h5py.SoftLink("/a/b")
        opened["a/y"] = h5py.SoftLink("/a/b/x")

    write_arrays(file, write)
    (found,) = read_arrays(file, {"a/b/x": (4,)}, "basic_cnn").values()
    assert found.dtype == np.float32 and found.tolist() == [0, 1, 2, 3]
    for name, shape, said in (
        ("a/b/x", (2, 2), r"'a/b/x' with the shape \(2, 2\). Received: \(4,\)"),
        ("a/b/z", (4,), "expected weights of basic_cnn"),
        ("a/linked/x", (4,), "'a/linked' is a link"),
        ("a/y", (4,), "'a/y' is a link"),
    ):
        with pytest.raises(WeightsError, match=said):
            read_arrays(file, {name: shape}, "basic_cnn")
