"""What the Metrics page keeps of films goes with their files."""

import os

import numpy as np

from pages.metrics import cache
from tests.pages.conftest import png


def test_a_file_that_was_replaced_is_another_film(tmp_path):
    path = tmp_path / "film.png"
    path.write_bytes(png(1))
    labels = ("Normal", "COVID-19")

    def seen():
        heat = cache.draw_heatmap_thumbnail(path, "basic_cnn", "of this test", labels)
        return cache.read_film(path).pixels, cache.draw_thumbnail(path), heat

    first = seen()
    for before, again in zip(first, seen(), strict=True):
        np.testing.assert_array_equal(before, again)
    assert cache.read_film(path) is cache.read_film(path)
    path.write_bytes(png(2))
    # Files may be written within one tick of a clock.
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))
    for before, after in zip(first, seen(), strict=True):
        assert not np.array_equal(before, after)
    path.unlink()
    assert cache.draw_thumbnail(path) is None
