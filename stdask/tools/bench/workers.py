"""Measure all workers of this machine compared with one alone, their memory, and the cost of a task."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from stdask.cluster.broadcast import broadcast, call_broadcast
from stdask.cluster.machine import available_cores
from stdask.cluster.performance import peak_bytes
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.display.console import progress_bar
from stdask.stages.translate.forecast import expected_peak
from stdask.stages.translate.tasks import TranslationJob, translate_partition
from stdask.tools.bench.speed import Case
from stdask.tools.bench.stars import PIXEL

SECONDS_TO_START = 300.0  # of all workers
N_TASKS = 2000  # that do nothing: some seconds


def measure_workers(case: Case, repeats: int) -> dict[str, Any]:
    """Let one worker translate a partition, then all of them one each, in turn.

    Parameters
    ----------
    case
        What they translate.
    repeats
        Turns; the median ratio counts.
    """
    n_workers = available_cores()
    ratios = []
    with (
        Workers(ClusterConfig(workers=n_workers)) as workers,
        progress_bar("bench workers", repeats) as bar,
        broadcast(workers.client, _translate_into, case.job) as digest,
    ):
        workers.client.wait_for_workers(n_workers, timeout=SECONDS_TO_START)
        addresses = list(workers.client.scheduler_info(n_workers=-1)["workers"])
        _seconds(workers, digest, case.job.target, addresses)  # compiles the engine
        for _ in range(repeats):
            alone = _seconds(workers, digest, case.job.target, addresses[:1])
            ratios.append(n_workers * alone / _seconds(workers, digest, case.job.target, addresses))
            bar.advance(1)
        peak = max(workers.client.run(peak_bytes).values())
    n_old = len(case.job.columns) - case.n_new
    predicted = expected_peak(case.job.families, case.job.columns, n_old, case.n_stars)
    return {
        "workers": n_workers,
        "speedup": float(np.median(ratios)),
        "peak_bytes": peak,
        "predicted_peak_bytes": predicted,
    }


def measure_tasks() -> float:
    """Return what Dask costs a task in milliseconds: tasks that do nothing, on as many workers as cores."""
    n_workers = available_cores()
    with Workers(ClusterConfig(workers=n_workers)) as workers:
        workers.client.wait_for_workers(n_workers, timeout=SECONDS_TO_START)
        start = time.perf_counter()
        for _ in each(workers, _do_nothing, range(N_TASKS), description="bench tasks"):
            pass
        return 1e3 * (time.perf_counter() - start) / N_TASKS


def _do_nothing(number: int) -> None:
    """Take a number, as a task takes its partition."""


def _translate_into(folder: Path, job: TranslationJob) -> None:
    translate_partition(PIXEL, replace(job, target=folder))


def _seconds(workers: Workers, digest: str, folder: Path, addresses: Sequence[str]) -> float:
    """Return how long the workers at some addresses take for one partition each."""
    start = time.perf_counter()
    futures = []
    for number, address in enumerate(addresses):
        own = folder / f"worker_{number}"
        futures.append(workers.client.submit(call_broadcast, digest, own, workers=[address], pure=False))
    workers.client.gather(futures)
    return time.perf_counter() - start
