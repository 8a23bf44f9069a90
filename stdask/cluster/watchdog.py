"""Cancel a run's jobs when its driver is gone. A process of its own, which survives when the driver is killed.

`python watchdog.py COMMAND...` reads `+ID` and `-ID` on its standard input, one per line, as jobs come and go. The
input ends when the driver ends, for whatever reason. The jobs that are left are then cancelled with `COMMAND... ID...`.
It runs as a file and imports the standard library only, to start at once and stay small.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence

ATTEMPTS = 6  # A scheduler may be away for some minutes.
SECONDS_BETWEEN = 30
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Meant for the driver, whose end the input shows.


def jobs_left(lines: Iterable[str]) -> list[str]:
    """Return the ids of the jobs that came and did not go."""
    ids: dict[str, None] = {}
    for line in lines:
        sign, number = line[:1], line[1:].strip()
        if sign == "+":
            ids[number] = None
        else:
            ids.pop(number, None)
    return list(ids)


def cancel(command: Sequence[str], ids: Sequence[str]) -> bool:
    """Cancel jobs, with further attempts while the scheduler does not answer. Return whether it succeeded."""
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
    """Wait for the end of the driver, and cancel the jobs it leaves."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if ids := jobs_left(sys.stdin):
        cancel(sys.argv[1:], ids)


if __name__ == "__main__":
    main()
