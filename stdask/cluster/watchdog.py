"""Cancels a run's jobs when its driver is gone: a process of its own, which a kill of the driver does not reach.

`python cluster_watchdog.py COMMAND...` is told of jobs on its standard input, `+ID` and `-ID`, one a line. The input
ends when the driver ends, however it ends: then what is left is cancelled with `COMMAND... ID...`. Standard library
only: it runs as a file, to start at once and stay small.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence

ATTEMPTS = 6  # a scheduler may be away for some minutes
SECONDS_BETWEEN = 30
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # meant for the driver: its end will be told by the input


def jobs_left(lines: Iterable[str]) -> list[str]:
    """Return the ids that came and did not go."""
    ids: dict[str, None] = {}
    for line in lines:
        sign, number = line[:1], line[1:].strip()
        if sign == "+":
            ids[number] = None
        else:
            ids.pop(number, None)
    return list(ids)


def cancel(command: Sequence[str], ids: Sequence[str]) -> bool:
    """Cancel jobs, again and again while the scheduler does not answer; return whether it did."""
    for attempt in range(ATTEMPTS):
        try:
            done = subprocess.run([*command, *ids], capture_output=True, timeout=60, check=False)
            if not done.returncode:
                return True
        except (OSError, subprocess.TimeoutExpired):
            pass
        if attempt + 1 < ATTEMPTS:
            time.sleep(SECONDS_BETWEEN)
    return False


def main() -> None:
    """Wait for the end of the driver, and cancel what it leaves."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if ids := jobs_left(sys.stdin):
        cancel(sys.argv[1:], ids)


if __name__ == "__main__":
    main()
