"""Films are decoded in a process of its own, which a hostile file can neither hang nor fill.

Codecs cannot be stopped once they run. The process is started with the first film and reused; files
go there and pixels come back through memory that both share. What takes too long or needs too much
is refused, and the next film gets a new process. Where memory cannot be shared so (Windows, macOS),
films are decoded here, without these two limits.
"""

import atexit
import json
import math
import mmap
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from xraycore.errors import RadiographError
from xraycore.imaging.decoding import MAX_BYTES, Decoded, PixelMemory
from xraycore.imaging.film_warnings import FilmWarning

# Processor time, so that a busy machine refuses no honest film; a sleeping one is given up later.
MAX_SECONDS, MAX_WAIT = 4.0, 30.0
# Beside the file and the pixels, 320 MiB at most: 64 megapixels in 16-bit colours need 550.
MAX_MEMORY = 592 * 2**20
# What both processes share for good: a file, then its pixels. Larger films get memory of their own.
SHARED = MAX_BYTES
SUPPORTED = hasattr(socket, "send_fds") and hasattr(os, "memfd_create")


class _Process:
    """One process that decodes, and what is shared with it."""

    def __init__(self) -> None:
        self.channel, theirs = socket.socketpair()
        shared = _make_shared(SHARED)
        root = str(Path(__file__).parents[2])
        code = (
            "import sys; root, *numbers = sys.argv[1:]; sys.path.insert(0, root); "
            "from xraycore.imaging import worker; worker.serve(*map(int, numbers))"
        )
        try:
            numbers = theirs.fileno(), shared
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, root, *map(str, numbers)],
                pass_fds=numbers,
                stdin=subprocess.DEVNULL,
                # An interrupt at the keyboard is for the program that asks.
                start_new_session=True,
            )
            self.memory = mmap.mmap(shared, SHARED)
        finally:
            theirs.close()
            os.close(shared)
        self.channel.settimeout(MAX_WAIT)

    def ask(self, data: bytes, name: str) -> tuple[dict[str, Any], list[int]]:
        self.memory[: len(data)] = data
        _send(self.channel, {"name": name, "size": len(data)}, [])
        return _receive(self.channel)

    def pixels(self, shape: tuple[int, int], descriptors: list[int]) -> np.ndarray:
        """A copy of what lies in the shared memory, or the memory made for a large film."""
        if not descriptors:
            return np.ndarray(shape, np.float32, self.memory).copy()
        try:
            memory = mmap.mmap(descriptors[0], 4 * math.prod(shape), access=mmap.ACCESS_READ)
        finally:
            os.close(descriptors[0])
        return np.ndarray(shape, np.float32, memory)

    def end(self, error: Exception) -> str:
        """Why it ended while it was asked, in words; if it did not, now it does."""
        self.channel.close()
        if isinstance(error, TimeoutError):
            self.process.kill()
        ended = self.process.wait(MAX_WAIT)
        slow = isinstance(error, TimeoutError) or ended == -signal.SIGPROF
        return "takes longer" if slow else f"broke the decoder ({ended})"


class Worker:
    """The process that decodes, one film at a time; any number of threads may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: _Process | None = None

    def decode(self, data: bytes, name: str) -> Decoded:
        """What `decoders.decode` returns, or a `RadiographError` where it cannot be had."""
        with self._lock:
            if self._process is None or self._process.process.poll() is not None:
                self.stop()
                self._process = _Process()
            try:
                answer, descriptors = self._process.ask(data, name)
            except (OSError, ValueError) as error:
                process, self._process = self._process, None
                raise _beyond_limits(name, process.end(error)) from error
            if "refused" in answer:
                raise RadiographError(answer["refused"])
            if "fault" in answer:
                raise RuntimeError(f"{name}: {answer['fault']}")
            pixels = self._process.pixels(tuple(answer["shape"]), descriptors)
        facts = {k: tuple(v) if isinstance(v, list) else v for k, v in answer["facts"].items()}
        return Decoded(pixels, facts, [FilmWarning(*one) for one in answer["warnings"]])

    def use_here(self) -> None:
        """Has it decode all films that this thread reads, in place of the one for all threads."""
        _OWN.worker = self

    def stop(self) -> None:
        """Ends the process; the next film starts another."""
        if self._process is not None:
            self._process.channel.close()
            self._process.process.kill()
            self._process.process.wait()
            self._process = None

    def forget(self) -> None:
        """Leaves the process alone, in a copy of this one by fork: it is the original's."""
        self._lock = threading.Lock()
        self._process = None


