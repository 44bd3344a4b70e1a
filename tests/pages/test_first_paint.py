"""What a page imports before it shows anything: nothing that takes a third of a second."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
# Seconds together; each is imported where it is used.
SLOW = ("tensorflow", "keras", "torch", "sklearn", "scipy.stats", "scipy.optimize", "statsmodels")
PAGES = ("compare", "explain", "data", "train", "review", "learn", "about")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_imports_nothing_slow(page):
    """The page's own imports, without the page: those run before its heading."""
    tree = ast.parse((ROOT / "pages" / page / "page.py").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    lines = [*map(ast.unparse, imports), "import sys"]
    script = "\n".join([*lines, f"print(sorted({{*{SLOW!r}}} & {{*sys.modules}}))"])
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
