"""Files made to hang or fill: each ends as a film or a RadiographError, within time and memory."""

import threading
import time

import psutil
import pytest

from tests.hostile_files import HOSTILE, LARGEST
from tests.imaging.fuzzing import ends_well
from xraycore.imaging import worker

MAX_SECONDS, MAX_MEMORY = 5.0, 1e9


class Watch(threading.Thread):
    """The most memory that this process and its own need, and their processor time."""

    def __init__(self):
        super().__init__(daemon=True)
        self._over = threading.Event()
        self.idle, self.peak = self._memory(), 0

    def _memory(self):
        try:
            family = [psutil.Process(), *psutil.Process().children(recursive=True)]
            # Shared memory is counted once.
            return sum(process.memory_full_info().pss for process in family)
        except psutil.Error:
            return 0

    def run(self):
        while not self._over.wait(0.05):
            self.peak = max(self.peak, self._memory())

    def stop(self):
        self._over.set()
        self.join()
        return self.peak - self.idle


@pytest.mark.slow
@pytest.mark.skipif(not worker.SUPPORTED, reason="no limits on this system")
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_end(kind, ramp):
    from tests.imaging.pictures import encode

    data = HOSTILE[kind]()
    assert len(data) <= LARGEST
    assert ends_well(encode(ramp))  # starts the process
    before = cpu_seconds()
    watch = Watch()
    watch.start()
    start = time.thread_time()
    assert ends_well(data)
    used = time.thread_time() - start
    memory = watch.stop()
    # Processor time: what a busy machine adds by the clock says nothing of the file.
    decoding = cpu_seconds() - before
    used += decoding if decoding >= 0 else worker.MAX_SECONDS
    assert used <= MAX_SECONDS, (used, decoding, before)
    assert memory <= MAX_MEMORY


def cpu_seconds():
    (process,) = [one for one in psutil.Process().children() if "worker" in one.cmdline()[2]] or [0]
    return sum(process.cpu_times()[:2]) if process else -1
