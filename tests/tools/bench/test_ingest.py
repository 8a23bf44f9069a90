"""The bench of ingest, on a table too small to be measured: the table is GALAH's, every row is accounted for."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from stdask.cluster.workers import Workers
from stdask.config.survey import load_definition
from stdask.science.measurements.expressions import columns_of
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.tools.bench.ingest import measure_ingest, measure_joined
from stdask.tools.bench.made_up_tables import REPEAT_EVERY, ROW_BYTES, ROWS_AT_ONCE

N_ROWS = ROWS_AT_ONCE + 60  # made up in two parts


def test_the_bench_ingests_what_it_has_made_up(client: Workers, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    measured = measure_ingest(N_ROWS, tmp_path, client)
    stars = fits.getdata(tmp_path / "galah.fits")
    assert stars.dtype.itemsize == ROW_BYTES
    definition = load_definition("galah_dr3")
    columns = [definition.in_one_table(own) for text in definition.source_columns for own in columns_of(text)]
    assert set(columns) < set(stars.names)
    assert np.array_equal(stars["sobject_id"], 1 + np.arange(N_ROWS))
    catalogue = tmp_path / "out" / "catalogues" / "galah_dr3"
    n_repeats = pq.read_metadata(catalogue / "rejected.parquet").num_rows
    assert n_repeats == N_ROWS / REPEAT_EVERY
    n_out = sum(pq.read_metadata(path).num_rows for path in catalogue.rglob("Npix=*.parquet"))
    assert n_out == N_ROWS - n_repeats
    assert measured["rows"] == N_ROWS
    assert measured["file_bytes"] >= N_ROWS * ROW_BYTES
    assert measured["rows_per_s"] == pytest.approx(N_ROWS / measured["seconds"])
    assert all(measured[name] > 0 for name in ("disk_bytes_per_s", "parquet_rows_per_s", "driver_peak_bytes"))
    assert f"ingest of {N_ROWS:,} rows" in capsys.readouterr().out


def test_joined_tables_give_the_catalogue_of_the_wide_one(
    client: Workers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    measured = measure_joined(N_ROWS, tmp_path, client)
    assert {name: own["rows"] for name, own in measured.items()} == {"joined": N_ROWS, "wide": N_ROWS}
    several, wide = (open_catalogue(tmp_path / n / "out" / "catalogues" / "galah_dr3") for n in ("several", "wide"))
    assert several.pixels == wide.pixels
    for one, other in zip(several.partitions(), wide.partitions(), strict=True):
        pd.testing.assert_frame_equal(one.to_pandas(), other.to_pandas())
    by_spectrum = [join for join in load_definition("galah_dr3").join if join.on == "sobject_id"]
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.count(f"{N_ROWS // 20:,} of its {N_ROWS:,} rows belong to no star") == len(by_spectrum)
