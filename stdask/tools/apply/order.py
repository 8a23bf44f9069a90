"""A catalogue in the order of the table that it was made from, whatever its size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from stdask import schema
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.pieces import read_part, write_pieces

ROWS_AT_ONCE = 100_000  # of the table, in memory together: 60 MB of 120 columns


@dataclass(frozen=True)
class OrderedCatalogue(Catalogue):
    """A catalogue whose rows are read in the order of its column of row numbers, without that column."""

    files: tuple[Path, ...] = ()  # of its partitions, cut by ranges of row numbers
    n_parts: int = 0

    def partitions(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Read one range of row numbers after the other."""
        names = list(columns) if columns is not None else [column.name for column in self.columns]
        for number in range(self.n_parts):
            part = read_part(self.files, number, [*names, schema.ROW.name])
            yield part.sort_by(schema.ROW.name).drop_columns([schema.ROW.name]).cast(self.empty(names).schema)


def in_order_of_rows(catalogue: Catalogue, n_rows: int, folder: Path) -> OrderedCatalogue:
    """Return a catalogue in the order of its row numbers.

    Parameters
    ----------
    catalogue
        With the row numbers of the table that it was made from.
    n_rows
        Of that table.
    folder
        Where the catalogue is cut into pieces, which are read with the catalogue that is returned.
    """
    n_parts = -(-n_rows // ROWS_AT_ONCE)
    files = tuple(folder / str(pixel) for pixel in catalogue.pixels)
    for path, table in zip(files, catalogue.partitions(), strict=True):
        write_pieces(path, table, table[schema.ROW.name].to_numpy() // ROWS_AT_ONCE, n_parts)
    columns = tuple(column for column in catalogue.columns if column != schema.ROW)
    return OrderedCatalogue(catalogue.folder, catalogue.name, catalogue.rows, columns, catalogue.epoch, files, n_parts)
