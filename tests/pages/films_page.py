"""What tests do with the list of open films."""

from pages.shared.open_films import OpenFilms


def upload(app, *files):
    """Uploads (name, bytes) pairs."""
    app.file_uploader[0].set_value([(name, data, "") for name, data in files]).run()
    return app


def titles(app) -> list[str]:
    """The films that are open."""
    return list(app.selectbox(key="film").options)


def press(app, label: str):
    """Presses the button of that label."""
    next(button for button in app.button if button.label == label).click().run()
    return app


def finish(app):
    """Runs the app until every model has looked at every film."""
    while any("looks at film" in str(getattr(one, "value", "")) for one in app.main):
        app.run()
    return app.run()


def open_in(app, *films) -> None:
    """Has these films, and no others, open in the app's session."""
    opened = OpenFilms()
    opened.open(films)
    app.session_state["open-films"] = opened


def opened(app) -> OpenFilms:
    """The session's films."""
    return app.session_state["open-films"]
