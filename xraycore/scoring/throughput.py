"""How fast archives are scored, beside what the networks could do if all else cost nothing."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from xraycore.errors import ArgumentError
from xraycore.imaging.reading import count_cores
from xraycore.models.classifier import BATCH, Classifier, load_model
from xraycore.models.runtime import (
    OPENVINO,
    TENSORFLOW,
    OpenVINOClassifier,
    in_openvino,
    phantom_inputs,
)
from xraycore.scoring.lines import answering
from xraycore.scoring.listing import list_films, read_listed
from xraycore.scoring.pipeline import FilmScorer
from xraycore.scoring.plan import Shard
from xraycore.scoring.shards import score_shard, shard_file
from xraycore.utils.progress import Progress, ProgressCallback, ignore

# Films a second of the whole over the network's own, that are to be reached.
TARGETS: Mapping[str, float] = {
    **dict.fromkeys(("vgg16", "resnet50", "inception_v3", "xception"), 0.9),
    "basic_cnn": 0.6,
}


@dataclass(frozen=True)
class Films:
    """Films that are timed.

    Attributes:
        name: What they are called.
        folder: Where they lie.
        count: How many are taken of it, again and again if there are fewer; all of them for 0.
    """

    name: str
    folder: Path
    count: int = 0


def measure_bulk(
    names: Sequence[str],
    every: Sequence[Films],
    *,
    rounds: int = 3,
    report: ProgressCallback = ignore,
) -> list[dict[str, Any]]:
    """Films a second from file to row of Parquet, and of forward passes alone, in turns.

    Args:
        names: Models.
        every: Sets of films.
        rounds: Each times the whole and the forward passes once; medians are told.
        report: Called before each round.

    Returns:
        One object a model and set: `model`, `films`, `count`, `whole` and `forward` (films a
        second), `share` (the one over the other, median of the rounds), `target`, `megabytes` (a
        film's file) and `row_bytes` (what a film takes in Parquet).

    Raises:
        ArgumentError: If a set has no film.
    """
    found = []
    for at, name in enumerate(names):
        model = load_model(name)
        for place, films in enumerate(every):
            listed = list(list_films(str(films.folder)))
            if not listed:
                raise ArgumentError(f"{films.folder}: expected films. Received: none")
            count = films.count or len(listed)
            listed = (listed * -(-count // len(listed)))[:count]
            rates = []
            states = answering([model])
            shard = Shard(1, range(1, count + 1))
            with FilmScorer([model], read_listed) as scorer, tempfile.TemporaryDirectory() as out:
                # Compiles, and starts the processes that decode.
                score_shard(Path(out), shard, listed[: 2 * BATCH], scorer, states)
                before = forward_rate(model)
                for number in range(rounds):
                    done = (at + (place + number / rounds) / len(every)) / len(names)
                    report(Progress(done, f"{name}, {films.name}, round {number + 1}"))
                    began = perf_counter()
                    score_shard(Path(out), shard, listed, scorer, states)
                    whole = count / (perf_counter() - began)
                    # Before and after, so that what else the machine does hits both alike.
                    after = forward_rate(model)
                    rates.append((whole, (before + after) / 2))
                    before = after
                row_bytes = shard_file(Path(out), shard).stat().st_size / count
            found.append(
                {
                    "model": name,
                    "films": films.name,
                    "count": count,
                    "megabytes": _megabytes([one.place for one in listed]),
                    "row_bytes": row_bytes,
                    "whole": median(whole for whole, _ in rates),
                    "forward": median(alone for _, alone in rates),
                    "share": median(whole / alone for whole, alone in rates),
                    "target": TARGETS.get(name),
                }
            )
    return found


def measure_runtimes(
    names: Sequence[str], *, rounds: int = 5, report: ProgressCallback = ignore
) -> list[dict[str, Any]]:
    """Of each model: how far OpenVINO is from TensorFlow, and films a second of both, in turns.

    Returns:
        One object a model: `model`, `parity`, `precision`, `tensorflow` and `openvino` (films a
        second) and `times`, how many times as fast OpenVINO is, median of the rounds.

    Raises:
        WeightsError: If OpenVINO is refused.
    """
    found = []
    for at, name in enumerate(names):
        report(Progress(at / len(names), f"{name} in {OPENVINO}"))
        model = load_model(name)
        other: OpenVINOClassifier = in_openvino(model)
        rates = [(forward_rate(model), forward_rate(other)) for _ in range(rounds + 1)][1:]
        found.append(
            {
                "model": name,
                "parity": vars(other.parity),
                "precision": other.precision,
                TENSORFLOW: median(one for one, _ in rates),
                OPENVINO: median(other for _, other in rates),
                "times": median(other / one for one, other in rates),
            }
        )
    return found


def measure_workers(
    name: str, films: Films, counts: Sequence[int], report: ProgressCallback = ignore
) -> list[dict[str, Any]]:
    """Films a second of workers of a scheduler on this computer, over TCP, each with a share of it.

    Returns:
        One object a number of workers: `workers`, `threads` (of each) and `rate`.
    """
    from distributed import LocalCluster

    from xraycore.jobs.dask_engine import DaskEngine
    from xraycore.scoring.setup import files_of, make_setup
    from xraycore.scoring.tasks import score_task

    setup, found = make_setup([name]), []
    listed = list(list_films(str(films.folder)))
    for at, count in enumerate(counts):
        report(Progress(at / len(counts), f"{name}, {count} workers"))
        threads = max(1, count_cores() // max(counts))
        cluster = LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            # Each as on a machine of its own: a fixed share of the cores, however many there are.
            env={"TF_NUM_INTRAOP_THREADS": str(threads), "TF_NUM_INTEROP_THREADS": "1"},
        )
        with (
            tempfile.TemporaryDirectory() as out,
            cluster,
            DaskEngine(cluster.scheduler_address, files_of(setup)) as engine,
        ):
            place = Path(out)
            # Loads the networks: two shards a worker, so that each has one.
            shards = [Shard(n + 1, range(8 * n, 8 * n + 8)) for n in range(2 * count)]
            warm = [(place, setup, shard, (listed * 8)[:8]) for shard in shards]
            list(engine.run(score_task, warm))
            size = max(1, (films.count or len(listed)) // 8)
            shards = [Shard(n + 100, range(size * n, size * (n + 1))) for n in range(8)]
            chosen = (listed * -(-size // len(listed)))[:size]
            began = perf_counter()
            list(engine.run(score_task, [(place, setup, one, chosen) for one in shards]))
            rate = 8 * size / (perf_counter() - began)
        found.append({"workers": count, "threads": threads, "rate": rate})
    return found


def forward_rate(model: Classifier, batches: int = 4) -> float:
    """Films a second of forward passes alone, their inputs prepared, in batches of `BATCH`."""
    inputs = phantom_inputs(model.size)[:BATCH]
    model.forward(inputs)
    began = perf_counter()
    for _ in range(batches):
        model.forward(inputs)
    return batches * BATCH / (perf_counter() - began)


def write_generated(folder: Path, report: ProgressCallback = ignore) -> list[Films]:
    """Generated films as archives have them: 300 small ones, 100 originals, 100 in DICOM.

    Small ones are PNG files of 256 pixels a side; originals JPEG files, and DICOM files of 12 bits
    without compression, of 2048 pixels a side. Of each there are a few, which are read again.
    """
    from PIL import Image

    from xraycore.datasets.synthetic.phantom import make_phantom
    from xraycore.imaging.overlay import to_uint8
    from xraycore.imaging.resample import resize

    kinds = (
        Films("small", folder / "small", 300),
        *(Films(name, folder / name, 100) for name in ("originals", "dicom")),
    )
    for films in kinds:
        films.folder.mkdir(parents=True, exist_ok=True)
    for seed in range(8):
        report(Progress(seed / 8, "generating films"))
        film = make_phantom(seed, opacity=bool(seed % 2)).pixels
        small = Image.fromarray(to_uint8(resize(film, (256, 256))))
        small.save(folder / "small" / f"{seed}.png")
        large = resize(film, (2048, 2048))
        grain = np.random.default_rng(seed).normal(0.0, 0.01, large.shape).astype(np.float32)
        large = np.clip(large + grain, 0.0, 1.0)
        Image.fromarray(to_uint8(large)).save(folder / "originals" / f"{seed}.jpg", quality=92)
        _write_dicom(folder / "dicom" / f"{seed}.dcm", large)
    return list(kinds)


def _write_dicom(file: Path, pixels: np.ndarray) -> None:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import (
        DigitalXRayImageStorageForPresentation,
        ExplicitVRLittleEndian,
        generate_uid,
    )

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(str(file), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.PhotometricInterpretation = "DX", "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelData = np.rint(pixels * 4095).astype("<u2").tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.save_as(file, enforce_file_format=True)


def _megabytes(places: Sequence[str]) -> float:
    sizes = {place: Path(place).stat().st_size for place in set(places)}
    return sum(sizes[place] for place in places) / len(places) / 1e6
