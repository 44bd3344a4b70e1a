"""Version, notice and what the environment may set."""

import os
from pathlib import Path

import platformdirs

VERSION = "0.1.0"

NOTICE = "For education and research. Not for diagnosis."


# What comes with the package.
SHIPPED = Path(__file__).resolve().parents[1] / "weights"


def weights_folder() -> Path:
    """Where trained models lie: `XRAYCORE_WEIGHTS`, or `weights/` beside the package."""
    return Path(os.environ.get("XRAYCORE_WEIGHTS", SHIPPED))


def data_folder() -> Path | None:
    """Where real radiographs lie: `XRAYCORE_DATA`, or `../shared/data` beside the checkout."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("XRAYCORE_DATA", beside))
    return folder if folder.is_dir() else None


def runs_folder() -> Path:
    """Where runs lie: `XRAYCORE_RUNS`, or `runs/` beside the package."""
    return Path(os.environ.get("XRAYCORE_RUNS", SHIPPED.parent / "runs"))


def cache_folder() -> Path:
    """Where what can be made again lies: `XRAYCORE_CACHE`, or the system's folder for caches."""
    return Path(os.environ.get("XRAYCORE_CACHE") or platformdirs.user_cache_dir("xraycore"))
