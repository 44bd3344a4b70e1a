"""On a full disk all work ends with the true reason, keeps what was saved, leaves no half files."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from tests.eager import EAGER
from tests.small_disk import fill, mounted
from tests.stored_model import model_folder
from tests.training.conftest import disc_folder, discs  # noqa: F401  (fixtures)
from tests.training.support.short_runs import SPEC, recipe
from xraycore.cli.explain import _write_map
from xraycore.errors import ReaderStudyError, StorageError
from xraycore.jobs.process import PROGRESS
from xraycore.jobs.recorder import recorded
from xraycore.models.architectures import build_network
from xraycore.reader_study import Answer, ReaderStudyRepository, ToRead, open_database
from xraycore.training.config import Stage
from xraycore.training.run import Run
from xraycore.training.trainer import train
from xraycore.utils.checkpoints import load_card, save_float16, verified_weights
from xraycore.utils.files import PART, write_json
from xraycore.utils.installation import install
from xraycore.utils.progress import Progress

# HDF5 cannot write what it holds when its files are let go of either, and h5py says so aside.
pytestmark = [
    *EAGER,
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. 'h5py:pytest.PytestUnraisableExceptionWarning"
    ),
]


@pytest.fixture
def disk(tmp_path):
    """A folder on a disk of 24 MB."""
    with mounted(tmp_path / "disk", 24) as folder:
        yield folder


def halves(folder) -> list[str]:
    """Names of files and folders that were not finished."""
    return [file.name for file in folder.rglob("*") if file.name.startswith((PART, "tmp"))]


def test_a_file_that_finds_no_room_leaves_the_one_before(disk):
    write_json(disk / "card.json", {"a": 1})
    fill(disk)
    with pytest.raises(StorageError, match=r"card.json: the disk is full .*\(0 MB are free\)"):
        write_json(disk / "card.json", {"a": "x" * 10_000})
    assert json.loads((disk / "card.json").read_text()) == {"a": 1}
    assert halves(disk) == []


@pytest.mark.slow
def test_a_training_keeps_its_finished_epochs_and_goes_on(discs, disk):  # noqa: F811
    wanted = recipe(Stage("all", 3, 32, 1e-3))
    full = []

    def report(progress):
        if progress.epoch == 2 and not full:
            full.append(fill(disk, left=100_000))

    folder = disk / "run"
    with pytest.raises(StorageError, match=r"last-2\.weights\.h5: the disk is full"):
        train(discs, SPEC, wanted, folder, report=report)
    run = Run(folder)
    assert run.state().total_epochs == 1
    assert halves(disk) == []
    assert sorted(file.name for file in folder.glob("*.h5")) == [
        "best.weights.h5",
        "last-1.weights.h5",
    ]
    full[0].unlink()
    assert train(discs, SPEC, wanted, folder, resume=True).state().total_epochs == 3


def test_why_a_job_ended_is_told_though_no_byte_is_free(disk):
    with pytest.raises(StorageError), recorded(disk, ["train"]) as record:
        record(Progress(0.5, "all", 1, 2))
        fill(disk)
        write_json(disk / "state.json", {"a": 1})
    told = json.loads((disk / PROGRESS).read_text())
    assert told["end"] == "failed"
    assert "state.json: the disk is full" in told["error"]
    assert halves(disk) == []


def test_a_promotion_leaves_the_model_that_was_there(disk, tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(disk / "weights"))
    install(model_folder(tmp_path / "old", b"old"), "basic_cnn")
    fill(disk, left=100_000)
    with pytest.raises(StorageError, match="weights/basic_cnn: the disk is full"):
        install(model_folder(tmp_path / "new", bytes(1_000_000)), "basic_cnn")
    assert (disk / "weights" / "basic_cnn" / "m.weights.h5").read_bytes() == b"old"
    visible = [file.name for file in (disk / "weights").iterdir()]
    assert sorted(visible) == [".lock", "basic_cnn"]
    with pytest.raises(StorageError, match=r"basic_cnn\.weights\.h5: the disk is full"):
        save_float16(build_network(SPEC, 2, size=32), disk / "basic_cnn.weights.h5")
    assert halves(disk) == []
    assert not (disk / "basic_cnn.weights.h5").exists()


def test_promotions_of_one_model_do_not_meet(tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path / "weights"))
    folders = [model_folder(tmp_path / str(n), bytes([n]) * 100_000) for n in range(12)]
    together = threading.Barrier(4)

    def promote(folder):
        together.wait()
        installed = install(folder, "basic_cnn")
        assert installed == tmp_path / "weights" / "basic_cnn"

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(promote, folders))
    there = tmp_path / "weights" / "basic_cnn"
    for model in (there, there.with_name(".basic_cnn.old")):
        verified_weights(model, load_card(model))
    names = sorted(file.name for file in there.parent.iterdir())
    assert names == [".basic_cnn.old", ".lock", "basic_cnn"]


def test_reviews_that_were_saved_stay_and_the_next_says_why_it_was_not(disk):
    engine = open_database(f"sqlite:///{disk / 'reviews.sqlite3'}")
    reviews = ReaderStudyRepository(engine)
    study = reviews.create_study("study", [ToRead("0" * 64, "vgg16", "grad_cam", "Normal")])
    reader, (item,) = reviews.add_reader("Ada"), reviews.items(study)
    saved = reviews.save_review(reader, item, Answer("agree", 4))
    full = fill(disk)
    with pytest.raises(ReaderStudyError, match="the disk is full. What was saved before is safe"):
        for _ in range(2_000):  # Until the room within the files is used up too.
            reviews.save_review(reader, item, Answer("disagree", 1, "x" * 2_000))
    versions = reviews.history(reader, item)
    assert versions[0] == saved
    assert all(len(one.answer.comment) == 2_000 for one in versions[1:])
    full.unlink()
    assert reviews.save_review(reader, item, Answer("agree", 5)).version == len(versions) + 1
    engine.dispose()


def test_an_export_leaves_no_half_picture(disk, film):
    fill(disk, left=20_000)
    values = np.random.default_rng(0).random((200, 200), dtype=np.float32)
    heatmap = SimpleNamespace(
        model="vgg16", method="grad_cam", values=values, on=lambda shape: film.pixels
    )
    with pytest.raises(StorageError, match=r"film\.vgg16\.grad_cam\.npy: the disk is full"):
        _write_map(disk, "film", film, heatmap, 0.4)
    assert halves(disk) == []
    assert not list(disk.glob("*.npy"))
