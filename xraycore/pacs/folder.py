"""A folder of films that were fetched from a PACS, which is a data set once they have classes."""

import csv
import hashlib
import hmac
import io
import secrets
from pathlib import Path

from pydicom import dcmread

from xraycore.errors import RadiographError
from xraycore.pacs.address import Address
from xraycore.pacs.films import fetch_film
from xraycore.utils.files import replacing, write_text
from xraycore.utils.text import to_csv

LABELS = "labels.csv"
_KEY = ".patients"
_COLUMNS = ["path", "label", "group"]


class FilmFolder:
    """Films of a PACS in a folder, `<study>/<instance>.dcm`, each fetched once and written whole.

    Attributes:
        folder: Where they lie.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._key = _read_key(folder / _KEY)
        self._rows = _read_rows(folder / LABELS)

    def add(self, film: Address, label: str | None = None) -> Path:
        """The film's file, fetched where it is not there; with a class it is noted in `LABELS`.

        Raises:
            RadiographError: If this film cannot be had, or is no DICOM file.
            PacsError: If the PACS does not answer.
        """
        file = self.folder / film.study / f"{film.instance}.dcm"
        if not file.is_file():
            data = fetch_film(film)
            self._patient_of(data, film)
            file.parent.mkdir(exist_ok=True)
            with replacing(file) as part:
                part.write_bytes(data)
        if label is not None:
            path = f"{film.study}/{film.instance}.dcm"
            self._rows[path] = [path, label, self._patient_of(file.read_bytes(), film)]
        return file

    def close(self) -> None:
        """Writes the table of classes, where a film has one."""
        if self._rows:
            write_text(self.folder / LABELS, to_csv([_COLUMNS, *self._rows.values()]))

    def _patient_of(self, data: bytes, film: Address) -> str:
        """A pseudonym that films of one patient have in this folder, and in no other."""
        try:
            header = dcmread(io.BytesIO(data), specific_tags=["PatientID", "StudyInstanceUID"])
            patient = str(header.get("PatientID") or film.study)
        except Exception as error:  # Whatever pydicom raises for a file that breaks the standard.
            raise RadiographError.of(
                film.instance, expected="a DICOM file", received=f"none ({type(error).__name__})"
            ) from error
        digest = hmac.new(self._key, patient.encode("utf-8", "replace"), hashlib.sha256)
        return f"patient-{digest.hexdigest()[:16]}"


def _read_key(file: Path) -> bytes:
    """A secret of this folder: without it an ID is found by trying all that there may be."""
    if not file.is_file():
        with replacing(file) as part:
            part.touch(mode=0o600)
            part.write_bytes(secrets.token_bytes(32))
    return file.read_bytes()


def _read_rows(file: Path) -> dict[str, list[str]]:
    if not file.is_file():
        return {}
    with file.open(newline="", encoding="utf-8") as handle:
        rows = csv.DictReader(handle)
        return {row["path"]: [row[name] for name in _COLUMNS] for row in rows}
