"""Calls of the process that owns TensorFlow, see `pages.shared.inference_worker`."""

import contextlib
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Client
from pathlib import Path
from typing import TypeVar

import streamlit as st

from pages.shared.inference_worker import Network, make_ready
from xraycore.config import launched_environment
from xraycore.errors import XrayCoreError
from xraycore.utils.progress import ProgressCallback

Result = TypeVar("Result")
_ROOT = Path(__file__).parents[2]


class InferenceError(XrayCoreError):
    """The process that runs the networks is gone."""


class InferenceProcess:
    """One process for all sessions; each call has a connection, and a thread over there."""

    def __init__(self):
        self._key = secrets.token_bytes(32)
        self._process = subprocess.Popen(
            # Not `-m`: a module that runs as `__main__` has other classes than the one that is
            # imported by its name.
            [sys.executable, "-c", "from pages.shared.inference_worker import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            # Weights that came from elsewhere.
            env=launched_environment(),
        )
        self._process.stdin.write(self._key)
        self._process.stdin.flush()
        self._port, self._starting = 0, threading.Lock()
        # A lock of its own: the other is held until the process has said its port.
        self._preparing: list[threading.Thread] = []
        self._asking = threading.Lock()

    @property
    def alive(self) -> bool:
        """Whether it can be called."""
        return self._process.poll() is None

    def run(
        self,
        function: Callable[..., Result],
        *arguments: object,
        report: ProgressCallback | None = None,
        **settings: object,
    ) -> Result:
        """What the function returns over there; see `run`."""
        try:
            with Client(self._address(), authkey=self._key) as connection:
                connection.send((function, arguments, settings, report is not None))
                while True:
                    kind, value = connection.recv()
                    if kind == "result":
                        return value
                    if kind == "error":
                        raise value
                    report(value)
        except (EOFError, ConnectionError) as error:
            raise InferenceError(
                "The process that runs the networks ended before it answered. Try again; if it "
                "ends again, memory may be short."
            ) from error

    def prepare(self, names: Sequence[str]) -> None:
        """Has it load these models meanwhile, in this order; only the first call does.

        Whoever asks for one of them before waits for the one that is being loaded, not for all.
        """
        with self._asking:
            if self._preparing:
                return
            # Two at once: one network is loaded while the one before it runs for the first time.
            left = iter(names)
            self._preparing = [
                threading.Thread(target=self._load, args=(left,), daemon=True) for _ in range(2)
            ]
            for one in self._preparing:
                one.start()

    def _load(self, names: Iterator[str]) -> None:
        for name in names:
            # What is wrong is said to who asks for it.
            with contextlib.suppress(XrayCoreError):
                self.run(make_ready, Network.of(name))

    def _address(self) -> tuple[str, int]:
        with self._starting:
            if not self._port:
                # It says which port it was given; nothing, if it ended before.
                line = self._process.stdout.readline()
                if not line:
                    raise EOFError
                self._port = int(line)
        return "127.0.0.1", self._port

    def close(self) -> None:
        """Ends it."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@st.cache_resource(
    show_spinner=False, validate=lambda process: process.alive, on_release=InferenceProcess.close
)
def process() -> InferenceProcess:
    """The process; it takes some seconds until it answers, so `serve.py` starts it first of all."""
    return InferenceProcess()


def prepare(names: Sequence[str]) -> None:
    """Has models loaded ahead, in this order; see `InferenceProcess.prepare`."""
    process().prepare(names)


def run(
    function: Callable[..., Result],
    *arguments: object,
    report: ProgressCallback | None = None,
    **settings: object,
) -> Result:
    """What a function of the library returns that needs a network, which is not here.

    Args:
        function: Of a module, by its own name.
        arguments: A `Network` stands for the classifier itself.
        report: Called with the share that is done; what it raises ends the work there too.
        settings: Further arguments by name.

    Raises:
        InferenceError: If the process is gone; the next call starts another.
    """
    return process().run(function, *arguments, report=report, **settings)