class _Pixels:
    """The decoders' memory for pixels: that shared for good, or of its own where that is small."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory
        self._pixels: np.ndarray | None = None
        self.descriptors: list[int] = []

    def allocate(self, shape: tuple[int, ...]) -> np.ndarray:
        self.release()
        size, memory = 4 * math.prod(shape), self._memory
        if size > len(memory):
            self.descriptors = [_make_shared(size)]
            memory = mmap.mmap(self.descriptors[0], size)
        self._pixels = np.ndarray(shape, np.float32, memory)
        return self._pixels

    def take(self, pixels: np.ndarray) -> None:
        """Copies pixels that lie elsewhere, as those of a film that was turned."""
        own = self._pixels
        if own is None or own.shape != pixels.shape or own.ctypes.data != pixels.ctypes.data:
            self.allocate(pixels.shape)[:] = pixels

    def release(self) -> None:
        self._pixels = None
        while self.descriptors:
            os.close(self.descriptors.pop())


def serve(channel_number: int, shared: int) -> None:
    """The process's own part: decode what comes through the channel until it is closed."""
    from xraycore.imaging import decoders

    _limit_memory()
    memory = mmap.mmap(shared, SHARED)
    pixels = _Pixels(memory)
    PixelMemory.allocate = pixels.allocate
    with socket.socket(fileno=channel_number) as channel:
        while True:
            try:
                question, _ = _receive(channel)
            except ValueError:
                return
            name, film = question["name"], None
            signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
            try:
                film = decoders.decode(memory[: question["size"]], name)
                pixels.take(film.pixels)
                warnings = [(warning.code, warning) for warning in film.warnings]
                answer = {"shape": film.pixels.shape, "facts": film.facts, "warnings": warnings}
            except RadiographError as error:
                answer = {"refused": str(error)}
            except MemoryError:
                answer = {"refused": str(_beyond_limits(name, "needs more memory"))}
            except Exception as error:
                answer = {"fault": repr(error)}
            signal.setitimer(signal.ITIMER_PROF, 0)
            _send(channel, answer, pixels.descriptors if "shape" in answer else [])
            del film
            pixels.release()


def _beyond_limits(name: str, why: str) -> RadiographError:
    limits = f"{MAX_SECONDS:.0f} s and {MAX_MEMORY // 2**20} MiB of memory"
    return RadiographError.of(
        name, expected=f"a film that can be read within {limits}", received=f"one that {why}"
    )


def _limit_memory() -> None:
    """Bounds what this process may allocate beyond what it has; Linux only."""
    import resource

    try:
        with open("/proc/self/statm") as file:
            held = int(file.read().split()[5]) * resource.getpagesize()
    except OSError:
        return
    resource.setrlimit(resource.RLIMIT_DATA, (held + MAX_MEMORY, resource.RLIM_INFINITY))


def _make_shared(size: int) -> int:
    """The descriptor of memory that two processes can map."""
    shared = os.memfd_create("xraycore")
    os.ftruncate(shared, size)
    return shared


def _send(channel: socket.socket, message: dict[str, Any], descriptors: list[int]) -> None:
    line = json.dumps(message).encode() + b"\n"
    sent = socket.send_fds(channel, [line], descriptors)
    if sent < len(line):
        channel.sendall(line[sent:])


def _receive(channel: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """A message and its descriptors; ValueError if the other side has gone."""
    line, descriptors = b"", []
    while not line.endswith(b"\n"):
        part, came, _, _ = socket.recv_fds(channel, 1 << 16, 1)
        if not part:
            raise ValueError("the other process has gone")
        line += part
        descriptors += came
    return json.loads(line), descriptors


_WORKER = Worker()
atexit.register(_WORKER.stop)
# Those of threads that have one of their own.
_OWN = threading.local()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_WORKER.forget)


def decode_film(data: bytes, name: str) -> Decoded:
    """The film in a file, its pixels square, within the limits of time and memory.

    Raises:
        RadiographError: the file is no film that can be read; see `read_radiograph`.
    """
    if SUPPORTED:
        return getattr(_OWN, "worker", _WORKER).decode(data, name)
    from xraycore.imaging.decoders import decode

    return decode(data, name)
