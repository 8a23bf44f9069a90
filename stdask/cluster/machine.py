"""What a machine is like: its cores, the memory of its workers, and how fast a core multiplies matrices."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from dask.utils import parse_bytes
from distributed import get_worker

from stdask.config.cluster import ClusterConfig
from stdask.science.keys.seeds import generator

PAUSED_AT = 0.8  # Share of its memory above which Dask gives a worker no further task.
SGEMM = (1024, 512, 512)  # rows, inputs, outputs
SGEMMS = 10  # products in a timing
SGEMM_REPEATS = 5

Work = tuple[float, Callable[[], Any]]  # number of operations, and the function that does them


def available_cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def own_folder() -> Path:
    """Return the folder that belongs to the worker of this task, on the disk of its node."""
    return Path(get_worker().local_directory)


def task_memory(config: ClusterConfig) -> float:
    """Return the memory up to which a worker takes tasks, in bytes; 0 for no limit."""
    return PAUSED_AT * parse_bytes(config.memory)


def sgemm_flops() -> float:
    """Return how fast this process multiplies matrices of single precision, in operations per second."""
    product = matrix_product()
    return float(np.median([speed(*product) for _ in range(SGEMM_REPEATS)]))


def matrix_product() -> Work:
    """Return the matrix product with which speeds are compared."""
    n_rows, n_in, n_out = SGEMM
    rng = generator(0, "matrix product")
    a, b = (rng.normal(size=shape).astype(np.float32) for shape in ((n_rows, n_in), (n_in, n_out)))
    out = np.empty((n_rows, n_out), np.float32)
    return SGEMMS * 2.0 * n_rows * n_in * n_out, lambda: [np.matmul(a, b, out=out) for _ in range(SGEMMS)]


def speed(operations: float, work: Callable[[], Any]) -> float:
    """Return the operations per second of some work."""
    start = time.perf_counter()
    work()
    return operations / (time.perf_counter() - start)
