"""Which process is which: numbers of processes are given again."""

import psutil


def started_at(pid: int) -> float | None:
    """When a living process began, in seconds since the computer did; None where there is none.

    Numbers of processes are given again; a number and its beginning are not. It is no time of day,
    which would be another one once the clock is set.
    """
    booted = psutil.boot_time()
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return round(process.create_time() - booted, 2)
    except psutil.NoSuchProcess:
        return None
