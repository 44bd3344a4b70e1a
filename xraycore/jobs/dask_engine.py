"""Tasks on many machines: workers of a Dask scheduler, each with the files that it needs."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Self, TypeVar

from distributed import Client, KilledWorker, Worker, WorkerPlugin, as_completed

from xraycore.config import XRAYCORE_SITES, XRAYCORE_WEIGHTS
from xraycore.errors import JobError, WeightsError
from xraycore.utils.files import replacing

Result = TypeVar("Result")
# Tasks that wait at the scheduler for each worker: what it does next is there when it is free.
_WAITING = 2
_TIMEOUT = 30


class FilesPlugin(WorkerPlugin):
    """Files that reach each worker once, also one that joins later or comes in place of another.

    Attributes:
        name: By which the scheduler knows it.
        files: Name below the worker's own folder -> sha256 and content.
    """

    def __init__(self, files: Mapping[str, Path]):
        self.files: dict[str, tuple[str, bytes]] = {}
        for name, file in files.items():
            content = file.read_bytes()
            self.files[name] = (hashlib.sha256(content).hexdigest(), content)
        digests = "".join(f"{name} {digest}\n" for name, (digest, _) in self.files.items())
        self.name = f"xraycore-{hashlib.sha256(digests.encode()).hexdigest()[:16]}"

    def setup(self, worker: Worker) -> None:
        """Writes the files on a worker and has it load its networks from there.

        Raises:
            WeightsError: If a file did not arrive as it was sent.
        """
        folder = Path(worker.local_directory) / self.name
        for name, (digest, content) in self.files.items():
            if hashlib.sha256(content).hexdigest() != digest:
                raise WeightsError(f"{name}: expected sha256 {digest} on {worker.address}.")
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with replacing(folder / name) as part:
                part.write_bytes(content)
        os.environ[XRAYCORE_WEIGHTS] = str(folder / "weights")
        os.environ[XRAYCORE_SITES] = str(folder / "sites")


class DaskEngine:
    """Does tasks on the workers of a scheduler; use it in a `with` block.

    A worker that dies costs the tasks that it had, which others do anew.

    Args:
        scheduler: Its address, such as tcp://10.0.0.1:8786.
        files: What each worker needs of this computer, see `FilesPlugin`.
        timeout: Seconds to wait for the scheduler, and for workers.
    """

    def __init__(self, scheduler: str, files: Mapping[str, Path], timeout: float = _TIMEOUT):
        self._scheduler, self._files, self._timeout = scheduler, files, timeout
        self._client: Client | None = None

    def __enter__(self) -> Self:
        self._client = Client(self._scheduler, timeout=self._timeout, set_as_default=False)
        self._client.register_plugin(FilesPlugin(self._files))
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()

    def wait_for(self, workers: int) -> None:
        """Waits until so many workers have joined.

        Raises:
            JobError: If they do not in time.
        """
        try:
            self._connected().wait_for_workers(workers, timeout=self._timeout)
        except TimeoutError as error:
            raise JobError(f"{self._scheduler}: expected {workers} workers: {error}") from None

    def _connected(self) -> Client:
        if self._client is None:
            raise JobError(f"{self._scheduler}: expected the engine in a with block.")
        return self._client

    def run(
        self, function: Callable[..., Result], tasks: Iterable[tuple[object, ...]]
    ) -> Iterator[Result]:
        """See `xraycore.jobs.engines.Engine.run`; the function is of a module that workers have.

        Raises:
            JobError: If one task has ended several workers.
        """
        client = self._connected()
        waiting, going = iter(tasks), as_completed(loop=client.loop)
        workers = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
        for task in islice(waiting, _WAITING * workers):
            going.add(client.submit(function, *task, pure=False))
        for future in going:
            try:
                result = future.result()
            except KilledWorker as error:
                raise JobError(
                    f"{self._scheduler}: one task has ended several workers one after another; "
                    f"their memory may be short: {error}"
                ) from error
            for task in islice(waiting, 1):
                going.add(client.submit(function, *task, pure=False))
            yield result
