"""The pages use what Streamlit promises to keep."""

import ast
from pathlib import Path

PAGES = Path(__file__).parents[2] / "pages"
# Streamlit holds an uploaded film until the browser's tab is closed, and has no public way to let
# go of it once the film is: what users are told of their files would not be true.
# Of the cookie that its sign-in sets it says nothing to what stands before it: the gateway could
# not tell whose upload or download a request is.
# Whether a request comes of the browser's Back, it tells no page: one that says an address that was
# just left means it, or was sent before the browser knew.
NEEDED = {"shared/film_memory.py", "shared/gateway.py", "shared/address.py"}
# What `st.container` gives, for annotations; it has no shorter name.
TYPES = "streamlit.delta_generator"


def test_only_uploads_the_gateway_and_addresses_need_what_streamlit_keeps_to_itself():
    found = set()
    for file in PAGES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if any(name.startswith("streamlit.") and name != TYPES for name in names):
                found.add(str(file.relative_to(PAGES)))
    assert found == NEEDED


def test_nothing_patches_keras_or_the_garbage_collector():
    for file in PAGES.rglob("*.py"):
        tree = ast.parse(file.read_text())
        imported = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert not imported & {"gc", "keras", "tensorflow"}, file
