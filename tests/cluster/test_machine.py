"""What a machine is like, against what the operating system, Dask and numpy say."""

import time
from pathlib import Path

import numpy as np
import pytest
from dask import config as dask_config

from stdask.cluster.machine import PAUSED_AT, SGEMM, SGEMMS, matrix_product, own_folder, speed, task_memory
from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig


@pytest.mark.parametrize(("memory", "n_bytes"), [("2GiB", 2 * 2**30), ("500MB", 500e6), ("0", 0)])
def test_a_worker_takes_tasks_up_to_the_memory_at_which_dask_pauses_it(memory: str, n_bytes: float):
    import distributed  # noqa: F401 - sets Dask's defaults

    assert dask_config.get("distributed.worker.memory.pause") == PAUSED_AT
    assert task_memory(ClusterConfig(memory=memory)) == PAUSED_AT * n_bytes


def folder_of(_: int) -> str:
    return str(own_folder())


def test_the_folder_of_a_task_is_that_of_its_worker(client: Workers):
    folders = {info["local_directory"] for info in client.client.scheduler_info()["workers"].values()}
    found = client.client.submit(folder_of, 0, pure=False).result()
    assert found in folders
    assert Path(found).is_dir()


def test_the_product_that_speeds_are_compared_with_has_the_operations_it_claims():
    operations, work = matrix_product()
    n_rows, n_in, n_out = SGEMM
    products = work()
    assert operations == SGEMMS * 2 * n_rows * n_in * n_out  # a multiplication and an addition for each term
    assert len(products) == SGEMMS
    assert (products[0].shape, products[0].dtype) == ((n_rows, n_out), np.float32)
    # Sums of 512 products of standard normal numbers scatter by sqrt(512); 0.2 % is 2 sigma of 524,288 of them.
    assert products[0].std() == pytest.approx(np.sqrt(n_in), rel=0.01)


def test_a_speed_is_operations_over_seconds():
    # The pause takes 0.1 s and a little more, on a machine that is overloaded up to half a second.
    assert 1e6 / 0.6 < speed(1e6, lambda: time.sleep(0.1)) <= 1e6 / 0.1
