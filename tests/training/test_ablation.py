"""What each ingredient brings, on films that are learnt within seconds."""

import pickle
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.eager import EAGER
from tests.training.support.short_runs import SPEC, only
from xraycore.datasets.manifest import Manifest
from xraycore.datasets.masks import Lesion
from xraycore.errors import ArgumentError
from xraycore.training import ablation
from xraycore.training.ablation import ablate
from xraycore.training.ablation_variants import LESIONS, TABLES, Variant, films_of
from xraycore.training.config import preset
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
    monkeypatch.setattr(ablation, "TABLES", {"shortcuts": variants})
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


@pytest.mark.parametrize("table", TABLES.values())
def test_each_line_with_a_plus_adds_to_one_above(table):
    names = [variant.name for variant in table]
    assert len(set(names)) == len(names) and not names[0].startswith("+")
    for before, variant in zip(table, table[1:], strict=False):
        if variant.mirrored:
            assert not before.mirrored and before.changes == variant.changes


@pytest.fixture
def hospitals(discs):
    """Two sources: the discs, and half of them once more as another hospital's."""
    more = [replace(r, source="more", group=f"more-{r.group}") for r in discs.records[::2]]
    return Manifest((*discs.records, *more))


def trained(run, monkeypatch):
    """The films and the changes of every training of an ablation."""
    seen = []

    def fake(manifest, spec, recipe, folder, *, external, **options):
        seen.append((Counter(r.source for r in manifest.split("train")), recipe, external, options))
        return SimpleNamespace(state=lambda: SimpleNamespace(history=[{"val_auc": 0.5}]))

    monkeypatch.setattr(ablation, "train", fake)
    return run(), seen


def test_hospitals_are_added_in_their_line_and_each_left_out_in_its_own(
    hospitals, discs, tmp_path, monkeypatch
):
    abroad = only(discs, "val", "abroad", {"Opacity": "Pneumonia"})
    options = {"epochs": 3, "size": 64, "table": "lesions", "added": ["more"], "feature_draws": 2}
    found, seen = trained(
        lambda: ablate(hospitals, [abroad], SPEC, tmp_path, weights="w.h5", **options), monkeypatch
    )
    names = [row["name"] for row in found["rows"]]
    assert names == [*(variant.name for variant in LESIONS), "without more"]
    films = [counts["more"] for counts, *_ in seen]
    assert films == [0, 0, 0, *[12] * (len(LESIONS) - 3), 0]
    assert {counts["discs"] for counts, *_ in seen} == {24}
    # The first lines are as before, the line of generated films is the preset.
    before, tuned, last = seen[0][1], seen[4][1], seen[-1][1]
    assert (before.lesion_loss_weight, before.against, before.phantoms) == (0.0, "others", 0)
    plain = preset("tune", SPEC, pretrained=True)
    stage = replace(plain.stages[0], epochs=3, size=64)
    assert tuned == replace(plain, stages=(stage,), patience=3, feature_draws=2) == last
    # Whoever is left out is judged as a hospital never trained on.
    assert [len(external) for *_, external, _ in seen] == [*[1] * len(LESIONS), 2]
    assert {r.source for r in seen[-1][2][1].records} == {"more"}
    assert {r.split for r in seen[-1][2][1].records} == {"val"}
    # One folder of features for all, and gone at the end.
    assert {options["features"] for *_, options in seen} == {tmp_path / "features"}
    assert "from 2 fixed draws" in found["text"] and found["table"] == "lesions"


def test_an_added_source_of_normal_films_only_is_no_hospital_to_judge_on(
    hospitals, discs, tmp_path, monkeypatch
):
    normals = [r for r in hospitals.records if r.source != "more" or r.label == "Normal"]
    abroad = only(discs, "val", "abroad", {"Opacity": "Pneumonia"})
    options = {"epochs": 1, "size": 64, "table": "lesions", "added": ["more"], "weights": "w.h5"}
    _, seen = trained(
        lambda: ablate(Manifest(tuple(normals)), [abroad], SPEC, tmp_path, **options), monkeypatch
    )
    assert seen[-1][0]["more"] == 0
    assert len(seen[-1][2]) == 1


def test_what_no_table_can_be_made_of_is_refused(discs, tmp_path):
    with pytest.raises(ArgumentError, match="shortcuts, lesions. Received: 'heads'"):
        small(discs, tmp_path, table="heads")
    with pytest.raises(ArgumentError, match="needs --weights"):
        small(discs, tmp_path, table="lesions")
    with pytest.raises(ArgumentError, match="must be among discs. Received: elsewhere"):
        small(discs, tmp_path, added=["elsewhere"])


def test_drawings_are_taken_away_evenly_and_from_training_films_only(discs):
    records = [replace(r, lesion=Lesion(boxes=((0, 0, 1, 1),))) for r in discs.records]
    half = films_of(Manifest(tuple(records)), Variant("half", drawn=0.5), ())
    assert [r.lesion is None for r in half.split("train")] == [True, False] * 12
    assert all(r.lesion for r in half.split("val"))
    assert len(half.records) == len(records)
    tenth = films_of(Manifest(tuple(records)), Variant("tenth", drawn=0.1), ())
    assert [i for i, r in enumerate(tenth.split("train")) if r.lesion] == [9, 19]
    whole = films_of(Manifest(tuple(records)), Variant("all"), ())
    assert whole.records == tuple(records)


def test_an_engine_trains_each_folder_once_and_the_lines_stay_in_their_order(
    three, discs, tmp_path, monkeypatch
):
    """As workers do: in any order, and with what can be sent to them."""
    sent = []

    class Backwards:
        def run(self, function, tasks):
            for task in reversed(list(tasks)):
                sent.append(task[1].name)
                yield function(*pickle.loads(pickle.dumps(task)))

    monkeypatch.setattr(ablation, "_mirrored", lambda *_: {"val_auc": 0.25})
    told = []
    found, seen = trained(
        lambda: small(discs, tmp_path, engine=Backwards(), report=told.append), monkeypatch
    )
    assert [row["name"] for row in found["rows"]] == [variant.name for variant in three]
    assert [row["last"]["val_auc"] for row in found["rows"]] == [0.5, 0.5, 0.25]
    assert sent == ["variant-1", "variant-0"]
    assert len(seen) == 3
    assert [(one.done, one.activity) for one in told] == [(0.5, three[2].name), (1.0, "plain")]
