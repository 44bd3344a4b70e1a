"""The text of `docs/explanations.md`: the heatmap methods, and how far each can be believed."""

import json
from collections.abc import Mapping
from pathlib import Path

from tools.results.markdown import get_template
from xraycore.attribution.metrics.localisation import best_of
from xraycore.attribution.metrics.randomisation import RANDOMISATION_FILE
from xraycore.attribution.registry import METHODS
from xraycore.cli.console import format_score
from xraycore.config import weights_folder
from xraycore.models.cards import list_trained, read_card
from xraycore.models.registry import MODELS
from xraycore.utils.text import join_names

_NEEDS = {
    "features": "one forward pass, for all classes",
    "forward": "many forward passes a class",
    "gradients": "backward passes a class",
}
# Row of the localisation document that holds the maps which know nothing.
BASELINE = "baseline"
# What was asked for: hit rate and energy in the lungs, of the best method on the best model.
WANTED = {"hit": 0.72, "inside": 0.80}
_SCORES = {
    "hit": "hit rate",
    "iou": "IoU",
    "energy_in_mask": "energy in mask",
    "energy_in_lungs": "energy in lungs",
    "auprc": "AUPRC",
}


def write_explanations(measured: Path, file: Path) -> None:
    """Writes what was measured of the heatmap methods.

    Args:
        measured: Folder with `localisation.json` (of `localise --json`) and, of what was tried,
            `localisation.txt`.
        file: The Markdown file.
    """
    notes = measured / "localisation.txt"
    text = get_template("explanations.md").render(
        methods=[
            {
                "method": one.title,
                "its heat marks": one.summary,
                "takes": _NEEDS[one.needs],
                "paper": one.paper,
            }
            for one in METHODS.values()
        ],
        randomised=_read_randomised(weights_folder() / RANDOMISATION_FILE),
        localised=_read_localised(measured / "localisation.json"),
        wanted=WANTED,
        tried=notes.read_text().rstrip() if notes.exists() else "",
    )
    file.write_text(text)


def _read_randomised(file: Path) -> dict | None:
    if not file.exists():
        return None
    found = json.loads(file.read_text())
    models = _select_current(found)
    rows = [
        {"method": title.title}
        | {
            MODELS[name].title: _format_cascade(of_model.get(method), found["limit"])
            for name, of_model in models.items()
        }
        for method, title in METHODS.items()
    ]
    return {**found, "rows": rows}


def _select_current(found: Mapping) -> dict[str, dict[str, dict]]:
    """What was measured of the models (model -> method -> figures), in the registries' order.

    Of a model that has been shipped again since, nothing.
    """
    now = {name: read_card(name)["weights"]["sha256"] for name in list_trained()}
    return {
        name: {method: found["rows"][name][method] for method in METHODS if method in of_model}
        for name in MODELS
        if (of_model := found["rows"].get(name))
        and found["weights"].get(name) == now.get(name, found["weights"].get(name))
    }


def _format_near(value: float, limit: float) -> str:
    """Two decimals; three where two would be the limit itself."""
    return f"{value:.3f}" if f"{value:.2f}" == f"{limit:.2f}" else f"{value:.2f}"


def _format_cascade(one: Mapping | None, limit: float) -> str:
    if one is None:
        return "–"
    text = " / ".join(_format_near(one[part], limit) for part in ("half", "all"))
    return text if one["passes"] else f"{text} **fails**"


def _read_localised(file: Path) -> dict | None:
    found = json.loads(file.read_text()) if file.exists() else None
    models = _select_current(found) if found else None
    if not models:
        return None
    model, method = best_of(models)
    baselines = found["rows"][BASELINE]
    named = [(BASELINE, one, scores) for one, scores in baselines.items()] + [
        (MODELS[name].title, METHODS[one].title, scores)
        for name, of_model in models.items()
        for one, scores in of_model.items()
    ]
    missing = {
        MODELS[name].title: [one.title for one in METHODS.values() if one.name not in of_model]
        for name, of_model in models.items()
    }
    return {
        "films": found["films"],
        "target": found["target"],
        "drawn_lungs": bool(found.get("lungs")),
        "chance": baselines["random point in the lungs"]["hit"]["value"],
        "brightness": baselines["brightness in the lungs"]["hit"]["value"],
        "rows": [
            {"model": title, "map": one}
            | {column: format_score(scores[key]) for key, column in _SCORES.items()}
            for title, one, scores in named
        ],
        "maps": sum(map(len, models.values())),
        "model": MODELS[model].title,
        "method": METHODS[method].title,
        "best": models[model][method],
        "missing": {name: join_names(titles) for name, titles in missing.items() if titles},
    }
