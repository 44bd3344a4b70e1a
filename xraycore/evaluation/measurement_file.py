"""Files of measurements that grow: a row a model and method, with the weights that it is of."""

import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import shorten

from filelock import FileLock

from xraycore.errors import ArgumentError
from xraycore.utils.files import write_json


class MeasurementFile:
    """A JSON file of facts, `weights` (model -> sha256) and `rows` (model -> method -> figures)."""

    def __init__(self, file: Path, facts: Mapping[str, object]) -> None:
        """Looks whether what the file holds, if there is one, was measured in the same way.

        Args:
            file: JSON.
            facts: How it is measured.

        Raises:
            ArgumentError: If it was measured otherwise, so that rows would not compare.
        """
        self.file, self.facts = file, dict(facts)
        self._read()

    def add(self, weights: Mapping[str, str], rows: Mapping[str, Mapping[str, dict]]) -> None:
        """Adds rows, and writes the file. Those of a model's other weights go.

        What other processes have added in the meantime stays.

        Raises:
            ArgumentError: If one of them has measured otherwise.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.file.parent / ".lock"):
            held, found = self._read()
            for model, of_model in rows.items():
                same = held.get(model) == weights.get(model)
                found[model] = (found.get(model, {}) if same else {}) | dict(of_model)
            weights = held | dict(weights)
            write_json(self.file, self.facts | {"weights": weights, "rows": found})

    def _read(self) -> tuple[dict[str, str], dict[str, dict[str, dict]]]:
        """The file's `weights` and `rows`, empty where there is no file."""
        if not self.file.exists():
            return {}, {}
        found = json.loads(self.file.read_text())
        other = [key for key, fact in self.facts.items() if found.get(key) != fact]
        if other:
            asked, before = (
                shorten(str({key: one.get(key) for key in other}), 200)
                for one in (self.facts, found)
            )
            raise ArgumentError(
                f"{self.file}: expected what was measured with {asked}. Found: {before}"
            )
        return found["weights"], found["rows"]
