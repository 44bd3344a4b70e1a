"""docs/files.md says what the code holds."""

from tools.files import PAGE, TABLES, draw
from xraycore.imaging.film_warnings import CODES


def test_the_page_is_drawn_from_the_code():
    page = PAGE.read_text()
    assert draw(page) == page
    assert all(f"<!-- table: {name} -->" in page for name in TABLES)
    assert all(f"| `{code}` |" in page for code in CODES)
