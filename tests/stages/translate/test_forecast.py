"""The cost of a translation, estimated before it starts."""

from pathlib import Path

import pytest

from stdask import schema
from stdask.config.cluster import ClusterConfig
from stdask.errors import ClusterError
from stdask.runs.ensemble import draws_of
from stdask.stages.translate.forecast import Forecast, Workload, expected_peak, forecast, require_memory, say_forecast
from stdask.stages.translate.table import new_columns
from stdask.stages.translate.tasks import TranslationJob, translate_partition
from stdask.storage import paths
from stdask.storage.catalogue.hats import write_partition
from stdask.storage.tables import read_parquet, to_column
from stdask.tools.bench.stars import PIXEL, MadeUpSurvey
from tests.tools.bench.bench_runs import make_demo_run

COST = Forecast(n_stars=36_000_000, stars_per_second=1000, peak_bytes=900_000_000, disk_bytes=10**10)


def test_time_is_stars_over_speed():
    assert COST.core_hours == pytest.approx(10)


@pytest.mark.parametrize(("workers", "said"), [(None, "10.0 h of one core"), (20, "30 min on 20 workers")])
def test_the_forecast_is_told_in_words(workers: int | None, said: str, capsys: pytest.CaptureFixture):
    say_forecast(COST, ClusterConfig(kind="slurm", workers=workers))
    text = capsys.readouterr().out
    assert said in text
    assert "0.90 GB of memory a worker, 10 GB on disk" in text
    assert ("workers" in text) == (workers is not None)  # else nobody knows


def test_workers_too_small_for_the_largest_partition_are_refused_with_what_to_do():
    require_memory(COST, ClusterConfig(memory="1200MB"))
    with pytest.raises(ClusterError, match=r"needs 0\.90 GB.*rows_per_partition"):
        require_memory(COST, ClusterConfig(memory="1GB"))  # Dask stops giving it tasks at 80 %
    require_memory(COST, ClusterConfig(memory="0"))  # no limit
    require_memory(COST, ClusterConfig(kind="address", address="tcp://a:1", memory="1GB"))  # not ours


def test_the_estimated_disk_space_is_that_of_the_translation(tmp_path: Path):
    run = make_demo_run(tmp_path, "[translate]\nn_draws = 8\n")
    families, table = MadeUpSurvey.of(run).families(), MadeUpSurvey.of(run).table(3000)
    write_partition(tmp_path / "source", PIXEL, table, {})
    table = read_parquet(paths.partition(tmp_path / "source", PIXEL))
    columns = (*map(to_column, table.schema), *new_columns(families, run.definition_b.units))
    draws = draws_of(run.config)
    cost = forecast(families, draws, table, columns, Workload(n_stars=3000, largest=3000, most_rows=3000))
    assert cost.stars_per_second > 0
    job = TranslationJob(tmp_path / "source", tmp_path / "out", families, "x", draws, columns)
    record = translate_partition(PIXEL, job)
    # random columns do not compress at all; real ones, of few digits or often missing, to some half
    assert record.bytes == pytest.approx(cost.disk_bytes, rel=0.35)


def test_a_partition_in_row_ranges_takes_the_memory_of_the_largest_range_or_of_joining_them(tmp_path: Path):
    run = make_demo_run(tmp_path)
    families = MadeUpSurvey.of(run).families()
    old = (schema.HEALPIX, *run.definition_a.catalogue_columns)
    columns = (*old, *new_columns(families, run.definition_b.units))
    whole, parts, small = (expected_peak(families, columns, len(old), 50_000, most) for most in (None, 10_000, 1_000))
    assert expected_peak(families, columns, len(old), 50_000, 60_000) == whole
    assert small <= parts < whole
    assert small > expected_peak(families, columns, len(old), 1_000)  # whole partitions are joined
