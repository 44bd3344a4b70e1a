"""The page on performance says what was measured, and works the estimate out of it."""

from tests.conftest import ROOT
from tools.performance import draw

MEASURED = {
    "machine": {"system": "Linux x86_64", "cores": 2, "load_before": 0.1, "tensorflow": "2.21.0"},
    "rounds": 3,
    "bulk": [
        {
            "model": "vgg16",
            "films": "originals",
            "count": 100,
            "megabytes": 2.5,
            "row_bytes": 120.0,
            "whole": 10.0,
            "forward": 10.5,
            "share": 0.95,
            "target": 0.9,
        },
        {
            "model": "basic_cnn",
            "films": "dicom",
            "count": 100,
            "megabytes": 25.0,
            "row_bytes": 120.0,
            "whole": 50.0,
            "forward": 100.0,
            "share": 0.5,
            "target": 0.6,
        },
    ],
    "runtimes": [
        {
            "model": "vgg16",
            "precision": "bf16",
            "tensorflow": 8.0,
            "openvino": 20.0,
            "times": 2.5,
            "parity": {"logits": 0.004, "features": 0.006, "answers": 1.0, "films": 16},
        }
    ],
    "workers": {
        "model": "vgg16",
        "films": "small",
        "rates": [
            {"workers": 1, "threads": 1, "rate": 5.0},
            {"workers": 2, "threads": 1, "rate": 9.0},
        ],
    },
}


def cells(page: str, start: str) -> list[list[str]]:
    """Cells of the rows that begin so."""
    lines = [line for line in page.splitlines() if line.startswith(start)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_what_was_reached_and_what_not():
    page = draw(MEASURED)
    bulk, estimate = cells(page, "| VGG16 | 100"), cells(page, "| VGG16 | originals")
    assert bulk == [["VGG16", "100 originals of 2.50 MB", "10.0", "10.5", "0.95", "0.9", "yes"]]
    assert cells(page, "| Basic CNN | 100")[0][-2:] == ["0.6", "no"]
    # 100 machines take 1,000 films a second, which 1,250 MB/s do not give at 2.5 MB a film.
    assert estimate == [["VGG16", "originals", "1,000", "500", "5.6", "56", "1.2"]]
    assert cells(page, "| VGG16 | bf16")[0][2:] == [
        *("8.0", "20.0", "2.50", "4.0e-03", "6.0e-03", "100% of 16")
    ]
    assert cells(page, "| 2 | 1")[0] == ["2", "1", "9.0", "1.80"]
    assert "which take 10 s" in page


def test_the_page_is_that_of_what_was_measured():
    measured, page = ROOT / "docs" / "measured" / "bulk.json", ROOT / "docs" / "performance.md"
    assert measured.is_file() == page.is_file()
    if measured.is_file():
        import json

        assert page.read_text() == draw(json.loads(measured.read_text()))
