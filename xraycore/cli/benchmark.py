"""The command that times the models on this machine: benchmark."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from xraycore.cli.app import Json, app
from xraycore.cli.console import emit_json, emit_table, err, progress_bar
from xraycore.cli.loading import chosen_models
from xraycore.errors import ArgumentError
from xraycore.utils.progress import part_of


@app.command()
def benchmark(
    model: Annotated[
        list[str] | None,
        typer.Option(help="Model to time; repeat for several. All trained ones by default."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds; each runs every task once.")] = 30,
    bulk: Annotated[
        bool, typer.Option("--bulk", help="Time whole archives instead, and OpenVINO.")
    ] = False,
    films: Annotated[
        list[str] | None,
        typer.Option(help="With --bulk: NAME=FOLDER to time; repeatable. Generated ones else."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="With --bulk: rounds of each.")] = 3,
    json: Json = False,
) -> None:
    """Time forward pass, prediction with heatmaps, tf-keras-vis, reading and resizing.

    With --bulk: films a second from files to rows of Parquet over what forward passes alone would
    give, OpenVINO beside TensorFlow, and one and two workers of a Dask scheduler.
    """
    if bulk:
        _measure_archives(chosen_models(model), films or (), rounds, json)
        return
    from xraycore.evaluation.benchmark import TASKS, benchmark, machine

    facts = machine()
    with progress_bar() as report:
        results = benchmark(model or (), repeats=repeats, report=report)
    if json:
        emit_json({"machine": facts, "tasks": TASKS, "models": [r.to_json() for r in results]})
        return
    columns = ["model", "task", "median", "fastest", "ratio", "fastest ratio"]
    rows = []
    for result in results:
        for task, timing in result.timings.items():
            ratio = result.ratio(task)
            milliseconds = [1e3 * timing.median, 1e3 * timing.fastest]
            rows.append([result.model, task, *milliseconds, ratio.median, ratio.fastest])
    emit_table(f"Milliseconds a film, {repeats} rounds; ratio to the forward pass", columns, rows)
    for task, text in TASKS.items():
        err.print(f"{task}: {text}")
    for result in results:
        against = result.ratio("tf_keras_vis", "predict_explain").median
        err.print(
            f"{result.model}: tf_keras_vis takes {against:.1f} times as long as predict_explain"
        )
    if random := [result.model for result in results if result.weights == "random"]:
        err.print(f"Random weights, on which timings do not depend: {', '.join(random)}")
    err.print(
        f"{facts['system']}, {facts['cores']} cores, load before {facts['load_before']}, "
        f"TensorFlow {facts['tensorflow']}, Keras {facts['keras']}"
    )


def _measure_archives(names: Sequence[str], named: Sequence[str], rounds: int, json: bool) -> None:
    from xraycore.evaluation.benchmark import machine
    from xraycore.scoring import throughput

    given = [one.partition("=") for one in named]
    if any(not folder for _, _, folder in given):
        raise ArgumentError(f"--films must be NAME=FOLDER. Received: {', '.join(named)}")
    facts = machine()
    with progress_bar() as report, tempfile.TemporaryDirectory() as made:
        every = [throughput.Films(name, Path(folder)) for name, _, folder in given]
        if not every:
            every = throughput.write_generated(Path(made), report)
        bulk = throughput.measure_bulk(names, every, rounds=rounds, report=part_of(report, 0, 3))
        runtimes = throughput.measure_runtimes(names, report=part_of(report, 1, 3))
        workers = throughput.measure_workers(
            names[0], every[0], (1, 2), report=part_of(report, 2, 3)
        )
    found = {
        "machine": facts,
        "rounds": rounds,
        "bulk": bulk,
        "runtimes": runtimes,
        "workers": {"model": names[0], "films": every[0].name, "rates": workers},
    }
    if json:
        emit_json(found)
        return
    columns = ["model", "films", "whole, films/s", "forward alone", "share", "to be reached"]
    rows = [
        [one["model"], one["films"], one["whole"], one["forward"], one["share"], one["target"]]
        for one in bulk
    ]
    emit_table("From files to rows of Parquet, over forward passes alone", columns, rows)
    columns = [
        "model",
        "precision",
        "TensorFlow, films/s",
        "OpenVINO",
        "times",
        "logits",
        "features",
    ]
    rows = [
        [
            *(one["model"], one["precision"], one["tensorflow"], one["openvino"], one["times"]),
            *(f"{one['parity'][name]:.1e}" for name in ("logits", "features")),
        ]
        for one in runtimes
    ]
    emit_table("OpenVINO beside TensorFlow: speed, and how far apart", columns, rows)
    rows = [[one["workers"], one["threads"], one["rate"]] for one in workers]
    emit_table(f"Workers over TCP, {names[0]}", ["workers", "threads of each", "films/s"], rows)
    err.print(f"{facts['system']}, {facts['cores']} cores, load before {facts['load_before']}")
