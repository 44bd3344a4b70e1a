"""Films like the one that is read, to the network whose heat is shown."""

from collections.abc import Mapping

from pages.compare.order import best_elsewhere
from pages.shared.open_films import OpenFilm
from pages.shared.similar_films import show_similar
from xraycore.report.film_report import ModelResult


def show_films_like(film: OpenFilm, results: Mapping[str, ModelResult], shown: str) -> None:
    """To the network that is shown; to the best of them where none is.

    Args:
        film: The film.
        results: Model -> what it says; some.
        shown: Name of the panel that is shown.
    """
    name = shown if shown in results else best_elsewhere(list(results))
    show_similar(results[name].prediction, film.sha256, key="similar")
