"""Markdown from templates: tables, and how figures are written in them."""

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from xraycore.cli.console import format_score
from xraycore.utils.text import percent


def format_table(rows: Sequence[Mapping[str, str]]) -> str:
    """A Markdown table of rows with the same columns; nothing of no rows."""
    if not rows:
        return ""
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0])]
    return "\n".join([*lines, *("| " + " | ".join(row.values()) + " |" for row in rows)])


def format_value(value: float | None) -> str:
    """Three decimals, or a dash."""
    return "–" if value is None or np.isnan(value) else f"{value:.3f}"


@cache
def get_template(name: str) -> Template:
    """One of the folder `templates`."""
    environment = Environment(
        loader=PackageLoader("tools.results"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"percent": percent, "score": format_score, "table": format_table}
    return environment.get_template(name)


def render_block(template: str, block: str, **context: object) -> str:
    """One section of a template."""
    found = get_template(template)
    return "".join(found.blocks[block](found.new_context(context)))
