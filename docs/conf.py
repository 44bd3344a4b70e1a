"""How the documentation site is built: `make docs`. Nothing in it comes from another host."""

import importlib
import pkgutil
import re
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import walk  # noqa: E402

import xraycore  # noqa: E402
from xraycore.config import VERSION  # noqa: E402

project = "xraycore"
author = "the xraycore contributors"
copyright = "the xraycore contributors, Apache-2.0"  # noqa: A001  (Sphinx reads this name)
release = VERSION
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# What was measured is data, and what `make docs` writes is not read again.
exclude_patterns = ["measured", "_build"]
myst_heading_anchors = 3
# Single backticks in docstrings are code, as in Markdown.
default_role = "literal"

# What a package re-exports is described where it is written.
autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    "ignore-module-all": True,
}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"xraycore {VERSION}"
html_show_sphinx = False
html_copy_source = False

# Documents of the repository that are pages of the site as well.
INCLUDED = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "weights/LICENSE.md": "weights.md",
}

# Commands have their help, migrations and tables are the database's own.
NOT_REFERENCE = ("xraycore.cli", "xraycore.reader_study.migrations", "xraycore.reader_study.tables")


# Before autodoc, which imports as type checkers do: of what these see pydantic makes no schema.
for module in pkgutil.walk_packages(xraycore.__path__, "xraycore."):
    if not module.name.startswith((*NOT_REFERENCE, "xraycore.__main__")):
        importlib.import_module(module.name)


def list_reference():
    """Name of each package, or module beside them -> its modules, lowest layer first."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    found = {name: [name] for layer in reversed(layers) for name in layer.split(" : ")}
    for module in pkgutil.walk_packages(xraycore.__path__, "xraycore."):
        package = ".".join(module.name.split(".")[:2])
        if package in found and module.name != package:
            found[package].append(module.name)
    for package in found:
        found[package] = [one for one in found[package] if not one.startswith(NOT_REFERENCE)]
    return {package: modules for package, modules in found.items() if modules}


def write_reference(app):
    """Writes a page of directives for each package, and none for one that is gone."""
    folder = HERE / "api"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.rst"):
        old.unlink()
    pages = list_reference()
    for package, modules in pages.items():
        lines = [package, "=" * len(package), ""]
        for module in modules:
            if module != package:
                lines += [module, "-" * len(module), ""]
            lines += [f".. automodule:: {module}", ""]
        (folder / f"{package}.rst").write_text("\n".join(lines))
    lines = ["Modules", "=======", "", ".. toctree::", "   :maxdepth: 2", ""]
    (folder / "index.rst").write_text("\n".join([*lines, *(f"   {page}" for page in pages), ""]))


def relink(app, *event):
    """Has links that are right in the repository lead to the same place on the site."""
    text = event[-1]
    for file, page in INCLUDED.items():
        text[0] = re.sub(rf"\]\((?:\.\./)?{re.escape(file)}", f"]({page}", text[0])
    text[0] = text[0].replace("](docs/", "](")


def setup(app):
    """Draws what is drawn from the code before the pages that show it are read."""
    app.connect("builder-inited", lambda app: walk.write(HERE / "images" / "walk.svg"))
    app.connect("builder-inited", write_reference)
    app.connect("source-read", relink)
    app.connect("include-read", relink)
