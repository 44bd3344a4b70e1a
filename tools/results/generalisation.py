"""Sections of the results on how far to believe them: hospitals, calibration, probes, tests."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.model_selection import GroupKFold

from tools.results.markdown import interval, table
from tools.results.stored import Scored, Stored
from tools.results.targets import accuracy, auc_score, calibration_error
from xraycore.datasets.labels import LABEL_SCHEMES
from xraycore.datasets.public import CITATIONS
from xraycore.evaluation.predictions import PredictionSet
from xraycore.evaluation.shortcut_probes import ALTERATIONS
from xraycore.metrics.calibration import fit_calibration
from xraycore.metrics.classification import defined_proportion, view_scores
from xraycore.metrics.significance import compare_all


def other_hospitals(stored: Stored) -> list[str]:
    """NIH's and Cohen's films, and how much of a good score there is the hospital's."""
    view, first = LABEL_SCHEMES["pneumonia"], stored.names[0]
    rows = []
    for name in stored.names:
        cells = [stored.titles[name], *["–"] * 4]
        nih = stored.films(name, "external", "nih")
        if nih.records:
            judged = Scored.of(nih, view)
            scores = view_scores(judged.target, judged.probability, view.classes, judged.groups)
            finding = scores["classes"]["Pneumonia"]
            between = nih.only(lambda record: view.label(record.label) is None)
            called = view.probabilities(between.probabilities, between.classes)[:, 1] >= 0.5
            cells[1:] = [
                *(interval(s) for s in (scores["macro_auroc"], finding["recall"])),
                interval(finding["specificity"]),
                interval(defined_proportion(called.sum(), len(called))),
            ]
        cells += [
            interval(auc_score(judged))
            for judged in (
                stored.covid_abroad(name),
                stored.normals_abroad(name),
                stored.covid_among_cohen(name),
            )
        ]
        rows.append(cells)
    few = Counter(stored.covid_among_cohen(first).target.tolist())
    abroad = stored.films(first, "external", "nih").records
    read = Counter(view.label(record.label) for record in abroad)
    return [
        "## Other hospitals",
        "",
        f"NIH: {CITATIONS['nih']}; lung opacity ({read['Pneumonia']} films) against normal "
        f"({read['Normal']}). Their reads know a third kind, neither normal nor an opacity "
        f"({read[None]}): it is in no AUC, and how much of it is called pneumonia stands beside. "
        f"Cohen: {CITATIONS['cohen']}. "
        "Public sets take films from one another: what is a near copy of a film of the data sets "
        "is left out here, with all other films of its patient. The epoch was chosen on what is "
        "left (on all of Cohen's and NIH's films, where weights were trained before the copies "
        "were known), so the figures are a little flattering.",
        "",
        f"Of Cohen's films few are normal ({few[0]}, beside {few[1]} with COVID-19), so its "
        "COVID-19 films are set against the adult normals of the home test. **That compares "
        "hospitals as well.** The next column shows how much: there Cohen's *normal* films stand "
        "in for the ill ones, and a network that tells hospitals apart gets the same AUC as "
        "before. The last column stays within Cohen's set: 0.5 is guessing. NIH's films, ill and "
        "normal, are of one hospital.",
        "",
        *table(
            [
                *("model", "NIH, AUC", "NIH, sensitivity at 0.5", "NIH, specificity at 0.5"),
                "NIH, neither kind: called pneumonia",
                "Cohen's COVID-19 or home's normal, AUC",
                "Cohen's normal or home's normal, AUC",
                "Cohen's COVID-19 or Cohen's normal, AUC",
            ],
            rows,
        ),
    ]


