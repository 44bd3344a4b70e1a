"""Notes down in the package which models are shipped: `python -m tools.pin_models [GIT REVISION…]`.

Run it after a network was trained or scored anew for shipping. What was noted down stays, so that
models of earlier versions are known as what they are.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xraycore.config import SHIPPED
from xraycore.models.cards import SHIPPED_MODELS, what_is_answered
from xraycore.models.registry import DEMONSTRATIONS, MODELS
from xraycore.retrieval.index_file import FILE as INDEX
from xraycore.utils.files import sha256, write_json


def note_card(known: dict[str, Any], content: bytes) -> None:
    """Adds the card with this content to what is known."""
    card = json.loads(content)
    held = what_is_answered(card)
    entry = known.setdefault(card["weights"]["sha256"], {**held, "cards": []})
    if {key: entry[key] for key in held} != held:
        raise SystemExit(f"the weights of {card['model']} were shipped as {entry}; now as {held}.")
    digest = hashlib.sha256(content).hexdigest()
    if digest not in entry["cards"]:
        entry["cards"].append(digest)


def note_index(known: dict[str, Any], file: Path) -> None:
    """Adds the index of films in this file to what is known of its weights."""
    weights = json.loads((file.parent / "card.json").read_bytes())["weights"]["sha256"]
    indexes = known[weights].setdefault("indexes", [])
    if (digest := sha256(file)) not in indexes:
        indexes.append(digest)


def _cards_of(revision: str) -> Iterable[bytes]:
    for name in (*MODELS, *DEMONSTRATIONS):
        shown = subprocess.run(
            ["git", "show", f"{revision}:weights/{name}/card.json"],
            capture_output=True,
            check=False,
        )
        if shown.returncode == 0:
            yield shown.stdout


def main() -> None:
    """Notes down the cards under weights/, or those of revisions."""
    known = json.loads(SHIPPED_MODELS.read_text()) if SHIPPED_MODELS.is_file() else {}
    for revision in sys.argv[1:]:
        for content in _cards_of(revision):
            note_card(known, content)
    if not sys.argv[1:]:
        for name in (*MODELS, *DEMONSTRATIONS):
            file = SHIPPED / name / "card.json"
            if file.is_file():
                note_card(known, file.read_bytes())
            if (index := SHIPPED / name / INDEX).is_file():
                note_index(known, index)
    write_json(SHIPPED_MODELS, known)


if __name__ == "__main__":
    main()
