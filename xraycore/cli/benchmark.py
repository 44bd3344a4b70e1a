"""The command that times the models on this machine: benchmark."""

from typing import Annotated

import typer

from xraycore.cli.app import Json, app
from xraycore.cli.console import emit_json, emit_table, err, progress_bar


@app.command()
def benchmark(
    model: Annotated[
        list[str] | None,
        typer.Option(help="Model to time; repeat for several. All trained ones by default."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds; each runs every task once.")] = 30,
    json: Json = False,
) -> None:
    """Time forward pass, prediction with heatmaps, tf-keras-vis, reading and resizing."""
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
