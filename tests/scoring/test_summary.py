"""What an archive's rows say together, worked out by hand."""

import json

import numpy as np
import pytest

from tests.scoring import fake
from xraycore.errors import ArgumentError
from xraycore.evaluation.prediction_files import write_predictions
from xraycore.metrics.calibration import Calibration
from xraycore.scoring import drift, summary
from xraycore.scoring.drift import Distribution, by_chance, distance
from xraycore.scoring.shards import FOLDER
from xraycore.scoring.summary import is_far, read_summary, write_summary


def of(values, name="heat_in_lungs"):
    found = Distribution(name)
    found.add(np.array(values))
    return found


def test_a_distance_is_the_greatest_difference_of_cumulative_shares():
    low, high = of([0.1] * 6 + [0.5] * 4), of([0.1] * 2 + [0.5] * 6 + [0.9] * 2)
    assert distance(low, high) == pytest.approx(0.4)
    assert distance(low, low) == 0
    assert distance(of([0.1]), of([0.9])) == 1
    # 1.358 times the root of 1/10 + 1/10.
    assert by_chance(low, high) == pytest.approx(0.6073)


def test_a_distribution_tells_its_percentiles_and_keeps_what_lies_beyond_at_its_end():
    found = of(np.arange(101) / 100)
    assert found.to_json() == {
        "films": 101,
        "low": pytest.approx(0.05, abs=0.01),
        "median": pytest.approx(0.5, abs=0.01),
        "high": pytest.approx(0.95, abs=0.01),
    }
    beyond = of([7.0, 9.0], "unlike")
    assert beyond.quantile(0.5) == pytest.approx(3.0, abs=0.01)
    found.merge(of([0.0]))
    assert found.count == 102


@pytest.mark.parametrize(
    ("found", "far"),
    [
        ({"distance": 0.2, "by_chance": 0.05}, True),
        ({"distance": 0.2, "by_chance": 0.3}, False),
        ({"distance": 0.08, "by_chance": 0.01}, False),
        ({"distance": None, "by_chance": None}, False),
    ],
)
def test_different_is_what_matters_and_is_no_chance(found, far):
    assert is_far(found) is far


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """Twelve films of three months, two devices; one broken, one dark and so without lungs."""
    folder = tmp_path_factory.mktemp("archive")
    files = fake.write_films(folder / "films", 12)
    files[3].write_bytes(b"no film")
    from PIL import Image

    Image.new("L", (32, 40), 10).save(files[4])
    rows = ["path,date,device,site"]
    for number, file in enumerate(files):
        month = ("2026-01-05", "2026-02-07", "")[number % 3]
        rows.append(f"{file},{month},Unit {number % 2},")
    (folder / "list.csv").write_text("\n".join(rows))
    fake.score(folder / "list.csv", folder / "out", shards=3)
    return folder / "out"


def test_features_are_told_by_the_groups_of_the_rates(scored):
    groups = read_summary(scored)["features"]["groups"]
    assert groups["all"] == {
        "all": {"films": 11, "distance": None, "low": None, "high": None, "usual": None}
    }
    films = {
        group: {name: one["films"] for name, one in of.items()} for group, of in groups.items()
    }
    assert films["month"] == {"2026-01": 3, "2026-02": 4, "not said": 4}
    assert films["device"] == {"Unit 0": 6, "Unit 1": 5} and films["site"] == {"not said": 11}


def test_rates_are_told_by_month_device_and_site(scored):
    found = read_summary(scored)
    assert (found["films"], found["unread"], found["shards"]) == (12, 1, 3)
    groups = found["models"]["basic_cnn"]["groups"]
    assert groups["all"]["all"]["films"] == 11
    assert groups["all"]["all"]["rates"]["no answer"]["value"] == pytest.approx(1 / 11, abs=1e-4)
    months = {month: entry["films"] for month, entry in groups["month"].items()}
    # The broken film is one of January.
    assert months == {"2026-01": 3, "2026-02": 4, "not said": 4}
    assert groups["month"]["2026-02"]["rates"]["no answer"] == {
        "value": 0.25,
        "low": pytest.approx(0.0456, abs=1e-3),
        "high": pytest.approx(0.6994, abs=1e-3),
        "n": 4,
    }
    assert {device: entry["films"] for device, entry in groups["device"].items()} == {
        "Unit 0": 6,
        "Unit 1": 5,
    }
    assert list(groups["site"]) == ["not said"]
    for group in groups.values():
        for entry in group.values():
            assert sum(rate["value"] for rate in entry["rates"].values()) == pytest.approx(1)


def test_warnings_and_kinds_are_counted(scored):
    found = read_summary(scored)
    assert found["warnings"]["small"] == 11
    assert found["warnings"]["no-lungs"] == 1
    said = found["models"]["basic_cnn"]
    opacities = round(
        11 * said["groups"]["all"]["all"]["rates"].get("opacity", {"value": 0})["value"]
    )
    assert sum(said["kinds"].values()) == opacities


def test_drift_is_told_against_the_films_of_the_card(scored, tmp_path, monkeypatch):
    from tests.stored_models import outcome

    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    (tmp_path / "basic_cnn").mkdir()
    stored = outcome("basic_cnn", ([0.9] * 20, [0.1] * 20))
    write_predictions(tmp_path / "basic_cnn" / "predictions.csv", [stored])
    monkeypatch.setattr(drift, "read_card", lambda name: {"temperature": 2.0})
    monkeypatch.setattr(Calibration, "of_card", lambda card: Calibration(2.0))
    found = write_summary(scored)["models"]["basic_cnn"]["drift"]["opacity_probability"]
    assert found["card"] == {
        "films": 40,
        "low": pytest.approx(0.1, abs=0.01),
        "median": pytest.approx(0.1, abs=0.01),
        "high": pytest.approx(0.9, abs=0.01),
    }
    # The fakes' answers lie between the two.
    assert found["distance"] == 0.5
    assert set(found["months"]) == {"2026-01", "2026-02", "not said"}
    assert found["months"]["2026-01"]["films"] == 3
    assert found["months"]["2026-01"]["by_chance"] == pytest.approx(1.358 * (43 / 120) ** 0.5, 1e-3)


def test_many_devices_are_told_as_others(scored, monkeypatch):
    monkeypatch.setattr(summary, "MOST_GROUPS", 1)
    groups = write_summary(scored)["models"]["basic_cnn"]["groups"]
    assert {name: entry["films"] for name, entry in groups["device"].items()} == {
        "Unit 0": 6,
        "others": 5,
    }


def test_what_is_no_archive_or_a_damaged_one_is_said(scored, tmp_path):
    with pytest.raises(ArgumentError, match="expected the folder of"):
        write_summary(tmp_path)
    (tmp_path / FOLDER).mkdir()
    (tmp_path / "run.json").write_bytes((scored / "run.json").read_bytes())
    (tmp_path / FOLDER / "part-000001.parquet").write_bytes(b"half a shard")
    with pytest.raises(ArgumentError, match=r"part-000001\.parquet.*Delete it"):
        write_summary(tmp_path)
    (tmp_path / "summary.json").write_text(json.dumps({"films": "many"}))
    with pytest.raises(ArgumentError, match="summary.json"):
        read_summary(tmp_path)
