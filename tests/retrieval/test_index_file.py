import io
import json
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from tests.retrieval.films import NOTE, two_clouds
from xraycore.anatomy.segmenter import segmenter_sha256
from xraycore.config import SHIPPED
from xraycore.errors import ArgumentError, WeightsError
from xraycore.models.cards import read_card
from xraycore.retrieval import index_file
from xraycore.retrieval.index import fit_index
from xraycore.retrieval.index_file import FILE, load_index, save_index
from xraycore.utils.files import sha256


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store with the smallest shipped model and an index of its weights."""
    for name in ("basic_cnn", "lungs"):
        shutil.copytree(SHIPPED / name, tmp_path / name)
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    weights = read_card("basic_cnn")["weights"]["sha256"]
    note = NOTE | {"weights_sha256": weights, "lungs_sha256": segmenter_sha256()}
    built = fit_index(two_clouds(channels=192), note)
    save_index(built, tmp_path / "basic_cnn")
    return tmp_path / "basic_cnn", built


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
    pins = {built.note["weights_sha256"]: {"indexes": [sha256(folder / FILE)]}}
    monkeypatch.setattr(index_file, "shipped_models", lambda: pins)
    index_file._read.cache_clear()
    assert load_index("basic_cnn").shipped is True


def test_one_of_other_weights_is_refused_with_the_reason(store):
    folder, built = store
    save_index(replace(built, note={**built.note, "weights_sha256": "9" * 64}), folder)
    with pytest.raises(WeightsError, match=r"of these weights.*basic_cnn 999999.*Make it anew"):
        load_index("basic_cnn")
    save_index(replace(built, note={**built.note, "lungs_sha256": "9" * 64}), folder)
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
    index_file._read.cache_clear()
    with pytest.raises(WeightsError) as raised:
        load_index("basic_cnn")
    assert FILE in str(raised.value) and "\n" not in str(raised.value)
