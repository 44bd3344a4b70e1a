"""A listener without a network, to be killed: `python -m tests.pacs.receiver SPOOL PORT [TO]`."""

import os
import sys
import time
from pathlib import Path

from pydicom import dcmread
from pydicom.uid import generate_uid

from xraycore.access.settings import find_connection
from xraycore.pacs.dimse import store_objects
from xraycore.pacs.listener import Listener
from xraycore.pacs.spool import Spool
from xraycore.pacs.worker import SpoolWorker


def score(data: bytes, name: str):
    """Stands for a network: an object of the film's study that says what it is about."""
    from io import BytesIO

    time.sleep(float(os.environ.get("SCORE_SECONDS", "0")))
    found = dcmread(BytesIO(data))
    found.ImageComments = f"about {found.SOPInstanceUID}"
    found.Modality = "OT"
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID"):
        setattr(found, keyword, generate_uid(entropy_srcs=[keyword, str(found[keyword].value)]))
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID
    return [found]


if __name__ == "__main__":
    spool = Spool(Path(sys.argv[1]), 1)
    connection = find_connection(sys.argv[3]) if len(sys.argv) > 3 else None
    store = (lambda found: store_objects(connection, found)) if connection else None
    worker = SpoolWorker(spool, score, store, first_wait=0.1)
    listener = Listener(spool, port=int(sys.argv[2]), senders=("TESTS",), notify=worker.wake)
    listener.start()
    worker.run()
