"""A finished HATS catalogue on disk, opened for reading."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from stdask.config.messages import nearest
from stdask.config.toml import local_path
from stdask.errors import CatalogueError, raise_machine_error
from stdask.schema import HEALPIX, Column, Columns
from stdask.science.measurements.expressions import Expression, parse_expression
from stdask.science.sky.healpix import Pixel
from stdask.storage import paths
from stdask.storage.catalogue.properties import parse_properties
from stdask.storage.memory_tables import to_astropy, to_pandas
from stdask.storage.tables import read_parquet, to_column, to_field, to_masked

if TYPE_CHECKING:
    from astropy.table import Table
    from pandas import DataFrame

PROPERTIES = "hats.properties"
COLLECTION = "collection.properties"  # of a folder that joins a catalogue and its margin
EPOCH = "hats_coordinate_epoch"


@dataclass(frozen=True, repr=False)
class Catalogue:
    """A finished HATS catalogue on disk. Nothing is read before it is asked for.

    Examples
    --------
    >>> import stdask
    >>> catalogue = stdask.open_catalogue("stdask-demo/catalogues/merged")
    >>> giants = catalogue.to_astropy(["TEFF", "LOGG", "M_H"], where="LOGG < 3.5")
    >>> giants["TEFF"].unit
    Unit("K")
    """

    folder: Path
    name: str
    rows: Mapping[Pixel, int]  # of each partition
    columns: tuple[Column, ...]
    epoch: float | None = None  # of its positions, Julian year

    @property
    def pixels(self) -> tuple[Pixel, ...]:
        """The partitions, in the order of the sky."""
        return tuple(self.rows)

    @property
    def n_rows(self) -> int:
        """Number of stars."""
        return sum(self.rows.values())

    def __len__(self) -> int:
        """Return the number of stars."""
        return self.n_rows

    def __repr__(self) -> str:
        """Return its name, size and place."""
        size = f"{self.n_rows:,} stars, {len(self.columns)} columns, {len(self.rows)} partitions"
        return f"<Catalogue {self.name}: {size} in {self.folder}>"

    def to_arrow(self, columns: Sequence[str] | None = None, where: str = "") -> pa.Table:
        """Read stars into a pyarrow table; the metadata of its fields are units, UCDs and descriptions.

        One partition after the other is read, so the memory depends on the stars that are selected.

        Parameters
        ----------
        columns
            Columns to read, in this order. Default: all.
        where
            Condition on the columns, for example "GOOD and TEFF_PRED_50 < 5000". Default: all stars.

        Raises
        ------
        CatalogueError
            If there is no such column, or one is named twice.
        ExpressionError
            If the condition cannot be read, or does not fit the columns.
        """
        if isinstance(columns, str):
            raise CatalogueError(f"The columns are a list of names: write [{columns!r}].")
        wanted = [column.name for column in self.columns] if columns is None else list(columns)
        condition = parse_expression(where) if where else None
        self.require(wanted, condition)
        return pa.concat_tables([self.empty(wanted), *self.matching(wanted, condition)]).combine_chunks()

    def to_astropy(self, columns: Sequence[str] | None = None, where: str = "") -> "Table":
        """Read stars into an astropy table with units and descriptions; parameters and errors as for `to_arrow`."""
        return to_astropy(self.to_arrow(columns, where))

    def to_pandas(self, columns: Sequence[str] | None = None, where: str = "") -> "DataFrame":
        """Read stars into a pandas frame; parameters and errors as for `to_arrow`.

        64-bit integers are of pandas' nullable types: ids keep all their digits if some stars have none.
        """
        return to_pandas(self.to_arrow(columns, where))

    def require(self, columns: Sequence[str], where: Expression | None) -> None:
        """Check that columns exist, and that a condition fits them, before anything is read.

        Raises
        ------
        CatalogueError
            If there is no such column.
        ExpressionError
            If the condition does not fit the columns.
        """
        if twice := [name for name, n in Counter(columns).items() if n > 1]:
            raise CatalogueError(f"{twice[0]!r} appears twice in the columns. Keep one of them.")
        names = [column.name for column in self.columns]
        if unknown := [name for name in columns if name not in names]:
            near = nearest(unknown[0], names)
            hint = f"Did you mean {near!r}?" if near else "`columns` of the catalogue lists all."
            raise CatalogueError(f"The catalogue {self.name} has no column {unknown[0]!r}. {hint}")
        if where is not None:
            where.require(names)
            where.passes(to_masked(self.empty(where.columns)))

    def matching(self, columns: Sequence[str], where: Expression | None) -> Iterator[pa.Table]:
        """Read the stars that fulfil a condition, one partition after the other; all stars without one."""
        if where is None:
            yield from self.partitions(columns)
            return
        for table in self.partitions(list(dict.fromkeys([*columns, *where.columns]))):
            passing = where.passes(to_masked(table.select(where.columns)))
            yield table.select(columns).filter(pa.array(passing))

    def path(self, pixel: Pixel) -> Path:
        """Return the file of one partition."""
        return paths.partition(self.folder, pixel)

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Read the whole catalogue, in the order of its partitions."""
        parts = list(self.partitions(columns))
        return pa.concat_tables(parts) if parts else self.empty(columns)

    def partitions(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Read one partition after the other."""
        return (read_parquet(self.path(pixel), columns) for pixel in self.pixels)

    def read_pixel(self, pixel: Pixel, columns: Sequence[str] | None = None) -> pa.Table:
        """Read the stars inside any pixel, whatever the catalogue's own tiling."""
        inside = [(HEALPIX.name, ">=", pixel.first_index), (HEALPIX.name, "<", pixel.end_index)]
        parts = [read_parquet(self.path(own), columns, inside) for own in self.pixels if own.overlaps(pixel)]
        return pa.concat_tables(parts) if parts else self.empty(columns)

    def empty(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return a table of the catalogue's columns without rows."""
        own = {column.name: to_field(column) for column in self.columns}
        return pa.schema([own[name] for name in (own if columns is None else columns)]).empty_table()


def open_catalogue(folder: Path | str) -> Catalogue:
    """Open a finished catalogue of stdask: a folder in `catalogues/` of a run, or that of its collection.

    Raises
    ------
    CatalogueError
        If it is missing or was not finished.
    """
    folder = local_path(folder)
    try:
        if (folder / COLLECTION).is_file():
            folder = (folder / read_properties(folder, COLLECTION)["hats_primary_table_url"]).resolve()
        properties = read_properties(folder)
        fields = pq.read_schema(folder / "dataset" / "_common_metadata")
        with (folder / "partition_info.csv").open(newline="") as file:
            rows = {Pixel(int(r["Norder"]), int(r["Npix"])): int(r["num_rows"]) for r in csv.DictReader(file)}
        if int(properties["hats_nrows"]) != sum(rows.values()):
            raise ValueError(
                f"{sum(rows.values())} rows in partition_info.csv, {properties['hats_nrows']} in its properties"
            )
        epoch = float(properties[EPOCH]) if EPOCH in properties else None
        return Catalogue(folder, properties["obs_collection"], rows, Columns(map(to_column, fields)), epoch)
    except (OSError, pa.ArrowInvalid, KeyError, ValueError) as exc:
        raise_machine_error(exc, f"reading {folder}")
        if (folder / "catalogues").is_dir():
            names = ", ".join(sorted(path.name for path in (folder / "catalogues").iterdir() if path.is_dir()))
            raise CatalogueError(f"{folder} is the folder of a run. Name one of its catalogues/: {names}.") from exc
        raise CatalogueError(f"{folder} is not a finished catalogue ({exc}). Run the stage that writes it.") from exc


def read_properties(folder: Path, name: str = PROPERTIES) -> dict[str, str]:
    """Return what `hats.properties` says of a finished catalogue, or another file of properties.

    Raises
    ------
    OSError
        If there is no such file.
    """
    return parse_properties((folder / name).read_text(encoding="utf-8"))
