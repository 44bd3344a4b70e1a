"""The text of `docs/results.md`: one function a section, each a list of lines."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.results.generalisation import calibration, other_hospitals, pairs, probes
from tools.results.markdown import interval, shown, table
from tools.results.negative_results import tried
from tools.results.stored import KINDS, Scored, Stored
from tools.results.targets import Target, accuracy, auc, targets
from xraycore.datasets.labels import LABEL_SCHEMES
from xraycore.metrics.classification import Score, view_scores, wilson_interval
from xraycore.metrics.operating_points import at_threshold

# The issue's own probes, before this project: what there is to beat.
PROBES = (
    ("frozen ImageNet Xception + logistic regression", "0.793", "0.936", "–", "–"),
    ("Xception fine-tuned 2 epochs", "–", "0.973", "0.84", "–"),
    ("the same, 4 epochs, rate annealed", "0.936", "0.981", "0.65", "0.39"),
    ("2 epochs with lung crop and evidence loss", "0.928", "0.978", "0.90", "0.82"),
)


def write_results(stored: Stored, measured: Path, file: Path) -> None:
    """Writes the results of the shipped models.

    Args:
        stored: Cards and predictions.
        measured: Folder with what other commands measured: `ablation.json`, `audit.json`,
            and `tried/` with the runs that were not shipped.
        file: The Markdown file.
    """
    sections = (
        _head(stored),
        _official(stored),
        _four_classes(stored, measured / "audit.json"),
        other_hospitals(stored),
        _lungs(stored),
        calibration(stored),
        probes(stored, measured / "audit.json"),
        pairs(stored),
        _ablation(measured / "ablation.json"),
        _targets(stored),
        tried(stored, measured / "tried"),
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join("\n".join(lines) + "\n" for lines in sections if lines))


def _head(stored: Stored) -> list[str]:
    official = stored.official(stored.names[0])
    return [
        "# Results",
        "",
        "Drawn by `python -m tools.results` from the predictions and cards under `weights/`; no "
        "figure here is typed by hand but the probes of others that ours are set beside. Values in "
        "brackets are 95 % intervals: Wilson for shares of films, which takes films for "
        f"independent (the official {len(official.groups)} are of {len(set(official.groups))} "
        "patients: it is somewhat narrow), bootstrap of patients for the rest; a calibration "
        "error's lies high, as few films make it larger. covid_radiography and covid_qu name no "
        "patients: each of their films counts as one, so that films of a patient may lie in "
        "training and test, and intervals there are somewhat narrow. The test films were opened "
        f"once for each generation of weights{_again(stored)}. For education and research, never "
        "for diagnosis.",
        "",
        "Models: "
        + ", ".join(stored.titles[name] for name in stored.names)
        + ". The ensemble is the mean of their calibrated probabilities.",
        "",
        "![ROC curves on the official test, and evidence in the lungs](images/results.png)",
    ]


def _again(stored: Stored) -> str:
    """Which models' test films were opened again, for the same weights."""
    titles = [stored.titles[n] for n, c in stored.cards.items() if "rescored" in c["training"]]
    return f", and once more when calibration was changed ({', '.join(titles)})" if titles else ""


def _official(stored: Stored) -> list[str]:
    rows, points = [], []
    for name in stored.names:
        judged = stored.official(name)
        scores = view_scores(
            judged.target, judged.probability, LABEL_SCHEMES["pneumonia"].classes, judged.groups
        )
        finding = scores["classes"]["Pneumonia"]
        rows.append(
            [
                stored.titles[name],
                *(interval(scores[key]) for key in ("accuracy", "macro_auroc")),
                *(interval(finding[key]) for key in ("recall", "specificity")),
                interval(scores["ece"]),
            ]
        )
        for point in stored.points(name).values():
            found = at_threshold(judged.target == 1, judged.probability[:, 1], point.threshold)
            cells = (interval(found[key]) for key in ("sensitivity", "specificity", "accuracy"))
            points.append([stored.titles[name], point.title, f"{point.threshold:.3f}", *cells])
    return [
        "## Normal or pneumonia: the official 624 films of children",
        "",
        "Kermany's own test split: 234 normal, 390 pneumonia. At a probability of 0.5:",
        "",
        *table(
            ["model", "accuracy", "AUC", "sensitivity", "specificity", "calibration error"], rows
        ),
        "At operating points chosen on validation films:",
        "",
        *table(["model", "point", "threshold", "sensitivity", "specificity", "accuracy"], points),
    ]


def _four_classes(stored: Stored, audit: Path) -> list[str]:
    rows, classes = [], LABEL_SCHEMES["chest4"].classes
    for name in stored.names:
        judged = Scored.of(stored.films(name, "test"), LABEL_SCHEMES["chest4"])
        scores = view_scores(judged.target, judged.probability, classes, judged.groups)
        recalls = (interval(scores["classes"][label]["recall"]) for label in classes)
        rows.append(
            [
                stored.titles[name],
                *(interval(scores[key]) for key in ("accuracy", "macro_f1", "ece")),
                *recalls,
                interval(_right(stored.official(name, KINDS))),
            ]
        )
    columns = ["model", "accuracy", "macro F1", "calibration error"]
    columns += [f"recall {label}" for label in classes] + ["bacterial or viral, if one of them"]
    return [
        "## Four classes: the official 624 and a fifth of covid_radiography",
        "",
        "Bacterial and viral pneumonia are children of one hospital, COVID-19 adults of others; "
        "part of every score here may be age and hospital. Only scores within one source are free "
        "of that: the official test above, NIH below, and the last column here, which asks a "
        "network that must choose between bacterial and viral pneumonia, on films with one of "
        f"them.{_crossing(stored, audit)}",
        "",
        *table(columns, rows),
    ]


