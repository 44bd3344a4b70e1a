"""Uploads: the memory that Streamlit holds them in."""

from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile


def drop_upload(upload: UploadedFile) -> None:
    """Has Streamlit let go of an upload, which it else holds until the browser's tab is closed."""
    # There is no public way. As Streamlit's own chat input does it; others need not know how.
    context = get_script_run_ctx()
    if context and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, upload.file_id)


def held_uploads(session: str | None = None) -> int:
    """Bytes of uploads that Streamlit holds, of a session or of all.

    It takes as many as are sent to it, whether or not any page asks for them.
    """
    manager = Runtime.instance().uploaded_file_mgr if Runtime.exists() else None
    if not isinstance(manager, MemoryUploadedFileManager):
        return 0
    held = list(manager.file_storage.items())
    wanted = [files for name, files in held if session in (None, name)]
    return sum(len(file.data) for files in wanted for file in list(files.values()))
