"""A scored archive, named on the Data page."""

import json

from tests.scoring import fake


def test_an_archive_shows_its_rates_and_how_far_it_is_from_known_films(app, tmp_path):
    files = fake.write_films(tmp_path / "films", 27)
    files[0].write_bytes(b"no film")
    rows = [f"{file},2026-0{1 + n % 3}-05,*Unit* {n % 2}" for n, file in enumerate(files)]
    (tmp_path / "list.csv").write_text("\n".join(["path,date,device", *rows]))
    fake.score(tmp_path / "list.csv", tmp_path / "out")
    app.switch_page("pages/data/page.py").run()
    app.text_input(key="dataset").set_value(str(tmp_path / "out")).run()
    assert not app.exception and not app.error
    figures = {metric.label: metric.value for metric in app.metric}
    assert figures == {"Films": "27", "Cannot be read": "1", "Networks": "1"}
    tables = [element.value for element in app.dataframe]
    assert list(tables[0]["Films"]) == [26]
    months = next(table for table in tables if "Month" in table)
    assert list(months["Month"]) == ["2026-01", "2026-02", "2026-03"]
    assert list(months["Films"]) == [8, 9, 9]
    devices = next(table for table in tables if "Device" in table)
    assert list(devices["Device"]) == ["*Unit* 0", "*Unit* 1"]
    drift, features = [element.value for element in app.table]
    assert drift.shape[0] == 6
    assert "not stored" in drift["Test films of the card"].tolist()
    # Of twenty films or more; a month has nine.
    told = dict(zip(features["Features of"], features["Distance (95 %)"], strict=True))
    (whole,) = json.loads((tmp_path / "out/summary.json").read_text())["features"]["groups"][
        "all"
    ].values()
    low, high = f"{whole['low']:.2f}", f"{whole['high']:.2f}"
    assert told["All films"] == f"{whole['distance']:.2f} ({low}–{high})"
    assert told["Month: 2026-01"] == "too few films"
    # Drawn as it is written, not in italics.
    assert r"Device: \*Unit\* 0" in told


def test_a_damaged_summary_is_said(app, tmp_path):
    (tmp_path / "summary.json").write_text("[]")
    app.switch_page("pages/data/page.py").run()
    app.text_input(key="dataset").set_value(str(tmp_path)).run()
    assert not app.exception
    assert "expected a JSON object" in app.error[0].value


def test_an_archive_without_a_film_that_can_be_read_is_said(app, tmp_path):
    (file,) = fake.write_films(tmp_path / "films", 1)
    file.write_bytes(b"no film")
    fake.score(tmp_path / "films", tmp_path / "out")
    app.switch_page("pages/data/page.py").run()
    app.text_input(key="dataset").set_value(str(tmp_path / "out")).run()
    assert not app.exception
    assert "None of these films could be read" in app.info[0].value
