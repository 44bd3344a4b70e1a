"""The Explain page as its tests drive it."""

import time

from pages.explain import lesion_insertion


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
        time.sleep(0.2)
        app.run()
    assert not app.exception


def said(app) -> str:
    """All sentences of the page, in one text."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def click(app, place: tuple[float, float]) -> None:
    """A click on the film, in shares of its width and height."""
    places = app.session_state[lesion_insertion.PLACES]
    places.clear()
    (found,) = {key[1] for key in app.session_state["results"]}
    places[found] = place
    app.run()
