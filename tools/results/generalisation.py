"""Sections of the results on how far to believe them: hospitals, calibration, probes, tests."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.model_selection import GroupKFold

from tools.results.stored import Scored, Stored
from tools.results.targets import accuracy, auc_score, calibration_error
from xraycore.cli.console import format_score
from xraycore.datasets.labels import LABEL_SCHEMES
from xraycore.datasets.public import CITATIONS
from xraycore.evaluation.predictions import PredictionSet
from xraycore.evaluation.shortcut_probes import ALTERATIONS
from xraycore.metrics.calibration import fit_calibration
from xraycore.metrics.classification import score_classes
from xraycore.metrics.intervals import defined_proportion
from xraycore.metrics.significance import compare_all
from xraycore.report.sentences import format_p

_NIH_COLUMNS = (
    *("NIH, AUC", "NIH, sensitivity at 0.5", "NIH, specificity at 0.5"),
    "NIH, neither kind: called pneumonia",
)


def external_hospitals(stored: Stored) -> dict:
    """NIH's and Cohen's films, and how much of a good score there is the hospital's."""
    scheme, first = LABEL_SCHEMES["pneumonia"], stored.names[0]
    few = Counter(stored.covid_among_cohen(first).y_true.tolist())
    nih = stored.films(first, "external", "nih").records
    read = Counter(scheme.label(record.label) for record in nih)
    rows = [
        {
            "model": stored.titles[name],
            **dict(zip(_NIH_COLUMNS, _score_nih(stored, name), strict=True)),
            "Cohen's COVID-19 or home's normal, AUC": _format_auc(stored.external_covid(name)),
            "Cohen's normal or home's normal, AUC": _format_auc(stored.external_normals(name)),
            "Cohen's COVID-19 or Cohen's normal, AUC": _format_auc(stored.covid_among_cohen(name)),
        }
        for name in stored.names
    ]
    return {
        "nih": CITATIONS["nih"],
        "opacity": read["Pneumonia"],
        "normal": read["Normal"],
        "neither": read[None],
        "cohen": CITATIONS["cohen"],
        "cohen_normal": few[0],
        "cohen_covid": few[1],
        "rows": rows,
    }


def _score_nih(stored: Stored, name: str) -> list[str]:
    scheme, nih = LABEL_SCHEMES["pneumonia"], stored.films(name, "external", "nih")
    if not nih.records:
        return ["–"] * len(_NIH_COLUMNS)
    films = Scored.of(nih, scheme)
    scores = score_classes(films.y_true, films.probability, scheme.classes, films.groups)
    finding = scores["classes"]["Pneumonia"]
    between = nih.only(lambda record: scheme.label(record.label) is None)
    called = scheme.probabilities(between.probabilities, between.classes)[:, 1] >= 0.5
    share = defined_proportion(called.sum(), len(called))
    of_class = (finding["recall"], finding["specificity"])
    return [format_score(score) for score in (scores["macro_auroc"], *of_class, share)]


def _format_auc(films: Scored) -> str:
    return format_score(auc_score(films))


def probes(stored: Stored, audit: Path) -> dict:
    """What is left of a network without the lungs, and whether it knows its hospitals."""
    told = []
    if audit.exists():
        found = json.loads(audit.read_text())["confounding"]
        scores = {
            "file size and dimensions": f"{found['file_auroc']:.3f}",
            "mean brightness and contrast as well": f"{found['grey_auroc']:.3f}",
        }
        for name, card in stored.cards.items():
            scores[stored.titles[name]] = format_score(card["scores"]["all"]["macro_auroc"])
        told = [{"told by": title, "macro AUROC": score} for title, score in scores.items()]
    return {
        "blacked_out": [
            {"model": stored.titles[name], "films": source}
            | {text: format_score(found[kind]) for kind, (text, _) in ALTERATIONS.items()}
            for name, card in stored.cards.items()
            for source, found in card["probes"]["auc"].items()
        ],
        "sources": [
            {
                "model": stored.titles[name],
                "class": label,
                "sources": " / ".join(found["sources"]),
                "AUROC": f"{found['auroc']:.3f}",
            }
            for name, card in stored.cards.items()
            for label, found in card["probes"]["source"].items()
        ],
        "told": told,
    }


def compare_calibrations(stored: Stored) -> list[dict[str, str]]:
    """What the bias of the calibration brings, beside a temperature alone."""
    rows = []
    for name, card in stored.cards.items():
        if not card.get("bias"):
            continue
        known = stored.films(name, "val")
        alone = stored.with_calibration(
            name, fit_calibration(known.logits, known.allowed, biased=False)
        )
        row = {"model": stored.titles[name]}
        for kind, biased in (("temperature", False), ("+ bias", True)):
            loss = _held_out_log_loss(known, biased)
            row[f"mean -log p, validation films held out: {kind}"] = f"{loss:.4f}"
        for kind, one in (("temperature", alone), ("+ bias", stored)):
            error = calibration_error(one, name)
            row[f"calibration error, home test: {kind}"] = f"{error:.3f}"
        for kind, one in (("temperature", alone), ("+ bias", stored)):
            row[f"accuracy, official test: {kind}"] = f"{accuracy(one.official(name)):.3f}"
        rows.append(row)
    return rows


def _held_out_log_loss(known: PredictionSet, biased: bool) -> float:
    """Mean -log p of films whose patients a calibration was not fitted on, in five folds."""
    total = 0.0
    for fitted, held in GroupKFold(5).split(known.logits, groups=known.groups):
        calibration = fit_calibration(known.logits[fitted], known.allowed[fitted], biased=biased)
        said = (calibration.probabilities(known.logits[held]) * known.allowed[held]).sum(axis=1)
        total -= np.log(np.maximum(said, 1e-12)).sum()
    return float(total / len(known.records))


def compare_pairs(stored: Stored) -> list[dict[str, str]]:
    """Every pair of models compared on the official test."""
    if len(stored.names) < 2:
        return []
    films = {name: stored.official(name) for name in stored.names}
    y_true = next(iter(films.values())).y_true == 1
    found = compare_all({name: one.probability[:, 1] for name, one in films.items()}, y_true)
    return [
        {
            "pair": f"{stored.titles[pair['a']]} – {stored.titles[pair['b']]}",
            "AUC difference": _format_difference(pair["delong"]),
            "DeLong": format_p(pair["delong"]["p_holm"]),
            "only one of them right": f"{pair['mcnemar']['only_a']} / {pair['mcnemar']['only_b']}",
            "McNemar": format_p(pair["mcnemar"]["p_holm"]),
        }
        for pair in found
    ]


def _format_difference(delong: dict) -> str:
    difference = f"{delong['difference']:+.3f}"
    if delong["low"] is None:
        return difference
    return f"{difference} [{delong['low']:+.3f}, {delong['high']:+.3f}]"
