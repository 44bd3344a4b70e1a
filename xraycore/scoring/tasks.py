"""Scoring a shard as a task that any process may be given; its networks are loaded once."""

import threading
from collections.abc import Sequence
from pathlib import Path

from xraycore.errors import WeightsError
from xraycore.models.runtime import load_model_in
from xraycore.scoring.lines import States, answering
from xraycore.scoring.listing import ListedFilm, read_listed
from xraycore.scoring.pipeline import FilmScorer
from xraycore.scoring.plan import Shard
from xraycore.scoring.setup import ScoringSetup, make_setup
from xraycore.scoring.shards import ShardResult, score_shard

# One shard at a time: networks take all cores of a process anyway.
_LOCK = threading.Lock()
_OPEN: dict[ScoringSetup, tuple[FilmScorer[ListedFilm], States]] = {}


def score_task(
    folder: Path, setup: ScoringSetup, shard: Shard, films: Sequence[ListedFilm]
) -> ShardResult:
    """Scores one shard of a run with networks that this process keeps.

    Raises:
        WeightsError: If the networks that are installed here are not those of the setup.
        StorageError: If the disk is full.
    """
    with _LOCK:
        scorer, states = _open(setup)
        return score_shard(folder, shard, films, scorer, states, setup.keep)


def close_scorers() -> None:
    """Ends the processes that decode, and lets go of the networks."""
    with _LOCK:
        while _OPEN:
            _OPEN.popitem()[1][0].__exit__()


def _open(setup: ScoringSetup) -> tuple[FilmScorer[ListedFilm], States]:
    if setup not in _OPEN:
        _check_networks(setup)
        models = [load_model_in(name, setup.runtime) for name in setup.models]
        states = answering(models, setup.site, setup.error_rate)
        while _OPEN:
            _OPEN.popitem()[1][0].__exit__()
        _OPEN[setup] = FilmScorer(models, read_listed), states
    return _OPEN[setup]


def _check_networks(setup: ScoringSetup) -> None:
    here = make_setup(setup.models, site=setup.site)
    if (here.networks, here.lungs_sha256) != (setup.networks, setup.lungs_sha256):
        raise WeightsError(
            "expected the networks, lung segmenter and site profile that the run began with. "
            f"Received: others, of the models {', '.join(setup.models)}"
        )
