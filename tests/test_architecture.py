"""The tree keeps its shape: what may be imported when, what is called how, how much lies where."""

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

import xraycore
from tests.conftest import ROOT
from xraycore.cli.main import EXTRAS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Alembic runs this file; nobody imports it.
NOT_IMPORTED = {"xraycore.reader_study.migrations.env"}
MODULES = sorted(
    {module.name for module in pkgutil.walk_packages(xraycore.__path__, "xraycore.")}
    - NOT_IMPORTED
    - {"xraycore.__main__"}
)
PACKAGES = sorted(
    str(file.parent.relative_to(ROOT)).replace("/", ".")
    for top in ("xraycore", "pages", "tools")
    for file in (ROOT / top).rglob("__init__.py")
)
# Where TensorFlow or Keras may be imported with a module: what builds on their classes.
HEAVY_AT_IMPORT = ("xraycore/training/",)


@pytest.mark.slow
def test_every_module_imports_after_the_package():
    lines = "\n".join(
        f"import {name} as module; assert module.__name__ == {name!r}" for name in MODULES
    )
    ended = subprocess.run(
        [sys.executable, "-c", f"import xraycore\n{lines}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]


@pytest.mark.parametrize("name", PACKAGES)
def test_no_package_exports_a_name_that_hides_a_module_of_it(name):
    package = importlib.import_module(name)
    for module in pkgutil.iter_modules(package.__path__):
        found = getattr(package, module.name, None)
        assert found is None or getattr(found, "__name__", "") == f"{name}.{module.name}"


def imports_with_module(tree: ast.Module):
    """Names of the modules that are imported with a module, not inside a function."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        waiting += list(ast.iter_child_nodes(node))


def test_tensorflow_is_not_imported_with_modules_that_need_no_network():
    found = []
    for top in ("xraycore", "pages"):
        for file in (ROOT / top).rglob("*.py"):
            place = file.relative_to(ROOT).as_posix()
            names = imports_with_module(ast.parse(file.read_text()))
            heavy = [n for n in names if n.partition(".")[0] in ("keras", "tensorflow")]
            if heavy and not place.startswith(HEAVY_AT_IMPORT):
                found.append(f"{place}: {', '.join(heavy)}")
    assert not found


def test_the_package_and_its_command_line_load_neither_tensorflow_nor_an_extra():
    unwanted = {"keras", "tensorflow", *EXTRAS}
    code = f"import sys, xraycore, xraycore.cli.main; print(*({unwanted!r} & sys.modules.keys()))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout.split()) == (0, []), ended.stderr


def test_only_config_reads_variables_of_xraycore():
    setting = re.compile(r"[\"']XRAYCORE_[A-Z_]+[\"']")
    found = [
        str(file.relative_to(ROOT))
        for top in ("xraycore", "pages")
        for file in (ROOT / top).rglob("*.py")
        if setting.search(file.read_text())
    ]
    assert found == ["xraycore/config.py"]


def test_no_circle_of_imports():
    graph = grimp.build_graph("xraycore", "pages", "tools", exclude_type_checking_imports=False)
    below = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    done, open_ = set(), []

    def visit(module):
        assert module not in open_, " -> ".join([*open_[open_.index(module) :], module])
        if module in done:
            return
        open_.append(module)
        for other in sorted(below[module]):
            visit(other)
        open_.pop()
        done.add(module)

    for module in sorted(below):
        visit(module)


def python_files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*.py"))


def test_no_folder_holds_more_than_two_dozen_files():
    tops = ("xraycore", "pages", "tools", "tests")
    folders = {file.parent for top in tops for file in (ROOT / top).rglob("*.py")}
    crowded = {str(f.relative_to(ROOT)): n for f in folders if (n := len(python_files(f))) > 24}
    assert not crowded


def test_few_modules_lie_loose():
    loose = [name for name in python_files(ROOT / "xraycore") if not name.startswith("__")]
    assert len(loose) <= 3, loose
    # A script directly in pages/ would be a page of Streamlit's older kind, without our header.
    assert python_files(ROOT / "pages") == ["__init__.py"]


def test_the_command_line_knows_every_extra():
    extras = PROJECT["project"]["optional-dependencies"]
    modules = {
        "confusable-homoglyphs": "confusable_homoglyphs",
        "python-multipart": "python_multipart",
        "dicomweb-client": "dicomweb_client",
        "scikit-learn": "sklearn",
        "scikit-image": "skimage",
        "tf-keras-vis": "tf_keras_vis",
    }
    declared = {}
    for extra, requirements in extras.items():
        for requirement in requirements:
            name = re.match(r"[\w-]+", requirement)[0]
            if name != "xraycore":
                declared[modules.get(name, name)] = extra
    assert declared == EXTRAS


def test_pinned_environments_follow_pyproject():
    pinned = {}
    for file in ("requirements.txt", "requirements-dev.txt"):
        found = re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / file).read_text(), re.M)
        pinned[file] = {name.lower(): version for name, version in found}
    project = PROJECT["project"]
    wanted = {
        "requirements.txt": [
            *project["dependencies"],
            *(one for extra in project["optional-dependencies"].values() for one in extra),
        ],
        "requirements-dev.txt": [
            one
            for group in PROJECT["dependency-groups"].values()
            for one in group
            if isinstance(one, str)
        ],
    }
    # What the app does not need is pinned where the tests are, which do.
    extras = wanted["requirements.txt"]
    development = set(pinned["requirements-dev.txt"])
    wanted["requirements.txt"] = [
        one for one in extras if re.match(r"[\w-]+", one)[0].lower() not in development
    ]
    for file, requirements in wanted.items():
        names = {re.match(r"[\w-]+", one)[0].lower() for one in requirements} - {"xraycore"}
        assert names <= pinned[file].keys(), f"{file}: run `make requirements`"


def test_the_package_imports_its_parts_when_they_are_asked_for():
    script = """
import sys
import xraycore
print(sorted({"numpy", "pydantic", "pydicom", "keras"} & set(sys.modules)))
print(all(getattr(xraycore, name) is not None for name in xraycore.__all__))
print(set(xraycore.__all__) <= set(dir(xraycore)), hasattr(xraycore, "no_such_name"))
from xraycore.models.classifier import load_model
print(xraycore.load_model is load_model)
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.split("\n")[:4] == ["[]", "True", "True False", "True"]
