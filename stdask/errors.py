"""Every error a user can cause or meet.

StdaskError                exit code 2: says what, where, what to do
├── BusyError              a run folder that another live run uses
├── ConfigError            run.toml or the command line
├── SurveyError            a survey definition, or a survey file that does not fit it
├── ExpressionError        an expression of columns, as in --where
├── CatalogueError         a catalogue, pair table or product on disk
├── PairingError           the surveys share too few stars
├── EnsembleError          an ensemble that does not fit the catalogue or is damaged
├── StorageError           a disk that is full or may not be written
├── RemoteError            a file on another machine that cannot be read at the moment
├── ClusterError           workers that cannot be had
└── IncompleteError        exit code 3: some partitions failed, the others are done
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FailedTask:
    """A task that failed on every try, as it stands in the list of failures of a stage."""

    task: str
    rows: int
    tries: int
    error: str  # of the last try


class StdaskError(Exception):
    """An error with a remedy: shown as one line, without a traceback."""

    def __str__(self) -> str:
        """Return the message, preceded by where it happened (the notes added on the way up)."""
        return ": ".join([*reversed(getattr(self, "__notes__", [])), super().__str__()])


class BusyError(StdaskError):
    """Another live run uses the run folder."""


class ConfigError(StdaskError):
    """The run file or the command line asks for something that does not exist or cannot be."""


class SurveyError(StdaskError):
    """A survey file does not fit its definition, or the definition is not valid."""


class ExpressionError(StdaskError):
    """An expression of columns cannot be read, or does not fit the columns."""


class CatalogueError(StdaskError):
    """A catalogue, pair table or product on disk is missing, damaged or of the wrong kind."""


class PairingError(StdaskError):
    """The two surveys share too few usable stars."""


class EnsembleError(StdaskError):
    """An ensemble is damaged, or was trained for other inputs."""


class StorageError(StdaskError):
    """A disk is full, or may not be written to."""


class RemoteError(StdaskError):
    """A file on another machine cannot be read at the moment: a later try may succeed."""


class ClusterError(StdaskError):
    """The workers of `[cluster]` could not be started or reached."""


class IncompleteError(StdaskError):
    """Some tasks of a stage failed on every try. The others are done, and the next run repeats only the failed ones.

    Parameters
    ----------
    message
        The error in words.
    failed
        The tasks that failed.
    """

    def __init__(self, message: str, failed: Sequence[FailedTask] = ()) -> None:
        super().__init__(message)
        self.failed = failed
