"""Which faults the mutation run makes, which tests it asks, how a fault gets into a function."""

import ast
from importlib.machinery import SourceFileLoader

import pytest

from tools.mutate.__main__ import EVERYWHERE, IMPORTED, choose_tests, runs_at_import
from tools.mutate.faults import ROOT, changes
from tools.mutate.harness import live_functions, put_in


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("a < b", ["a <= b"]),
        ("a - b", ["a + b"]),
        ("a and b", ["a or b"]),
        ("not a", ["a"]),
        ("0.5", ["0.75"]),
        ("0.0", ["1.0"]),
        ("3", ["4"]),
        ("True", ["False"]),
        ("a if b else c", ["c if b else a"]),
        ("f(a, b, c=1)", ["f(b, a, c=1)", "f(a, b)"]),
        ("max(a, b)", []),
        ("a < b < c", []),
    ],
)
def test_faults_of_an_expression(code, expected):
    node = ast.parse(code, mode="eval").body
    assert [ast.unparse(ast.fix_missing_locations(new)) for _, new in changes(node)] == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("return a", "return None"),
        ("a += 1", "pass"),
        ("f(a)", "pass"),
        ("raise a", "pass"),
        ("if a:\n    b", "if not a:\n    b"),
    ],
)
def test_faults_of_a_statement(code, expected):
    ((_, new),) = changes(ast.parse(code).body[0])
    assert ast.unparse(ast.fix_missing_locations(new)) == expected


REACH = {
    "seconds": {
        "tests/cli/test_a.py::a": 0.1,
        "tests/metrics/test_b.py::slow": 3.0,
        "tests/metrics/test_b.py::quick": 0.2,
        "tests/metrics/test_c.py::quick": 0.1,
        "tests/metrics/test_c.py::endless": 1000.0,
    },
    "lines": {
        "xraycore/metrics/auc.py": {
            "1": [IMPORTED],
            "3": ["tests/cli/test_a.py::a"],
            "4": [
                "tests/cli/test_a.py::a",
                "tests/metrics/test_b.py::slow",
                "tests/metrics/test_b.py::quick",
                "tests/metrics/test_c.py::quick",
            ],
            "5": ["tests/metrics/test_c.py::endless"],
            "9": ["tests/cli/test_a.py::a", IMPORTED],
        }
    },
}


def fault(line, function):
    return {"file": "xraycore/metrics/auc.py", "lines": [line, line], "function": function}


def test_quick_tests_come_first_and_those_of_the_package_before_others():
    assert choose_tests(fault(4, [3, 5]), REACH) == [
        "tests/metrics/test_c.py::quick",
        "tests/metrics/test_b.py::quick",
        "tests/cli/test_a.py::a",
        "tests/metrics/test_b.py::slow",
    ]


def test_a_line_that_no_test_reaches_is_told_by_its_function_and_endless_tests_are_left_out():
    assert choose_tests(fault(5, [5, 5]), REACH) == []
    assert choose_tests(fault(6, [3, 3]), REACH) == ["tests/cli/test_a.py::a"]
    assert choose_tests(fault(20, [20, 20]), REACH) == []


def test_what_a_module_does_concerns_all_that_reach_it():
    named = "tests/imaging/test_box.py::reads_a_constant"
    seconds = REACH["seconds"] | {named: 0.1}
    chosen = choose_tests(fault(1, None), REACH | {"seconds": seconds})
    assert chosen[:2] == list(EVERYWHERE)
    assert len(chosen) == 6
    box = {**fault(1, None), "file": "xraycore/imaging/box.py"}
    assert choose_tests(box, REACH | {"seconds": seconds}) == [*EVERYWHERE, named]


@pytest.mark.parametrize(("function", "expected"), [(None, True), ([3, 5], False), ([8, 9], True)])
def test_what_ran_as_a_module_was_imported_wants_another_import(function, expected):
    assert runs_at_import(fault(4, function), REACH) is expected


def test_a_fault_gets_into_a_function_that_is_there_already(monkeypatch):
    monkeypatch.setattr(SourceFileLoader, "get_code", SourceFileLoader.get_code)
    file, names = str(ROOT / "xraycore" / "made_up.py"), {}
    lines = (
        "class Sum:\n    def of(self, a, b):\n        return a + b\n\ndef same():\n    return 1\n"
    )
    exec(compile(lines, file, "exec"), names)
    held, before = names["Sum"]().of, names["same"].__code__
    put_in(compile(lines.replace("+", "-"), file, "exec"), live_functions())
    assert held(5, 3) == 2
    assert names["same"].__code__ is before
