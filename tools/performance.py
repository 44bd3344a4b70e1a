"""docs/performance.md, drawn from what `xraycore benchmark --bulk --json` measured.

xraycore benchmark --bulk --json > docs/measured/bulk.json
python -m tools.performance
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tools.results.markdown import get_template
from xraycore.cli.console import err
from xraycore.models.registry import title_of
from xraycore.models.runtime import MOST_APART
from xraycore.scoring.plan import SHARD

DOCS = Path(__file__).parents[1] / "docs"
# Of the estimate on paper; none of these was measured.
MACHINES, FILMS = 100, 10_000_000
NETWORK_GBIT, HOUR_PRICE, TASK_SECONDS = 10, 0.10, 0.001


def draw(measured: Mapping[str, Any]) -> str:
    """The page, in Markdown."""
    workers = measured["workers"]
    return get_template("performance.md").render(
        machine=measured["machine"],
        rounds=measured["rounds"],
        bulk=[_bulk_row(one) for one in measured["bulk"]],
        runtimes=[_runtime_row(one) for one in measured["runtimes"]],
        most_apart=MOST_APART,
        network=title_of(workers["model"]),
        films=workers["films"],
        workers=[_worker_row(one, workers["rates"][0]) for one in workers["rates"]],
        machines=MACHINES,
        archive=FILMS,
        gbit=NETWORK_GBIT,
        task_ms=f"{1000 * TASK_SECONDS:g}",
        price=HOUR_PRICE,
        estimate=[_estimated_row(one) for one in measured["bulk"]],
        tasks=FILMS // SHARD,
        shard=SHARD,
        task_seconds=FILMS / SHARD * TASK_SECONDS,
    )


def _bulk_row(one: Mapping[str, Any]) -> dict[str, str]:
    target = one["target"]
    return {
        "network": title_of(one["model"]),
        "films": f"{one['count']} {one['films']} of {one['megabytes']:.2f} MB",
        "films a second": f"{one['whole']:.1f}",
        "forward passes alone": f"{one['forward']:.1f}",
        "share": f"{one['share']:.2f}",
        "to be reached": f"{target:.1f}" if target else "–",
        "reached": "–" if target is None else "yes" if one["share"] >= target else "no",
    }


def _runtime_row(one: Mapping[str, Any]) -> dict[str, str]:
    parity = one["parity"]
    return {
        "network": title_of(one["model"]),
        "in": one["precision"],
        "TensorFlow, films a second": f"{one['tensorflow']:.1f}",
        "OpenVINO": f"{one['openvino']:.1f}",
        "times as fast": f"{one['times']:.2f}",
        "logits apart": f"{parity['logits']:.1e}",
        "features apart": f"{parity['features']:.1e}",
        "same answers": f"{parity['answers']:.0%} of {parity['films']}",
    }


def _worker_row(one: Mapping[str, Any], first: Mapping[str, Any]) -> dict[str, str]:
    return {
        "workers": str(one["workers"]),
        "threads of each": str(one["threads"]),
        "films a second": f"{one['rate']:.1f}",
        "times the first": f"{one['rate'] / first['rate']:.2f}",
    }


def _estimated_row(one: Mapping[str, Any]) -> dict[str, str]:
    taken = MACHINES * one["whole"]
    given = NETWORK_GBIT * 125 / one["megabytes"]
    hours = FILMS / min(taken, given) / 3600
    return {
        "network": title_of(one["model"]),
        "films": one["films"],
        "machines take, films a second": f"{taken:,.0f}",
        "storage gives": f"{given:,.0f}",
        "hours": f"{hours:,.1f}",
        "cost": f"{hours * MACHINES * HOUR_PRICE:,.0f}",
        "rows, GB": f"{FILMS * one['row_bytes'] / 1e9:.1f}",
    }


def performance(
    measured: Annotated[Path, typer.Option(help="What `benchmark --bulk --json` wrote.")] = (
        DOCS / "measured" / "bulk.json"
    ),
    out: Annotated[Path, typer.Option(help="The page.")] = DOCS / "performance.md",
) -> None:
    """Write performance.md from what was measured."""
    out.write_text(draw(json.loads(measured.read_text())))
    err.print(f"Wrote {out}.")


if __name__ == "__main__":
    typer.run(performance)
