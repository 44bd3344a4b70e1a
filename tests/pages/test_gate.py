"""No page, and nothing in one that writes or starts work, is without a gate."""

import ast
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from xraycore.access import Action
from xraycore.jobs import process
from xraycore.lessons.progress import LessonProgress
from xraycore.reader_study import ReaderStudyRepository, StudyLead

PAGES = sorted((ROOT / "pages").glob("*/page.py"))
FILES = sorted((ROOT / "pages").rglob("*.py"))

# What of the library keeps something, or ends or begins a process. A new name belongs here.
WRITES = {
    *("launch", "resume", "undo_install", "install", "install_weights"),
    *("create_study", "save_draft", "save_review", "invite", "unblind", "finish"),
    *("unpack_dataset", "write_site", "remove_site", "write_flawed_dataset", "write_phantoms"),
    "expire",
    *("add_student", "begin_attempt", "add_answer"),
}
# What of Python does.
RAW = {"write_text", "write_bytes", "mkdir", "unlink", "rmtree", "Popen"}
# Functions that write without a gate of their own, and why they may.
WITHOUT = {
    # The reader is asked for, each time, by `authorise`, which the answer cannot be stored without.
    ("pages/review/answer.py", "save"),
    # Asks itself whether who answers may, and is who began.
    ("pages/learn/sitting.py", "answer"),
    # Runs in the thread of a job, which only a lead can begin.
    ("pages/review/setup.py", "create"),
    # The same, of whoever may train; into the cache.
    ("pages/train/dataset.py", "work"),
    # The same, of whoever may look into data sets: films of no person, into the cache.
    ("pages/data/page.py", "work"),
    # Gives a button the function behind its gate.
    ("pages/metrics/site.py", "_show_profile"),
    # The process that owns the networks is one for all, and takes nothing of a visitor.
    ("pages/shared/inference.py", "__init__"),
}
# Of these a page may have functions of its own by the same name: only methods are meant.
METHODS = {"invite", "unblind", "finish"}


def gates(function: ast.AST) -> set[str]:
    """What the decorators `acts(…)` of a function ask for."""
    return {
        ast.unparse(argument)
        for one in getattr(function, "decorator_list", ())
        if isinstance(one, ast.Call) and ast.unparse(one.func) == "acts"
        for argument in one.args
    }


def writers(file) -> Iterator[tuple[str, str, bool]]:
    """Functions of a file that write: name, what they call, and whether a gate is before it."""

    def visit(node: ast.AST, name: str, gated: bool) -> Iterator[tuple[str, str, bool]]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name, gated = node.name, gated or bool(gates(node))
        if isinstance(node, ast.Attribute) and node.attr in WRITES | RAW:
            # A method of a page's own object, such as a form's, is looked at where it is defined.
            own = ast.unparse(node.value).startswith(("form", "self", "reading", "st."))
            if not own or node.attr in {"save_draft", "save_review"}:
                yield name, node.attr, gated
        used = node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) else ""
        if used in (WRITES | RAW) - METHODS or (used == "stop" and imports_stop):
            yield name, used, gated
        for child in ast.iter_child_nodes(node):
            yield from visit(child, name, gated)

    tree = ast.parse(file.read_text())
    imports_stop = any(
        isinstance(node, ast.ImportFrom)
        and node.module == "xraycore.jobs.process"
        and any(one.name == "stop" for one in node.names)
        for node in tree.body
    )
    yield from visit(tree, "", False)


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.parent.name)
def test_a_page_asks_before_it_draws_anything(file):
    calls = [
        ast.unparse(node.value.func)
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ]
    assert calls[0] == "enter"


def test_the_entry_point_asks_before_it_runs_a_page():
    tree = ast.parse((ROOT / "streamlit_app.py").read_text())
    called = [
        ast.unparse(node.func)
        for statement in tree.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
    ]
    assert called.index("enter") < called.index("page.run")


def test_whatever_writes_is_behind_a_gate():
    found = {
        (str(file.relative_to(ROOT)), name, what)
        for file in FILES
        for name, what, gated in writers(file)
        if not gated
    }
    assert {(file, name) for file, name, _ in found} <= WITHOUT, sorted(found)


def test_a_writer_without_a_gate_is_found(tmp_path):
    file = tmp_path / "page.py"
    file.write_text(
        "from xraycore.jobs.process import launch, stop\n"
        "def _start():\n    launch('a', ['train'])\n"
        "@acts(Action.TRAIN)\ndef _go():\n    launch('a', ['train'])\n"
        "st.button('x', on_click=stop)\n"
        "st.button('y', on_click=lambda: repository.create_study('x', []))\n"
    )
    assert set(writers(file)) == {
        ("_start", "launch", False),
        ("_go", "launch", True),
        ("", "stop", False),
        ("", "create_study", False),
    }


def test_every_gate_names_actions_that_there_are():
    named = {
        action
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
        for action in gates(node)
    }
    assert named <= {f"Action.{action.name}" for action in Action}
    assert {"Action.TRAIN", "Action.PROMOTE", "Action.LEAD", "Action.UPLOAD"} <= named


def test_whatever_stores_in_the_database_is_known_as_writing():
    for kind, reads in (
        (
            ReaderStudyRepository,
            {"studies", "readers", "count_judged", "items", "worklist", "history", "results"},
        ),
        (StudyLead, {"study", "invitations", "invited", "events"}),
        (LessonProgress, {"find_student", "newest_attempt", "answers", "results"}),
    ):
        public = {name for name in vars(kind) if not name.startswith("_")}
        # A reader's name is added on one's own computer alone, behind `begin`.
        assert public - reads - {"add_reader"} <= WRITES
    assert {"launch", "stop"} <= set(dir(process))


def test_no_part_of_a_page_is_drawn_again_without_a_gate():
    """Such a part runs without the page, and so without its gate."""
    own = {
        str(file.relative_to(ROOT))
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "st.fragment"
    }
    assert own == {"pages/shared/access.py"}
