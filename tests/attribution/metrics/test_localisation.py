import json

import cv2
import numpy as np
import pytest

from xraycore.attribution.metrics.localisation import (
    THRESHOLDS,
    MapComparison,
    baselines,
    best_of,
    compare_map,
    summarise,
)
from xraycore.cli.main import main

MASK = np.array([[1, 1, 0, 0], [0, 0, 0, 0]], bool)
LUNGS = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], bool)


def test_a_map_by_hand():
    heat = np.array([[4.0, 1, 0, 1], [1, 1, 0, 0]])
    found = compare_map(heat, MASK, LUNGS)
    assert found.hit == 1.0
    assert found.energy_in_mask == pytest.approx(5 / 8)
    assert found.energy_in_lungs == pytest.approx(6 / 8)
    # Down to a quarter of the maximum five pixels are called, two of them the whole mask.
    assert found.ious[THRESHOLDS == 0.25][0] == pytest.approx(2 / 5)
    assert found.ious[THRESHOLDS == 0.3][0] == pytest.approx(1 / 2)
    # Precision 1 at recall 1/2, then 2/5 at recall 1.
    assert found.auprc == pytest.approx(0.5 * 1 + 0.5 * 2 / 5)


def test_equally_hot_points_hit_by_their_share():
    heat = np.array([[2.0, 0, 2, 2], [0, 0, 0, 2]])
    assert compare_map(heat, MASK, LUNGS).hit == pytest.approx(1 / 4)


def test_a_map_without_heat_points_anywhere_and_finds_nothing():
    found = compare_map(np.zeros((2, 4)), MASK, LUNGS)
    assert found.hit == pytest.approx(2 / 8)
    assert (found.energy_in_mask, found.energy_in_lungs, found.ious.sum()) == (0, 0, 0)


def test_baselines_know_nothing():
    maps = baselines(np.full(LUNGS.shape, 0.5, np.float32), LUNGS)
    assert compare_map(maps["random point"], MASK, LUNGS).hit == pytest.approx(2 / 8)
    assert compare_map(maps["random point in the lungs"], MASK, LUNGS).hit == pytest.approx(2 / 4)
    assert compare_map(maps["random point in the lungs"], MASK, LUNGS).energy_in_lungs == 1.0
    prior = baselines(np.ones((9, 9), np.float32), np.ones((9, 9), bool))["centre prior"]
    assert np.unravel_index(prior.argmax(), prior.shape) == (4, 4)
    # One width off the centre: exp(-1/2).
    wide = baselines(np.ones((1, 8), np.float32), np.ones((1, 8), bool))["centre prior"]
    assert wide[0, 5] / wide[0, 4] == pytest.approx(
        np.exp(-(0.1875**2 - 0.0625**2) / (2 * 0.25**2))
    )


def found(hit, iou_at):
    """A film that is hit or not, with an IoU of 0.8 at one threshold."""
    return MapComparison(hit, 0.5, 0.5, 0.5, np.where(iou_at == THRESHOLDS, 0.8, 0.1))


def test_the_threshold_is_chosen_on_one_half_and_judged_on_the_other():
    films = [found(1, 0.2), found(1, 0.2), found(0, 0.6), found(1, 0.6)]
    scores = summarise(films, list("abcd"), np.array([True, True, False, False]))
    assert scores["threshold"] == 0.2
    assert scores["iou"]["value"] == pytest.approx(0.1)
    assert scores["iou"]["n"] == 2
    assert scores["hit"]["value"] == pytest.approx(0.75)
    assert scores["hit"]["n"] == 4


def test_the_best_map_has_the_highest_hit_rate():
    rows = {"a": {"x": {"hit": {"value": 0.3}}}, "b": {"y": {"hit": {"value": 0.7}}}}
    assert best_of(rows) == ("b", "y")
    # By its rate and not by its name.
    rows["a"]["w"] = {"hit": {"value": 0.9}}
    assert best_of(rows) == ("a", "w")


def test_the_command(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for folder in ("images", "masks", "lungs"):
        (tmp_path / folder).mkdir()
    for i in range(3):
        film = cv2.GaussianBlur(rng.random((64, 64), dtype=np.float32), (0, 0), 4)
        film = (255 * (film - film.min()) / np.ptp(film)).astype(np.uint8)
        mask = np.zeros((64, 64), np.uint8)
        mask[16:32, 8:24] = 255
        lung = np.zeros((64, 64), np.uint8)
        lung[8:56, 4:60] = 255
        for folder, image in (("images", film), ("masks", mask), ("lungs", lung)):
            cv2.imwrite(str(tmp_path / folder / f"{i}.png"), image)
    arguments = ["localise", "--images", str(tmp_path / "images"), "--masks"]
    arguments += [str(tmp_path / "masks"), "--lungs", str(tmp_path / "lungs")]
    arguments += ["--model", "basic_cnn", "--method", "grad_cam", "--json"]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert set(rows) == {"baseline", "basic_cnn"}
    # 16 x 16 of 64 x 64 pixels, and of the 48 x 56 of the lungs.
    random = rows["baseline"]["random point"]
    assert random["hit"]["value"] == pytest.approx(1 / 16, abs=1e-3)
    in_lungs = rows["baseline"]["random point in the lungs"]
    assert in_lungs["hit"]["value"] == pytest.approx(256 / (48 * 56), abs=1e-3)
    assert set(rows["basic_cnn"]) == {"grad_cam"}
    (tmp_path / "masks" / "1.png").unlink()
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "1.png: expected a mask of the same stem" in capsys.readouterr().err


def test_what_is_coloured_by_hand():
    heatmap = np.array([[4.0, 2.0], [1.0, 0.0]])
    mask, lungs = np.array([[True, False], [True, False]]), np.ones((2, 2), bool)
    assert compare_map(heatmap, mask, lungs).coloured_iou is None
    found = compare_map(heatmap, mask, lungs, 2.0)
    # Coloured are 4 and 2, of which 4 lies in the mask of two cells: 1 of 3 cells, 4 of 6 heat.
    assert (found.coloured_iou, found.coloured_energy) == pytest.approx((1 / 3, 2 / 3))
    nothing = compare_map(heatmap, mask, lungs, 5.0)
    assert (nothing.coloured_iou, nothing.coloured_energy) == (0.0, 0.0)
    rows = summarise([found, nothing], ["a", "b"], np.array([True, False]))
    assert rows["coloured_iou"]["value"] == pytest.approx(1 / 6, abs=1e-3)
    assert "coloured_iou" not in summarise(
        [compare_map(heatmap, mask, lungs)] * 2, ["a", "b"], np.array([True, False])
    )
