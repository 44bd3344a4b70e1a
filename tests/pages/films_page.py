"""What tests do with the open films, as Compare and Explain show them."""

import json

from pages.shared.open_films import OpenFilm, OpenFilms


def upload(app, *files):
    """Uploads (name, bytes) pairs."""
    app.file_uploader[0].set_value([(name, data, "") for name, data in files]).run()
    return app


def component(app, part: str) -> dict:
    """What the page tells the browser's part of that name: "room" or "worklist"."""
    found = [one.proto for one in app.get("bidi_component")]
    (data,) = (json.loads(one.json) for one in found if one.component_name.endswith(part))
    return data


def rows(app) -> dict[str, dict]:
    """The rows of the worklist by title."""
    return {row["title"]: row for row in component(app, "worklist")["rows"]}


def titles(app) -> list[str]:
    """The films that are open."""
    return [film.title for film in opened(app).films.values()]


def shown(app) -> str:
    """Title of the film that the room shows."""
    return opened(app).with_id(component(app, "room")["film"]).title


def open_film(app, title: str) -> OpenFilm:
    """The open film of that title."""
    return next(film for film in opened(app).films.values() if film.title == title)


def arrive(app) -> None:
    """Has the browser know the address that the last step led to: what follows is meant."""
    if "address-stepped" in app.session_state:
        del app.session_state["address-stepped"]


def look(app, title: str):
    """Looks at an open film, by its address."""
    arrive(app)
    app.query_params.pop("sample", None)
    app.query_params["film"] = open_film(app, title).id
    return app.run()


def close(app, *names: str):
    """Closes films."""
    arrive(app)
    opened(app).close(*[open_film(app, title).key for title in names])
    app.query_params.pop("film", None)
    app.query_params.pop("sample", None)
    return app.run()


def press(app, label: str):
    """Presses the button of that label."""
    next(button for button in app.button if button.label == label).click().run()
    return app


def finish(app):
    """Runs the app until every model has looked at every film."""
    while component(app, "worklist")["progress"]:
        # Not by running the page again and again: that takes the processor from the models.
        if job := opened(app).worklist_job:
            job.wait(60)
        app.run()
    return app


def open_in(app, *films) -> None:
    """Has these films, and no others, open in the app's session."""
    opened = OpenFilms()
    opened.open(films)
    app.session_state["open-films"] = opened


def opened(app) -> OpenFilms:
    """The session's films."""
    return app.session_state["open-films"]
