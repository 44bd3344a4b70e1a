"""What is said before a film is taken along."""

import pytest

from tests.imaging.test_burnt_text import burn, png
from tests.pages.films_page import upload
from xraycore.datasets.synthetic.phantom import make_phantom


@pytest.mark.parametrize("text", ["DOE, JANE 1961-03-04", ""])
def test_a_film_with_text_in_its_border_is_looked_at_before_it_is_taken_along(
    app, small_model, text
):
    film = png(burn(make_phantom(2, size=400).pixels, text))
    upload(app, ("a.png", film))
    assert any("Report of this film" in one.label for one in app.get("download_button"))
    said = [one.value.replace("\\", "") for one in app.warning]
    assert sum("Look at the border of a.png first" in one for one in said) == bool(text)
