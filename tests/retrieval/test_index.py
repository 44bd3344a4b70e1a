import io
import json
import shutil
import zipfile

import numpy as np
import pytest

from tests.retrieval.films import NOTE, cloud, digest, features
from xraycore.anatomy.segmenter import segmenter_sha256
from xraycore.config import SHIPPED
from xraycore.errors import ArgumentError, WeightsError
from xraycore.models.cards import read_card
from xraycore.retrieval import index as indexes
from xraycore.retrieval.index import FILE, count_numbers, fit_index, load_index, save_index


def some_films(count=40, channels=12, seed=0):
    rng = np.random.default_rng(seed)
    one, other = np.zeros(channels), np.zeros(channels)
    one[:3], other[3:6] = 1, 1
    pooled = np.vstack([cloud(rng, one, count), cloud(rng, other, count)])
    labels = ["Normal"] * count + ["COVID-19"] * count
    splits = (["train"] * (count * 3 // 4) + ["val"] * (count // 4)) * 2
    return features(pooled, labels, splits=splits)


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store with the smallest shipped model and an index of its weights."""
    for name in ("basic_cnn", "lungs"):
        shutil.copytree(SHIPPED / name, tmp_path / name)
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    weights = read_card("basic_cnn")["weights"]["sha256"]
    note = NOTE | {"weights_sha256": weights, "lungs_sha256": segmenter_sha256()}
    built = fit_index(some_films(channels=192), note)
    save_index(built, tmp_path / "basic_cnn")
    return tmp_path / "basic_cnn", built


def test_distances_are_those_of_features_at_length_one():
    films = some_films()
    index = fit_index(films, NOTE)
    unit = films.pooled / np.linalg.norm(films.pooled, axis=1, keepdims=True)
    exact = np.linalg.norm(unit[:, None] - unit[None], axis=2)
    # As many components as channels: nothing is left out but what rounding takes.
    assert len(index.components) == 12
    np.testing.assert_allclose(index.distances(films.pooled), exact, atol=0.02)


def test_what_the_components_leave_out_makes_a_film_farther_from_all():
    rng = np.random.default_rng(1)
    pooled = np.zeros((60, 6))
    pooled[:, :2] = 1 + 0.1 * rng.random((60, 2))
    index = fit_index(features(pooled, ["Normal"] * 60), NOTE)
    # Not any direction of the films, which lie in a plane.
    alike, strange = index.distances(np.array([[1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 2, 0]]))
    assert alike.mean() < 0.1
    expected = np.sqrt(2 - 2 * 2 / np.sqrt(2 * 6))  # The angle to (1, 1, 0, …), at length 1.
    assert strange.mean() == pytest.approx(expected, abs=0.05)


def test_only_films_to_learn_from_are_in_it_and_nothing_that_names_them():
    films = some_films()
    with_tests = features(
        np.vstack([films.pooled, films.pooled[:5]]),
        [r.label for r in films.records] + ["Normal"] * 5,
        splits=[r.split for r in films.records] + ["test"] * 5,
        groups=["a patient's name"] * 85,
    )
    index = fit_index(with_tests, NOTE)
    assert len(index) == 80
    assert index.place(digest(79)) == 79
    assert index.place(digest(80)) is None
    assert index.digest(7) == digest(7)
    assert "patient" not in json.dumps(index.note)


def test_what_is_usual_is_how_far_validation_films_are_from_training_films():
    rng = np.random.default_rng(0)
    pooled = np.vstack([cloud(rng, [1, 0, 0, 0], 30, 0.02), cloud(rng, [0, 1, 0, 0], 10, 0.02)])
    films = features(pooled, ["Normal"] * 40, splits=["train"] * 30 + ["val"] * 10)
    usual = fit_index(films, NOTE).note["usual"]
    # At right angles to all that is trained on: not near one another.
    assert usual["films"] == 10
    assert usual["median"] == pytest.approx(np.sqrt(2), abs=0.05)
    assert usual["median"] <= usual["limit"] <= np.sqrt(2) + 0.05
    assert fit_index(films.of_split("train"), NOTE).note["usual"] is None


def test_five_indexes_of_ten_thousand_films_fit_into_five_megabytes():
    assert [count_numbers(9316, c) for c in (192, 512, 2048)] == [64, 62, 47]
    assert count_numbers(10_100, 2048) == 43
    assert count_numbers(10_100, 2048) * (10_100 + 2 * 2048) + 33 * 10_100 < 950_000
    # However many films there are, and however few.
    assert count_numbers(100_000, 2048) == 16
    assert count_numbers(5, 2048) == 4


def test_a_film_set_too_small_is_refused():
    with pytest.raises(ArgumentError, match="two training films. Received: 1"):
        fit_index(features([[1, 0], [0, 1]], ["Normal"] * 2, splits=["train", "val"]), NOTE)


def test_it_comes_back_as_it_was_stored(store):
    _, built = store
    found = load_index("basic_cnn")
    probe = np.random.default_rng(3).random((3, 192))
    np.testing.assert_array_equal(found.distances(probe), built.distances(probe))
    assert dict(found.note) == dict(built.note)
    assert found.shipped is False
    with pytest.raises(ArgumentError, match="features of 192 channels"):
        found.distances(np.ones((1, 100)))


def test_one_that_is_pinned_with_its_weights_came_with_xraycore(store, monkeypatch):
    folder, built = store
    pins = {built.note["weights_sha256"]: {"indexes": [indexes.sha256(folder / FILE)]}}
    monkeypatch.setattr(indexes, "shipped_models", lambda: pins)
    indexes._read.cache_clear()
    assert load_index("basic_cnn").shipped is True


def test_one_of_other_weights_is_refused_with_the_reason(store):
    folder, built = store
    save_index(indexes.replace(built, note={**built.note, "weights_sha256": "9" * 64}), folder)
    with pytest.raises(WeightsError, match=r"of these weights.*basic_cnn 999999.*Make it anew"):
        load_index("basic_cnn")
    save_index(indexes.replace(built, note={**built.note, "lungs_sha256": "9" * 64}), folder)
    with pytest.raises(WeightsError, match="another, which crops films otherwise"):
        load_index("basic_cnn")


def test_where_there_is_none_it_says_how_to_make_one(store):
    (store[0] / FILE).unlink()
    with pytest.raises(WeightsError, match="xraycore index DATASET"):
        load_index("basic_cnn")


def _rewritten(file, **changes):
    with np.load(file) as stored:
        arrays = {**dict(stored), **changes}
    np.savez_compressed(file, **{name: one for name, one in arrays.items() if one is not None})


def _note(file, **changes):
    with np.load(file) as stored:
        note = json.loads(stored["note"].tobytes()) | changes
    return np.frombuffer(json.dumps(note).encode(), np.uint8)


def _npy(array, shape):
    """An array's file whose head claims another shape."""
    stream = io.BytesIO()
    described = {"descr": array.dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, described)
    return stream.getvalue() + array.tobytes()


def _with_member(file, name, data):
    with zipfile.ZipFile(file) as archive:
        members = {one: archive.read(one) for one in archive.namelist()} | {name: data}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for one, content in members.items():
            archive.writestr(one, content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b"no archive"),
        lambda file: file.write_bytes(file.read_bytes()[:400]),
        lambda file: _rewritten(file, hashes=None),
        lambda file: _rewritten(file, more=np.zeros(3)),
        lambda file: _rewritten(file, codes=np.zeros((80, 12), object)),
        lambda file: _rewritten(file, codes=np.zeros((79, 12), np.int8)),
        lambda file: _rewritten(file, labels=np.full(80, 2, np.uint16)),
        lambda file: _rewritten(file, steps=np.full(47, np.nan, np.float32)),
        lambda file: _rewritten(file, note=_note(file, labels=[])),
        lambda file: _rewritten(file, note=_note(file, version=2)),
        lambda file: _rewritten(file, note=np.frombuffer(b"{", np.uint8)),
        lambda file: _with_member(file, "codes.npy", _npy(np.zeros(9, np.int8), (10**12, 9))),
        lambda file: _with_member(file, "codes.npy", b"\x93NUMPY\x01"),
        lambda file: _with_member(file, "codes.npy", bytes(80 * 2**20)),
    ],
)
def test_a_damaged_or_hostile_file_is_one_line(store, damage):
    file = store[0] / FILE
    damage(file)
    indexes._read.cache_clear()
    with pytest.raises(WeightsError) as raised:
        load_index("basic_cnn")
    assert FILE in str(raised.value) and "\n" not in str(raised.value)
