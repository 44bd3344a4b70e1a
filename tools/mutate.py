"""`python -m tools.mutate`: puts small faults into the library and counts those the tests notice.

A seeded sample of single faults, each in a process of its own whose import of the changed module
gives it the fault: no file is touched. Of the tests those run that reach the changed lines, as one
run with coverage.py tells; the package's own first.
"""

import ast
import importlib
import json
import os
import random
import resource
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any

import coverage
import pytest
import typer

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("metrics", "attribution", "imaging", "datasets", "models")
TESTS = [str(ROOT / "tests" / name) for name in (*PACKAGES, "anatomy", "evaluation")]
# Imported once, before processes part; never the library itself.
SHARED = (
    *("cv2", "imagehash", "keras", "pydicom", "scipy.stats", "sklearn.metrics", "tensorflow"),
    *("statsmodels.stats.contingency_tables", "statsmodels.stats.multitest"),
)
COMMUTE = ("max", "min", "maximum", "minimum", "hypot", "clip")
OTHER = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Pow: ast.Mult},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is},
    **{ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And},
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult},
    **{ast.FloorDiv: ast.Div, ast.Mod: ast.FloorDiv, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd},
}
# Looks at what every module is made of.
EVERYWHERE = "tests/test_values.py"
# Of tests for one fault; those of its package that are quick come first.
MOST_SECONDS = 150
BROKEN = 70  # Exit code of a process that could not even begin.
UNREAD = ("annotation", "returns", "exc")  # Types, and what an error says.


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Kinds of faults and what stands in the node's place then."""
    match node:
        case ast.Compare(left=left, ops=[op], comparators=right):
            yield "comparison", ast.Compare(left, [OTHER[type(op)]()], right)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OTHER:
            yield "arithmetic", ast.BinOp(left, OTHER[type(op)](), right)
        case ast.BoolOp(op=op, values=values):
            yield "boolean", ast.BoolOp(OTHER[type(op)](), values)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield "sign", operand
        case ast.Constant(value=bool(value)):
            yield "constant", ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield "constant", ast.Constant(value + 1)
        case ast.Constant(value=float(value)):
            yield "constant", ast.Constant(value * 1.5 or 1.0)
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield "return", ast.Return(ast.Constant(None))
        case ast.Raise() | ast.AugAssign() | ast.Expr(value=ast.Call()):
            yield "statement deleted", ast.Pass()
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield "condition", ast.IfExp(test, orelse, body)
        case ast.If(test=test) if "TYPE_CHECKING" not in ast.unparse(test):
            negated = ast.UnaryOp(ast.Not(), test)
            yield "condition", ast.If(negated, node.body, node.orelse)
        case ast.Call(func=func, args=args, keywords=keywords):
            commute = ast.unparse(func).split(".")[-1] in COMMUTE
            if len(args) > 1 and not (commute or isinstance(args[0], ast.Starred)):
                yield "arguments swapped", ast.Call(func, [*args[1::-1], *args[2:]], keywords)
            for gone in keywords:
                rest = [keyword for keyword in keywords if keyword is not gone]
                yield "argument dropped", ast.Call(func, args, rest)


def sites(node: ast.AST, function: ast.AST | None = None) -> Iterator[tuple[ast.AST, Any]]:
    """Every node that says what is computed, and the function it stands in."""
    if not (function is None and isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)):
        yield node, function
    for name, field in ast.iter_fields(node):
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.AST) and name not in UNREAD:
                inside = isinstance(node, ast.FunctionDef | ast.Lambda) and name == "body"
                yield from sites(child, (function or node) if inside else function)


def faults(path: Path) -> Iterator[tuple[dict[str, Any], Callable[[], Any]]]:
    """Every fault of a file: what it is, and what compiles the module with it."""
    tree, file = ast.parse(path.read_text()), str(path.relative_to(ROOT))
    for node, function in list(sites(tree)):
        for kind, new in changes(node):
            last = node.test.end_lineno if isinstance(node, ast.If) else node.end_lineno
            fault = {"file": file, "kind": kind, "lines": [node.lineno, last]}
            fault["function"] = function and [function.lineno, function.end_lineno]
            fault["was"] = ast.unparse(node).split("\n")[0][:90]
            fault["now"] = ast.unparse(new).split("\n")[0][:90]

            def compiled(node: ast.AST = node, new: ast.AST = new) -> Any:
                # In a process of its own, so that nobody sees the tree again.
                new = ast.copy_location(new, node)
                node.__class__, node.__dict__ = type(new), dict(new.__dict__)
                return compile(ast.fix_missing_locations(tree), str(path), "exec")

            yield fault, compiled


