"""Write a catalogue to one file; the ending of its name decides the format."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stdask.errors import ConfigError
from stdask.science.measurements.expressions import Expression
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.export.cds import write_cds
from stdask.storage.export.csv import write_csv
from stdask.storage.export.ecsv import write_ecsv_table
from stdask.storage.export.excerpt import Excerpt, select
from stdask.storage.export.fits import write_fits
from stdask.storage.export.parquet import write_parquet_table
from stdask.storage.export.votable import write_votable

FORMATS: dict[str, Callable[[Path, Excerpt], None]] = {
    ".fits": write_fits,
    ".fits.gz": write_fits,
    ".parquet": write_parquet_table,
    ".vot": write_votable,
    ".ecsv": write_ecsv_table,
    ".csv": write_csv,
}


def write_export(
    path: Path,
    catalogue: Catalogue,
    columns: Sequence[str] | None = None,
    where: Expression | None = None,
    provenance: Mapping[str, str] | None = None,
) -> int:
    """Write rows and columns of a catalogue to one file, in the order of its partitions.

    Parameters
    ----------
    path
        File to write, atomically; its ending is one of `FORMATS`.
    catalogue
        The catalogue.
    columns
        Names of its columns, in the order wanted; all by default.
    where
        Condition that rows must fulfil; all rows by default.
    provenance
        Where the catalogue comes from, by names such as "title", "reference" and "stage_key". FITS keywords are their
        first eight letters.

    Returns
    -------
    n_rows
        Number of rows written.

    Raises
    ------
    ConfigError
        If the ending is none of `FORMATS`, or a column is named twice.
    CatalogueError
        If the catalogue lacks a column, or a value has no place in the format.
    ExpressionError
        If the condition does not fit the columns, or no row fulfils it.
    """
    write = FORMATS[ending(path)]
    excerpt = select(catalogue, columns, where, provenance or {})
    write(path, excerpt)
    return excerpt.n_rows


def write_cds_export(
    path: Path,
    catalogue: Catalogue,
    columns: Sequence[str] | None = None,
    where: Expression | None = None,
    provenance: Mapping[str, str] | None = None,
) -> int:
    """Write rows and columns of a catalogue as the CDS takes them: a table of fixed width, and the file `ReadMe`.

    Parameters
    ----------
    path
        File of the table, which ends in ".dat"; `ReadMe` is written next to it.
    catalogue, columns, where, provenance
        As of `write_export`.

    Returns
    -------
    n_rows
        Number of rows written.

    Raises
    ------
    ConfigError
        If the ending is another one, a column is named twice, or cdspyreadme is not installed.
    CatalogueError
        If the catalogue lacks a column, or a value is infinite.
    ExpressionError
        If the condition does not fit the columns, or no row fulfils it.
    """
    if path.suffix != ".dat":
        raise ConfigError(f"Tables for the CDS end in .dat, and {path} does not. ReadMe is written next to it.")
    excerpt = select(catalogue, columns, where, provenance or {})
    write_cds(path, excerpt)
    return excerpt.n_rows


def ending(path: Path) -> str:
    """Return the ending of a path that decides the format.

    Raises
    ------
    ConfigError
        If it is none of `FORMATS`.
    """
    for known in FORMATS:
        if path.name.lower().endswith(known) and path.name.lower() != known:
            return known
    raise ConfigError(f"{path} ends in no known format. Give a name that ends in {', '.join(FORMATS)}.")
