"""Estimate what the translation of a catalogue costs in time, memory and disk, before it starts."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from stdask.cluster.machine import PAUSED_AT, available_cores, task_memory
from stdask.config.cluster import ClusterConfig
from stdask.display.console import duration, say
from stdask.errors import ClusterError
from stdask.network.ensemble import CHUNK_VALUES, Draws, Family
from stdask.schema import Column
from stdask.science.translation.memory import chunk_bytes, partition_peak
from stdask.stages.translate.table import translate_table

SAMPLE_SECONDS = 2.0  # that the timed translation takes, about
SAMPLE_STARS = 5000  # enough for that time
FIRST_STARS = 20
STRING_BYTES = 24  # offset and some words
DISK_SHARE = 0.8  # of the bytes in memory: digits of floats do not compress


@dataclass(frozen=True)
class Workload:
    """The stars that are to be translated, and how they are cut into tasks."""

    n_stars: int
    largest: int  # stars of the largest partition
    most_rows: int  # of a task: a larger partition is translated in row ranges


@dataclass(frozen=True)
class Forecast:
    """The cost of a translation."""

    n_stars: int
    stars_per_second: float  # of one core
    peak_bytes: int  # of one worker, on the largest partition
    disk_bytes: int

    @property
    def core_hours(self) -> float:
        """Time of one core."""
        return self.n_stars / self.stars_per_second / 3600


def forecast(
    families: Sequence[Family], draws: Draws, sample: pa.Table, columns: Sequence[Column], load: Workload
) -> Forecast:
    """Time the translation of some stars in this process, and estimate the cost of all of them.

    Parameters
    ----------
    families, draws
        What translates them.
    sample
        Stars like those of the catalogue.
    columns
        Of the translated catalogue.
    load
        Stars of the catalogue.
    """
    return Forecast(
        load.n_stars,
        _stars_per_second(families, draws, sample),
        expected_peak(families, columns, len(sample.column_names), load.largest, load.most_rows),
        int(DISK_SHARE * load.n_stars * _row_bytes(columns)),
    )


def expected_peak(
    families: Sequence[Family], columns: Sequence[Column], n_old: int, n_stars: int, most_rows: int | None = None
) -> int:
    """Return the memory of a worker that translates a partition, or a part of it and joins the parts, in bytes.

    Parameters
    ----------
    families
        What translates it.
    columns, n_old
        Of the translated partition, and how many of them it had before.
    n_stars
        In the partition.
    most_rows
        That are translated in one task; None for all.
    """
    chunk = max(chunk_bytes(CHUNK_VALUES, f.plan.n_members, len(f.labels), len(f.inputs)) for f in families)
    weights = sum(array.nbytes for family in families for array in family.plan.arrays.values())
    row_bytes, n_new = _row_bytes(columns), len(columns) - n_old
    translating = partition_peak(min(n_stars, most_rows or n_stars), row_bytes, n_new, chunk, weights)
    joining = partition_peak(n_stars, row_bytes, 0, 0, weights)
    return max(translating, joining)


def _row_bytes(columns: Sequence[Column]) -> int:
    return sum(STRING_BYTES if c.dtype == "string" else np.dtype(c.dtype).itemsize for c in columns)


def say_forecast(cost: Forecast, cluster: ClusterConfig) -> None:
    """Print a forecast, with the time on the clock where the number of workers is known."""
    n_workers = cluster.workers or (available_cores() if cluster.kind == "local" else None)
    on_clock = f", {duration(3600 * cost.core_hours / n_workers)} on {n_workers} workers" if n_workers else ""
    say(
        f"  {cost.n_stars:,} stars at {cost.stars_per_second:,.0f} a second and core: "
        f"{duration(3600 * cost.core_hours)} of one core like this one{on_clock}; "
        f"{cost.peak_bytes / 1e9:.2f} GB of memory a worker, {cost.disk_bytes / 1e9:.2g} GB on disk",
        "dim",
    )


def require_memory(cost: Forecast, cluster: ClusterConfig) -> None:
    """Raise if a worker of the cluster would have too little memory.

    Raises
    ------
    ClusterError
        With the memory that the largest partition needs.
    """
    if cluster.kind == "address":
        return  # the memory of workers that somebody else started is not known
    limit = task_memory(cluster)
    if limit and cost.peak_bytes > limit:  # "0" is no limit
        raise ClusterError(
            f"The largest partition needs {cost.peak_bytes / 1e9:.2f} GB on a worker, which takes tasks up to "
            f"{limit / 1e9:.2f} GB ({100 * PAUSED_AT:.0f} % of [cluster] memory = {cluster.memory!r}). "
            "Raise that, or lower [ingest] rows_per_partition and ingest again."
        )


def _stars_per_second(families: Sequence[Family], draws: Draws, sample: pa.Table) -> float:
    """Translate more and more stars until their translation is long enough to be timed."""
    draws = replace(draws, engine="cpu")
    with threadpool_limits(1):  # as on a worker
        translate_table(sample.slice(0, 1), families, draws)  # compiles the engine
        n = min(FIRST_STARS, sample.num_rows)
        while True:
            start = time.perf_counter()
            translate_table(sample.slice(0, n), families, draws)
            seconds = time.perf_counter() - start
            if seconds > SAMPLE_SECONDS / 3 or n == sample.num_rows:
                return n / seconds
            n = min(sample.num_rows, int(n * max(2.0, min(100.0, SAMPLE_SECONDS / seconds))))
