import re
from dataclasses import replace

import pytest

from xraycore.config import NOTICE
from xraycore.errors import ArgumentError
from xraycore.imaging.film_warnings import FilmWarning
from xraycore.report.worklist_report import ReportedFilm, write_worklist_report


def test_every_film_of_the_list_with_its_networks_and_their_mean(result):
    first = result.prediction
    second = replace(first, model="xception")
    drawn = ReportedFilm("<b>a.png", "ab" * 32, "", "Opacity · 2 of 2", (first, second), ("4 mm",))
    side = replace(first, warnings=(FilmWarning("lateral", "A side view."),))
    silent = ReportedFilm("b.png", "cd" * 32, "", "No answer: side view", (side, side))
    page = write_worklist_report([drawn, silent])
    assert NOTICE in page
    assert "&lt;b&gt;a.png" in page
    assert "<b>a.png" not in page
    assert "Drawn on the film: 4 mm." in page
    assert "Opacity: 1 · No answer: side view: 1" in page
    one, other = re.findall(r'<section id="film-\d.*?</section>', page, re.DOTALL)
    assert "Mean of the 2" in one
    for probability in first.probabilities.values():
        assert f"{100 * probability:.1f} %" in one
    # What has no answer has no probabilities.
    assert "Nothing that these networks say" in other
    assert not re.search(r"\d %", other)
    # Nothing is fetched from anywhere; links lead to the films of this page.
    assert not re.search(r'src="(?!data:)', page)
    assert set(re.findall(r'href="([^"]*)"', page)) == {"#film-1", "#film-2"}


def test_a_report_of_nothing_is_refused():
    with pytest.raises(ArgumentError, match="at least one"):
        write_worklist_report([])
