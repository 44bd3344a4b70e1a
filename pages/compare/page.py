"""Compare: what several networks answer of one film, in a reading room."""

from pages.compare.films import film_of_address, show_start
from pages.compare.order import in_order_of_use
from pages.compare.reading import read_film
from pages.shared import cache, inference
from pages.shared.access import enter
from pages.shared.film_picker import usable_models
from pages.shared.layout import page_header
from xraycore.access import Action

enter(Action.LOOK)
chosen = film_of_address()
page_header(
    "Compare",
    "What several networks say about one chest X-ray, and where each one looks.",
    compact=chosen is not None,
    about=chosen.title if chosen else "",
)
if chosen is None:
    # They get ready while a film is chosen.
    inference.prepare(in_order_of_use(cache.trained_models()[0]))
    show_start()
elif usable := usable_models():
    read_film(chosen, usable)
