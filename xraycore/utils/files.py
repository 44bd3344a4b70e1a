"""Files: hashes and whole writes."""

import hashlib
import json
import os
from pathlib import Path


def sha256(file: Path) -> str:
    """Hex digest of a file."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_json(file: Path, data: dict) -> None:
    """Writes a JSON file so that a reader sees the old content or the new, never half of it."""
    part = file.with_suffix(".part")
    part.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    os.replace(part, file)
