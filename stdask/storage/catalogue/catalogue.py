"""A finished HATS catalogue on disk, opened for reading."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stdask.errors import CatalogueError
from stdask.schema import HEALPIX, Column
from stdask.science.sky.healpix import Pixel
from stdask.storage import paths
from stdask.storage.tables import read_parquet, to_column, to_field

PROPERTIES = "hats.properties"
EPOCH = "stdask_epoch"  # HATS 1.0 has no property for it


@dataclass(frozen=True)
class Catalogue:
    """A finished HATS catalogue on disk."""

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


def open_catalogue(folder: Path) -> Catalogue:
    """Open a finished catalogue.

    Raises
    ------
    CatalogueError
        If it is missing or was not finished.
    """
    try:
        lines = (folder / PROPERTIES).read_text(encoding="utf-8").splitlines()
        fields = pq.read_schema(folder / "dataset" / "_common_metadata")
        with (folder / "partition_info.csv").open(newline="") as file:
            rows = {Pixel(int(r["Norder"]), int(r["Npix"])): int(r["num_rows"]) for r in csv.DictReader(file)}
        properties = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
        if int(properties["hats_nrows"]) != sum(rows.values()):
            raise ValueError(
                f"{sum(rows.values())} rows in partition_info.csv, {properties['hats_nrows']} in its properties"
            )
        epoch = float(properties[EPOCH]) if EPOCH in properties else None
        return Catalogue(folder, properties["obs_collection"], rows, tuple(map(to_column, fields)), epoch)
    except (OSError, pa.ArrowInvalid, KeyError, ValueError) as exc:
        raise CatalogueError(f"{folder} is not a finished catalogue ({exc}). Run the stage that writes it.") from exc
