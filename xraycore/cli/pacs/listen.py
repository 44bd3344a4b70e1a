"""The command that takes films as they are sent, scores them and writes back: listen."""

import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xraycore.access.hosts import is_loopback
from xraycore.cli.app import app
from xraycore.cli.console import err
from xraycore.cli.loading import Models, load_models
from xraycore.config import NOTICE, state_folder
from xraycore.errors import ArgumentError
from xraycore.models.sites import read_site

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@app.command()
def listen(
    sender: Annotated[
        list[str], typer.Option("--from", help="AE title whose films are taken; repeatable.")
    ],
    to: Annotated[
        str | None,
        typer.Option(help="PACS that gets the objects; without one they stay in the spool."),
    ] = None,
    model: Models = None,
    site: Annotated[str | None, typer.Option(help="Site profile to answer by.")] = None,
    method: Annotated[str, typer.Option(help="Heatmap method.")] = "against_normal",
    threshold: Annotated[
        float, typer.Option(help="Share of full heat from which on it is segmented.")
    ] = 0.5,
    address: Annotated[str, typer.Option(help="To listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 11112,
    title: Annotated[str, typer.Option("--aet", help="Our AE title.")] = "XRAYCORE",
    spool: Annotated[
        Path | None, typer.Option(help="Folder in which films wait; of this process alone.")
    ] = None,
    most_gb: Annotated[float, typer.Option(min=0.001, help="What the spool may hold.")] = 10.0,
    open_network: Annotated[
        bool,
        typer.Option(
            "--open-network", help="Listen at an address that others reach: DICOM has no secrets."
        ),
    ] = False,
) -> None:
    """Take films by C-STORE, score them, write objects back; a film that was taken is never lost.

    Each film is on the disk before it is acknowledged, and every further step is one rename: kill
    it when you like, and start it again.
    """
    from xraycore.access.settings import find_connection
    from xraycore.pacs.dimse import store_objects
    from xraycore.pacs.listener import Listener
    from xraycore.pacs.spool import Spool
    from xraycore.pacs.worker import SpoolWorker
    from xraycore.report.dicom import write_objects
    from xraycore.report.dicom.score import score_film

    if not is_loopback(address) and not open_network:
        raise ArgumentError(
            f"{address} is reached by others, and DICOM neither encrypts nor knows who sends: put "
            "a firewall or a tunnel before it, then say --open-network."
        )
    connection = find_connection(to) if to else None
    models = load_models(model)
    sites = {one.spec.name: read_site(one.spec.name, site) for one in models} if site else {}

    def score(data: bytes, name: str) -> Sequence["Dataset"]:
        objects: list[Dataset] = []
        for one in models:
            profile = sites.get(one.spec.name)
            finding = score_film(
                *(one, data, name), method=method, site=profile, threshold=threshold
            )
            objects += write_objects(finding)
        return objects

    logging.getLogger("xraycore").setLevel(logging.INFO)
    waiting = Spool(spool or state_folder() / "spool", most_gb)
    worker = SpoolWorker(
        waiting, score, (lambda found: store_objects(connection, found)) if connection else None
    )
    listener = Listener(
        waiting,
        address=address,
        port=port,
        title=title,
        senders=tuple(sender),
        notify=worker.wake,
    )
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    try:
        chosen = listener.start()
        err.print(f"{title} listens at {address}:{chosen}; {waiting.count().received} films wait.")
        err.print(NOTICE)
        sys.stderr.flush()
        worker.run()
    finally:
        listener.stop()
        waiting.close()
