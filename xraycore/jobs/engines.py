"""Where tasks are done: here one after another, or by workers on many machines (`dask_engine`)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class Engine(Protocol):
    """Does tasks that are alike and independent of one another."""

    def run(
        self, function: Callable[..., Result], tasks: Iterable[tuple[object, ...]]
    ) -> Iterator[Result]:
        """What the function returns of each task's arguments, in the order in which they end.

        Tasks are taken as they are needed, so that there may be any number of them. An error of a
        task is raised, and ends the others.
        """
        ...


class LocalEngine:
    """Does tasks in this process, one after another."""

    def run(
        self, function: Callable[..., Result], tasks: Iterable[tuple[object, ...]]
    ) -> Iterator[Result]:
        """See `Engine.run`."""
        for task in tasks:
            yield function(*task)
