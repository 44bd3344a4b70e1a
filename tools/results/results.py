"""`docs/results.md`: what its template shows, a function a section."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.results.generalisation import (
    compare_calibrations,
    compare_pairs,
    external_hospitals,
    probes,
)
from tools.results.hospitals import hospitals
from tools.results.markdown import format_value, get_template
from tools.results.retrieval import retrieval
from tools.results.shortcut import shortcuts
from tools.results.stored import KINDS, Scored, Stored
from tools.results.targets import Target, accuracy, auc, targets
from xraycore.cli.console import format_score
from xraycore.datasets.labels import LABEL_SCHEMES
from xraycore.metrics.classification import score_classes
from xraycore.metrics.intervals import wilson_interval
from xraycore.metrics.operating_points import at_threshold
from xraycore.models.registry import MODELS

# The issue's own probes, before this project: what there is to beat.
_COLUMNS = ("network", "official 624, accuracy", "AUC", "NIH, AUC", "evidence in the lungs")
PROBES = (
    ("frozen ImageNet Xception + logistic regression", "0.793", "0.936", "–", "–"),
    ("Xception fine-tuned 2 epochs", "–", "0.973", "0.84", "–"),
    ("the same, 4 epochs, rate annealed", "0.936", "0.981", "0.65", "0.39"),
    ("2 epochs with lung crop and evidence loss", "0.928", "0.978", "0.90", "0.82"),
)
# Of a row of a run's history, and the headings that stand for it.
_INGREDIENTS = {
    "val_auc": "home, AUC",
    "val_accuracy": "home, accuracy",
    "auc_nih": "NIH's ill, AUC",
    "auc_cohen": "Cohen's ill, AUC",
    "val_inside": "evidence in the lungs",
}
_TUNING = {
    "val_auc": "home, AUC",
    "val_accuracy": "home, accuracy",
    "auc_nih": "NIH's ill, AUC",
    "auc_nih_others": "NIH's others, AUC",
    "auc_cohen": "Cohen's ill, AUC",
    "hit_val": "home, hit",
    "heat_val": "on the lesion",
    "hit_nih": "NIH, hit",
    "heat_nih": "on the box",
    "hit_cohen_masks": "Cohen, hit",
    "heat_cohen_masks": "on the outline",
}
_CHOICE = {
    "val_auc": "home, AUC",
    "auc_nih": "NIH's ill, AUC",
    "auc_cohen": "Cohen's ill, AUC",
    "choice": "score that epochs are chosen by",
}


def write_results(stored: Stored, measured: Path, file: Path) -> None:
    """Writes the results of the shipped models.

    Args:
        stored: Cards and predictions.
        measured: Folder with what other commands measured: `ablation.json` and
            `ablation-lesions.json` (`ablate`, its two tables), `audit.json`, `generalisation.json`,
            `retrieval.json`, `shortcut.json`, and `tried/` with the runs that were not shipped.
        file: The Markdown file.
    """
    audit = measured / "audit.json"
    text = get_template("results.md").render(
        models=[stored.titles[name] for name in stored.names],
        rescored=[
            stored.titles[name]
            for name, card in stored.cards.items()
            if "rescored" in card["training"]
        ],
        official=_official(stored),
        four_classes=_four_classes(stored),
        near_copies=_count_near_copies(stored, audit),
        external=external_hospitals(stored),
        hospitals=hospitals(measured / "generalisation.json"),
        retrieval=retrieval(measured / "retrieval.json"),
        lungs=_lungs(stored),
        calibration=compare_calibrations(stored),
        probes=probes(stored, audit),
        pairs=compare_pairs(stored),
        ablation=_ablation(measured / "ablation.json", _INGREDIENTS),
        tuning=_ablation(measured / "ablation-lesions.json", _TUNING),
        shortcuts=shortcuts(measured / "shortcut.json"),
        targets=_targets(stored),
        negative_results=negative_results(stored, measured / "tried"),
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def _official(stored: Stored) -> dict:
    rows, points = [], []
    for name in stored.names:
        films = stored.official(name)
        classes = LABEL_SCHEMES["pneumonia"].classes
        scores = score_classes(films.y_true, films.probability, classes, films.groups)
        finding = scores["classes"]["Pneumonia"]
        rows.append(
            {
                "model": stored.titles[name],
                "accuracy": format_score(scores["accuracy"]),
                "AUC": format_score(scores["macro_auroc"]),
                "sensitivity": format_score(finding["recall"]),
                "specificity": format_score(finding["specificity"]),
                "calibration error": format_score(scores["ece"]),
            }
        )
        for point in stored.points(name).values():
            found = at_threshold(films.y_true == 1, films.probability[:, 1], point.threshold)
            keys = ("sensitivity", "specificity", "accuracy")
            points.append(
                {
                    "model": stored.titles[name],
                    "point": point.title,
                    "threshold": f"{point.threshold:.3f}",
                    **{key: format_score(found[key]) for key in keys},
                }
            )
    groups = stored.official(stored.names[0]).groups
    return {"films": len(groups), "patients": len(set(groups)), "rows": rows, "points": points}


def _four_classes(stored: Stored) -> list[dict[str, str]]:
    rows, classes = [], LABEL_SCHEMES["chest4"].classes
    for name in stored.names:
        films = Scored.of(stored.films(name, "test"), LABEL_SCHEMES["chest4"])
        scores = score_classes(films.y_true, films.probability, classes, films.groups)
        of_class = scores["classes"]
        kinds = stored.official(name, KINDS)
        right = (kinds.probability.argmax(axis=1) == kinds.y_true).sum()
        rows.append(
            {
                "model": stored.titles[name],
                "accuracy": format_score(scores["accuracy"]),
                "macro F1": format_score(scores["macro_f1"]),
                "calibration error": format_score(scores["ece"]),
                **{f"recall {label}": format_score(of_class[label]["recall"]) for label in classes},
                "bacterial or viral, if one of them": format_score(
                    wilson_interval(right, len(kinds.y_true))
                ),
            }
        )
    return rows


def _count_near_copies(stored: Stored, audit: Path) -> int:
    """How many test films are near copies of films that were trained or validated on."""
    pairs = json.loads(audit.read_text()).get("near_copies", []) if audit.exists() else []
    known = {
        (record.source, record.path.name): record.split
        for split in ("val", "test")
        for record in stored.films(stored.names[0], split).records
    }

    def split_of(file: str) -> str:
        """A film without a prediction was trained on."""
        parts = Path(file).parts
        return next((known[s, parts[-1]] for s in parts if (s, parts[-1]) in known), "train")

    groups = [[split_of(one) for one in pair["paths"]] for pair in pairs]
    return sum(group.count("test") for group in groups if set(group) != {"test"})


def _lungs(stored: Stored) -> list[dict[str, str]]:
    inside = {stored.titles[name]: card["inside_lungs"] for name, card in stored.cards.items()}
    sources = sorted({source for of_model in inside.values() for source in of_model})
    areas = {source: one["area"] for found in inside.values() for source, one in found.items()}
    rows = {
        title: {source: found.get(source, {}).get("evidence") for source in sources}
        for title, found in inside.items()
    } | {"*a map that is the same everywhere*": areas}
    return [
        {"model": title} | {source: format_value(shares.get(source)) for source in sources}
        for title, shares in rows.items()
    ]


def _ablation(file: Path, columns: Mapping[str, str]) -> dict | None:
    if not file.exists():
        return None
    found = json.loads(file.read_text())
    return {
        "text": found["text"],
        "rows": [
            {"recipe": row["name"]} | _format_values(row["last"], columns) for row in found["rows"]
        ],
        "changes": _describe_changes(found["rows"]),
    }


def _format_values(scores: Mapping[str, float], columns: Mapping[str, str]) -> dict[str, str]:
    return {title: format_value(scores.get(key)) for key, title in columns.items()}


def _describe_changes(rows: Sequence[Mapping]) -> list[str]:
    """In words, what the line with set labels, as networks are shipped, is beside the first."""
    first = rows[0]["last"]
    last = next((row["last"] for row in rows if row["name"].endswith("sets")), None)
    if last is None:
        return []
    return [
        f"{text} from {first[key]:.3f} to {last[key]:.3f}"
        for key, text in (
            ("val_auc", "the home AUC goes"),
            ("auc_nih", "that of NIH's ill"),
            ("auc_cohen", "that of Cohen's"),
            ("val_inside", "and the evidence in the lungs or their rim"),
        )
        if key in first and key in last
    ]


def _describe_outcome(target: Target) -> str:
    if target.measured is None:
        return "not trained yet"
    return "met" if target.met else "**missed**"


def _format_measured(target: Target) -> str:
    """The figure, with as many decimals as tell it from what was asked for."""
    text = format_value(target.measured)
    near = target.measured is not None and not target.met and float(text) == target.wanted
    return f"{target.measured:.4f}" if near else text


def _targets(stored: Stored) -> dict:
    rows = [
        {
            "figure": target.text,
            "asked for": f"{'≤' if target.at_most else '≥'} {target.wanted}",
            "measured": _format_measured(target),
            "validation's threshold": "" if target.chosen is None else format_value(target.chosen),
            "": _describe_outcome(target),
        }
        for target in targets(stored)
    ]
    best = stored.best
    official, card = stored.official(best), stored.cards[best]
    nih = card["external"].get("nih", {}).get("pneumonia", {}).get("auc", {})
    inside = card["inside_lungs"].get("chest_xray", {})
    ours = (accuracy(official), auc(official), nih.get("value"), inside.get("evidence"))
    networks = (*PROBES, (f"**{stored.titles[best]}, shipped**", *map(format_value, ours)))
    return {"rows": rows, "before": [dict(zip(_COLUMNS, one, strict=True)) for one in networks]}


def negative_results(stored: Stored, folder: Path) -> list[dict[str, str]]:
    """Trainings that were not shipped, each beside that of its network that was.

    Args:
        stored: The shipped models.
        folder: A folder a training, with the `run.json` and `history.csv` of its run.
    """
    rows = []
    for file in sorted(folder.glob("*/run.json")):
        run = json.loads(file.read_text())
        name = run["model"]
        title = MODELS[name].title
        if name in stored.cards:
            training = stored.cards[name]["training"]
            rows.append(_describe_training(f"{title}, shipped", training, stored.chosen(name)))
        rows.append(_describe_training(f"{title}, tried", run, _read_kept(file.parent)))
    return rows


def _read_kept(folder: Path) -> Mapping[str, float]:
    """The epoch that a run kept, the best of its last stage."""
    with (folder / "history.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    last = [row for row in rows if row["stage"] == rows[-1]["stage"]]
    return max(
        ({key: float(row[key]) for key in _CHOICE} for row in last), key=lambda row: row["choice"]
    )


def _describe_training(title: str, run: Mapping, scores: Mapping[str, float]) -> dict[str, str]:
    """How long a network was trained, on films of what size, taught by whom, and how good it is."""
    first, *others = (f"{one['epochs']} at {one['size']}" for one in run["recipe"]["stages"])
    return {
        "network": title,
        "trained": ", then ".join([first.replace(" at ", " epochs at ", 1) + " px", *others]),
        "taught by": ", ".join(MODELS[name].title for name in run["teachers"]) or "none",
        **_format_values(scores, _CHOICE),
    }
