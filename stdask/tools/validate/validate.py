"""Validate: hard questions to a trained run. What does it do with missing, wrong, repeated and unknown stars?"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from astropy.table import Table

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.display.console import say
from stdask.display.tables import print_table
from stdask.errors import ConfigError
from stdask.runs.stage import digest_of
from stdask.storage import paths
from stdask.storage.documents import write_ecsv
from stdask.tools.validate import clusters as validate_clusters
from stdask.tools.validate import domain as validate_domain
from stdask.tools.validate import draws as validate_draws
from stdask.tools.validate import missing as validate_missing
from stdask.tools.validate import repeats as validate_repeats
from stdask.tools.validate import roundtrip as validate_roundtrip
from stdask.tools.validate import velocities as validate_velocities
from stdask.tools.validate.stars import Rows, Validation, open_validation


class Check(NamedTuple):
    """One question: what answers it, and what one should see."""

    answer: Callable[[Validation], dict[str, Rows]]  # name of a table -> its rows
    expected: str


SECTIONS = ("cluster", "label", "family")  # what the lines of a printed table are grouped by, the first it has
CHECKS = {
    "missing": Check(
        validate_missing.check,
        "An input is deleted from every test star. Drawn, the ranges of the draws widen and the calibrated errors "
        "cover; set to the training mean, as published, the ranges stay narrow and the errors cover too seldom.",
    ),
    "domain": Check(
        validate_domain.check,
        "Shifted inputs should be caught far more often than untouched stars; residuals should grow with the index.",
    ),
    "velocities": Check(
        validate_velocities.check,
        "Translated velocities should scatter no more than raw ones (to_raw <= 1) and lose the offset.",
    ),
    "clusters": Check(
        validate_clusters.check,
        "Networks that have seen no member: translated means should lie nearer to B (shift in sigma) than raw ones.",
    ),
    "roundtrip": Check(
        validate_roundtrip.check,
        "A to B to A differs from A by the noise that A to B removes: no more than the stated error of A.",
    ),
    "repeats": Check(
        validate_repeats.check,
        "Two visits to a star: translated ones should scatter no more than raw ones; pull 1 if A's errors are right.",
    ),
    "draws": Check(
        validate_draws.check,
        "Errors of the percentiles in units of half the 16-84 % range: the run's own draws should be no worse than "
        "100 pseudo-random ones, the published number.",
    ),
}


def run(
    run: Run, workers: Workers, truth: Path | None = None, members: Path | None = None, only: Sequence[str] = ()
) -> None:
    """Ask all questions, or some, of the test stars of a run; print the tables and write them.

    Parameters
    ----------
    run, workers
        A run that is trained, and its workers.
    truth
        Of a mock survey A: a Parquet table with `ID_A` and a column for each label of B; None for real data.
    members
        Table of the members of clusters: `cluster`, and `ID_A` or `ra` and `dec`.
    only
        Names of checks; all if empty.

    Raises
    ------
    ConfigError
        If there is no check of a name.
    CatalogueError
        If the run is not trained.
    """
    for name in only:
        if name not in CHECKS:
            raise ConfigError(f"No check {name!r}. There are {', '.join(CHECKS)}.")
    digest_of(run, "train")
    validation = open_validation(run, workers, truth, members)
    for name, check in CHECKS.items():
        if only and name not in only:
            continue
        say(f"validate {name}", "bold")
        say(f"  {check.expected}", "dim")
        for table, rows in check.answer(validation).items():
            if rows:
                path = paths.validation(run.output) / f"{table}.ecsv"
                write_ecsv(path, Table(rows=rows))
                section = next(column for column in SECTIONS if column in rows[0])
                print_table(f"{table}: {path}", rows, section)
