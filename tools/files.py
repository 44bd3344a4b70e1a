"""The tables of docs/files.md, drawn from what the readers hold. `python -m tools.files`."""

import re
from collections.abc import Callable
from pathlib import Path

from xraycore.imaging import archive, worker
from xraycore.imaging.decoding import MAX_BYTES, MAX_PIXELS
from xraycore.imaging.dicom.reader import COLOUR, GREY, PALETTE, RETIRED
from xraycore.imaging.dicom.statements import OTHER_MODALITIES, PROJECTION_MODALITIES
from xraycore.imaging.film_warnings import CODES
from xraycore.imaging.raster import FORMATS
from xraycore.imaging.signatures import BRANDS, STARTS

PAGE = Path(__file__).parents[1] / "docs" / "files.md"
_BLOCK = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def _table(head: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|"]
    return "\n".join([*lines, *(f"| {first} | {second} |" for first, second in rows)])


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


TABLES: dict[str, Callable[[], str]] = {
    "films": _films,
    "limits": _limits,
    "refused": _refused,
    "warnings": _warnings,
}


def draw(page: str) -> str:
    """The page with each table drawn anew between its two marks."""
    return _BLOCK.sub(lambda block: f"{block[1]}{TABLES[block[2]]()}\n{block[3]}", page)


if __name__ == "__main__":
    PAGE.write_text(draw(PAGE.read_text()))
