"""The process that decodes films: reused, bounded, and replaced after a file that broke it."""

import os
import pickle
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest

from tests.imaging.pictures import encode
from xraycore.imaging import RadiographError, read_radiograph, worker
from xraycore.imaging.film_warnings import CODES, FilmWarning, warning_codes

pytestmark = pytest.mark.skipif(not worker.SUPPORTED, reason="no memory to share on this system")


def decoding_process():
    (child,) = [child for child in psutil.Process().children() if "worker" in child.cmdline()[2]]
    return child


def test_one_process_decodes_all_films(ramp):
    read_radiograph(encode(ramp))
    first = decoding_process().pid
    with pytest.raises(RadiographError):
        read_radiograph(b"no film")
    read_radiograph(encode(ramp, "JPEG"))
    assert decoding_process().pid == first


def test_threads_get_their_own_films(ramp):
    films = [encode(np.roll(ramp, shift, 1)) for shift in range(20)]
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(read_radiograph, films))
    for shift, xray in enumerate(read):
        np.testing.assert_array_equal(xray.pixels, np.roll(ramp, shift, 1) / np.float32(255))


def test_a_film_outlives_those_after_it(ramp):
    first = read_radiograph(encode(ramp)).pixels
    kept = first.copy()
    read_radiograph(encode(255 - ramp))
    np.testing.assert_array_equal(first, kept)
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 1


def test_a_film_larger_than_the_shared_memory(monkeypatch):
    side = 4200  # 17.6 megapixels are 70 MB
    large = np.tile(np.arange(side, dtype=np.uint16) % 251, (side, 1)).astype(np.uint8)
    data = encode(large, "PNG", compress_level=1)
    large_film, small = read_radiograph(data), read_radiograph(encode(large[:200, :200]))
    np.testing.assert_array_equal(large_film.pixels[::7], large[::7] / np.float32(255))
    np.testing.assert_array_equal(small.pixels, large[:200, :200] / np.float32(255))


def test_what_takes_too_long_is_refused_and_the_next_film_read(ramp, monkeypatch):
    read_radiograph(encode(ramp))
    process = decoding_process()
    # As the timer of its processor time would.
    stopped = threading.Timer(0.5, process.send_signal, [signal.SIGPROF])
    process.suspend()
    stopped.start()
    threading.Timer(1, process.resume).start()
    with pytest.raises(RadiographError, match=r"within 4 s.*takes longer"):
        read_radiograph(encode(ramp), name="film.png")
    assert read_radiograph(encode(ramp)).pixels.shape == ramp.shape
    assert decoding_process().pid != process.pid


def test_a_process_that_does_not_answer_is_given_up(ramp):
    own = worker.Worker()
    try:
        own.decode(encode(ramp), "film")
        own._process.channel.settimeout(0.5)
        own._process.process.send_signal(signal.SIGSTOP)
        with pytest.raises(RadiographError, match="takes longer"):
            own.decode(encode(ramp), "film")
        assert own.decode(encode(ramp), "film").pixels.shape == ramp.shape
    finally:
        own.stop()


def test_a_decoder_that_crashes_is_a_film_that_cannot_be_read(ramp):
    read_radiograph(encode(ramp))
    process = decoding_process()
    process.send_signal(signal.SIGSEGV)
    process.wait(10)
    # It was between two films: the next one just starts another.
    assert read_radiograph(encode(ramp)).pixels.shape == ramp.shape


def test_a_fault_of_our_own_is_no_bad_film(ramp, monkeypatch):
    own = worker.Worker()
    try:
        own.decode(encode(ramp), "film")
        worker._send(own._process.channel, {"name": "no size"}, [])
        answer = worker._receive(own._process.channel)
        assert answer == ({"fault": "KeyError('size')"}, [])
        monkeypatch.setattr(worker, "_receive", lambda channel: answer)
        with pytest.raises(RuntimeError, match="film: KeyError"):
            own.decode(encode(ramp), "film")
    finally:
        own.stop()


def test_it_ends_with_the_program_that_reads():
    code = (
        "import numpy as np, io, psutil; from PIL import Image; from xraycore.imaging import *;"
        "b = io.BytesIO(); Image.fromarray(np.eye(9, dtype=np.uint8)).save(b, 'PNG');"
        "read_radiograph(b.getvalue()); print(*[p.pid for p in psutil.Process().children()])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    assert done.stdout.strip()
    assert not any(psutil.pid_exists(int(pid)) for pid in done.stdout.split())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_fork_starts_its_own(ramp):
    read_radiograph(encode(ramp))
    code = (
        "import io, os, sys; import numpy as np; from PIL import Image;"
        "from xraycore.imaging import read_radiograph as read;"
        "b = io.BytesIO(); Image.fromarray(np.eye(9, dtype=np.uint8) * 255).save(b, 'PNG');"
        "read(b.getvalue()); pid = os.fork(); x = read(b.getvalue()).pixels.sum();"
        "code = int(x != 9);"
        "sys.exit(code) if not pid else sys.exit(code or os.waitpid(pid, 0)[1])"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


def test_a_warning_is_a_sentence_with_a_code():
    warning = FilmWarning("raw", "Raw data.")
    assert warning == "Raw data."
    assert pickle.loads(pickle.dumps(warning)).code == "raw"
    assert warning_codes([warning, "said by others"]) == ["raw", "other"]
    with pytest.raises(KeyError):
        FilmWarning("unheard", "Of.")
    assert len(set(CODES.values())) == len(CODES)
