"""Many films, read by several processes at once and handed on in their order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, Self, TypeVar

from xraycore.errors import RadiographError
from xraycore.imaging.radiograph import Radiograph
from xraycore.imaging.worker import Worker

Source = TypeVar("Source")
# Processes that decode: beyond it networks, not files, are what is waited for.
MOST_PROCESSES = 16


class FilmReader(Generic[Source]):
    """Threads that read films ahead, each with a decoding process that it keeps.

    Use it in a `with` block, at whose end the processes end.

    Args:
        read: From a source to its film; raises `RadiographError` for what is none.
        processes: How many; as many as this process has cores where None.
    """

    def __init__(self, read: Callable[[Source], Radiograph], processes: int | None = None):
        self._read = read
        self.processes = min(processes or count_cores(), MOST_PROCESSES)
        self._workers: list[Worker] = []
        # One alone is that which all threads share.
        begin = self._begin if self.processes > 1 else None
        self._pool = ThreadPoolExecutor(self.processes, "read-films", begin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.stop()

    def read(
        self, sources: Iterable[Source]
    ) -> Iterator[tuple[Source, Radiograph | RadiographError]]:
        """Each source with its film, or with why it is none; in their order.

        At most two films a process are read ahead.
        """
        coming: deque[tuple[Source, Future[Radiograph | RadiographError]]] = deque()
        try:
            for source in sources:
                coming.append((source, self._pool.submit(self._film, source)))
                if len(coming) > 2 * self.processes:
                    first, future = coming.popleft()
                    yield first, future.result()
            while coming:
                first, future = coming.popleft()
                yield first, future.result()
        finally:
            for _, future in coming:
                future.cancel()

    def _begin(self) -> None:
        worker = Worker()
        worker.use_here()
        self._workers.append(worker)

    def _film(self, source: Source) -> Radiograph | RadiographError:
        try:
            return self._read(source)
        except RadiographError as error:
            return error


def count_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
