"""ZIP archives of films, honest and hostile."""

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from tests.imaging.pictures import encode
from xraycore.imaging import archive

PACKINGS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
FILM = encode(np.arange(64, dtype=np.uint8).reshape(8, 8))


def packed(members, packing=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def unpacked(data):
    refused = []
    return list(archive.unpack("films.zip", data, refused)), refused


def smaller(data, size):
    """The archive, telling that its one member holds `size` bytes."""
    told = bytearray(data)
    for signature, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        start = data.index(signature)
        told[start + place : start + place + 4] = struct.pack("<I", size)
    return bytes(told)


@pytest.mark.parametrize("packing", PACKINGS)
def test_films_of_every_packing(packing):
    films, refused = unpacked(packed({"a/x.png": FILM, "b/y.png": FILM}, packing))
    assert films == [("a/x.png", FILM), ("b/y.png", FILM)]
    assert refused == []


def test_a_film_that_is_no_archive_is_itself():
    assert unpacked(FILM) == ([("films.zip", FILM)], [])


@pytest.mark.parametrize(
    "name",
    [
        "__MACOSX/a/._film.png",
        "a/._film.png",
        "._film.png",
        "a/.DS_Store",
        "Thumbs.db",
        "a/desktop.ini",
        "DICOMDIR",
        "a/@eaDir/film.png/SYNOPHOTO_THUMB_M.jpg",
        "a/.thumbnails/film.png",
        "a\\Thumbnails\\film.png",
    ],
)
def test_what_lies_beside_films_is_passed_over(name):
    assert unpacked(packed({name: b"no film", "film.png": FILM})) == ([("film.png", FILM)], [])


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_member_that_tells_less_than_it_holds_costs_no_memory(packing, monkeypatch):
    monkeypatch.setattr(archive, "MAX_BYTES", 2**20)
    data = packed({"bomb.png": bytes(40 * 2**20)}, packing)
    told = smaller(data, 1000)
    tracemalloc.start()
    try:
        films, refused = unpacked(told)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(refused) == 1
    assert films == []
    assert peak < 6 * 2**20  # of 40


@pytest.mark.parametrize(("packed_as", "told"), [(5_000_000, "4.8"), (3_000_000, "2.9")])
def test_a_member_that_is_too_large_is_refused_by_its_size(monkeypatch, packed_as, told):
    monkeypatch.setattr(archive, "MAX_BYTES", 2**21)
    films, refused = unpacked(packed({"a/large.png": bytes(packed_as), "b.png": FILM}))
    assert films == [("b.png", FILM)]
    assert refused == [f"large.png, in films.zip: expected at most 2 MiB. Received: {told} MiB"]


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_member_of_the_most_bytes_is_taken_and_no_larger_one(monkeypatch, packing):
    monkeypatch.setattr(archive, "MAX_BYTES", 1000)
    films, refused = unpacked(packed({"a.png": bytes(1000), "b.png": bytes(1001)}, packing))
    assert films == [("a.png", bytes(1000))]
    assert [text.partition(",")[0] for text in refused] == ["b.png"]


def test_members_that_share_their_bytes_end_at_the_archives_limit(monkeypatch):
    monkeypatch.setattr(archive, "MAX_BYTES", 1000)
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 4000)
    films, refused = unpacked(packed({f"{number}.png": bytes(900) for number in range(4)}))
    assert (len(films), refused) == (4, [])
    films, refused = unpacked(packed({f"{number}.png": bytes(900) for number in range(5)}))
    assert films == []
    assert refused == [
        "films.zip: expected an archive of at most 500 files and 0 MiB. Received: 5 files, 0 MiB"
    ]


def test_a_list_of_a_million_files_is_not_read():
    entry = b"PK\x01\x02" + bytes(42)
    entries = entry * 1_000_000
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 65535, 65535, len(entries), 0, 0)
    films, refused = unpacked(entries + end)
    assert films == []
    (said,) = refused
    assert said.startswith("films.zip: ")
    assert "Received: 1,000,000 files" in said


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_that_tell_less_than_they_hold_end_at_the_archives_limit(packing, monkeypatch):
    monkeypatch.setattr(archive, "MAX_BYTES", 1000)
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 2500)
    data = packed({f"{number}.png": bytes(901) for number in range(5)}, packing)
    told = data.replace(struct.pack("<I", 901), struct.pack("<I", 100))
    films, refused = unpacked(told)
    assert [len(content) for _, content in films] == [901, 901]
    assert refused[0].endswith("more, though it tells less")
