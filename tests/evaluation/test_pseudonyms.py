"""What a model's predictions tell of films and patients: nothing that names them."""

from pathlib import Path

import numpy as np

from xraycore.datasets.manifest import Record
from xraycore.evaluation.prediction_files import write_predictions
from xraycore.evaluation.predictions import PredictionSet
from xraycore.evaluation.pseudonyms import with_pseudonyms
from xraycore.metrics.calibration import Calibration


def outcome(records):
    count = len(records)
    nothing = np.full(count, np.nan)
    facts = (np.zeros((count, 2)), Calibration(), nothing, np.zeros(count))
    return PredictionSet("vgg16", ("a", "b"), tuple(records), *facts, np.full((count, 2), 9), {})


def test_no_file_patient_or_path_of_a_users_films_is_stored(tmp_path):
    records = []
    for number, patient in enumerate(("mueller", "mueller", "schmidt")):
        file = tmp_path / "ward" / f"{patient}-{number}.png"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(f"film {number}".encode())
        records.append(Record(file, "a", "test", f"ward/{patient}", "ward"))
    public = Record(Path("IM-1.jpeg"), "a", "test", "chest_xray/1", "chest_xray")
    stored = with_pseudonyms(outcome([*records, public]))
    write_predictions(tmp_path / "predictions.csv", [stored])
    text = (tmp_path / "predictions.csv").read_text()
    for word in ("mueller", "schmidt", "png", str(tmp_path)):
        assert word not in text
    assert "IM-1.jpeg" in text
    # Patients stay apart, and one patient together.
    first, second, third, _ = (record.group for record in stored.records)
    assert first == second != third
    assert first.startswith("ward/patient-")
    assert len({record.path for record in stored.records}) == 4
    # The same films in another order, of another model: the same pseudonyms.
    again = with_pseudonyms(outcome([records[2], records[1], records[0]]))
    assert {r.path: r.group for r in again.records} == {r.path: r.group for r in stored.records[:3]}
