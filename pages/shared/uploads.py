"""Uploads: archives file by file, and the memory that Streamlit holds them in."""

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from xraycore.imaging.decoding import MAX_BYTES

# An archive may hold as much as a person looks through, and no more than the memory bears.
MOST_FILMS, MOST_ARCHIVE_BYTES = 500, 1 << 30
# What a damaged archive, or one with a password, makes `zipfile` raise.
_NO_ARCHIVE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(RuntimeError, OSError, EOFError, ValueError),
)


def unpack(name: str, data: bytes, refused: list[str]) -> Iterator[tuple[str, bytes]]:
    """The file itself, or the files of a ZIP archive, by their names.

    Args:
        name: Of the file.
        data: Its bytes.
        refused: Where what cannot be unpacked is added, in words.
    """
    if not zipfile.is_zipfile(io.BytesIO(data)):
        yield name, data
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            # Folders, and what macOS and Windows add to every archive, are no films.
            members = [
                member
                for member in archive.infolist()
                if not member.is_dir()
                and not member.filename.startswith("__MACOSX/")
                and member.filename.rpartition("/")[2] not in (".DS_Store", "Thumbs.db", "DICOMDIR")
            ]
            total = sum(member.file_size for member in members)
            if len(members) > MOST_FILMS or total > MOST_ARCHIVE_BYTES:
                refused.append(
                    f"{name}: expected an archive of at most {MOST_FILMS} files and 1 GiB. "
                    f"Received: {len(members):,} files, {total / 2**20:,.0f} MiB"
                )
                return
            for member in members:
                inner = member.filename.rpartition("/")[2]
                if member.file_size > MAX_BYTES:
                    refused.append(
                        f"{inner}, in {name}: expected at most {MAX_BYTES / 2**20:.0f} MiB. "
                        f"Received: {member.file_size / 2**20:,.1f} MiB"
                    )
                    continue
                try:
                    with archive.open(member) as file:
                        # A size may be told wrongly: one byte more than allowed is enough for
                        # the reader to refuse it.
                        content = file.read(MAX_BYTES + 1)
                except _NO_ARCHIVE as error:
                    refused.append(f"{inner}, in {name}: cannot be unpacked. Received: {error}")
                else:
                    yield inner, content
    except _NO_ARCHIVE as error:
        refused.append(f"{name}: expected a ZIP archive. Received: {error}")


def drop_upload(upload: UploadedFile) -> None:
    """Has Streamlit let go of an upload, which it else holds until the browser's tab is closed."""
    context = get_script_run_ctx()
    # As Streamlit's own chat input does it; other managers need not know how.
    if context and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, upload.file_id)