def probes(stored: Stored, audit: Path) -> list[str]:
    """What is left of a network without the lungs, and whether it knows its hospitals."""
    lines = ["## Shortcut probes", ""]
    kinds = list(ALTERATIONS)
    rows = []
    for name, card in stored.cards.items():
        for source, found in card["probes"]["auc"].items():
            rows.append([stored.titles[name], source, *(interval(found[kind]) for kind in kinds)])
    lines += [
        "AUC of any pneumonia against normal on the test films as they are, with the lungs blacked "
        "out (a network that still tells has another source of knowledge), and with all but the "
        "lungs blacked out.",
        "",
        *table(["model", "films", *(text for text, _ in ALTERATIONS.values())], rows),
        "How well the *source* of a film is told from a network's pooled features, within one "
        "class (AUROC; 0.5 is chance, 1 means that the features know the hospital):",
        "",
    ]
    rows = [
        [stored.titles[name], label, " / ".join(found["sources"]), f"{found['auroc']:.3f}"]
        for name, card in stored.cards.items()
        for label, found in card["probes"]["source"].items()
    ]
    lines += table(["model", "class", "sources", "AUROC"], rows)
    if audit.exists():
        found = json.loads(audit.read_text())["confounding"]
        lines += [
            "How well the class of a film is told, of the four classes, over both data sets (macro "
            "AUROC): without any picture, from file size and dimensions alone; with mean "
            "brightness and contrast as well; and by each network, on the test films of both. What "
            "a network scores below the first two proves nothing.",
            "",
            *table(
                ["told by", "macro AUROC"],
                [
                    ["file size and dimensions", f"{found['file_auroc']:.3f}"],
                    ["mean brightness and contrast as well", f"{found['grey_auroc']:.3f}"],
                    *(
                        [stored.titles[name], interval(card["scores"]["all"]["macro_auroc"])]
                        for name, card in stored.cards.items()
                    ),
                ],
            ),
        ]
    return lines


def calibration(stored: Stored) -> list[str]:
    """What the bias of the calibration brings, beside a temperature alone."""
    rows = []
    for name, card in stored.cards.items():
        if not card.get("bias"):
            continue
        known = stored.films(name, "val")
        alone = stored.with_calibration(
            name, fit_calibration(known.logits, known.allowed, biased=False)
        )
        rows.append(
            [
                stored.titles[name],
                *(f"{_held_out_log_loss(known, biased):.4f}" for biased in (False, True)),
                *(f"{calibration_error(one, name):.3f}" for one in (alone, stored)),
                *(f"{accuracy(one.official(name)):.3f}" for one in (alone, stored)),
            ]
        )
    if not rows:
        return []
    columns = [
        "mean -log p, validation films held out",
        "calibration error, home test",
        "accuracy, official test",
    ]
    return [
        "## What calibration changes",
        "",
        "Probabilities are calibrated by a temperature and a bias for each class, fitted on "
        "validation films (Alexandari et al. 2020, arXiv:1901.06852). Training weighs rare classes "
        "up; the bias takes them to be as frequent as among the validation films, and moves the "
        "answer at 0.5 with that. It was added for what the first columns show: -log p of "
        "validation films, a fifth of the patients at a time, that it was not fitted on; but test "
        "figures with the temperature alone were known by then. So here are both:",
        "",
        *table(
            [
                "model",
                *(f"{text}: {kind}" for text in columns for kind in ("temperature", "+ bias")),
            ],
            rows,
        ),
    ]


def _held_out_log_loss(known: PredictionSet, biased: bool) -> float:
    """Mean -log p of films whose patients a calibration was not fitted on, in five folds."""
    total = 0.0
    for fitted, held in GroupKFold(5).split(known.logits, groups=known.groups):
        calibration = fit_calibration(known.logits[fitted], known.allowed[fitted], biased=biased)
        said = (calibration.probabilities(known.logits[held]) * known.allowed[held]).sum(axis=1)
        total -= np.log(np.maximum(said, 1e-12)).sum()
    return float(total / len(known.records))


def pairs(stored: Stored) -> list[str]:
    """Every pair of models compared on the official test."""
    if len(stored.names) < 2:
        return []
    judged = {name: stored.official(name) for name in stored.names}
    first = next(iter(judged.values()))
    found = compare_all(
        {name: one.probability[:, 1] for name, one in judged.items()}, first.target == 1
    )
    rows = [
        [
            f"{stored.titles[pair['a']]} – {stored.titles[pair['b']]}",
            *_difference(pair["delong"]),
            f"{pair['mcnemar']['only_a']} / {pair['mcnemar']['only_b']}",
            _p(pair["mcnemar"]["p_holm"]),
        ]
        for pair in found
    ]
    return [
        "## Is one better than another?",
        "",
        "On the official 624. DeLong's test of the AUCs and McNemar's of the calls at 0.5, both "
        "corrected for the number of pairs (Holm); the intervals are of each pair alone, not "
        "corrected. Both take films for independent: several films of one patient make p smaller "
        "than it should be.",
        "",
        *table(["pair", "AUC difference", "p", "only one of them right", "p"], rows),
    ]


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _difference(delong: dict) -> tuple[str, str]:
    if delong["low"] is None:
        return f"{delong['difference']:+.3f}", "–"
    interval = f"[{delong['low']:+.3f}, {delong['high']:+.3f}]"
    return f"{delong['difference']:+.3f} {interval}", _p(delong["p_holm"])
