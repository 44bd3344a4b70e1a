"""Is this a frontal chest X-ray at all?"""

import json
import random
import shutil

import numpy as np
import pytest

from tests.anatomy.not_radiographs import grey, not_radiographs, spoilt
from xraycore.anatomy import ood
from xraycore.anatomy.lung_field import segment_lungs
from xraycore.anatomy.ood import (
    UNLIKE,
    OODDetector,
    known_components,
    load_ood_detector,
    screen,
)
from xraycore.anatomy.segmenter import segmenter_folder
from xraycore.datasets.splits import read_splits
from xraycore.datasets.synthetic.phantom import make_phantom
from xraycore.errors import WeightsError
from xraycore.imaging import Radiograph, RadiographInfo, read_radiograph
from xraycore.training.ood import fit_detector, fit_direction, fit_on_splits, held_out


def radiograph(pixels):
    height, width = pixels.shape
    return Radiograph(pixels, RadiographInfo("film.png", "0" * 64, "PNG", width, height, 8))


def warned(films):
    return [bool(field.warnings) for field in segment_lungs(films)]


def test_distance_by_hand():
    """log(1 + feature) is 1 and 2, standardised 2 and 1; 2 * 2 * 2 + 1 * 1 = 9, its root 3."""
    known = OODDetector(
        np.array([0.0, 1.0]), np.array([0.5, 1.0]), np.array([[2.0, 0.0], [0.0, 1.0]]), 6.0
    )
    features = np.expm1([[1.0, 2.0], [0.0, 1.0]])
    np.testing.assert_allclose(known.ood_score(features), [0.5, 0.0], atol=1e-12)


def test_a_fit_knows_what_goes_together():
    """Two features that rise together: one that falls while the other rises is far."""
    rng = np.random.default_rng(0)
    shared, own = rng.normal(2, 0.3, (2000, 1)), rng.normal(0, 0.02, (2000, 2))
    features = np.expm1(shared + own)
    known = fit_detector(features[:1000], [features[1000:]])
    assert (known.ood_score(features[1000:]) > 1).mean() == pytest.approx(0.002, abs=0.0011)
    along, across = np.expm1([[2.5, 2.5]]), np.expm1([[2.5, 1.5]])
    assert known.ood_score(along)[0] < 1 < known.ood_score(across)[0] / 3


def test_the_limit_is_that_of_the_source_that_lies_farthest():
    rng = np.random.default_rng(0)
    near, far = np.expm1(rng.normal(2, [[0.3], [0.4]], (2, 1000)))[..., None]
    known = fit_detector(near, [near, far])
    assert (known.ood_score(far) > 1).mean() == pytest.approx(0.002, abs=0.0011)
    assert (known.ood_score(near) > 1).mean() < 0.0011


def test_a_direction_finds_what_no_distance_does():
    """Others lie along the first feature, no farther from the mean than frontal films go."""
    rng = np.random.default_rng(0)
    frontal = np.expm1(np.abs(rng.normal(3, 0.3, (1500, 20))))
    others = np.expm1(np.abs(rng.normal(3, 0.3, (12, 20)) + 1.5 * (np.arange(20) == 0)))
    known = fit_detector(frontal[:1000], [frontal[1000:]])
    assert (known.ood_score(others) > 1).mean() < 0.9
    groups = [f"p{n // 2}" for n in range(12)]
    assert held_out(known, others, groups, [frontal[1000:]]).mean() > 0.9
    fitted = fit_direction(known, others, [frontal[1000:]])
    assert (fitted.ood_score(others) > 1).all()
    assert (fitted.ood_score(frontal[1000:]) > 1).mean() < 0.006
    # By hand: 2 along a direction that is scaled by its limit of 4 is half of it.
    flat = OODDetector(np.zeros(1), np.ones(1), np.eye(1), 100.0, np.array([0.25]))
    assert flat.ood_score(np.expm1([[2.0]]))[0] == pytest.approx(0.5)


def test_pictures_that_are_no_chest_film_are_warned_about():
    pictures = not_radiographs()
    found = dict(zip(pictures, warned([radiograph(p) for p in pictures.values()]), strict=True))
    assert len(found) >= 60
    missed = [name for name, told in found.items() if not told]
    assert len(missed) <= 0.05 * len(found), missed


def test_phantoms_pass():
    films = [
        radiograph(make_phantom(seed, opacity=bool(seed % 2), size=256).pixels)
        for seed in range(40)
    ]
    assert sum(warned(films)) == 0


@pytest.mark.slow
@pytest.mark.realdata
def test_real_films_pass_and_turned_ones_do_not(real_data):
    records = read_splits([real_data / "chest_xray", real_data / "covid_radiography"]).records
    held_back = [record for record in records if record.split == "test"]
    films = [read_radiograph(r.path) for r in random.Random(0).sample(held_back, 100)]
    # One in a hundred, and chance: with 1 % in all films, 5 of 100 are seen once in 290 draws.
    assert sum(warned(films)) <= 4
    # A film that stands on its head looks much like one that does not: every other one is told.
    turned = [
        radiograph(grey(changed))
        for film in films[:5]
        for name, changed in spoilt(film.pixels).items()
        if name != "upside down"
    ]
    assert sum(warned(turned)) >= 0.9 * len(turned)


def test_the_card_holds_the_shares_that_are_warned_about():
    described = json.loads((segmenter_folder() / "card.json").read_text())["screening"]
    parts = described["warned_about"]
    assert parts["chest_xray test"]["value"] <= 0.01
    adults = [parts[f"covid_radiography {split}"] for split in ("train", "val", "test")]
    warned, films = (
        sum(v) for v in zip(*((s["value"] * s["n"], s["n"]) for s in adults), strict=True)
    )
    assert films > 4000
    assert warned / films <= 0.01


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """A copy of the segmenter's folder, in use."""
    folder = tmp_path / "lungs"
    shutil.copytree(segmenter_folder(), folder)
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(ood, "load_ood_detector", load_ood_detector.__wrapped__)
    return folder


def test_a_damaged_screening_is_refused(own_folder):
    file = own_folder / "screening.npz"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsError, match="expected the screening that its card describes"):
        screen(np.zeros((1, 512), np.float32))


def test_a_segmenter_without_screening_warns_of_nothing(own_folder):
    card = json.loads((own_folder / "card.json").read_text())
    del card["screening"]
    (own_folder / "card.json").write_text(json.dumps(card))
    assert np.isnan(screen(np.zeros((2, 512), np.float32))).all()
    assert known_components(np.zeros((2, 512), np.float32)).shape == (2, 0)


def test_splits_are_looked_at_once_and_counted(tmp_path):
    from xraycore.datasets.synthetic.phantom import write_phantoms

    write_phantoms(tmp_path / "phantoms", 20, size=64)
    manifest = read_splits([tmp_path / "phantoms"])
    told = []
    known, counts, distances = fit_on_splits(manifest, report=told.append)
    assert {part for part in counts} == {("phantoms", s) for s in ("train", "val", "test")}
    assert sum(of for _, of in counts.values()) == 40
    assert counts["phantoms", "train"][0] == 0
    assert told[-1].done == 1.0
    assert known.limit > 0
    assert (
        distances["films"] == counts["phantoms", "val"][1] and min(distances["usual"].values()) > 0
    )
    assert UNLIKE.startswith("This does not look like")
