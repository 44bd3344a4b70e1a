"""What a reader draws: what is taken, what it is called, and where it stands in a report."""

from dataclasses import replace

import pytest

from xraycore.errors import ArgumentError
from xraycore.imaging.radiograph import RadiographInfo
from xraycore.report.annotations import (
    LONGEST_TEXT,
    MOST,
    Annotation,
    describe_annotation,
    place_annotations,
    read_annotations,
)
from xraycore.report.film_report import write_report

INFO = RadiographInfo("a.dcm", "0" * 64, "DICOM", width=2000, height=1000, bit_depth=12)
IN_MM = replace(INFO, pixel_spacing=(0.2, 0.1), spacing_on_patient=True)
ACROSS = Annotation("length", ((0.25, 0.5), (0.75, 0.5)))


@pytest.mark.parametrize(
    ("annotation", "info", "said"),
    [
        (ACROSS, INFO, "1000 px"),
        (ACROSS, IN_MM, "10.0 cm"),
        (replace(ACROSS, points=((0.5, 0.5), (0.5, 0.54))), IN_MM, "8 mm"),
        (ACROSS, replace(IN_MM, spacing_on_patient=False), "10.0 cm on the detector"),
        # Both arms are 100 mm on the patient: a quarter turn, whatever the pixels' shape.
        (Annotation("angle", ((1.0, 0.5), (0.5, 0.5), (0.5, 0.0))), IN_MM, "90°"),
        (Annotation("angle", ((0.75, 0.0), (0.5, 0.5), (1.0, 0.5))), INFO, "45°"),
        (Annotation("arrow", ((0.1, 0.1), (0.2, 0.2))), INFO, ""),
        (Annotation("text", ((0.1, 0.1),), "here"), INFO, "here"),
    ],
)
def test_what_is_drawn_is_measured(annotation, info, said):
    assert describe_annotation(annotation, info) == said


def test_what_a_browser_sends_is_read_back():
    kept = (ACROSS, Annotation("text", ((0.5, 0.5),), "left lung"))
    assert read_annotations([one.to_json() for one in kept]) == kept


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "length", "points": [[0, 0]]},
        {"kind": "circle", "points": [[0, 0]]},
        {"kind": "text", "points": [[0, 9]], "text": "far"},
        {"kind": "text", "points": [[0, float("nan")]], "text": "nowhere"},
        {"kind": "text", "points": [[0, 0]], "text": "x" * (LONGEST_TEXT + 1)},
        {"kind": "text", "points": [[0, "x"]]},
        {"points": [[0, 0]]},
        "text",
    ],
)
def test_what_is_none_is_refused(given):
    with pytest.raises(ArgumentError, match="expected"):
        read_annotations([given])


def test_no_film_holds_more_than_so_many():
    with pytest.raises(ArgumentError, match="at most 200"):
        read_annotations([ACROSS.to_json()] * (MOST + 1))


def test_labels_stand_on_the_picture():
    (right,) = place_annotations([Annotation("text", ((1.0, 0.0),), "x")], INFO, 640, 320)
    assert (right["x"], right["y"], right["side"]) == (636, 14, "end")
    (line,) = place_annotations([ACROSS], INFO, 640, 320)
    assert line["line"] == "160.0,160.0 480.0,160.0"


def test_the_report_has_what_was_drawn_as_text_and_not_as_markup(film, result):
    drawn = [
        ACROSS,
        Annotation("text", ((0.5, 0.5),), "<script>"),
        Annotation("arrow", ((0, 0), (1, 1))),
    ]
    page = write_report(film, [result], annotations=drawn)
    assert f"length “{film.info.width // 2} px”" in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert page.count('marker-end="url(#head)"') == 1
    assert "<svg" not in write_report(film, [result])
