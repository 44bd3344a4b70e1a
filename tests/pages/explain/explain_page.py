"""The Explain page as its tests drive it."""

import time

from tests.pages.films_page import opened


def labels(app) -> list[str]:
    return [button.label for button in app.button]


def press(app, label: str) -> None:
    next(button for button in app.button if button.label == label).click()
    app.run()


def open_tab(app, name: str) -> None:
    app.query_params["question"] = app.session_state["question"] = name
    app.run()


def wait(app, present) -> None:
    """Runs the page again until something is there, as its timer does in a browser."""
    deadline = time.monotonic() + 60
    while not present():
        assert time.monotonic() < deadline
        # Not by running the page again and again: that takes the processor from the work.
        for job in list(opened(app).current.jobs.values()):
            job.wait(10)
        time.sleep(0.02)
        app.run()
    assert not app.exception


def said(app) -> str:
    """All sentences of the page, in one text."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def click(app, place: tuple[float, float]) -> None:
    """A click on the film, in shares of its width and height."""
    opened(app).current.opacity = place
    app.run()
