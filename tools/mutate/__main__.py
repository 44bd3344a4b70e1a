"""`python -m tools.mutate`: puts small faults into the library and counts those the tests notice.

A seeded sample of single faults, each in a process of its own: no file is touched. Of the tests
those run that reach the changed lines, as one run with coverage.py tells; the quick ones first.
"""

import importlib
import json
import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any

import coverage
import pytest
import typer

from tools.mutate.faults import ROOT, faults
from tools.mutate.harness import (
    OPTIONS,
    Collected,
    Watch,
    cpu_seconds,
    in_children,
    live_functions,
    put_in,
    run_items,
)

PACKAGES = ("metrics", "attribution", "imaging", "datasets", "models")
# Look at what every module is made of.
EVERYWHERE = ("tests/test_values.py", "tests/test_defaults.py")
AROUND = ("anatomy", "evaluation", "report", "cli", "tools")
TESTS = [str(ROOT / "tests" / name) for name in (*PACKAGES, *AROUND)]
# Imported once, before processes part. TensorFlow may be forked as long as it has computed nothing.
SHARED = (
    *("cv2", "imagehash", "keras", "pandas", "pydicom", "scipy.stats", "sqlalchemy"),
    *("sklearn.metrics", "statsmodels.stats.contingency_tables", "statsmodels.stats.multitest"),
    "tensorflow",
)
MOST_SECONDS = 100  # Of tests for one fault.
QUICK = 0.5  # Seconds of a test that goes before those of other files that are not.
IMPORTED = ""  # In the place of a test's name: the line runs as a module is imported.


def measure_reach(out: Path, imported: coverage.Coverage, items: dict[str, pytest.Item]) -> None:
    """Write the seconds of each test, and by file and line the tests that reach it.

    What is written already stays, and only tests that are not yet among it are run.
    """
    imported.stop()
    known = json.loads(out.read_text()) if out.exists() else {"seconds": {}, "lines": {}}
    seconds, useless = known["seconds"], set()
    unknown = [item for name, item in items.items() if name not in seconds]

    def measure(scratch: Path) -> int:
        reach = coverage.Coverage(data_file=None, source=[str(ROOT / "xraycore")])

        class Contexts:
            @pytest.hookimpl(wrapper=True)
            def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
                reach.switch_context(item.nodeid)
                began = cpu_seconds()
                result = yield
                seconds[item.nodeid] = cpu_seconds() - began
                return result

        next(iter(items.values())).config.pluginmanager.register(Contexts())
        reach.start()
        # A test that fails without a fault cannot tell one.
        run_items(unknown, lambda item: bool(useless.add(item.nodeid)))
        reach.stop()
        lines, data = defaultdict(lambda: defaultdict(set)), reach.get_data()
        for path, names_of in known["lines"].items():
            for line, names in names_of.items():
                lines[path][line] |= {*names}
        for path in data.measured_files():
            for line, names in data.contexts_by_lineno(path).items():
                lines[_file(path)][str(line)] |= {*names} - useless - {IMPORTED}
        for path in imported.get_data().measured_files():
            for line in imported.get_data().lines(path):
                lines[_file(path)][str(line)].add(IMPORTED)
        out.write_text(json.dumps({"seconds": seconds, "lines": lines}, default=sorted))
        return 0

    in_children([("reach", measure)], lambda key, code, test: None, out.parent / "scratch", 1)


def _file(path: str) -> str:
    return str(Path(path).relative_to(ROOT))


def runs_at_import(fault: dict[str, Any], reach: dict[str, Any]) -> bool:
    """Whether what is changed was done with when the tests were collected."""
    if not fault["function"]:
        return True
    lines, (first, last) = reach["lines"].get(fault["file"], {}), fault["function"]
    return any(IMPORTED in lines.get(str(line), ()) for line in range(first, last + 1))


def choose_tests(fault: dict[str, Any], reach: dict[str, Any]) -> list[str]:
    """The tests that reach a fault: quick ones first, then by files, its package's first."""
    lines, seconds = reach["lines"].get(fault["file"], {}), reach["seconds"]
    # What a module does as it is imported concerns all tests that reach any of it, or name it.
    places = [fault["lines"], fault["function"]] if fault["function"] else [[0, 10**6]]
    reached = ({n for at in lines if a <= int(at) <= b for n in lines[at]} for a, b in places)
    names = next(filter(None, (names - {IMPORTED} for names in reached)), set())
    if not fault["function"]:
        module = ".".join(Path(fault["file"]).with_suffix("").parts)
        files = {file for file in {n.split("::")[0] for n in seconds} if _names(file, module)}
        names = names | {name for name in seconds if name.split("::")[0] in files}
    own, whole = f"tests/{Path(fault['file']).parts[1]}/", defaultdict(float)
    for name in names:
        whole[name.split("::")[0]] += seconds.get(name, 0)

    def order(name: str) -> tuple[bool, bool, float, str, float]:
        # Tests of a file together: they share what its fixtures make.
        file, takes = name.split("::")[0], seconds.get(name, 0)
        return takes > QUICK, not name.startswith(own), whole[file], file, takes

    ordered = sorted(names, key=order)
    spent = accumulate(seconds.get(name, 0) for name in ordered)
    near = [name for name, total in zip(ordered, spent, strict=True) if total <= MOST_SECONDS]
    return near if fault["function"] else [*EVERYWHERE, *near]


