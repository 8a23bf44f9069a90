"""The line of a log that says why a job ended: from logs as dask, Python, shells and batch systems write them."""

import pytest

from stdask.cluster.faults.causes import cause_in, remedy_of

NOISE = """\
2026-11-30 14:48:40,333 - distributed.nanny - INFO - Closing Nanny at 'tcp://127.0.0.1:34853'. Reason: {reason}
2026-11-30 14:48:40,334 - distributed.nanny - INFO - Nanny at 'tcp://127.0.0.1:34853' closed.
2026-11-30 14:48:40,346 - distributed.dask_worker - INFO - End worker
"""
JOINED = "\nThe above exception was the direct cause of the following exception:\n\n"
LAST = (
    'Traceback (most recent call last):\n  File "core.py", line 517, in start\nRuntimeError: Nanny failed to start.\n'
)
CLOCK = (
    NOISE.format(reason="failure-to-start-<class 'distributed.comm.core.FatalCommClosedError'>")
    + 'Traceback (most recent call last):\n  File "ssl.py", line 1006\n    self._sslobj.do_handshake()\n'
    "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate is not yet "
    "valid (_ssl.c:1006)\n" + JOINED + "Traceback (most recent call last):\n"
    "distributed.comm.core.FatalCommClosedError: TLS certificate does not match. Check your security settings.\n"
    + JOINED
    + LAST
)
UNREACHABLE = NOISE.format(reason="failure-to-start-<class 'TimeoutError'>").replace(
    "INFO - End", "INFO - Timed out starting worker\n2026-11-30 14:48:40,346 - distributed.dask_worker - INFO - End"
)
INTERFACE = (
    "Traceback (most recent call last):\nValueError: 'ib9' is not a valid network interface. Valid network interfaces "
    "are: ['lo', 'eth0']\n" + JOINED + LAST
)
# An exception that was dealt with, then the one that ended the process.
TWO = "Traceback (most recent call last):\nKeyError: 'a'\nretrying\nTraceback (most recent call last):\n" + (
    "OSError: [Errno 28] No space left on device: '/tmp/dask-scratch-space'\n" + JOINED + LAST
)
PYTHON = "/usr/bin/python3: No module named distributed\n"
SHELL = "/var/spool/slurmd/job00012/slurm_script: line 9: /sw/py/bin/python: No such file or directory\n"
MODULES = "Loading modules\nLmod has detected the following error: These module(s) exist but cannot be loaded: cuda\n"
TIME = "slurmstepd: error: *** JOB 12 ON n1 CANCELLED AT 2026-11-30T10:00:00 DUE TO TIME LIMIT ***\n"
KILLED = UNREACHABLE + "slurmstepd: error: Detected 1 oom_kill event in StepId=12.batch.\n"


@pytest.mark.parametrize(
    ("log", "cause", "remedy"),
    [
        pytest.param(CLOCK, "certificate is not yet valid", "clock of the node", id="clock"),
        pytest.param(UNREACHABLE, "Timed out starting worker", "[cluster] interface", id="unreachable"),
        pytest.param(INTERFACE, "'ib9' is not a valid network interface", "[cluster] interface", id="interface"),
        pytest.param(TWO, "No space left on device", "[cluster] local_directory", id="two tracebacks"),
        pytest.param(PYTHON, "No module named distributed", "[cluster] prologue", id="module"),
        pytest.param(SHELL, "No such file or directory", "", id="shell"),
        pytest.param(MODULES, "Lmod has detected the following error", "", id="modules"),
        pytest.param(TIME, "DUE TO TIME LIMIT", "", id="time"),
        pytest.param(KILLED, "oom_kill event", "[cluster] memory", id="memory"),
        pytest.param("starting\nfarewell\n\n", "farewell", "", id="no word for a failure"),
    ],
)
def test_the_cause_is_found_among_the_noise(log: str, cause: str, remedy: str):
    found = cause_in(log.splitlines())
    assert cause in found
    assert remedy in remedy_of(found)
    assert bool(remedy) == bool(remedy_of(found))


def test_an_empty_log_has_no_cause():
    assert cause_in([]) == cause_in(["", "  "]) == ""


def test_a_line_of_any_length_is_quoted_in_part():
    assert len(cause_in([f"ValueError: {'x' * 10_000}"])) == 300
