"""Why a process ended: the line of its log that says it, and what to do about the causes that are known."""

import re
from collections.abc import Sequence

LENGTH = 300  # characters of a line that is quoted
# The last line of a traceback, and the words with which Python joins a traceback to that of its cause.
RAISED = re.compile(r"^(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|Interrupt|Killed\w*|TimeExpired)\b(?::.*)?$")
JOINED = re.compile(r"direct cause of the following exception|During handling of the above exception")
# What shells, batch systems and Python itself say, from the surest word to the vaguest.
SAID = (
    re.compile(r"certificate|out of memory|oom.?kill|\bno module named\b|invalid value", re.IGNORECASE),
    re.compile(r"not found|no such file|permission denied|no space|quota|cannot|unable|failed|killed", re.IGNORECASE),
    re.compile(r"\berror\b|\btimed? ?out\b|time limit|\bcancelled\b", re.IGNORECASE),
)
REMEDIES = (
    (
        re.compile(r"not yet valid|certificate has expired", re.IGNORECASE),
        "The clock of the node is wrong: ask the administrators to synchronise it, or leave the node out with "
        "[cluster] directives of a profile.",
    ),
    (
        re.compile(r"No module named|command not found|python\S*: not found", re.IGNORECASE),
        "The node does not see the environment of stdask: install it on a disk that all nodes share, or load it in "
        "[cluster] prologue of a profile.",
    ),
    (
        re.compile(r"not a valid network interface|doesn't have an IPv4 address", re.IGNORECASE),
        "Set [cluster] interface to one that the nodes have.",
    ),
    (
        re.compile(r"Timed out starting worker|Timed out trying to connect|No route to host|Connection refused"),
        "The node does not reach this machine: set [cluster] interface to the network between them.",
    ),
    (
        re.compile(r"out of memory|oom.?kill|MemoryError", re.IGNORECASE),
        "Increase [cluster] memory.",
    ),
    (
        re.compile(r"No space left|Disk quota", re.IGNORECASE),
        "Set [cluster] local_directory to a disk of the node that has room.",
    ),
)


def cause_in(lines: Sequence[str]) -> str:
    """Return the line of a log that says why its process ended; empty if there is none.

    Of joined tracebacks the first is the cause, and the last chain is the end of the process. Where no exception is
    named, it is the last line with a word for a failure, and otherwise the last line.
    """
    lines = [line.strip() if JOINED.search(line) else line.rstrip() for line in lines if line.strip()]
    cause = _first_of_the_last_chain(lines)
    said = next((found for words in SAID if (found := _last(lines, words))), "")
    if SAID[0].search(said) and not SAID[0].search(cause):  # surer than an exception
        cause = said
    return (cause or said or (lines[-1] if lines else "")).strip()[:LENGTH]


def remedy_of(cause: str) -> str:
    """Return what to do about a cause; empty if that is not known."""
    return next((remedy for words, remedy in REMEDIES if words.search(cause)), "")


def _first_of_the_last_chain(lines: Sequence[str]) -> str:
    cause, joined = "", False
    for line in lines:
        if JOINED.search(line):
            joined = bool(cause)
        elif RAISED.match(line):
            cause, joined = (cause if joined else line), False
    return cause


def _last(lines: Sequence[str], words: re.Pattern[str]) -> str:
    return next((line for line in reversed(lines) if words.search(line)), "")