def _crossing(stored: Stored, audit: Path) -> str:
    """A sentence on test films that are near copies of films trained or validated on, if any."""
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
    count = sum(group.count("test") for group in groups if set(group) != {"test"})
    few = f" {count} of these films are near copies of films that were trained or validated on, "
    return few + "which was found when the splits were long made." if count else ""


def _right(judged: Scored) -> Score:
    called = judged.probability.argmax(axis=1)
    return wilson_interval((called == judged.target).sum(), len(judged.target))


def _lungs(stored: Stored) -> list[str]:
    sources = sorted({s for card in stored.cards.values() for s in card["inside_lungs"]})
    rows = [
        [
            stored.titles[name],
            *(shown(card["inside_lungs"].get(source, {}).get("evidence")) for source in sources),
        ]
        for name, card in stored.cards.items()
    ]
    areas = {
        source: found["area"]
        for card in stored.cards.values()
        for source, found in card["inside_lungs"].items()
    }
    rows.append(
        ["*a map that is the same everywhere*"] + [shown(areas.get(source)) for source in sources]
    )
    return [
        "## Where the evidence lies",
        "",
        "Share of the positive Grad-CAM heat for the predicted class that lies in the lungs or "
        "within 3 % of the film's side around them. The networks see the lungs with a margin; the "
        "last row is what a map has that is the same everywhere there.",
        "",
        *table(["model", *sources], rows),
    ]


def _ablation(file: Path) -> list[str]:
    if not file.exists():
        return []
    found = json.loads(file.read_text())
    columns = {
        "val_auc": "home, AUC",
        "val_accuracy": "home, accuracy",
        "auc_nih": "NIH's ill, AUC",
        "auc_cohen": "Cohen's ill, AUC",
        "val_inside": "evidence in the lungs",
    }
    rows = [
        [row["name"], *(shown(row["last"].get(key)) for key in columns)] for row in found["rows"]
    ]
    return [
        "## What each ingredient brings",
        "",
        f"{found['text']} Validation films, last epoch. The ill of NIH and of Cohen are each set "
        "against the normal films of both, as when an epoch is chosen: Cohen has hardly any of its "
        "own, so that its column compares hospitals as well. "
        "Each line with a plus adds one ingredient to the line above. One training each, and few "
        "external films: a difference of some hundredths may be chance.",
        "",
        *table(["recipe", *columns.values()], rows),
        *_ingredients(found["rows"]),
    ]


def _ingredients(rows: Sequence[Mapping]) -> list[str]:
    """In words, what the line with set labels, as networks are shipped, is beside the first."""
    first = rows[0]["last"]
    last = next((row["last"] for row in rows if row["name"].endswith("sets")), None)
    if last is None:
        return []
    changes = [
        f"{text} from {first[key]:.3f} to {last[key]:.3f}"
        for key, text in (
            ("val_auc", "the home AUC goes"),
            ("auc_nih", "that of NIH's ill"),
            ("auc_cohen", "that of Cohen's"),
            ("val_inside", "and the evidence in the lungs or their rim"),
        )
        if key in first and key in last
    ]
    return [f"From the first line to that with set labels {', '.join(changes)}.", ""]


def _against(target: Target) -> str:
    """The figure, with as many decimals as tell it from what was asked for."""
    text = shown(target.found)
    near = target.found is not None and not target.met and float(text) == target.wanted
    return f"{target.found:.4f}" if near else text


def _targets(stored: Stored) -> list[str]:
    rows = [
        [
            target.text,
            f"{'≤' if target.at_most else '≥'} {target.wanted}",
            _against(target),
            shown(target.chosen) if target.chosen is not None else "",
            "met" if target.met else "not trained yet" if target.found is None else "**missed**",
        ]
        for target in targets(stored)
    ]
    best = stored.best
    inside = stored.cards[best]["inside_lungs"].get("chest_xray", {}).get("evidence")
    nih = stored.cards[best]["external"].get("nih", {}).get("pneumonia", {}).get("auc", {})
    official = stored.official(best)
    ours = [
        f"**{stored.titles[best]}, shipped**",
        shown(accuracy(official)),
        shown(auc(official)),
        shown(nih.get("value")),
        shown(inside),
    ]
    return [
        "## Against what was asked for",
        "",
        "Accuracy is asked for at a probability of 0.5, and judged there; beside it what it is at "
        "the threshold that was best on validation films (highest F1). The best single network is "
        "the one with the highest score of those that choose an epoch: half of it is validation, "
        "half the AUCs of NIH's and Cohen's ill films against the normal ones of both, so that its "
        "figures on these two are flattering.",
        "",
        *table(["figure", "asked for", "measured", "validation's threshold", ""], rows),
        "Beside the probes made before this project (their figures; where evidence lies was "
        "measured on other films, and within the lungs without a rim):",
        "",
        *table(
            ["network", "official 624, accuracy", "AUC", "NIH, AUC", "evidence in the lungs"],
            [*map(list, PROBES), ours],
        ),
    ]
