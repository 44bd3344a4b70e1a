"""How shares, lists and cells are written, on every page and in every export."""

import csv
import io
import re
from collections.abc import Iterable, Sequence


def percent(share: float, digits: int = 0) -> str:
    """A share as a percentage. What is rare is not called never, nor what is common always.

    Args:
        share: In [0, 1].
        digits: Decimals.

    Returns:
        "12 %"; "under 1 %" and "over 99 %" of shares that would be rounded to none or to all. In
        words, since < and > mean other things to Markdown and HTML.

    >>> percent(0.123), percent(0.123, digits=1), percent(0.002), percent(0.999)
    ('12 %', '12.3 %', 'under 1 %', 'over 99 %')
    """
    text, step = f"{100 * share:.{digits}f}", 10.0**-digits
    if share > 0 and float(text) == 0:
        return f"under {step:g} %"
    if share < 1 and float(text) == 100:
        return f"over {100 - step:g} %"
    return f"{text} %"


def join_names(names: Sequence[str]) -> str:
    """Names as a sentence lists them.

    >>> join_names(["VGG16", "ResNet50", "Xception"])
    'VGG16, ResNet50 and Xception'
    """
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def pluralise(number: int, what: str) -> str:
    """A number with its noun.

    >>> pluralise(1, "film"), pluralise(5856, "film")
    ('1 film', '5,856 films')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


# A spreadsheet takes a cell for a formula by its first character, of full width or not, whatever
# blank stands before it; a tab or a line break may part one cell in two. An apostrophe that stands
# there already gets another, so that the first can be taken away again.
_FORMULA = re.compile(r"'*(\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def csv_safe(text: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula: with an apostrophe before it.

    A number with its sign is none.
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def csv_plain(cell: str) -> str:
    """The text that `csv_safe` made a cell of."""
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell


def to_csv(rows: Iterable[Sequence[object]]) -> str:
    """Rows as a CSV table, every text as `csv_safe` has it. No other code of ours writes one."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow([csv_safe(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()
