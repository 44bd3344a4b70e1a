"""The Review page with two films open, as its tests drive it."""

import time

from tests.pages.conftest import REVIEW_FILMS as FILMS
from tests.pages.films_page import open_in


def open_page(app, **link):
    """The Review page at a link, with both films open."""
    open_in(app, *FILMS)
    for name, value in link.items():
        app.query_params[name] = str(value)
    app.session_state["review-me"] = link.get("reader")
    app.switch_page("pages/review/page.py").run()
    return settle(app)


def settle(app):
    deadline = time.monotonic() + 60
    while app.get("progress") and "stop-results" in keys(app) and time.monotonic() < deadline:
        time.sleep(0.1)
        app.run()
    assert not app.exception
    return app


def keys(app) -> set[str]:
    return {button.key for button in app.button}


def words(app) -> str:
    """All text of the page, without the backslashes that keep Markdown from reading it."""
    parts = (app.markdown, app.caption, app.subheader, app.info, app.warning, app.error)
    parts += (app.success,)
    return (
        "\n".join(one.value for part in parts for one in part)
        .replace("\\", "")
        .replace("\u2060", "")
    )


def click(app, key):
    app.button(key=key).click().run()
    return settle(app)


def read_all(reviews, study, name, answers):
    reader = reviews.add_reader(name)
    for item, answer in zip(reviews.items(study), answers, strict=True):
        reviews.save_review(reader, item, answer, seconds=10)
    return reader
