"""Every CSV table is written by one function, which leaves no formula in it."""

import ast
import csv
import io

import pytest

from tests.conftest import ROOT
from xraycore.utils.text import csv_plain, csv_safe, to_csv


@pytest.mark.parametrize(
    "first", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", " =", "'="]
)
def test_a_cell_is_no_formula(first):
    cell = csv_safe(f"{first}SUM(A1)")
    assert cell == f"'{first}SUM(A1)"
    assert csv_plain(cell) == f"{first}SUM(A1)"


@pytest.mark.parametrize(
    "text", ["", "film.png", "a=b", " a film", "A – B", "'quoted'", "-0.5", "+3", "-12"]
)
def test_a_harmless_cell_stays(text):
    assert csv_safe(text) == csv_plain(text) == text


def test_a_table_has_its_cells_and_none_that_a_spreadsheet_runs():
    rows = [["=name", "value"], ["+1+1", -1.5], ['a, "b"', None], ["-2", True]]
    text = to_csv(rows)
    assert list(csv.reader(io.StringIO(text))) == [
        ["'=name", "value"],
        ["'+1+1", "-1.5"],
        ['a, "b"', ""],
        ["-2", "True"],
    ]
    assert to_csv([]) == ""


def test_no_other_code_writes_csv_and_no_table_of_a_page_offers_other_cells():
    """`csv.writer` and the like in one place; `st.dataframe`, whose toolbar saves CSV, in one."""
    found = set()
    for top in ("xraycore", "pages", "tools"):
        for file in (ROOT / top).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    of = node.func.value
                    name = f"{of.id}.{node.func.attr}" if isinstance(of, ast.Name) else ""
                    dumps = node.func.attr == "to_csv"
                    if (
                        dumps
                        or name in ("csv.writer", "csv.DictWriter")
                        or (node.func.attr in ("dataframe", "data_editor"))
                    ):
                        found.add((file.relative_to(ROOT).as_posix(), node.func.attr))
                if isinstance(node, ast.ImportFrom) and node.module == "csv":
                    found.add((file.relative_to(ROOT).as_posix(), "from csv import"))
    assert found == {
        ("xraycore/utils/text.py", "writer"),
        ("pages/shared/tables.py", "dataframe"),
    }
