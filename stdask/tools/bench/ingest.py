"""Measure how fast a survey file is ingested, compared with reading the file and with writing Parquet alone."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from stdask.cluster.performance import peak_memory
from stdask.cluster.workers import Workers
from stdask.config.run import Run, load_run
from stdask.config.survey import load_definition
from stdask.config.survey_files import MAIN
from stdask.display.console import say
from stdask.stages.ingest import stage as ingest
from stdask.storage import paths
from stdask.storage.files import write_text
from stdask.storage.tables import fill_parquet, read_parquet
from stdask.tools.bench.made_up_tables import write_tables, write_wide

BYTES_AT_ONCE = 1 << 24
RUN_FILE = """
seed = 7
output = "{folder}"
[surveys.a]
definition = "galah_dr3"
{files}
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
    run = _run_on(folder, 'file = "galah.fits"')
    path = run.survey_files("a")[MAIN].path
    write_wide(path, run.definition_a, n_rows)
    n_bytes = path.stat().st_size
    disk = n_bytes / _seconds_to_read(path)
    measured = _ingested(run, workers, n_rows) | {
        "file_bytes": n_bytes,
        "disk_bytes_per_s": disk,
        "parquet_rows_per_s": _parquet_rate(paths.catalogue(run.output, run.definition_a.name)),
    }
    measured["file_bytes_per_s"] = n_bytes / measured["seconds"]
    say(
        f"ingest of {n_rows:,} rows ({n_bytes / 1e9:.1f} GB): {measured['rows_per_s']:,.0f} rows/s, "
        f"{measured['file_bytes_per_s'] / 1e6:,.0f} MB/s of the file; reading it alone goes at {disk / 1e6:,.0f} MB/s, "
        f"writing the catalogue's Parquet alone at {measured['parquet_rows_per_s']:,.0f} rows/s a core"
    )
    _say_memory(measured)
    return measured


def measure_joined(n_rows: int, folder: Path, workers: Workers) -> dict[str, dict[str, float]]:
    """Ingest the tables of GALAH DR3, made up, and the same in one wide table; print how fast and in how much memory.

    Parameters
    ----------
    n_rows
        Rows of each table.
    folder
        Where the tables and the catalogues are written.
    workers
        Who ingest them.

    Returns
    -------
    measured
        Of the tables and of the wide one: rates, bytes, and the largest memory of the driver and of a worker so far.
    """
    definition = load_definition("galah_dr3")
    names = [MAIN, *(join.name for join in definition.join)]
    files = ", ".join(f'{name} = "galah_{name}.fits"' for name in names)
    several, wide = (
        _run_on(folder / "several", f"files = {{ {files} }}"),
        _run_on(folder / "wide", 'file = "galah.fits"'),
    )
    paths_of = {name: file.path for name, file in several.survey_files("a").items()}
    write_tables(paths_of, definition, n_rows)
    write_wide(wide.survey_files("a")[MAIN].path, definition, n_rows, joined=True)
    measured = {}
    for name, run in (("joined", several), ("wide", wide)):
        own = [file.path for file in run.survey_files("a").values()]
        measured[name] = _ingested(run, workers, n_rows) | {"file_bytes": sum(path.stat().st_size for path in own)}
        say(
            f"{name}: {len(own)} tables of {n_rows:,} rows ({measured[name]['file_bytes'] / 1e9:.1f} GB) in "
            f"{measured[name]['seconds']:.0f} s, {measured[name]['rows_per_s']:,.0f} rows/s"
        )
        _say_memory(measured[name])
    return measured


def _run_on(folder: Path, files: str) -> Run:
    folder.mkdir(exist_ok=True)
    write_text(folder / "run.toml", RUN_FILE.format(folder=folder / "out", files=files))
    return load_run(folder / "run.toml", folder)


def _ingested(run: Run, workers: Workers, n_rows: int) -> dict[str, float]:
    """Ingest the tables of a run; return how long it took and how much memory it needed."""
    workers.client.wait_for_workers(1)
    start = time.perf_counter()
    ingest.run(run, workers, "a")
    seconds = time.perf_counter() - start
    peaks = {f"{process}_peak_bytes": float(peak) for process, peak in peak_memory(workers).items()}
    return {"rows": n_rows, "seconds": seconds, "rows_per_s": n_rows / seconds, **peaks}


def _say_memory(measured: Mapping[str, float]) -> None:
    peaks = {name.removesuffix("_peak_bytes"): n for name, n in measured.items() if name.endswith("_peak_bytes")}
    say("most memory: " + ", ".join(f"{process} {peak / 1e6:,.0f} MB" for process, peak in peaks.items()))


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
