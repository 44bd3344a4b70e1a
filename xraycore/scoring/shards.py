"""One shard of an archive: its films scored, its rows written once and whole.

A row of Parquet a film and model; a film that cannot be read has one row, with its error and no
model. Rows hold no time and no machine: the same films by the same setup give the same content.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xraycore.attribution.registry import METHODS, all_maps
from xraycore.imaging.film_warnings import warning_codes
from xraycore.models.classifier import Classifier, Prediction
from xraycore.scoring.feature_drift import COLUMN
from xraycore.scoring.lines import States
from xraycore.scoring.listing import ListedFilm
from xraycore.scoring.pipeline import FilmScorer, ScoredFilm
from xraycore.scoring.plan import Shard
from xraycore.scoring.setup import FEATURES, MAPS
from xraycore.utils.files import replacing

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "shards"
# Of the class that is called, as the cards' shares in the lungs are.
HEAT = "grad_cam"
# Numbers of a film and model whose distributions a summary compares.
MEASURES = ("heat_in_lungs", "lungs", "unlike", "brightness", "contrast")
_PROBABILITY = "p_"


@dataclass(frozen=True)
class ShardResult:
    """What became of a shard.

    Attributes:
        number: Of the shard.
        films: How many it has.
        unread: How many of them could not be read.
    """

    number: int
    films: int
    unread: int


def shard_file(folder: Path, shard: Shard) -> Path:
    """Where a shard's rows lie once it is done."""
    return folder / FOLDER / f"{shard.name}.parquet"


def kept_array_file(folder: Path, shard: Shard, kept: str, model: str) -> Path:
    """Where what is kept of a shard's films lies: an NPY array, a row a film of the shard."""
    return folder / FOLDER / f"{shard.name}.{kept}.{model}.npy"


def score_shard(
    folder: Path,
    shard: Shard,
    films: Sequence[ListedFilm],
    scorer: FilmScorer[ListedFilm],
    states: States,
    keep: Sequence[str] = (),
) -> ShardResult:
    """Scores a shard's films and writes its files, that of the rows last: it says that all is done.

    Raises:
        StorageError: If the disk is full.
    """
    rows: list[dict[str, Any]] = []
    unread = 0
    kept: dict[tuple[str, str], list[np.ndarray | None]] = {}
    for number, film in enumerate(scorer.score(films)):
        if film.error is not None:
            unread += 1
            rows.append(_facts(number, film) | {"error": str(film.error)})
        for model, one in zip(scorer.classifiers, film.predictions, strict=False):
            heat = predicted_heatmap(model, one)
            rows.append(_facts(number, film) | _predicted_columns(one, heat, states))
            for name, values in _kept_of(one, heat, keep):
                kept.setdefault((name, one.model), [None] * len(films))[number] = values
    classes = dict.fromkeys(name for one in scorer.classifiers for name in one.classes)
    file = shard_file(folder, shard)
    file.parent.mkdir(parents=True, exist_ok=True)
    for (name, model_name), every in kept.items():
        with replacing(kept_array_file(folder, shard, name, model_name)) as part:
            np.save(part, _stacked(every))
    import pyarrow.parquet as pq

    with replacing(file) as part:
        pq.write_table(_table(rows, classes), part, compression="zstd")
    return ShardResult(shard.number, len(films), unread)


def predicted_heatmap(model: Classifier, prediction: Prediction) -> np.ndarray:
    """Heat (h, w) for the class that is called, raw."""
    index = model.classes.index(prediction.label)
    return all_maps(METHODS[HEAT], model, prediction.features)[..., index]


def _facts(number: int, film: ScoredFilm[ListedFilm]) -> dict[str, Any]:
    listed, info = film.source, film.info
    return {
        "film": listed.id,
        "number": number,
        "sha256": info.sha256 if info else None,
        "month": listed.month or (info.month if info else None),
        "device": listed.device or (info.device if info else None),
        "site": listed.site or None,
        "width": info.width if info else None,
        "height": info.height if info else None,
    }


def _predicted_columns(one: Prediction, heat: np.ndarray, states: States) -> dict[str, Any]:
    answer = states[one.model](one)
    first, second = (answer.opacity, answer.kind) if answer else (None, None)
    lungs = one.lungs
    return {
        "model": one.model,
        "label": one.label,
        "scope": (answer.scope.code or "inside") if answer else None,
        "opacity": first.answer if first else None,
        "opacity_probability": first.probability if first else None,
        "kind": second.answer if second else None,
        "kind_probability": second.probability if second else None,
        "warnings": warning_codes(one.warnings),
        "heat_in_lungs": _known(lungs.fraction_in_lungs(heat, one.box)),
        "lungs": _known(lungs.lung_fraction_of(one.box)),
        "unlike": _known(lungs.ood_score),
        "brightness": float(one.grey.mean()),
        "contrast": float(one.grey.std()),
        COLUMN: _place(lungs.components),
        **{f"{_PROBABILITY}{name}": p for name, p in one.probabilities.items()},
    }


def _kept_of(
    one: Prediction, heat: np.ndarray, keep: Sequence[str]
) -> Iterator[tuple[str, np.ndarray]]:
    if FEATURES in keep:
        yield FEATURES, one.features.mean(axis=(0, 1), dtype=np.float32)
    if MAPS in keep:
        yield MAPS, heat.astype(np.float32)


def _stacked(every: Sequence[np.ndarray | None]) -> np.ndarray:
    """All of them as one array; NaN where a film could not be read."""
    shape = next(one.shape for one in every if one is not None)
    return np.stack([np.full(shape, np.nan, np.float32) if one is None else one for one in every])


def _place(components: np.ndarray | None) -> list[float] | None:
    """As many digits as say something: a third of what all would take in the file."""
    return None if components is None else components.astype(np.float16).tolist()


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _table(rows: Sequence[dict[str, Any]], classes: Iterable[str]) -> "pa.Table":
    import pyarrow as pa

    text, number = pa.string(), pa.float32()
    schema = pa.schema(
        [
            *(("film", text), ("number", pa.int32()), ("sha256", text)),
            *(("month", text), ("device", text), ("site", text)),
            *(("width", pa.int32()), ("height", pa.int32())),
            *(("model", text), ("label", text), ("scope", text)),
            *(("opacity", text), ("opacity_probability", number)),
            *(("kind", text), ("kind_probability", number)),
            ("warnings", pa.list_(text)),
            *((name, number) for name in MEASURES),
            (COLUMN, pa.list_(number)),
            *((f"{_PROBABILITY}{name}", number) for name in classes),
            ("error", text),
        ]
    )
    return pa.Table.from_pylist(list(rows), schema)
