"""Values of DICOM elements as devices write them: what can be understood is, the rest is told."""

import math
import re
from collections.abc import Sequence
from typing import cast

import numpy as np
from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset

from xraycore.imaging.film_warnings import FilmWarning
from xraycore.imaging.grayscale import Table
from xraycore.utils.text import join_names

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")


class Attributes:
    """The elements of a data set; `unusable` collects the keywords of those not understood."""

    def __init__(self, dataset: Dataset, parent: "Attributes | None" = None):
        self.dataset = dataset
        self.unusable: dict[str, None] = parent.unusable if parent else {}
        # pydicom turns numbers round, but not the bytes of a table.
        self.order: str = parent.order if parent else "<"
        if not parent and dataset.original_encoding[1] is False:
            self.order = ">"

    def value(self, keyword: str) -> object:
        """What pydicom makes of an element; None if it is missing, empty or breaks the standard."""
        try:
            value = self.dataset.get(keyword)
        except Exception:
            # Anything: a VR that there is not, a length that does not fit, another alphabet.
            value = self._by_dictionary(keyword)
        return None if value is None or value == "" else value

    def _by_dictionary(self, keyword: str) -> object:
        """The element read as the standard has it, whatever VR it claims; None if it is neither."""
        try:
            raw = cast(RawDataElement, self.dataset.get_item(keyword))
            return convert_raw_data_element(raw._replace(VR=None)).value
        except Exception:
            self.unusable[keyword] = None
            return None

    def numbers(self, keyword: str) -> list[float]:
        """The element's numbers, a comma read as decimal point; NaN for what is no finite one."""
        value = self.value(keyword)
        if value is None:
            return []
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        if isinstance(value, str):
            value = value.split("\\")
        written = [str(one).replace("\0", " ").strip() for one in _several(value)]
        numbers = [_number(text) for text in written]
        if any(text and math.isnan(one) for text, one in zip(written, numbers, strict=True)):
            self.unusable[keyword] = None
        return numbers

    def number(self, keyword: str) -> float | None:
        """The first of the element's numbers, None if it is none."""
        number = next(iter(self.numbers(keyword)), math.nan)
        return None if math.isnan(number) else number

    def integer(self, keyword: str, default: int = 0) -> int:
        """Likewise as a whole number, the default where there is none."""
        number = self.number(keyword)
        return default if number is None else int(number)

    def code(self, keyword: str) -> str:
        """A code in capitals, its words parted by one blank; may be free text: never repeat it."""
        value = next(iter(_several(self.value(keyword))), None)
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        return "" if value is None else " ".join(str(value).replace("\0", " ").upper().split())

    def items(self, keyword: str) -> list["Attributes"]:
        """The items of a sequence, [] if it is none."""
        value = self.value(keyword)
        items = [one for one in _several(value) if isinstance(one, Dataset)]
        if value is not None and not items:
            self.unusable[keyword] = None
        return [Attributes(item, self) for item in items]

    def tables(self, keyword: str) -> list[Table]:
        """The look-up tables in a sequence, of any size of entry, without those that are none."""
        tables = [item._table() for item in self.items(keyword)]
        if None in tables:
            self.unusable[keyword] = None
        return [table for table in tables if table is not None]

    def _table(self) -> Table | None:
        descriptor, data = self.numbers("LUTDescriptor"), self.value("LUTData")
        if data is None or len(descriptor) < 2 or any(map(math.isnan, descriptor)):
            return None
        length, first, bits = (int(one) for one in [*descriptor, 0, 0][:3])
        # The length is 16 bits, of which none says 65,536, whatever sign its VR gives it.
        length = length % 2**16 or 2**16
        entries = _entries(data, length, bits, self.order)
        # What lies behind a table gets its last entry: of one cut short most of the film.
        if entries is None or 2 * len(entries) < length:
            return None
        depth = bits if 1 <= bits <= 16 and len(descriptor) == 3 else 0
        return Table(first, entries[:length], depth or int(entries.max()).bit_length())

    def warnings(self) -> list[FilmWarning]:
        """One that names what could not be understood, if anything."""
        if not self.unusable:
            return []
        text = "These entries of the DICOM file cannot be understood and were left out: "
        return [FilmWarning("attributes", f"{text}{join_names(list(self.unusable))}.")]


def _several(value: object) -> list:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        return [value]
    return list(value)


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        return math.nan
    number = float(text.replace(",", "."))
    return number if math.isfinite(number) else math.nan


def _entries(data: object, length: int, bits: int, order: str) -> np.ndarray | None:
    """Unsigned entries of a table, whether they are written as bytes, words or numbers."""
    if not isinstance(data, bytes):
        try:
            words = np.atleast_1d(np.asarray(data)).astype(np.int64) & 0xFFFF
        except (ValueError, TypeError):
            return None
        if len(words) >= length or bits > 8:
            return words
        data = words.astype(f"{order}u2").tobytes()
    # Eight bits in bytes of their own, or two in a word of which the lower comes first.
    if bits <= 8 and len(data) < 2 * length:
        packed = np.frombuffer(data, np.uint8)
        return (
            packed.reshape(-1, 2)[:, ::-1].ravel()
            if order == ">" and len(data) % 2 == 0
            else packed
        )
    return np.frombuffer(data[: len(data) // 2 * 2], f"{order}u2")
