"""What the command `apply` leaves: one file or a HATS catalogue, and the rows set aside next to it."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from stdask.cluster.workers import Workers
from stdask.config.addresses import is_remote
from stdask.display.console import say
from stdask.errors import ConfigError
from stdask.pairing.margins import write_collection
from stdask.runs.counts import RowCounts
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import COLLECTION, PROPERTIES, open_catalogue
from stdask.storage.catalogue.hats import clear_catalogue
from stdask.storage.export.write import ending, write_export
from stdask.tools.apply.order import in_order_of_rows


def is_file(output: Path) -> bool:
    """Tell whether the output is one file, not a HATS catalogue."""
    return bool(output.suffix)


def working_folder(output: Path) -> Path:
    """Return the folder of what is done until the output is written."""
    return output.resolve().with_name(f"{output.name}.partial")


def check_output(output: Path, table: Path, overwrite: bool) -> None:
    """Raise if the output cannot be written.

    Raises
    ------
    ConfigError
        If its format is unknown, or a file or folder of its name exists and must not be replaced.
    """
    if is_file(output):
        try:
            ending(output)
        except ConfigError as exc:
            raise ConfigError(f"{exc} A name without an ending is the folder of a HATS catalogue.") from None
        marks = {output: "", _set_aside(output): ""}
    else:
        marks = {output: PROPERTIES, paths.collection(output): COLLECTION, _set_aside(output): ""}
    folder = working_folder(output)
    if folder.exists() and not any(path(folder).exists() for path in (paths.progress, paths.lock)):
        raise ConfigError(f"{folder} was not made by `stdask apply`, which needs this name. Choose another output.")
    for path, mark in marks.items():
        if path.exists() and not is_remote(table) and path.resolve() in (table.resolve(), *table.resolve().parents):
            relation = "is" if path.resolve() == table.resolve() else "holds"
            raise ConfigError(f"{path} {relation} the table itself. Choose another name for the output.")
        if path.exists() and not overwrite:
            raise ConfigError(f"{path} exists. Choose another name or add --overwrite.")
        if path.exists() and not (path / mark).is_file():
            kind = "HATS catalogue" if mark else "file"
            raise ConfigError(f"{path} exists, but is not a {kind}. Choose another name or remove it.")


def write_output(workers: Workers, output: Path, translated: Path, n_rows: int, provenance: Mapping[str, str]) -> None:
    """Write the output from the translated catalogue.

    Parameters
    ----------
    workers
        Who writes the margin of a HATS catalogue.
    output
        A file, with the rows in the order of the table, or the folder of a HATS catalogue.
    translated
        Folder of the translated catalogue, which is moved if the output is a HATS catalogue.
    n_rows
        Of the table.
    provenance
        What the file is made from.
    """
    if is_file(output):
        catalogue = in_order_of_rows(open_catalogue(translated), n_rows, translated.parent / "rows")
        write_export(output, catalogue, provenance=provenance)
    else:
        clear_catalogue(output)
        translated.rename(output)
        write_collection(workers, open_catalogue(output))


def write_set_aside(output: Path, ingested: Path, rows: RowCounts) -> None:
    """Put the table of the rows set aside next to the output, and say so; without such rows there is none.

    Parameters
    ----------
    output, ingested
        The output, and the folder of the catalogue that was made from the table.
    rows
        Of the table.
    """
    path = _set_aside(output)
    path.unlink(missing_ok=True)
    if rows.n_aside:
        shutil.copyfile(ingested / paths.REJECTED, path)
        say(f"{path}: {rows.n_aside:,} rows set aside, with reasons")


def _set_aside(output: Path) -> Path:
    return output.with_name(f"{output.stem}_set_aside.parquet")
