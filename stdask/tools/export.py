"""Export: a catalogue as one FITS table with units, for people and tools that want one file."""

from pathlib import Path

from stdask.display.console import say
from stdask.errors import CatalogueError
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.catalogue.fits_export import write_fits


def export_fits(folder: Path, path: Path, overwrite: bool) -> None:
    """Write all rows of a catalogue to a FITS binary table.

    Raises
    ------
    CatalogueError
        If the catalogue is not finished, or the file exists and must not be replaced.
    """
    catalogue = open_catalogue(folder)
    if path.exists() and not overwrite:
        raise CatalogueError(f"{path} exists. Choose another name or add --overwrite.")
    write_fits(path, catalogue)
    say(f"{path}: {catalogue.n_rows:,} rows, {len(catalogue.columns)} columns")
