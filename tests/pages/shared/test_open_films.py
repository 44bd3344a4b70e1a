"""The list of open films, as Compare shows it."""

import io
import shutil
import zipfile

import pytest
import streamlit as st

from pages.compare.worklist import answers_of, cards_of
from pages.shared import inference_worker
from tests.pages.conftest import png
from tests.pages.films_page import (
    close,
    component,
    finish,
    look,
    opened,
    rows,
    shown,
    titles,
    upload,
)
from xraycore.config import shows_film_names, weights_folder
from xraycore.errors import ArgumentError


def archive(**files: bytes) -> bytes:
    """A ZIP archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, data in files.items():
            made.writestr(name.replace("__", "."), data)
    return buffer.getvalue()


def refused(app) -> list[str]:
    return [error.value.replace("\\", "").replace("\u2060", "") for error in app.error]


pytestmark = pytest.mark.usefixtures("small_model")


def test_an_archive_is_opened_film_by_film(app):
    data = archive(a__png=png(1), b__png=png(2), notes__txt=b"none")
    upload(app, ("films.zip", data))
    assert titles(app) == ["a.png", "b.png"]
    assert [text.partition(":")[0] for text in refused(app)] == ["notes.txt"]


def test_films_of_one_name_can_be_told_apart(app):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for number in range(3):
            made.writestr(f"patient{number}/IM1.png", png(number))
    upload(app, ("films.zip", buffer.getvalue()))
    assert titles(app) == ["IM1.png", "IM1.png (2)", "IM1.png (3)"]
    # The same file again is the same film; its folder may be a patient's name and is not told.
    upload(app, ("IM1.png", png(1)))
    assert titles(app) == ["IM1.png", "IM1.png (2)", "IM1.png (3)"]
    assert component(app, "room")["facts"].startswith("IM1.png · ")


def test_a_name_of_a_file_is_shown_as_it_is(app):
    upload(app, ("a_*b*_[1].png", png(1)))
    assert component(app, "room")["facts"].startswith("a_*b*_[1].png · ")
    upload(app, ("*bad*.png", b"text"))
    assert app.error[0].value.startswith(r"\*bad\*.png")


def test_what_was_refused_is_told_until_another_film_is_looked_at(app):
    films = [("a.png", png(1)), ("b.png", png(2))]
    upload(app, *films, ("bad.png", b"text"))
    assert refused(app)[0].startswith("bad.png")
    assert refused(app.run())[0].startswith("bad.png")
    assert refused(look(app, "b.png")) == []
    upload(app, ("bad.png", b"text"))
    assert refused(app)
    app.selectbox(key="sample").select_index(0).run()
    assert refused(app) == []
    upload(app, ("bad.png", b"text"))
    assert refused(app)
    close(app, *titles(app))
    assert not app.exception
    assert refused(app) == []


def test_a_film_is_open_once_and_more_join_it(app):
    upload(app, ("a.png", png(1)))
    upload(app, ("a.png", png(1)), ("b.png", png(2)))
    assert titles(app) == ["a.png", "b.png"]


def test_a_member_that_is_too_large_is_refused_with_its_size(app, monkeypatch):
    monkeypatch.setattr("xraycore.imaging.archive.MAX_BYTES", 2**20)
    upload(app, ("films.zip", archive(a__png=png(1), b__png=bytes(3 * 2**20))))
    assert refused(app) == ["b.png, in films.zip: expected at most 1 MiB. Received: 3.0 MiB"]
    assert titles(app) == ["a.png"]


def test_an_archive_of_too_many_files_is_refused(app, monkeypatch):
    monkeypatch.setattr("xraycore.imaging.archive.MAX_FILES", 1)
    upload(app, ("films.zip", archive(a__png=png(1), b__png=png(2))))
    assert not app.exception
    assert refused(app) == [
        "films.zip: expected an archive of at most 1 files and 512 MiB. Received: 2 files, 0 MiB"
    ]


def test_a_damaged_archive_is_refused_by_name(app):
    data = bytearray(archive(a__png=png(1)))
    data[40:400] = bytes(360)
    upload(app, ("films.zip", bytes(data)), ("good.png", png(3)))
    assert refused(app)[0].startswith("a.png, in films.zip: cannot be unpacked")
    assert titles(app) == ["good.png"]


def test_an_archive_whose_packing_is_damaged_is_refused_by_name(app):
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("a.png", png(1))
        data = bytearray(buffer.getvalue())
    # Behind the header of 30 bytes and the name: a kind of block that there is not.
    data[35] = 0xFF
    upload(app, ("films.zip", bytes(data)), ("good.png", png(3)))
    assert not app.exception
    assert refused(app)[0].startswith("a.png, in films.zip: cannot be unpacked")
    assert titles(app) == ["good.png"]


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_LZMA])
def test_a_damaged_film_in_an_archive_takes_no_other_with_it(app, packing):
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w", packing) as packed:
            packed.writestr("a.png", png(1))
            packed.writestr("b.png", png(2))
        data = bytearray(buffer.getvalue())
    data[60:160] = bytes(byte ^ 0xFF for byte in data[60:160])
    upload(app, ("films.zip", bytes(data)))
    assert not app.exception
    assert refused(app)[0].startswith("a.png, in films.zip: cannot be unpacked")
    assert titles(app) == ["b.png"]


def test_names_that_are_no_text_are_refused_with_the_archive(app):
    data = archive(aaaa__png=png(1)).replace(b"aaaa.png", b"\xff\xfeaa.png")
    # The flag that says: names are UTF-8; in the file's header and in the directory's.
    data = data.replace(b"PK\x03\x04\x14\0\0\0", b"PK\x03\x04\x14\0\0\x08")
    data = data.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\0\x08")
    upload(app, ("films.zip", data), ("good.png", png(3)))
    assert not app.exception
    assert refused(app)[0].startswith("films.zip: expected a ZIP archive")
    assert titles(app) == ["good.png"]


def test_a_damaged_sample_leaves_the_others(app, monkeypatch, tmp_path):
    folder = tmp_path / "originals/NORMAL"
    folder.mkdir(parents=True)
    (folder / ".DS_Store").write_bytes(b"of a file manager")
    (folder / "a.png").write_bytes(b"no picture")
    (folder / "b.png").write_bytes(png(1))
    monkeypatch.setenv("XRAYCORE_DATA", str(tmp_path))
    st.cache_resource.clear()
    app.run()
    assert not app.exception
    labels = {button.key for button in app.button}
    assert {"open-originals-normal-2"} <= labels
    assert "open-originals-normal-1" not in labels
    app.selectbox(key="sample").set_value("originals-normal-1").run()
    assert not app.exception
    assert refused(app)[0].startswith("a.png: expected")
    st.cache_resource.clear()


def test_a_model_whose_card_is_damaged_is_named_and_the_others_go_on(app, monkeypatch, tmp_path):
    shutil.copytree(weights_folder() / "basic_cnn", tmp_path / "basic_cnn")
    shutil.copytree(weights_folder() / "lungs", tmp_path / "lungs")
    (tmp_path / "vgg16").mkdir()
    (tmp_path / "vgg16/card.json").write_text('{"model": "vgg16"')
    # One whose card is well, and its weights are gone.
    (tmp_path / "xception").mkdir()
    shutil.copy(weights_folder() / "xception/card.json", tmp_path / "xception")
    monkeypatch.setenv("XRAYCORE_WEIGHTS", str(tmp_path))
    # Another test may have loaded the network of this card, weights and all.
    monkeypatch.setattr(inference_worker, "_loaded", {})
    monkeypatch.setattr(
        "pages.shared.cache.list_trained", lambda: ["basic_cnn", "vgg16", "xception"]
    )
    upload(app, ("a.png", png(1)), ("b.png", png(2)))
    finish(app)
    assert not app.exception
    assert "vgg16" in refused(app)[0]
    assert any("xception" in text for text in refused(app)[1:])
    assert all(row["tone"] != "waiting" for row in rows(app).values())


def test_a_sample_joins_the_films_and_each_is_looked_at_by_its_address(app):
    upload(app, ("a.png", png(1)))
    assert app.query_params["film"] in (opened(app).current.id, [opened(app).current.id])
    app.selectbox(key="sample").select_index(0).run()
    assert titles(app) == ["a.png", "Clear lungs 1"]
    assert app.query_params["sample"] in ("Clear lungs 1", ["Clear lungs 1"])
    assert "film" not in app.query_params
    assert shown(app) == "Clear lungs 1"
    assert shown(look(app, "a.png")) == "a.png"


def test_an_address_of_a_film_that_is_not_here_says_so_and_shows_no_other(app):
    upload(app, ("a.png", png(1)))
    app.query_params["film"] = "of-another"
    app.run()
    assert not app.exception
    assert "another browser" in app.warning[0].value
    assert not app.get("bidi_component")
    app.query_params.clear()
    app.query_params["sample"] = "Nobody's"
    app.run()
    assert "There is no sample" in app.warning[0].value


def test_the_worklist_has_every_film_and_answer(app):
    upload(app, *((f"film-{n}.png", png(30 + n)) for n in range(3)))
    finish(app)
    found = rows(app)
    assert list(found) == [f"film-{n}.png" for n in range(3)]
    # Noise is no chest: each row says why there is no answer.
    assert all(row["answer"] for row in found.values())
    assert {row["tone"] for row in found.values()} <= {"opacity", "none", "unsure", "silent"}


def test_answers_of_other_weights_are_forgotten(app, monkeypatch):
    upload(app, ("a.png", png(1)))
    film = opened(app).current
    assert len(answers_of(film, cards_of(["basic_cnn"]))) == 1
    monkeypatch.setattr("pages.compare.worklist.card_sha256", lambda name: "of others")
    assert answers_of(film, cards_of(["basic_cnn"])) is None


def test_served_films_have_numbers_and_no_names(app, monkeypatch):
    """What is refused is named by its file, for whoever brought it."""
    monkeypatch.setenv("XRAYCORE_FILM_NAMES", "numbered")
    upload(app, ("mueller.png", png(1)), ("half.png", png(2)[:200]), ("schmidt.png", png(3)))
    assert titles(app) == ["Film 1", "Film 2"]
    assert [error.value.split(":")[0] for error in app.error] == ["half.png"]
    upload(app, ("meier.png", png(4)))
    assert titles(app) == ["Film 1", "Film 2", "Film 3"]
    film = app.session_state["open-films"].current
    assert film.analysis.radiograph().info.name == "Film 3"


def test_film_names_are_shown_to_the_one_user_of_his_own_computer(monkeypatch):
    monkeypatch.delenv("XRAYCORE_FILM_NAMES", raising=False)
    assert shows_film_names(served=False)
    assert not shows_film_names(served=True)
    monkeypatch.setenv("XRAYCORE_FILM_NAMES", "shown")
    assert shows_film_names(served=True)
    monkeypatch.setenv("XRAYCORE_FILM_NAMES", "some")
    with pytest.raises(ArgumentError, match="expected shown or numbered. Received: 'some'"):
        shows_film_names(served=True)
