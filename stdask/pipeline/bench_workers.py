"""Bench: what all workers of this machine do together, beside one alone, and the memory that one takes."""

import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stdask.config import ClusterConfig
from stdask.pipeline.bench_speed import Case
from stdask.pipeline.bench_stars import PIXEL
from stdask.pipeline.cluster import Workers, available_cores
from stdask.pipeline.console import progress_bar
from stdask.pipeline.forecast import expected_peak
from stdask.pipeline.settings import draws_of
from stdask.pipeline.translate import EnsemblePlugin, translate_partition
from stdask.pipeline.translate_table import new_columns

DIGEST = "bench"


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
    with Workers(ClusterConfig(workers=n_workers)) as workers, progress_bar("bench workers", repeats) as bar:
        workers.client.register_plugin(EnsemblePlugin(case.families, DIGEST))
        workers.client.wait_for_workers(n_workers)
        addresses = list(workers.client.scheduler_info(n_workers=-1)["workers"])
        _seconds(workers, case, addresses)  # compiles the engine
        for _ in range(repeats):
            alone = _seconds(workers, case, addresses[:1])
            ratios.append(n_workers * alone / _seconds(workers, case, addresses))
            bar.advance(1)
        peak = max(workers.client.run(peak_bytes).values())
    n_old = len(case.columns) - len(new_columns(case.families, case.run))
    predicted = expected_peak(case.families, case.columns, n_old, case.n_stars)
    return {
        "workers": n_workers,
        "speedup": float(np.median(ratios)),
        "peak_bytes": peak,
        "predicted_peak_bytes": predicted,
    }


def _seconds(workers: Workers, case: Case, addresses: Sequence[str]) -> float:
    """Return how long the workers at some addresses take for one partition each."""
    start = time.perf_counter()
    futures = []
    for number, address in enumerate(addresses):
        folder = case.folder / f"worker_{number}"
        task = (PIXEL, case.source, folder, DIGEST, draws_of(case.run), case.columns)
        futures.append(workers.client.submit(translate_partition, *task, workers=[address], pure=False))
    workers.client.gather(futures)
    return time.perf_counter() - start


def peak_bytes() -> int:
    """Return the largest memory this process has had; what rusage says on Linux includes that of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
