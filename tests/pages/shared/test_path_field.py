import io
import zipfile

from tests.datasets.film_files import draw, write


def test_a_data_set_comes_as_a_zip_archive(app, tmp_path, monkeypatch):
    monkeypatch.setenv("XRAYCORE_CACHE", str(tmp_path / "cache"))
    film = tmp_path / "film.png"
    write(film, draw(0))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(3):
            archive.writestr(f"set/NORMAL/{number}.png", film.read_bytes())
    app.switch_page("pages/data/page.py").run()
    uploader = app.file_uploader(key="dataset-archive-0")
    uploader.set_value(("set.zip", buffer.getvalue(), "application/zip")).run()
    assert not app.exception
    assert app.text_input(key="dataset").value.endswith("/set")
    # What is none is refused by name, and what was chosen stays.
    bad = app.file_uploader(key="dataset-archive-1")
    bad.set_value(("bad.zip", b"no archive", "application/zip")).run()
    assert "bad.zip: expected a ZIP archive" in app.error[0].value
    assert app.text_input(key="dataset").value.endswith("/set")
