"""Files of measurements that grow: a row a model and method, with the weights that it is of."""

import json
from collections.abc import Mapping
from pathlib import Path


class Measured:
    """A JSON file of facts, `weights` (model -> sha256) and `rows` (model -> method -> figures)."""

    def __init__(self, file: Path, facts: Mapping[str, object]) -> None:
        """Reads the file, if there is one.

        Args:
            file: JSON.
            facts: How it is measured.

        Raises:
            ValueError: If what it holds was measured otherwise, so that rows would not compare.
        """
        self.file, self.facts = file, dict(facts)
        self.weights: dict[str, str] = {}
        self.rows: dict[str, dict[str, dict]] = {}
        if file.exists():
            found = json.loads(file.read_text())
            before = {key: found.get(key) for key in facts}
            if before != self.facts:
                raise ValueError(
                    f"{file}: expected what was measured with {self.facts}. Found: {before}"
                )
            self.weights, self.rows = found["weights"], found["rows"]

    def add(self, weights: Mapping[str, str], rows: Mapping[str, Mapping[str, dict]]) -> None:
        """Adds rows, and writes the file. Those of a model's other weights go."""
        for model, of_model in rows.items():
            same = self.weights.get(model) == weights.get(model)
            self.rows[model] = (self.rows.get(model, {}) if same else {}) | dict(of_model)
        self.weights |= weights
        part = self.file.with_name(self.file.name + ".part")
        text = json.dumps(self.facts | {"weights": self.weights, "rows": self.rows}, indent=1)
        part.write_text(text + "\n")
        part.replace(self.file)
