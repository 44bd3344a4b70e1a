from xraycore.datasets.notes import MOST_BYTES, find_notes, read_note


def test_notes_are_found_by_name_beside_films_and_tables(tmp_path):
    (tmp_path / "NORMAL").mkdir()
    for name in ("README.md", "License", "notes.txt", "labels.csv", "readme.png", "mine.txt"):
        (tmp_path / name).write_text("a")
    found = [path.name for path in find_notes([tmp_path, tmp_path / "labels.csv"])]
    assert found == ["License", "README.md", "notes.txt"]
    assert find_notes([tmp_path / "NORMAL"]) == []


def test_a_long_note_is_cut_and_bytes_are_no_text(tmp_path):
    long = tmp_path / "README"
    long.write_text("a" * (MOST_BYTES + 5))
    assert read_note(long) == "a" * MOST_BYTES + "\n…"
    long.write_bytes(b"PK\x00\x03")
    assert read_note(long) == ""
    long.write_bytes("\ufefféé".encode())
    assert read_note(long) == "éé"
