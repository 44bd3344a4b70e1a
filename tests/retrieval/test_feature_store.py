from pathlib import Path

import numpy as np
import pytest

from tests.retrieval.films import digest
from xraycore.datasets.locator import FoundFilm
from xraycore.datasets.masks import Lesion
from xraycore.retrieval import feature_store
from xraycore.retrieval.feature_store import FeatureStore, Findings


@pytest.fixture
def store(tmp_path):
    opened = FeatureStore(tmp_path / "cache" / "features.sqlite3")
    yield opened
    opened.close()


def findings(seed=0, in_lungs=0.7, codes=("small", "unlike")):
    rng = np.random.default_rng(seed)
    heatmap = rng.random((16, 16)).astype(np.float32)
    pooled = rng.random(192).astype(np.float32)
    return Findings(
        pooled, rng.normal(size=4).astype("f4"), heatmap / heatmap.sum(), in_lungs, codes
    )


def test_what_was_found_comes_back(store):
    one = findings()
    store.keep("network", {digest(1): one, digest(2): findings(2, float("nan"), ())})
    found = store.findings("network", [digest(1), digest(2), digest(3)])
    assert found.keys() == {digest(1), digest(2)}
    back = found[digest(1)]
    np.testing.assert_allclose(back.pooled, one.pooled, rtol=1e-3)
    np.testing.assert_array_equal(back.logits, one.logits)
    np.testing.assert_allclose(back.heatmap, one.heatmap, atol=2e-5)
    assert back.heatmap.sum() == pytest.approx(1)
    assert (back.in_lungs, back.codes) == (0.7, ("small", "unlike"))
    assert np.isnan(found[digest(2)].in_lungs) and found[digest(2)].codes == ()
    assert store.findings("another network", [digest(1)]) == {}


def test_what_nobody_asked_for_is_forgotten(tmp_path, monkeypatch):
    file = tmp_path / "features.sqlite3"
    days = iter([100, 100, 150, 150, 191, 241, 241])
    monkeypatch.setattr(feature_store, "today", lambda: next(days))
    first = FeatureStore(file)  # Day 100.
    first.keep("network", {digest(1): findings()})
    first.close()
    second = FeatureStore(file)  # Day 150.
    assert second.findings("network", [digest(1)])
    second.close()
    FeatureStore(file).close()  # Day 191: 41 days after it was last asked for.
    third = FeatureStore(file)  # Day 241.
    assert store_is_empty(third)
    third.close()


def store_is_empty(store):
    return store.select("SELECT count(*) FROM findings", ())[0][0] == 0


def test_where_films_lie_is_remembered_with_what_is_drawn(store, tmp_path):
    boxes = Lesion(boxes=((0.1, 0.2, 0.3, 0.4),), pixels_of=Path("/films/a.png"))
    known = {
        digest(1): FoundFilm(tmp_path / "a.png", Lesion(Path("/masks/a.png"))),
        digest(2): FoundFilm(tmp_path / "b.png", boxes),
        digest(3): FoundFilm(tmp_path / "c.png"),
    }
    store.remember(known)
    assert store.places([*known, digest(4)]) == known
    store.remember({digest(3): FoundFilm(tmp_path / "moved.png")})
    assert store.places([digest(3)])[digest(3)].path == tmp_path / "moved.png"


def test_it_is_private_and_one_that_cannot_be_written_is_no_error(store, tmp_path):
    assert (tmp_path / "cache" / "features.sqlite3").stat().st_mode & 0o077 == 0
    nowhere = FeatureStore(Path("/dev/null/features.sqlite3"))
    nowhere.keep("network", {digest(1): findings()})
    assert nowhere.findings("network", [digest(1)]) == {}
    assert nowhere.places([digest(1)]) == {}
    (tmp_path / "broken.sqlite3").write_bytes(b"no database" * 500)
    broken = FeatureStore(tmp_path / "broken.sqlite3")
    assert broken.findings("network", [digest(1)]) == {}
