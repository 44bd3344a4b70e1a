"""What all tests share: where the real radiographs are, and a tiny trained-looking classifier."""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.dicom_files import dicom_bytes, dicom_dataset  # noqa: F401  (fixtures of all tests)
from tests.pacs.orthanc import orthanc, pacs_settings  # noqa: F401  (likewise)

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ:
    # At least as many test processes as cores: more threads in each only wait for one another.
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"
# What tests measure is not kept among the user's own.
_OWN = {name: tempfile.mkdtemp(prefix="xraycore-tests-") for name in ("CACHE", "STATE")}
os.environ.update({f"XRAYCORE_{name}": folder for name, folder in _OWN.items()})
# Most servers that they start are asked for no network.
os.environ["XRAYCORE_LOAD"] = "asked"
# What else lies on the computer's disk is not what they test.
os.environ["XRAYCORE_LIMITS"] = "free_gb=0.001"
ROOT = Path(__file__).resolve().parents[1]
# Where files take longest. They go first: one that comes last has everyone wait for it.
LONG = (
    "tests/training/test_learning.py",
    "tests/browser/",
    "tests/training/",
    "tests/test_",
    "tests/pages/",
)

# Networks that take seconds to build; `make test-quick` has the others, by the same tests.
DEEP = ("resnet50", "inception_v3", "xception")
DEEP_TESTS = ("tests/models/", "tests/attribution/test_contract.py")


def find_real_data() -> Path | None:
    """The folder of real radiographs: XRAYCORE_DATA, or shared/data beside the checkout."""
    for folder in (os.environ.get("XRAYCORE_DATA"), ROOT.parent / "shared" / "data"):
        if folder and (Path(folder) / "chest_xray").is_dir():
            return Path(folder)
    return None


def pytest_unconfigure() -> None:
    for folder in _OWN.values():
        shutil.rmtree(folder, ignore_errors=True)


def pytest_report_header() -> str:
    found = find_real_data()
    return f"real radiographs: {found or 'NOT FOUND, tests marked realdata are skipped'}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a network of many layers are slow ones. The long files first; all else as it was.

    What acts in a browser is run once more where it fails: a key or a click that comes while a busy
    machine still draws the page may do nothing. The summary counts such runs.
    """
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))
        if item.nodeid.startswith(DEEP_TESTS) and any(name in item.name for name in DEEP):
            item.add_marker("slow")
    items.sort(key=lambda item: [not item.nodeid.startswith(place) for place in LONG])


@pytest.fixture(scope="module")
def playwright():
    """What starts browsers. It ends with its file: `asyncio.run` elsewhere would meet its loop."""
    from playwright.sync_api import sync_playwright  # Late: few tests need it.

    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The real radiographs; without them the test is skipped, and the run's header says so."""
    folder = find_real_data()
    if folder is None:
        pytest.skip("no real radiographs: set XRAYCORE_DATA to the folder that holds chest_xray/")
    return folder


@pytest.fixture(scope="session")
def film():
    """A synthetic film 90 px high and 60 px wide, so that height and width cannot be swapped."""
    from xraycore.imaging.radiograph import Radiograph, RadiographInfo

    pixels = np.random.default_rng(0).random((90, 60), dtype=np.float32)
    info = RadiographInfo("film.png", "0" * 64, "PNG", width=60, height=90, bit_depth=8)
    return Radiograph(pixels, info, ("a warning of the film",))


@pytest.fixture(scope="session")
def random_classifier():
    """`random_classifier(name)`: that network with random weights and the four classes.

    `size` is that of its input, for tests of what does not depend on it.
    """
    import keras

    from xraycore.datasets.labels import CHEST4
    from xraycore.models.architectures import build_network
    from xraycore.models.classifier import Classifier
    from xraycore.models.registry import get_spec

    made = {}

    def make(name: str, size: int | None = None) -> Classifier:
        if (name, size) not in made:
            keras.utils.set_random_seed(0)
            network = build_network(get_spec(name), len(CHEST4), size=size)
            made[name, size] = Classifier(get_spec(name), network, CHEST4, card={})
        return made[name, size]

    return make


@pytest.fixture(scope="session")
def migrated(tmp_path_factory) -> Path:
    """An SQLite database of the newest schema, empty, to be copied: migrating takes a while."""
    from xraycore.reader_study import open_database

    file = tmp_path_factory.mktemp("migrated") / "reviews.sqlite3"
    open_database(f"sqlite:///{file}").dispose()
    return file


@pytest.fixture
def run_cli(capsys):
    """`run_cli(arguments…)`: exit code, stdout, stderr of the command line."""
    from xraycore.cli.main import main

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return call


@pytest.fixture
def eager():
    """TensorFlow without graphs; see `tests.eager`."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def guarded(tmp_path, monkeypatch):
    """A folder that may not be entered; its mode alone would not stop root, who may run tests."""
    folder, stat = tmp_path / "guarded", Path.stat
    folder.mkdir()

    def refusing(path, **how):
        if folder in path.parents:
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **how)

    monkeypatch.setattr(Path, "stat", refusing)
    return folder
