"""What `xraycore predict` says of a film beside its answer."""

import json

import numpy as np
import pytest

from tests.dicom_files import make_dicom


@pytest.mark.slow
def test_each_warning_has_its_code_beside_it(run_cli, tmp_path):
    film = tmp_path / "film.dcm"
    ramp = np.tile(np.linspace(0, 255, 192).astype(np.uint8), (160, 1))
    film.write_bytes(make_dicom(ramp, Modality="DR", ViewPosition="LL"))
    (tmp_path / "notes.txt").write_text("no film")
    models = ("--model", "basic_cnn", "--model", "resnet50")
    code, out, _ = run_cli("predict", film, tmp_path / "notes.txt", *models, "--json")
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    found = {row["model"]: row for row in rows}
    assert set(found) == {None, "basic_cnn", "resnet50", "ensemble"}
    assert found[None]["warnings"] == found[None]["warning_codes"] == []
    for model in ("basic_cnn", "resnet50", "ensemble"):
        texts, codes = found[model]["warnings"], found[model]["warning_codes"]
        assert codes[:2] == ["modality", "lateral"]
        assert len(texts) == len(codes)
        assert "other" not in codes
        assert "lateral view" in texts[1]
