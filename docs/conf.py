"""How the documentation site is built: `make docs`. Nothing in it comes from another host."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import walk  # noqa: E402

from xraycore.config import VERSION  # noqa: E402

project = "xraycore"
author = "the xraycore contributors"
copyright = "the xraycore contributors, Apache-2.0"  # noqa: A001  (Sphinx reads this name)
release = VERSION
extensions = ["myst_parser", "sphinx.ext.apidoc", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# What was measured is data, and what `make docs` writes is not read again.
exclude_patterns = ["measured", "_build"]
myst_heading_anchors = 3
# Single backticks in docstrings are code, as in Markdown.
default_role = "literal"

apidoc_modules = [
    {
        "path": "../xraycore",
        "destination": "api/",
        "exclude_patterns": ["**/migrations/**", "**/cli/**", "**/__main__.py", "**/tables.py"],
        "max_depth": 2,
    }
]
apidoc_automodule_options = {"members", "show-inheritance"}
# What a package re-exports is described where it is written.
autodoc_default_options = {"ignore-module-all": True}
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
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


def relink(app, *event):
    """Has links that are right in the repository lead to the same place on the site."""
    text = event[-1]
    for file, page in INCLUDED.items():
        text[0] = re.sub(rf"\]\((?:\.\./)?{re.escape(file)}", f"]({page}", text[0])
    text[0] = text[0].replace("](docs/", "](")


def setup(app):
    """Draws what is drawn from the code before the pages that show it are read."""
    app.connect("builder-inited", lambda app: walk.write(HERE / "images" / "walk.svg"))
    app.connect("source-read", relink)
    app.connect("include-read", relink)
