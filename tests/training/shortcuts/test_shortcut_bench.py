"""The bench of planted shortcuts: which films bear the plant, and what is measured of it."""

import numpy as np
import pytest

from xraycore.datasets.manifest import Manifest
from xraycore.datasets.splits import read_splits
from xraycore.datasets.synthetic.phantom import write_phantoms
from xraycore.errors import ArgumentError, DatasetError
from xraycore.models.registry import get_spec
from xraycore.training.shortcut_bench import (
    OTHERS,
    REMEDIES,
    WITH,
    WITHOUT,
    bench_recipe,
    bench_shortcuts,
)


def test_each_remedy_is_added_to_those_above_it():
    spec = get_spec("basic_cnn")
    steps = [bench_recipe(one, spec, 3, 64, "none") for one in REMEDIES]
    plain, crop, loss, noise, balance = steps
    assert (plain.view, plain.lung_loss_weight, plain.balance) == ("film", 0.0, 0.0)
    assert plain.augmentation.flip == 0 and plain.lesion_loss_weight == 0
    assert (crop.view, crop.lung_loss_weight) == ("lungs", 0.0)
    assert loss.lung_loss_weight == 1.0 and loss.augmentation == plain.augmentation
    assert noise.augmentation.noise > 0 and noise.balance == 0
    assert balance.balance == 0.7 and balance == bench_recipe(WITH, spec, 3, 64, "none")


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench") / "films"
    write_phantoms(folder, 20, size=64)
    return read_splits(folder)


def test_what_does_not_fit_is_refused_before_anything_is_trained(phantoms, tmp_path):
    spec = get_spec("basic_cnn")

    def bench(manifest=phantoms, label="Opacity", **given):
        bench_shortcuts(manifest, spec, tmp_path / "runs", label=label, **given)

    with pytest.raises(ArgumentError, match="class must be one of Normal, Opacity"):
        bench(label="COVID-19")
    with pytest.raises(ArgumentError, match="plant must be one of"):
        bench(plants=["sticker"])
    with pytest.raises(ArgumentError, match="shares must lie in"):
        bench(shares=[1.5])
    with pytest.raises(DatasetError, match="test films"):
        bench(Manifest(tuple(r for r in phantoms.records if r.split != "test")))
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_network_falls_for_a_plant_and_the_bench_says_so(phantoms, tmp_path, monkeypatch):
    """One epoch teaches nothing of lungs: what is asked is that all is measured, and kept."""
    monkeypatch.setattr("xraycore.training.shortcut_bench.REMEDIES", dict([*REMEDIES.items()][:1]))
    monkeypatch.setattr("xraycore.training.shortcut_bench.WITH", WITHOUT)
    kept = []

    def bench(known=None):
        return bench_shortcuts(
            phantoms,
            get_spec("marker_cnn"),
            tmp_path / "runs",
            label="Opacity",
            plants=["marker"],
            shares=[1.0],
            epochs=1,
            size=64,
            methods=["grad_cam", "saliency"],
            known=known,
            keep=kept.append,
        )

    found = bench()
    assert kept[-1] == found
    row = found["rows"][0]
    assert (row["plant"], row["share"], row["remedies"]) == ("marker", 1.0, WITHOUT)
    films = sum(r.split == "test" for r in phantoms.records)
    assert row["home"]["n"] == row["moved"]["n"] == films
    assert 0 <= row["heat"]["value"] <= 1 and 0 < row["area"] < 0.2
    assert set(found["methods"]["marker"]) == {"grad_cam", "saliency"}
    (check,) = found["checks"]
    assert check["findings"]["files"] == "ok" and "sources" not in check["findings"]
    assert f"{OTHERS:.0%}" in found["text"]
    # What is known is not trained again, nor measured.
    monkeypatch.setattr("xraycore.training.shortcut_bench.train", None)
    assert bench(found) == found
    assert np.isfinite(row["home"]["value"])
