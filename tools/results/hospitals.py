"""The section on other hospitals, of what `xraycore generalise` measured."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xraycore.cli.console import format_score
from xraycore.models.registry import MODELS


def hospitals(file: Path) -> dict[str, Any] | None:
    """Tables of answers, of heat, and of what the cards say; None where nothing was measured.

    Rows of weights that are no longer shipped stand there too: what was measured says of which.
    """
    if not file.exists():
        return None
    found = json.loads(file.read_text())
    rows = [
        (MODELS[model].title, hospital, row)
        for model, of_model in found["rows"].items()
        for hospital, row in of_model.items()
    ]
    return {
        "chosen_on": ", ".join(found["choose_on"]),
        "answers": [
            {"model": title, "films of": name} | _answers(row)
            for title, name, row in rows
            if row["films"]
        ],
        "heat": [
            {"model": title, "films of": name} | _heat(row)
            for title, name, row in rows
            if row["heat"]
        ],
        "uncoloured": [
            {
                "model": title,
                "normal films of": name,
                "uncoloured": _short(row["uncoloured"]),
                "false alarms a film": f"{1 - row['uncoloured']['value']:.2f}",
            }
            for title, name, row in rows
            if row["uncoloured"]
        ],
        "levels": [_levels(MODELS[model].title, one) for model, one in found["levels"].items()],
    }


def _answers(row: Mapping[str, Any]) -> dict[str, str]:
    columns = {"normal / opacity": f"{row['normals']} / {row['abnormals']}"}
    columns["AUC"] = _short(row["auc"])
    for key, text in (
        ("home", "home's threshold"),
        ("shipped", "in force"),
        ("site", "20 normals"),
    ):
        for name in ("sensitivity", "specificity"):
            columns[f"{name}, {text}"] = _short((row[key] or {}).get(name))
    sets = row["sets"] or {}
    return columns | {
        "COVID-19 among kinds, AUC": _short(row["kind_auc"]),
        "calibration error": _short(row["ece"]),
        "set holds, normal": _short(sets.get("none")),
        "set holds, opacity": _short(sets.get("opacity")),
        "cannot tell": _short(sets.get("cannot tell")),
        "no answer": _short(row["ruled_out"]),
    }


def _heat(row: Mapping[str, Any]) -> dict[str, str]:
    names = {
        "hit": "hit",
        "bright_hit": "hit of brightness",
        "beyond_brightness": "difference, paired",
        "on_lesion": "on the lesion",
        "in_lungs": "in the lungs",
        "coloured": "coloured",
        "iou": "IoU of what is coloured",
    }
    return {"films": str(row["heat"]["hit"]["n"])} | {
        text: _short(row["heat"][key]) for key, text in names.items()
    }


def _levels(title: str, levels: Mapping[str, Any]) -> dict[str, str]:
    opacity, kind = levels["opacity"], levels["kind"]
    home, elsewhere = (levels["coverage"][key] or {} for key in ("home test", "elsewhere"))
    return {
        "model": title,
        "opacity from": f"{opacity['operating_point']['threshold']:.3f}",
        "opacity is right": _short(opacity["trust"].get("opacity")),
        "none is right": _short(opacity["trust"].get("none")),
        "COVID-19 is right": _short(kind["trust"].get("COVID-19")),
        "set holds at home, normal": _short(home.get("none")),
        "opacity": _short(home.get("opacity")),
        "elsewhere, normal": _short(elsewhere.get("none")),
        "elsewhere, opacity": _short(elsewhere.get("opacity")),
        "other findings called an opacity": _short(levels["others"]["called"]),
    }


def _short(score: Mapping[str, float] | None) -> str:
    return format_score(score, ".2f")
