"""The prediction of a worker's memory; that it comes true is tested on a worker, in pipeline/test_bench_workers.py."""

from stdask.science.translation.memory import WORKER_BYTES, chunk_bytes, partition_peak


def test_a_partition_adds_its_rows_to_what_every_worker_needs():
    empty, one, many = (
        partition_peak(n, row_bytes=400, n_new=60, largest_chunk=10**7, weights=10**6) for n in (0, 1, 50_000)
    )
    assert empty == WORKER_BYTES + 10**7 + 2 * 10**6
    assert many - empty == 50_000 * (one - empty)
    assert one - empty > 400 + 60 * 8  # no less than the row itself, and its new columns in double precision


def test_a_chunk_of_few_labels_and_members_holds_more_draws():
    # the number of outputs is what is fixed: with one label and one member, each comes with inputs of its own
    assert chunk_bytes(500_000, 1, 1, 7) > chunk_bytes(500_000, 5, 4, 7) > 4 * 500_000
