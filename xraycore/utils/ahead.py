"""Steps of a walk that overlap: one thread is ahead of the next, and never far."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")
_END = object()


def run_ahead(items: Iterable[Item], most: int = 2) -> Iterator[Item]:
    """The items, made by a thread that is at most `most` of them ahead of who takes them.

    What making them raises is raised here, in its place. If the taker stops early, the thread ends
    once the item that it is at is made, and `close` of a generator is called in it.
    """
    waiting: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(most)
    stopped = threading.Event()

    def put(item: Any, error: BaseException | None = None) -> None:
        while not stopped.is_set():
            try:
                waiting.put((item, error), timeout=0.2)
                return
            except queue.Full:
                continue

    def work() -> None:
        source = iter(items)
        try:
            for item in source:
                put(item)
                if stopped.is_set():
                    break
            put(_END)
        except BaseException as error:  # It is the taker's, whatever it is.
            put(_END, error)
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = waiting.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
    finally:
        stopped.set()
        thread.join()
