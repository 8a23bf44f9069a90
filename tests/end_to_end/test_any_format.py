"""The real surveys in every format that stdask reads: the same catalogue, bit for bit in float32."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from stdask.cluster.workers import Workers
from stdask.config.run import load_run
from stdask.stages.ingest import stage as ingest
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from tests.disturbed import ROOT

JOBS = ("lamost_to_apogee", "apogee_dr14_to_dr16", "lamost_kepler_to_apogee")
WRITTEN_AS = {"fits": "fits", "csv": "ascii.csv", "ecsv": "ascii.ecsv", "vot": "votable"}  # by astropy
FORMATS = ("parquet", *WRITTEN_AS)


def read(path: Path) -> Table:
    """Return a survey file as astropy (FITS) or pyarrow reads it: no code of stdask."""
    if path.suffix == ".fits":
        table = Table.read(path)
        table.convert_bytestring_to_unicode()
        return table
    columns = pq.read_table(path)
    return Table({name: columns[name].to_numpy(zero_copy_only=False) for name in columns.column_names})


def write(table: Table, path: Path) -> None:
    """Write a table in the format that the name says; text as each format holds it."""
    table = table.copy()
    for name in table.colnames:
        if table[name].dtype.kind == "O":
            table[name] = np.array(["" if text is None else text for text in table[name]])
    if path.suffix == ".parquet":
        table.write(path, format="parquet")
    else:
        table.write(path, format=WRITTEN_AS[path.suffix[1:]])


def partitions(catalogue: Path) -> dict[str, Path]:
    return {str(path.relative_to(catalogue)): path for path in sorted(catalogue.rglob("Npix=*.parquet"))}


def bits(column: pa.ChunkedArray) -> tuple[list[bool], bytes | list]:
    """Return where a column is null, and its values, those that are not exact in 32 bits rounded to them."""
    null = column.is_null().to_pylist()
    if not pa.types.is_floating(column.type):
        return null, column.to_pylist()
    return null, column.to_numpy().astype(np.float32).tobytes()


def same_values(first: Path, second: Path) -> bool:
    one, other = pq.read_table(first), pq.read_table(second)
    return one.column_names == other.column_names and all(
        bits(one[name]) == bits(other[name]) for name in one.column_names
    )


@pytest.mark.slow
@pytest.mark.parametrize("side", ["a", "b"])
@pytest.mark.parametrize("job", JOBS)
def test_a_real_survey_is_the_same_catalogue_from_every_format(
    job: str, side: str, data_dir: Path, client: Workers, tmp_path: Path
):
    text = (ROOT / "jobs" / f"{job}.toml").read_text()
    own = load_run(ROOT / "jobs" / f"{job}.toml", data_dir).survey_files(side)["main"].path
    made = {}
    for suffix in FORMATS:
        file = tmp_path / f"{own.stem}.{suffix}"
        write(read(own), file)
        run_file = tmp_path / f"{suffix}.toml"
        run_file.write_text(text.replace(f'"{own.name}"', f'"{file.name}"'))
        run = load_run(run_file, tmp_path, tmp_path / suffix)
        ingest.run(run, client, side)
        made[suffix] = paths.catalogue(run.output, run.definition(side).name)
    n_rows = {suffix: open_catalogue(folder).n_rows for suffix, folder in made.items()}
    print(job, side, n_rows)
    assert n_rows == dict.fromkeys(FORMATS, len(read(own)))
    expected = partitions(made["parquet"])
    for suffix, folder in made.items():
        files = partitions(folder)
        assert list(files) == list(expected), suffix
        for name, file in files.items():
            # CSV says neither the unit nor the width of a column that is kept as it is
            same = (
                same_values(file, expected[name])
                if suffix == "csv"
                else file.read_bytes() == expected[name].read_bytes()
            )
            assert same, f"{suffix}: {name}"
