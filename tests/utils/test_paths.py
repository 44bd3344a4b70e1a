from pathlib import Path

import pytest

from xraycore.utils.paths import parse_path, path_exists


def test_a_typed_path_is_absolute_and_need_not_exist(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ann")
    assert parse_path("~/films") == Path("/home/ann/films")
    assert parse_path("films") == tmp_path / "films"
    assert not path_exists(tmp_path / "films")
    (tmp_path / "films").touch()
    assert path_exists(tmp_path / "films")
    # Below a file there is nothing.
    assert not path_exists(tmp_path / "films" / "more")
    assert not path_exists(parse_path("films\0"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("~nobody-here/films", "no home folder ~nobody-here on this computer"),
        ("/" + "x" * 300, "it is too long"),
    ],
)
def test_what_can_be_no_path_is_said_in_a_short_sentence(text, said):
    with pytest.raises(ValueError, match=said) as raised:
        parse_path(text)
    assert len(str(raised.value)) < 250


def test_a_folder_that_may_not_be_entered_is_said(tmp_path, guarded):
    with pytest.raises(ValueError, match="may not be entered by this user"):
        parse_path(str(guarded / "films"))
