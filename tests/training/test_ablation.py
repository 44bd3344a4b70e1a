"""What each ingredient brings, on films that are learnt within seconds."""

import pytest

from tests.eager import EAGER
from tests.training.short_runs import SPEC, only
from xraycore.training import ablation
from xraycore.training.ablation import VARIANTS, Variant, ablate
from xraycore.training.run import Run

pytestmark = EAGER


def small(discs, folder, labels=None, **changes):
    # Two steps: one alone is its own mean.
    options = {"epochs": 2, "size": 32, "weights": "none", **changes}
    abroad = only(discs, "val", "abroad", labels or {"Opacity": "Pneumonia"})
    return ablate(discs, [abroad], SPEC, folder, **options)


@pytest.fixture
def three(monkeypatch):
    """Three variants that see the whole film."""
    plain = {"view": "film", "lung_loss_weight": 0.0}
    variants = (
        Variant("plain", plain),
        Variant("+ weights averaged", {**plain, "ema_momentum": 0.5}),
        Variant("+ mirror images asked too", {**plain, "ema_momentum": 0.5}, mirrored=True),
    )
    monkeypatch.setattr(ablation, "VARIANTS", variants)
    return variants


def test_a_line_a_variant_and_mirror_images_take_no_training(three, discs, tmp_path):
    found = small(discs, tmp_path)
    assert [row["name"] for row in found["rows"]] == [variant.name for variant in three]
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["variant-0", "variant-1"]
    plain, mean, mirrored = (row["last"] for row in found["rows"])
    assert Run(tmp_path / "variant-1").state().history[-1] == mean
    # One training: the same loss; but another judgement of the films.
    assert plain["loss"] == mean["loss"] == mirrored["loss"]
    assert len({plain["val_loss"], mean["val_loss"], mirrored["val_loss"]}) == 3
    assert set(mirrored) == set(mean)
    assert mirrored["val_inside"] == mean["val_inside"]


def test_known_lines_are_trained_again_only_where_the_training_is_another(three, discs, tmp_path):
    first = small(discs, tmp_path / "a")
    first["rows"][1]["last"]["val_auc"] = 0.123
    assert small(discs, tmp_path / "b", known=first) == first
    assert not (tmp_path / "b").exists()
    less = {**first, "rows": first["rows"][:1]}
    assert small(discs, tmp_path / "c", known=less)["rows"][0] == first["rows"][0]
    assert [folder.name for folder in (tmp_path / "c").iterdir()] == ["variant-1"]
    other = small(discs, tmp_path / "d", known=first, seed=1)
    assert other["text"] != first["text"] and other["rows"][1]["last"]["val_auc"] != 0.123
    abroad = {"Opacity": "Viral pneumonia"}
    other = small(discs, tmp_path / "e", known=first, labels=abroad)
    assert other["text"] == first["text"] and other["rows"][1]["last"]["val_auc"] != 0.123


def test_each_line_with_a_plus_adds_to_one_above():
    names = [variant.name for variant in VARIANTS]
    assert len(set(names)) == len(names) and not names[0].startswith("+")
    for before, variant in zip(VARIANTS, VARIANTS[1:], strict=False):
        if variant.mirrored:
            assert not before.mirrored and before.changes == variant.changes
