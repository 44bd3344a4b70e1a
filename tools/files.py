"""The tables of docs/files.md, drawn from what the readers hold. `python -m tools.files`."""

import re
from collections.abc import Callable
from pathlib import Path

from xraycore.datasets.labelling import POLICIES
from xraycore.datasets.layouts.registry import LAYOUTS
from xraycore.datasets.reasons import MEANINGS
from xraycore.datasets.table import COLUMNS
from xraycore.imaging import archive, worker
from xraycore.imaging.decoding import MAX_BYTES, MAX_PIXELS
from xraycore.imaging.dicom.reader import COLOUR, GREY, PALETTE, RETIRED
from xraycore.imaging.dicom.statements import OTHER_MODALITIES, PROJECTION_MODALITIES
from xraycore.imaging.film_warnings import CODES
from xraycore.imaging.raster import FORMATS
from xraycore.imaging.signatures import BRANDS, STARTS

PAGE = Path(__file__).parents[1] / "docs" / "files.md"
_BLOCK = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(head)}", *lines[1:]])


def _films() -> str:
    rows = [
        ("Raster images", ", ".join(FORMATS)),
        ("DICOM, modality", f"{', '.join(PROJECTION_MODALITIES)}; any other word with a warning"),
        ("DICOM, pixels", ", ".join([*GREY, *COLOUR, PALETTE])),
        ("Archives", "ZIP"),
    ]
    return _table(("kind", "read"), rows)


def _limits() -> str:
    rows = [
        ("A file", f"{MAX_BYTES // 2**20} MiB"),
        ("A film", f"{MAX_PIXELS // 10**6} megapixels"),
        ("Processor time to read a film", f"{worker.MAX_SECONDS:.0f} s"),
        ("Memory to read a film", f"{worker.MAX_MEMORY // 2**20} MiB beside file and pixels"),
        ("A ZIP", f"{archive.MAX_FILES} files, {archive.MAX_TOTAL_BYTES // 2**20} MiB unpacked"),
    ]
    return _table(("of", "at most"), rows)


def _refused() -> str:
    kinds = sorted({kind for kind in (*STARTS.values(), *BRANDS.values())})
    rows = [
        ("DICOM, modality", ", ".join(sorted(OTHER_MODALITIES))),
        ("DICOM, pixels", ", ".join(RETIRED)),
        ("Called by their names", "; ".join(kinds)),
    ]
    return _table(("kind", "refused"), rows)


def _warnings() -> str:
    return _table(("code", "the film"), [(f"`{code}`", text) for code, text in CODES.items()])


def _layouts() -> str:
    rows = [
        (one.title, one.marks, one.labels, one.patients, one.splits, one.lesions or "none")
        for one in LAYOUTS
    ]
    head = ("data set", "recognised by", "labels", "patients", "splits", "drawn lesions")
    return _table(head, [tuple(cell.replace("|", "\\|") for cell in row) for row in rows])


def _columns() -> str:
    rows = [(f"`{name}`", ", ".join(f"`{one}`" for one in of)) for name, of in COLUMNS.items()]
    return _table(("column", "names, without case, blanks and signs"), rows)


def _policies() -> str:
    rows = [
        (f"`{name}`", f"`{words[0]}`", ", ".join(f"`{word}`" for word in words[1:]))
        for name, words in POLICIES.items()
    ]
    return _table(("of", "by default", "or"), rows)


def _left_out() -> str:
    return _table(("reason", "what it is"), list(MEANINGS.items()))


TABLES: dict[str, Callable[[], str]] = {
    "films": _films,
    "limits": _limits,
    "refused": _refused,
    "warnings": _warnings,
    "layouts": _layouts,
    "columns": _columns,
    "policies": _policies,
    "left-out": _left_out,
}


def draw(page: str) -> str:
    """The page with each table drawn anew between its two marks."""
    return _BLOCK.sub(lambda block: f"{block[1]}{TABLES[block[2]]()}\n{block[3]}", page)


if __name__ == "__main__":
    PAGE.write_text(draw(PAGE.read_text()))
