"""Challenges whose tables hold boxes or masks: RSNA, VinDr-CXR, SIIM-ACR."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from xraycore.datasets.labelling import Labelling
from xraycore.datasets.labels import canonical_label
from xraycore.datasets.layouts.findings_tables import where
from xraycore.datasets.layouts.layout import Place, Reading
from xraycore.datasets.layouts.listed import Listed, read_listed
from xraycore.datasets.masks import Lesion, Rectangle, box_shares
from xraycore.datasets.reasons import BROKEN_ROW, DISAGREE
from xraycore.datasets.split_names import split_of
from xraycore.datasets.table import Row, Table, parse_number, read_table

_BOX = ("x", "y", "width", "height")
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
# Width and height of SIIM-ACR's films, by columns of which its masks are counted.
_SIIM_SIDE = 1024


def read_rsna(place: Place, labelling: Labelling) -> Reading | None:
    """RSNA pneumonia detection challenge: a row a box, several of one patient."""
    tables = place.having("patientid", "target", *_BOX)
    if not tables:
        return None
    details: dict[str, str] = {}
    for table in map(read_table, place.having("patientid", "class")):
        details |= {row.get("patientid"): row.get("class") for row in table.rows}

    def listed() -> Iterator[Listed]:
        for table in map(read_table, tables):
            for name, rows in _grouped(table, "patientid").items():
                first = rows[0]
                boxes, broken = _boxes(rows, _BOX)
                said = details.get(name) or (
                    "Lung Opacity" if boxes or first.get("target") == "1" else "No Lung Opacity"
                )
                yield Listed(
                    where(table, first),
                    name,
                    (canonical_label(said),),
                    patient=name,
                    lesion=Lesion(boxes=tuple(box_shares(*b) for b in boxes)) if boxes else None,
                    reason=BROKEN_ROW if broken else "",
                )

    title = "RSNA pneumonia detection challenge"
    return read_listed(place.root, place.folder, listed(), labelling, title)


def read_vindr(place: Place, labelling: Labelling) -> Reading | None:
    """VinDr-CXR: what more than half of a film's readers named, with their boxes of it."""
    boxes = place.having("imageid", "classname", *_CORNERS)
    if not boxes:
        return None
    tables = {table.file: _grouped(table, "imageid") for table in map(read_table, boxes)}

    def listed() -> Iterator[Listed]:
        for file, films in tables.items():
            for name, rows in films.items():
                named, reason = _majority(rows)
                drawn = [row for row in rows if row.get("classname") in named]
                corners, broken = _boxes(drawn, _CORNERS)
                yield Listed(
                    f"{file.name}, line {rows[0].number}",
                    name,
                    tuple(canonical_label(one) for one in named),
                    split=split_of(file.name.split(".")[0].replace("annotations", "")),
                    patient=name,
                    lesion=Lesion(boxes=tuple(map(_sides, corners))) if corners else None,
                    in_pixels=True,
                    reason=BROKEN_ROW if broken else reason,
                )

    return read_listed(place.root, place.folder, listed(), labelling, "VinDr-CXR")


def _majority(rows: Iterable[Row]) -> tuple[list[str], str]:
    """The findings that more than half of the readers name, in the order of their naming."""
    by_reader: dict[str, set[str]] = defaultdict(set)
    order: dict[str, None] = {}
    for row in rows:
        name = row.get("classname")
        by_reader[row.get("radid")].add(name)
        order.setdefault(name)
    votes = Counter(name for names in by_reader.values() for name in names)
    named = [name for name in order if name and votes[name] > len(by_reader) / 2]
    return named, "" if named else DISAGREE


def read_siim(place: Place, labelling: Labelling) -> Reading | None:
    """SIIM-ACR pneumothorax segmentation: run lengths, -1 for none; a box around each."""
    tables = place.having("imageid", "encodedpixels")
    if not tables:
        return None

    def listed() -> Iterator[Listed]:
        for table in map(read_table, tables):
            for name, rows in _grouped(table, "imageid").items():
                runs = [row.get("encodedpixels") for row in rows]
                try:
                    boxes = tuple(box for run in runs for box in run_length_boxes(run))
                    reason = ""
                except ValueError:
                    boxes, reason = (), BROKEN_ROW
                yield Listed(
                    where(table, rows[0]),
                    name,
                    ("Pneumothorax" if boxes else "No pneumothorax",),
                    lesion=Lesion(boxes=boxes) if boxes else None,
                    reason=reason,
                )

    title = "SIIM-ACR pneumothorax segmentation"
    return read_listed(place.root, place.folder, listed(), labelling, title)


def run_length_boxes(text: str) -> tuple[Rectangle, ...]:
    """The box around a mask of run lengths, down the columns, each counted from the last's end.

    Raises:
        ValueError: If it is none.
    """
    numbers = [int(number) for number in text.split()]
    if not numbers or numbers == [-1]:
        return ()
    if len(numbers) % 2:
        raise ValueError(f"expected pairs of numbers. Received: {len(numbers)} numbers")
    place, rows, columns = 0, [], []
    for skip, length in zip(numbers[::2], numbers[1::2], strict=True):
        place += skip
        first, last = place, place + length - 1
        columns += [first // _SIIM_SIDE, last // _SIIM_SIDE]
        # A run over the foot of a column covers all of the rows.
        whole = first // _SIIM_SIDE != last // _SIIM_SIDE
        rows += [0, _SIIM_SIDE - 1] if whole else [first % _SIIM_SIDE, last % _SIIM_SIDE]
        place += length
    left, top = min(columns), min(rows)
    width, height = max(columns) - left + 1, max(rows) - top + 1
    return ((left / _SIIM_SIDE, top / _SIIM_SIDE, width / _SIIM_SIDE, height / _SIIM_SIDE),)


def _grouped(table: Table, column: str) -> dict[str, list[Row]]:
    """The rows of each film, in the order of the films' first ones."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in table.rows:
        found[row.get(column)].append(row)
    return dict(found)


def _boxes(rows: Iterable[Row], columns: tuple[str, ...]) -> tuple[list[Rectangle], bool]:
    """The four numbers of each row that has them, and whether a row holds something else."""
    found, broken = [], False
    for row in rows:
        cells = [row.get(column) for column in columns]
        try:
            numbers = [number for cell in cells if (number := parse_number(cell)) is not None]
        except ValueError:
            numbers = [0.0]
        if len(numbers) == len(columns):
            found.append((numbers[0], numbers[1], numbers[2], numbers[3]))
        broken = broken or len(numbers) not in (0, len(columns))
    return found, broken


def _sides(corners: Rectangle) -> Rectangle:
    """Left, top, width and height of two corners."""
    left, top, right, bottom = corners
    return left, top, right - left, bottom - top