def in_child(work: Callable[[], int], scratch: Path, seconds: int) -> int | None:
    """Exit code of work in a process of its own; None where it took more of the processor."""
    if pid := os.fork():
        status = os.waitpid(pid, 0)[1]
        return None if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)
    code = BROKEN
    try:
        # Films are decoded here: another process knows neither fault nor coverage.
        vars(os).pop("memfd_create", None)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        tempfile.tempdir = str(scratch)
        said = os.open(scratch / "tests.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(said, 1)
        os.dup2(said, 2)
        code = int(work())
    finally:
        os._exit(code)


def run_with(file: str, compiled: Callable[[], Any], tests: list[str]) -> int:
    """Exit code of the tests, the module changed as it is imported."""
    code, load, path = compiled(), SourceFileLoader.get_code, str(ROOT / file)
    SourceFileLoader.get_code = lambda self, name: code if self.path == path else load(self, name)
    return pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *tests])


class _Reach:
    """Which tests reach which lines, and how long each takes; of those that pass."""

    def __init__(self):
        self.coverage = coverage.Coverage(data_file=None, source=[str(ROOT / "xraycore")])
        self.seconds, self.useless = Counter(), {""}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        result = yield
        self.coverage.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if not report.passed:
            self.useless.add(report.nodeid)


def measure_reach(out: Path, tests: list[str]) -> int:
    """Write the seconds of each test, and by file and line the tests that reach it."""
    reach = _Reach()
    reach.coverage.start()
    code = pytest.main(["-q", "-p", "no:cacheprovider", *tests], plugins=[reach])
    reach.coverage.stop()
    data, lines = reach.coverage.get_data(), defaultdict(dict)
    for path in data.measured_files():
        for line, names in data.contexts_by_lineno(path).items():
            if found := sorted({*names} - reach.useless):
                lines[str(Path(path).relative_to(ROOT))][line] = found
    out.write_text(json.dumps({"seconds": reach.seconds, "lines": lines}))
    return 0 if code in (0, 1) else code


def choose_tests(fault: dict[str, Any], reach: dict[str, Any]) -> list[str]:
    """The tests that reach a fault, its package's and the quick ones first."""
    lines = reach["lines"].get(fault["file"], {})
    # What a module does as it is imported concerns all tests that reach any of it.
    places = [fault["lines"], fault["function"]] if fault["function"] else [[0, 10**6]]
    found = [{n for at in lines if a <= int(at) <= b for n in lines[at]} for a, b in places]
    own = f"tests/{Path(fault['file']).parts[1]}/"
    names = next(filter(None, found), set())
    ordered = sorted(names, key=lambda n: (not n.startswith(own), reach["seconds"].get(n, 0)))
    spent = accumulate(reach["seconds"].get(name, 0) for name in ordered)
    near = [name for name, seconds in zip(ordered, spent, strict=True) if seconds <= MOST_SECONDS]
    return near if fault["function"] else [*near, EVERYWHERE]


def mutate(
    sample: Annotated[int, typer.Option(help="How many faults.")] = 300,
    seed: Annotated[int, typer.Option(help="Of the sample.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of what is found; goes on with it.")] = Path(
        "build/mutation"
    ),
) -> None:
    """Put a seeded sample of single faults into the library and count what the tests notice."""
    (scratch := out.resolve() / "scratch").mkdir(parents=True, exist_ok=True)
    for name in SHARED:
        importlib.import_module(name)
    if not (out / "reach.json").exists():
        typer.echo("Finding out which tests reach which lines.")
        if in_child(lambda: measure_reach(out / "reach.json", TESTS), scratch, 36_000) != 0:
            raise typer.BadParameter(f"the tests do not run: see {scratch / 'tests.log'}")
    reach = json.loads((out / "reach.json").read_text())
    paths = sorted(p for name in PACKAGES for p in (ROOT / "xraycore" / name).rglob("*.py"))
    every = [fault for path in paths if path.name != "worker.py" for fault in faults(path)]
    log, chosen = out / f"faults-{seed}.jsonl", random.Random(seed).sample(every, sample)
    known = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    for fault, compiled in chosen[len(known) :]:
        tests = choose_tests(fault, reach)
        seconds = 120 + int(5 * sum(reach["seconds"].get(name, 0) for name in tests))
        work = (lambda f=fault["file"], c=compiled, t=tests: run_with(f, c, t)) if tests else int
        fault["code"] = in_child(work, scratch, seconds)
        if fault["code"] == BROKEN:
            raise RuntimeError(f"{fault}: see {scratch / 'tests.log'}")
        known.append(fault)
        with log.open("a") as lines:
            lines.write(json.dumps(fault) + "\n")
        if fault["code"] == 0:
            place = f"{fault['file']}:{fault['lines'][0]}"
            typer.echo(f"{place}: {fault['kind']}: {fault['was']}  ->  {fault['now']}")
    noticed = sum(fault["code"] != 0 for fault in known)
    typer.echo(f"{noticed} of {len(known)} noticed ({noticed / len(known):.1%}).")


if __name__ == "__main__":
    typer.run(mutate)
