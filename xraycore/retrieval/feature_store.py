"""What networks found on films, and where these lie: kept by content on this computer."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from xraycore.config import cache_folder
from xraycore.datasets.locator import FoundFilm
from xraycore.datasets.masks import Lesion
from xraycore.utils.cache_file import CacheFile, chunks, today

# Height and width of the heat that is kept.
GRID = 16
# Changes whenever what is kept of a film does.
VERSION = 1
# Features tell something of patients: they are kept so long after they were last asked for.
KEPT_DAYS = 90
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS findings (network TEXT, film TEXT, pooled BLOB,"
    " logits BLOB, heat BLOB, in_lungs REAL, codes TEXT, day INTEGER,"
    " PRIMARY KEY (network, film));"
    "CREATE TABLE IF NOT EXISTS places (film TEXT PRIMARY KEY, place TEXT);"
)


class Findings(NamedTuple):
    """What one network found on one film.

    Attributes:
        pooled: Float32 (c,), the mean of the feature map.
        logits: Float32 (k,).
        heatmap: Float32 (16, 16) that sums to 1, or is 0: Grad-CAM of the class that is called,
            over what the network sees of the film.
        in_lungs: Share of that heat in the lungs or their rim; NaN where no lungs were found.
        codes: Of the film's warnings.
    """

    pooled: np.ndarray
    logits: np.ndarray
    heatmap: np.ndarray
    in_lungs: float
    codes: tuple[str, ...]


class FeatureStore(CacheFile):
    """Findings and places in an SQLite file of the cache."""

    def __init__(self, file: Path):
        super().__init__(file, _SCHEMA, _expire)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def findings(self, network: str, films: Iterable[str]) -> dict[str, Findings]:
        """What a network was found to say of those of the films that it was asked about."""
        found: dict[str, Findings] = {}
        for chunk in chunks(films):
            rows = self.select(
                "SELECT film, pooled, logits, heat, in_lungs, codes FROM findings"
                f" WHERE network = ? AND film IN ({','.join('?' * len(chunk))})",
                (network, *chunk),
            )
            found |= {row[0]: _unpacked(*row[1:]) for row in rows}
        now = today()
        asked = [(now, network, film, now) for film in found]
        self.write("UPDATE findings SET day = ? WHERE network = ? AND film = ? AND day < ?", asked)
        return found

    def keep(self, network: str, findings: Mapping[str, Findings]) -> None:
        """Remembers what a network said, by sha256 of the films' files."""
        now = today()
        rows = [(network, film, *_packed(one), now) for film, one in findings.items()]
        self.write("INSERT OR REPLACE INTO findings VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def remember(self, films: Mapping[str, FoundFilm]) -> None:
        """Notes down where films lie, by sha256 of their files."""
        rows = [(digest, _place_to_json(film)) for digest, film in films.items()]
        self.write("INSERT OR REPLACE INTO places VALUES (?, ?)", rows)

    def places(self, films: Iterable[str]) -> dict[str, FoundFilm]:
        """Where those of the films lay that were noted down."""
        found: dict[str, FoundFilm] = {}
        for chunk in chunks(films):
            marks = ",".join("?" * len(chunk))
            rows = self.select(f"SELECT film, place FROM places WHERE film IN ({marks})", chunk)
            found |= {film: _place_of_json(place) for film, place in rows}
        return found


def default_store() -> FeatureStore:
    """The user's own store, in the cache folder."""
    return FeatureStore(cache_folder() / "features.sqlite3")


def _expire(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM findings WHERE day < ?", (today() - KEPT_DAYS,))


def _packed(one: Findings) -> tuple[bytes, bytes, bytes, float | None, str]:
    # NaN becomes NULL by itself.
    most = one.heatmap.max() or 1.0
    heatmap = np.rint(255 * one.heatmap / most).astype(np.uint8)
    return (
        one.pooled.astype(np.float16).tobytes(),
        one.logits.astype(np.float32).tobytes(),
        heatmap.tobytes(),
        one.in_lungs,
        ",".join(one.codes),
    )


def _unpacked(
    pooled: bytes, logits: bytes, heatmap: bytes, in_lungs: float | None, codes: str
) -> Findings:
    values = np.frombuffer(heatmap, np.uint8).reshape(GRID, GRID).astype(np.float32)
    return Findings(
        np.frombuffer(pooled, np.float16).astype(np.float32),
        np.frombuffer(logits, np.float32),
        values / (values.sum() or 1.0),
        float("nan") if in_lungs is None else in_lungs,
        tuple(codes.split(",")) if codes else (),
    )


def _place_to_json(film: FoundFilm) -> str:
    lesion = film.lesion
    drawn = lesion and {
        "mask": lesion.mask and str(lesion.mask),
        "boxes": lesion.boxes,
        "pixels_of": lesion.pixels_of and str(lesion.pixels_of),
    }
    return json.dumps({"path": str(film.path.absolute()), "lesion": drawn})


def _place_of_json(text: str) -> FoundFilm:
    place = json.loads(text)
    drawn = place["lesion"]
    if drawn is None:
        return FoundFilm(Path(place["path"]))
    mask, pixels_of = (drawn[key] and Path(drawn[key]) for key in ("mask", "pixels_of"))
    boxes = tuple(tuple(box) for box in drawn["boxes"])
    return FoundFilm(Path(place["path"]), Lesion(mask, boxes, pixels_of))
