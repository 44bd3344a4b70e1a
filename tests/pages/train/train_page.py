"""The Train page as its tests drive it."""

import time

from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT


def open_page(**query) -> AppTest:
    """The Train page as a link opens it, once the data set is read."""
    app = AppTest.from_file(str(ROOT / "pages" / "train" / "page.py"), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = str(value)
    return settle(app.run())


def settle(app, until=lambda app: not app.get("progress")) -> AppTest:
    """The page, run again until it is as wanted."""
    deadline = time.monotonic() + 40
    while not until(app):
        assert time.monotonic() < deadline, words(app)
        time.sleep(0.1)
        app.run()
    assert not app.exception
    return app


def words(app) -> str:
    """All that is written on the page, without the backslashes that keep Markdown off."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.success)
    kinds += (app.subheader,)
    return (
        "\n".join(one.value for kind in kinds for one in kind)
        .replace("\\", "")
        .replace("\u2060", "")
    )


def button(app, label):
    return next(one for one in app.button if one.label == label)


def labels(app) -> list[str]:
    return [one.label for one in app.button]


def badge(app, word) -> bool:
    return f"{word}]" in "\n".join(one.value for one in app.markdown)


def field(app, kind, name):
    return next(one for one in app.get(kind) if one.label.startswith(name))
