"""Measure how fast a survey file is ingested, compared with reading the file and with writing Parquet alone."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from astropy.io import fits

from stdask.cluster.performance import peak_memory
from stdask.cluster.workers import Workers
from stdask.config.run import load_run
from stdask.config.survey import SurveyDefinition
from stdask.config.survey_files import MAIN
from stdask.display.console import progress_bar, say
from stdask.science.keys.seeds import generator
from stdask.stages.ingest import stage as ingest
from stdask.storage import paths
from stdask.storage.files import write_text
from stdask.storage.tables import fill_parquet, read_parquet

ROW_BYTES = 800  # about a row of GALAH DR3's main table with its abundances
ROWS_AT_ONCE = 20_000  # made up
BYTES_AT_ONCE = 1 << 24
REPEAT_EVERY = 20  # rows: a second spectrum of the star before
RUN_FILE = """
seed = 7
output = "{folder}"
[surveys.a]
definition = "galah_dr3"
file = "galah.fits"
[surveys.b]
definition = "apogee_dr17"
file = "not read"
[pair]
match = {{ by = "id", column = "SOURCE_ID" }}
[[train.intrinsic]]
label = "FE_H"
from = "FE_H"
"""


def measure_ingest(n_rows: int, folder: Path, workers: Workers) -> dict[str, float]:
    """Make up a FITS table in the layout of GALAH DR3, ingest it, and print how fast and in how much memory.

    Parameters
    ----------
    n_rows
        Stars; the table has 800 bytes for each.
    folder
        Where the table and the catalogue are written; about 1 kB a row.
    workers
        Who ingest it.

    Returns
    -------
    measured
        Rates of rows and bytes, and the largest memory of the driver and of a worker.
    """
    write_text(folder / "run.toml", RUN_FILE.format(folder=folder / "out"))
    run = load_run(folder / "run.toml", folder)
    path = run.survey_files("a")[MAIN].path
    _write_table(path, run.definition_a, n_rows)
    n_bytes = path.stat().st_size
    disk = n_bytes / _seconds_to_read(path)
    workers.client.wait_for_workers(1)
    start = time.perf_counter()
    ingest.run(run, workers, "a")
    seconds = time.perf_counter() - start
    peaks = peak_memory(workers)
    measured = {
        "rows": n_rows,
        "file_bytes": n_bytes,
        "seconds": seconds,
        "rows_per_s": n_rows / seconds,
        "file_bytes_per_s": n_bytes / seconds,
        "disk_bytes_per_s": disk,
        "parquet_rows_per_s": _parquet_rate(paths.catalogue(run.output, run.definition_a.name)),
        **{f"{process}_peak_bytes": peak for process, peak in peaks.items()},
    }
    say(
        f"ingest of {n_rows:,} rows ({n_bytes / 1e9:.1f} GB): {measured['rows_per_s']:,.0f} rows/s, "
        f"{measured['file_bytes_per_s'] / 1e6:,.0f} MB/s of the file; reading it alone goes at {disk / 1e6:,.0f} MB/s, "
        f"writing the catalogue's Parquet alone at {measured['parquet_rows_per_s']:,.0f} rows/s a core"
    )
    say("most memory: " + ", ".join(f"{process} {peak / 1e6:,.0f} MB" for process, peak in peaks.items()))
    return measured


def _write_table(path: Path, definition: SurveyDefinition, n_rows: int) -> None:
    """Write a FITS table of made-up stars, some at a time."""
    dtype = _row_type(definition)
    header = fits.BinTableHDU(np.zeros(0, dtype)).header
    header["NAXIS2"] = n_rows
    stream = fits.StreamingHDU(str(path), header)
    with progress_bar("make up", n_rows, unit="rows") as bar:
        for stars in _stars(dtype, definition, n_rows):
            stream.write(stars.view(np.uint8))
            bar.advance(stars.size)
    stream.close()


def _row_type(definition: SurveyDefinition) -> np.dtype:
    """Return a record of the columns that the definition reads, and what else a row of GALAH's is long."""
    ids = {definition.id, definition.gaia_id}
    whole = {term.column for term in definition.cuts if term.op == "="}
    whole |= {term.column for label in definition.labels.values() for term in label.good}
    double = {definition.position.ra, definition.position.dec}
    kinds = [
        (name, ">i8" if name in ids else ">i2" if name in whole else ">f8" if name in double else ">f4")
        for name in definition.source_columns
    ]
    return np.dtype([*kinds, ("other", f"S{ROW_BYTES - np.dtype(kinds).itemsize}")])


def _stars(dtype: np.dtype, definition: SurveyDefinition, n_rows: int) -> Iterator[np.ndarray]:
    """Yield made-up records: no two stars have a value in common but those that are one star."""
    rng = generator(0, "made-up survey")
    columns = {label.column: label.valid or (0.0, 1.0) for label in definition.labels.values()}
    for first in range(0, n_rows, ROWS_AT_ONCE):
        numbers = np.arange(first, min(first + ROWS_AT_ONCE, n_rows))
        stars = np.zeros(numbers.size, dtype)
        for name in dtype.names or ():
            if dtype[name].kind == "f":
                low, high = columns.get(name, (1.0, 40.0))
                stars[name] = rng.uniform(low, high, numbers.size)
        stars[definition.position.ra] = rng.uniform(0, 360, numbers.size)
        stars[definition.position.dec] = np.degrees(np.arcsin(rng.uniform(-1, 1, numbers.size)))
        stars[definition.id] = numbers
        stars[definition.gaia_id] = 1 + numbers - (numbers % REPEAT_EVERY == 1)
        yield stars


def _seconds_to_read(path: Path) -> float:
    """Return how long the disk takes for a file, not the memory that the system keeps of it."""
    with path.open("rb", buffering=0) as file:
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):  # not on macOS
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        start = time.perf_counter()
        while file.read(BYTES_AT_ONCE):
            pass
        return time.perf_counter() - start


def _parquet_rate(folder: Path) -> float:
    """Return how many rows a second one core writes of the catalogue that was made."""
    table = read_parquet(next(iter(sorted(folder.rglob("Npix=*.parquet")))))
    start = time.perf_counter()
    fill_parquet(folder.parent / "alone.parquet", table)
    return table.num_rows / (time.perf_counter() - start)
