"""Where the films of stored predictions lie on this computer, if they do."""

from pathlib import Path

from xraycore.data.manifest import read_manifest
from xraycore.data.samples import list_datasets
from xraycore.errors import DatasetError


def local_films() -> dict[tuple[str, str], Path]:
    """Source and file name -> the file, for the public data sets in the data folder.

    A name that a source has twice is left out: which of the two was meant nobody can say.
    """
    found: dict[tuple[str, str], Path] = {}
    twice = set()
    for dataset in list_datasets().values():
        try:
            records = read_manifest(dataset).records
        except DatasetError:
            continue
        for record in records:
            key = (record.source, record.path.name)
            if key in found:
                twice.add(key)
            found[key] = record.path
    return {key: path for key, path in found.items() if key not in twice}
