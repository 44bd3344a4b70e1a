"""Sections of the results on how far to believe them: shortcut probes, paired tests."""

import json
from pathlib import Path

from xraycore.evaluation.comparison import compare_all
from xraycore.evaluation.probes import ALTERATIONS
from xraycore.report.markdown import interval, table
from xraycore.report.stored import Stored


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
        "corrected for the number of pairs (Holm). Both take films for independent: several films "
        "of one patient make p smaller than it should be.",
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
