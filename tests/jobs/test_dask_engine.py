"""Tasks on workers of a Dask scheduler, over TCP, one of which is killed."""

import hashlib
import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT
from tests.scoring import fake
from xraycore.config import weights_folder
from xraycore.errors import ArgumentError
from xraycore.jobs.dask_engine import DaskEngine
from xraycore.scoring.shards import FOLDER

pytestmark = pytest.mark.slow


def what_a_worker_has(number: int) -> tuple[int, int, str]:
    """The task's number, the worker's process, and the sha256 of the weights it was sent."""
    time.sleep(0.05)
    file = weights_folder() / "basic_cnn" / "some.weights.h5"
    return number, os.getpid(), hashlib.sha256(file.read_bytes()).hexdigest()


def refuse(number: int) -> None:
    raise ArgumentError(f"task {number} cannot be done")


@contextmanager
def cluster(folder: Path, workers: int):
    """Address of a scheduler on this computer, and the processes of its workers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    quiet = {"cwd": ROOT, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    quiet["env"] = {**os.environ, "PYTHONPATH": str(ROOT)}
    with ExitStack() as ended:

        def start(*command: str) -> subprocess.Popen:
            process = ended.enter_context(subprocess.Popen(command, **quiet))
            ended.callback(process.kill)
            return process

        start(*dask, "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny"]
        yield (
            address,
            [
                start(*worker, "--nthreads", "1", "--no-dashboard", "--local-directory", str(place))
                for number in range(workers)
                if (place := folder / f"worker-{number}")
            ],
        )


def test_three_workers_over_tcp_one_of_which_is_killed(tmp_path):
    weights = tmp_path / "some.weights.h5"
    weights.write_bytes(os.urandom(200_000))
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    fake.write_films(tmp_path / "films", 24)
    with cluster(tmp_path, 3) as (address, processes):
        files = {"weights/basic_cnn/some.weights.h5": weights}
        with DaskEngine(address, files) as engine:
            engine.wait_for(3)
            found = list(engine.run(what_a_worker_has, ((n,) for n in range(30))))
            assert sorted(number for number, _, _ in found) == list(range(30))
            assert {sha256 for _, _, sha256 in found} == {digest}
            assert {pid for _, pid, _ in found} == {process.pid for process in processes}

            done = []
            for result in engine.run(what_a_worker_has, ((n,) for n in range(40))):
                done.append(result)
                if len(done) == 5:
                    psutil.Process(processes[0].pid).kill()
            assert sorted(number for number, _, _ in done) == list(range(40))
            assert processes[0].pid not in {pid for _, pid, _ in done[-10:]}

            with pytest.raises(ArgumentError, match="task 0 cannot be done"):
                list(engine.run(refuse, [(0,)]))

            # The same shards as here, by the two that are left.
            said = fake.score(tmp_path / "films", tmp_path / "many", shards=6, engine=_Fake(engine))
    assert said == fake.score(tmp_path / "films", tmp_path / "one", shards=6)
    for file in sorted((tmp_path / "one" / FOLDER).iterdir()):
        assert pq.read_table(file) == pq.read_table(tmp_path / "many" / FOLDER / file.name)


class _Fake:
    """The engine, its workers with the fake networks."""

    def __init__(self, engine: DaskEngine):
        self.engine = engine

    def run(self, function, tasks):
        yield from self.engine.run(fake.score_task_with_fakes, tasks)


def test_a_scheduler_that_is_not_there_is_said():
    with pytest.raises(OSError, match="127.0.0.1:9"):
        DaskEngine("tcp://127.0.0.1:9", {}, timeout=1).__enter__()
