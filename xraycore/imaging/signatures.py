"""What bytes that are no image of an accepted format are instead, so that a message can name it."""

# First bytes, in lower case where they are letters, and what begins with them.
STARTS = {
    b"%pdf": "a PDF document",
    b"gif8": "a GIF image",
    b"pk\x03\x04": "a ZIP archive or office document",
    b"pk\x05\x06": "an empty ZIP archive",
    b"rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"bzh": "a bzip2 archive",
    b"\xfd7zxz": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"<svg": "an SVG drawing",
    b"<!do": "an HTML page",
    b"<htm": "an HTML page",
    b"<?xm": "an XML document",
    b"{\\rtf": "an RTF document",
    b"\x93num": "a NumPy array",
    b"\x89hdf": "an HDF5 file",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"8bps": "a Photoshop document",
    b"%!ps": "a PostScript document",
    b"\0\x05\x16\x07": "a macOS resource file, not the film beside it",
    b"\0\x05\x16\0": "a macOS resource file, not the film beside it",
    b"bud1": "a macOS folder file",
    b"\0\0\0\x01bud1": "a macOS folder file",
    b"\xff\x0a": "a JPEG XL image",
    b"\0\0\0\x0cjxl ": "a JPEG XL image",
    b"nrrd": "an NRRD volume",
    b"\x5c\x01\0\0": "a NIfTI volume",
    b"sqlite f": "an SQLite database",
    b"\x1a\x45\xdf\xa3": "a Matroska video",
    b"id3": "a sound file",
    b"mz": "a Windows program",
    b"\x7felf": "a program",
}
# Brands of ISO media files (ISO/IEC 14496-12), which begin with a length and "ftyp".
BRANDS = {
    b"heic": "a damaged HEIC photograph",
    b"heix": "a damaged HEIC photograph",
    b"heim": "a damaged HEIC photograph",
    b"hevc": "a HEIC sequence",
    b"mif1": "a damaged HEIF photograph",
    b"msf1": "a HEIF sequence",
    b"avif": "a damaged AVIF image",
    b"avis": "an AVIF sequence",
    b"jp2 ": "a damaged JPEG 2000 image",
    b"qt  ": "a QuickTime video",
    b"crx ": "a Canon raw photograph",
}
OURS = (
    *(b"\xff\xd8\xff", b"\x89png", b"ii*\0", b"mm\0*", b"ii+\0", b"mm\0+", b"riff", b"bm"),
    *(b"\xff\x4f\xff\x51", b"\0\0\0\x0cjp  "),
)


def describe(data: bytes) -> str:
    """What bytes seem to be that no decoder recognised, in words that follow "received"."""
    start = data[:16].lower()
    if data[4:8] == b"ftyp":
        return BRANDS.get(data[8:12].lower(), "an MP4 video")
    for magic, kind in STARTS.items():
        if start.startswith(magic) or data.lstrip()[:16].lower().startswith(magic):
            return kind
    if start.startswith(OURS):
        return f"a damaged or truncated image of {len(data)} bytes"
    if not data.strip(b"\0"):
        return f"{len(data)} bytes that are all zero"
    try:
        data[:512].decode("ascii")
    except UnicodeDecodeError:
        return f"{len(data)} bytes of another kind"
    return f"{len(data)} bytes of another kind" if b"\0" in data[:512] else "text"
