"""Weights averaged over runs that started from the same weights."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xraycore.errors import ArgumentError
from xraycore.models.architectures import build_network
from xraycore.models.registry import get_spec
from xraycore.models.spec import FULL
from xraycore.training.run import Run, State
from xraycore.utils.checkpoints import load_weights

# Without these in common the mean of two networks is none, or is not judged on the same films.
_SHARED = ("model", "end", "classes", "start", "manifest_sha256", "lungs_sha256")


def average_runs(runs: Sequence[Run], folder: Path) -> Run:
    """A run whose best weights are the mean of the best weights of others; nothing is trained.

    A "model soup" (Wortsman et al. 2022, arXiv:2203.05482): networks that were trained from one
    start with other settings often lie in one valley, and the mean may keep of each what the others
    lost. It is no better for being a mean: judge it.

    Args:
        runs: Finished runs of one network on the same films, from the same weights. The recipe and
            the command are those of the first; `averaged` in the configuration has all of them.
        folder: Where to; created.

    Raises:
        ArgumentError: If there are fewer than two, one is not finished, they do not fit together,
            or the folder holds a run already.
    """
    if len(runs) < 2:
        raise ArgumentError(f"expected two runs or more to average. Received: {len(runs)}")
    configs = [one.config for one in runs]
    states = [one.state() for one in runs]
    for run, config, state in zip(runs, configs, states, strict=True):
        if state.stage < len(config["recipe"]["stages"]):
            raise ArgumentError(f"{run.folder}: the run is not finished (train it with --resume).")
        for key in _SHARED:
            if config.get(key) != configs[0].get(key):
                raise ArgumentError(
                    f"{run.folder}: expected the {key} of {runs[0].folder}, "
                    f"{configs[0].get(key)!r}. Received: {config.get(key)!r}"
                )
        if _seen(config) != _seen(configs[0]):
            raise ArgumentError(
                f"{run.folder}: expected films seen as those of {runs[0].folder}, "
                f"{_seen(configs[0])}. Received: {_seen(config)}"
            )
    config = configs[0]
    spec = get_spec(config["model"], config.get("end", FULL))
    network = build_network(spec, len(config["classes"]), size=_seen(config)[1])
    weights = []
    for run in runs:
        load_weights(network, run.best_weights)
        weights.append(network.get_weights())
    network.set_weights([_mean(same) for same in zip(*weights, strict=True)])
    averaged = Run(folder)
    told = [{"recipe": one["recipe"], "command": one.get("command")} for one in configs]
    averaged.start({**config, "averaged": told}, resume=False)
    averaged.save_best(network)
    history = [
        {**row, "stage": f"{row['stage']} ({number} of {len(runs)})"}
        for number, state in enumerate(states, 1)
        for row in state.history
    ]
    for number, row in enumerate(history, 1):
        row["epoch"] = number
    stages = len(config["recipe"]["stages"])
    averaged.commit(State(stage=stages, total_epochs=len(history), history=history))
    return averaged


def _seen(config: dict) -> tuple[str, int]:
    """What part of a film a network sees, and how large."""
    return config["recipe"].get("view", "film"), config["recipe"]["stages"][-1]["size"]


def _mean(same: Sequence[np.ndarray]) -> np.ndarray:
    # What was frozen stays as it was, to the last bit.
    if all(np.array_equal(one, same[0]) for one in same[1:]):
        return same[0]
    return np.mean(same, axis=0, dtype=np.float64).astype(same[0].dtype)
