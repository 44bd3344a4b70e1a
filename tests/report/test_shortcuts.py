"""The tables of the shortcut bench say what was measured, and a foreign file is refused."""

import json

import pytest

from tools.results.shortcut import format_rows, shortcuts
from xraycore.errors import ArgumentError
from xraycore.report.shortcuts import (
    list_checks,
    list_methods_found,
    list_trainings,
    read_bench,
)

HALF = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 60}
MEASURED = {
    "text": "Basic CNN at 96 px.",
    "rows": [
        {
            **{"plant": "marker", "share": 0.0, "remedies": "none"},
            **{"home": HALF, "moved": HALF, "heat": None, "area": None},
        },
        {
            **{"plant": "marker", "share": 1.0, "remedies": "all"},
            **{"home": HALF, "moved": HALF, "heat": HALF, "area": 0.03},
        },
    ],
    "methods": {"marker": {"grad_cam": HALF}, "tube": {"saliency": HALF}},
    "checks": [
        {
            **{"plant": "marker", "share": 1.0, "file_auroc": 0.91, "grey_auroc": 0.93},
            **{"chance_limit": 0.56, "findings": {"shortcuts": "warning", "near copies": "note"}},
        },
        {
            **{"plant": "marker", "share": 0.0, "file_auroc": None, "grey_auroc": None},
            **{"chance_limit": None, "findings": {"shortcuts": "ok"}},
        },
    ],
}


def test_a_row_a_training_method_and_check():
    first, second = list_trainings(MEASURED)
    # Without a plant nothing moves.
    assert (first["Plant"], first["AUC once it moved"], first["Its area"]) == ("none", None, "–")
    assert (second["Plant"], second["In"], second["Heat on it"]) == ("Marker", "100%", HALF)
    of_methods = {row["Method"]: row for row in list_methods_found(MEASURED)}
    assert of_methods == {
        "Grad-CAM": {"Method": "Grad-CAM", "Marker": HALF, "Tube": None},
        "Saliency": {"Method": "Saliency", "Marker": None, "Tube": HALF},
    }
    warned, quiet = list_checks(MEASURED)
    assert (warned["Warns of"], warned["Notes"]) == ("shortcuts", "near copies")
    assert warned["AUROC from the file"] == "0.91" and quiet["Warns of"] == "nothing"


def test_the_document_shows_them_as_texts(tmp_path):
    file = tmp_path / "shortcut.json"
    assert shortcuts(file) is None
    file.write_text(json.dumps(MEASURED))
    shown = shortcuts(file)
    assert shown["rows"][1]["Heat on it"] == "0.500 [0.400, 0.600]"
    assert shown["methods"][0]["Tube"] == "–"
    assert format_rows([{"a": "b"}]) == [{"a": "b"}]


def test_a_file_of_something_else_is_refused(tmp_path):
    file = tmp_path / "shortcut.json"
    file.write_text(json.dumps({**MEASURED, "rows": [{"plant": "marker"}]}))
    with pytest.raises(ArgumentError, match="shortcut.json"):
        read_bench(file)