def _names(file: str, module: str) -> bool:
    return (ROOT / file).is_file() and module in (ROOT / file).read_text()


def at_import(
    compiled: Callable[[], Any], tests: list[str], seconds: dict[str, float], scratch: Path
) -> int:
    """Exit code of the tests, collected with the fault in its module."""
    put_in(compiled(), {})
    return pytest.main([*OPTIONS, *tests], plugins=[Watch(scratch, seconds)])


def in_functions(
    compiled: Callable[[], Any],
    items: list[pytest.Item],
    live: dict[Any, Any],
    seconds: dict[str, float],
    scratch: Path,
) -> int:
    """1 where one of the collected tests fails with the fault in its function."""
    put_in(compiled(), live)
    return run_watched(items, seconds, lambda item: True, scratch)


def run_watched(
    items: list[pytest.Item],
    seconds: dict[str, float],
    failed: Callable[[pytest.Item], bool],
    scratch: Path,
) -> int:
    """1 where one of the collected tests fails."""
    if items:
        items[0].config.pluginmanager.register(Watch(scratch, seconds))
        run_items(items, failed)
    return int(bool(items) and items[0].session.testsfailed > 0)


class Log:
    """What has become of each fault, in a file that a later run goes on with."""

    def __init__(self, path: Path):
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.faults = {fault["number"]: fault for fault in map(json.loads, lines)}

    def add(self, fault: dict[str, Any], code: int | None, test: str) -> None:
        """Note a fault's exit code and the test that noticed it; say so where none did."""
        fault |= {"code": code, "test": test}
        self.faults[fault["number"]] = fault
        with self.path.open("a") as lines:
            lines.write(json.dumps(fault) + "\n")
        if code == 0:
            place = f"{fault['file']}:{fault['lines'][0]}"
            typer.echo(f"{place}: {fault['kind']}: {fault['was']}  ->  {fault['now']}")


def mutate(
    sample: Annotated[int, typer.Option(help="How many faults.")] = 300,
    seed: Annotated[int, typer.Option(help="Of the sample.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of what is found; goes on with it.")] = Path(
        "build/mutation"
    ),
    processes: Annotated[int, typer.Option(help="How many at a time.")] = 2,
    again: Annotated[
        bool, typer.Option(help="Ask new tests too, of the faults that none has noticed so far.")
    ] = False,
) -> None:
    """Put a seeded sample of single faults into the library and count what the tests notice."""
    (scratch := out.resolve() / "scratch").mkdir(parents=True, exist_ok=True)
    # Films are decoded where they are read: another process knows neither fault nor coverage.
    vars(os).pop("memfd_create", None)
    for name in SHARED:
        importlib.import_module(name)
    known = out / "reach.json"
    if again or not known.exists():
        typer.echo("Finding out which tests reach which lines.")
        in_children([("reach", partial(_reach, known.resolve()))], _must_work, scratch, 1)
    reach = json.loads(known.read_text())
    paths = sorted(p for name in PACKAGES for p in (ROOT / "xraycore" / name).rglob("*.py"))
    every = [fault for path in paths if path.name != "worker.py" for fault in faults(path)]
    log, later = Log(out / f"faults-{seed}.jsonl"), []
    jobs = []
    for number, (fault, compiled) in enumerate(random.Random(seed).sample(every, sample)):
        fault["number"], tests = number, choose_tests(fault, reach)
        if number in log.faults and not (again and log.faults[number]["code"] == 0):
            continue
        if runs_at_import(fault, reach):
            jobs.append((fault, partial(at_import, compiled, tests, reach["seconds"])))
        else:
            later.append((fault, compiled, tests))
    in_children(jobs, log.add, scratch, processes)

    def work(items: dict[str, pytest.Item]) -> None:
        live, seconds = live_functions(), reach["seconds"]
        jobs = (
            (fault, partial(in_functions, compiled, [items[n] for n in tests], live, seconds))
            for fault, compiled, tests in later
        )
        in_children(jobs, log.add, scratch, processes)
        # A test that fails without a fault has told nothing.
        telling = {fault["test"] for fault in log.faults.values() if fault["code"]}
        chosen = [item for name, item in items.items() if name in telling]

        def check(scratch: Path) -> int:
            wrong = []
            run_watched(chosen, seconds, lambda item: bool(wrong.append(item.nodeid)), scratch)
            (out / f"wrong-{seed}.json").write_text(json.dumps(wrong))
            return 0

        in_children([("tests without a fault", check)], _must_work, scratch, 1)

    pytest.main([*OPTIONS, *TESTS], plugins=[Collected(work)])
    wrong = json.loads((out / f"wrong-{seed}.json").read_text())
    for name in wrong:
        typer.echo(f"{name} fails without a fault: what it noticed does not count.")
    noticed = sum(f["code"] != 0 and f["test"] not in wrong for f in log.faults.values())
    typer.echo(f"{noticed} of {len(log.faults)} noticed ({noticed / len(log.faults):.1%}).")


def _reach(out: Path, scratch: Path) -> int:
    imported = coverage.Coverage(data_file=None, source=[str(ROOT / "xraycore")])
    imported.start()
    return pytest.main(
        [*OPTIONS, *TESTS], plugins=[Collected(partial(measure_reach, out, imported))]
    )


def _must_work(key: str, code: int | None, test: str) -> None:
    if code != 0:
        raise RuntimeError(f"{key}: ended with {code}, at {test}")


if __name__ == "__main__":
    typer.run(mutate)
