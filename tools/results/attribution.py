"""The text of `docs/explanations.md`: the heatmap methods, and how far each can be believed."""

import json
from collections.abc import Mapping
from pathlib import Path

from tools.results.markdown import interval, table
from xraycore.attribution.metrics.localisation import best_of
from xraycore.attribution.registry import METHODS, RANDOMISATION_FILE
from xraycore.config import weights_folder
from xraycore.models.cards import list_trained, read_card
from xraycore.models.registry import MODELS
from xraycore.utils.text import join_names, percent

_NEEDS = {
    "features": "one forward pass, for all classes",
    "forward": "many forward passes a class",
    "gradients": "backward passes a class",
}
# Row of the localisation document that holds the maps which know nothing.
BASELINE = "baseline"
# What was asked for: hit rate and energy in the lungs, of the best method on the best model.
WANTED_HIT, WANTED_INSIDE = 0.72, 0.80


def write_explanations(measured: Path, file: Path) -> None:
    """Writes what was measured of the heatmap methods.

    Args:
        measured: Folder with `localisation.json` (of `localise --json`) and, of what was tried,
            `localisation.txt`.
        file: The Markdown file.
    """
    lines = [
        "# Heatmaps, and how far to believe them",
        "",
        "Drawn by `python -m tools.results` from what `localise --json` and `randomise` "
        "measured; no figure of the tables is typed by hand. For education and research, never for "
        "diagnosis.",
        "",
        *_methods(),
        *_randomised(),
        *_localised(measured / "localisation.json"),
    ]
    if (tried := measured / "localisation.txt").exists():
        lines += ["### What was tried", "", *tried.read_text().splitlines(), ""]
    file.write_text("\n".join(lines).rstrip() + "\n")


def _methods() -> list[str]:
    rows = [[one.title, one.summary, _NEEDS[one.needs], one.paper] for one in METHODS.values()]
    return ["## The methods", "", *table(["method", "its heat marks", "takes", "paper"], rows)]


def _randomised() -> list[str]:
    file = weights_folder() / RANDOMISATION_FILE
    if not file.exists():
        return ["## The randomisation test", "", "Not measured for these weights.", ""]
    found = json.loads(file.read_text())
    models = _of_models(found)
    rows = [
        [
            METHODS[method].title,
            *(_cascade(of_model.get(method), found["limit"]) for of_model in models.values()),
        ]
        for method in METHODS
    ]
    return [
        "## The randomisation test",
        "",
        "A map that stays the same when the network has forgotten what it learnt shows the film, "
        "not the network (Adebayo et al. 2018, arXiv:1810.03292). Absolute rank correlation with "
        "the trained network's map, with the upper half of the layer groups random and with all "
        f"of them, mean over {found['films']} films; a method passes where both are below "
        f"{found['limit']}. Of so few films a mean is good to some hundredths: a verdict that near "
        "to the limit may turn with other films.",
        "",
        *table(["method", *(MODELS[name].title for name in models)], rows),
    ]


def _of_models(found: Mapping) -> dict[str, dict[str, dict]]:
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


def _near(value: float, limit: float) -> str:
    """Two decimals; three where two would be the limit itself."""
    return f"{value:.3f}" if f"{value:.2f}" == f"{limit:.2f}" else f"{value:.2f}"


def _cascade(one: Mapping | None, limit: float) -> str:
    if one is None:
        return "–"
    text = " / ".join(_near(one[part], limit) for part in ("half", "all"))
    return text if one["passes"] else f"{text} **fails**"


def _localised(file: Path) -> list[str]:
    if not file.exists():
        return []
    found = json.loads(file.read_text())
    models = _of_models(found)
    if not models:
        return []
    model, method = best_of(models)
    best = models[model][method]
    keys = {
        "hit": "hit rate",
        "iou": "IoU",
        "energy_in_mask": "energy in mask",
        "energy_in_lungs": "energy in lungs",
        "auprc": "AUPRC",
    }
    rows = [
        [title, map_, *(interval(scores[key]) for key in keys)]
        for title, map_, scores in (
            *((BASELINE, one, scores) for one, scores in found["rows"][BASELINE].items()),
            *(
                (MODELS[name].title, METHODS[one].title, scores)
                for name, of_model in models.items()
                for one, scores in of_model.items()
            ),
        )
    ]
    missing = [
        f"- {MODELS[name].title}: {join_names(titles)}"
        for name, of_model in models.items()
        if (titles := [one.title for one in METHODS.values() if one.name not in of_model])
    ]
    chance, bright = (
        found["rows"][BASELINE][name]["hit"]["value"]
        for name in ("random point in the lungs", "brightness in the lungs")
    )
    lungs = "the drawn lungs" if found.get("lungs") else "the lungs that the segmenter finds"
    hit, inside = best["hit"]["value"], best["energy_in_lungs"]["value"]
    return [
        "## Where the truth is known",
        "",
        f"{found['films']} films of COVID-QU-Ex on which radiologists drew the infection, none of "
        f"them a file that a network was trained on; evidence for {found['target']}. Hit rate: the "
        "hottest point lies in the drawn region (pointing game). IoU: overlap at the threshold "
        "that was best on one half of the films, judged on the other. A map is worth what it has "
        f"beyond the baselines, a random point in the lungs, which hits in {percent(chance)} of "
        "films, and above all the place in the lungs that is brightest once the film is blurred, "
        f"which needs no network, in {percent(bright)}: a map that hits no more often may have "
        f"found what is white, not what is ill. Energy in the lungs is of {lungs}, without the rim "
        f"that `results.md` allows, and of the heat for {found['target']}, whatever the network "
        "calls the film.",
        "",
        *table(["model", "map", *keys.values()], rows),
        f"Best of {sum(map(len, models.values()))} maps, chosen on these films: "
        f"{METHODS[method].title} of {MODELS[model].title}, hit rate {interval(best['hit'])} "
        f"(asked for: {WANTED_HIT}, **{_met(hit >= WANTED_HIT)}**), energy in the lungs "
        f"{inside:.3f} (asked for: {WANTED_INSIDE}, **{_met(inside >= WANTED_INSIDE)}**).",
        "",
        *(["Not measured, for what it takes:", "", *missing, ""] if missing else []),
    ]


def _met(done: bool) -> str:
    return "met" if done else "missed"
