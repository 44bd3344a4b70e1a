"""The section on films that are alike, of what `xraycore retrieve` measured."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xraycore.cli.console import format_score
from xraycore.models.registry import MODELS

_SETS = {"home": "home, validation", "elsewhere": "other hospitals"}
_ASKED = {
    "within, class": "class, in their own source",
    "across, class": "class, in other sources",
    "within, opacity": "opacity or none, in their own source",
    "across, opacity": "opacity or none, in other sources",
}


def retrieval(file: Path) -> dict[str, Any] | None:
    """Tables of precision at ten and of what ImageNet lacks; None where nothing was measured.

    Rows of weights that are no longer shipped stand there too: what was measured says of which.
    """
    if not file.exists():
        return None
    found = json.loads(file.read_text())
    return {
        "k": found["k"],
        "films": found["films"],
        "all_films": found["all_films"],
        "external": found["external"],
        "weights": {MODELS[name].title: sha256[:8] for name, sha256 in found["weights"].items()},
        "rows": [
            *_rows(found["models"], "{}"),
            *_rows(found["imagenet"], "*ImageNet's {}, as it comes*"),
        ],
        "gains": [
            {
                "network": MODELS[name].title,
                "beyond": f"ImageNet's {MODELS[other].title}",
                "films of": _SETS[where],
                "difference": format_score(score, "+.3f"),
            }
            for name, others in found["beyond_imagenet"].items()
            for other, sets in others.items()
            for where, score in sets.items()
        ],
    }


def _rows(models: Mapping[str, Any], title: str) -> Iterator[dict[str, str]]:
    for name, sets in models.items():
        for where, asked in sets.items():
            for what, kinds in asked.items():
                for kind, score in kinds.items():
                    yield {
                        "features": title.format(MODELS[name].title),
                        "films of": _SETS[where],
                        "neighbours' kind": _ASKED[what],
                        "kind": "**each alike**" if kind == "all" else kind,
                        "films": str(score["films"]),
                        "precision at 10": format_score(score["precision"]),
                        "by lot": f"{score['chance']:.3f}",
                    }
