"""HATS catalogues: one Parquet file a HEALPix pixel, readable by LSDB, CDS tools or any Parquet reader.

Layout and required properties: IVOA Note "HATS" v1.0. `hats.properties` is written last: a catalogue without
it is not finished.
"""

import csv
import io
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import healpy as hp
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy import units as u
from astropy.io.votable import from_table
from astropy.table import Column as AstropyColumn
from astropy.table import Table

from stdask import __version__
from stdask.errors import CatalogueError
from stdask.schema import HEALPIX, Column
from stdask.science.sky.healpix import INDEX_ORDER, Pixel
from stdask.storage import paths
from stdask.storage.files import replacing, sha256, write_text
from stdask.storage.tables import fill_parquet, read_parquet, to_column, to_field

# types that VOTable does not know: its header names the next wider one, the Parquet field the true one
VOTABLE_TYPES = {"string": "U1", "uint64": "int64", "uint32": "int64", "uint16": "int32", "int8": "int16"}
VOTABLE_TYPES |= {"float16": "float32"}
PROPERTIES = "hats.properties"
EPOCH = "stdask_epoch"  # HATS 1.0 has no property for it
SKYMAP_ORDER = 6  # of the map of counts: 55 arcmin, 400 kB


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


def clear_catalogue(folder: Path) -> None:
    """Remove an earlier catalogue, beginning with the file that marks it as finished."""
    unfinish_catalogue(folder)
    if folder.exists():
        shutil.rmtree(folder)


def catalogue_files(folder: Path) -> list[Path]:
    """Return every file of a catalogue, except files that a killed worker left half-written."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".part")]


class Written(NamedTuple):
    """A partition on disk, read back before it got its name."""

    rows: int
    bytes: int
    sha256: str


def write_partition(folder: Path, pixel: Pixel, table: pa.Table, metadata: Mapping[str, str]) -> Written:
    """Write one partition, sorted by `_healpix_29`, its first column.

    Raises
    ------
    CatalogueError
        If a star lies outside the pixel, or what can be read back is not what was written.
    """
    table = table.select([HEALPIX.name, *(name for name in table.column_names if name != HEALPIX.name)])
    index = table.column(HEALPIX.name).to_numpy()
    if index.size and (index.min() < pixel.first_index or index.max() >= pixel.end_index):
        raise CatalogueError(f"A star lies outside Norder={pixel.order}, Npix={pixel.pixel} of {folder}.")
    path = paths.partition(folder, pixel)
    with replacing(path) as temporary:
        fill_parquet(temporary, table.take(np.argsort(index, kind="stable")), metadata)
        if fault := fault_of_partition(temporary, pixel, table.num_rows, [HEALPIX.name]):
            raise CatalogueError(f"{path} {fault} just after it was written. Check the disk, and run the stage again.")
        return Written(table.num_rows, temporary.stat().st_size, sha256(temporary))


def fault_of_partition(path: Path, pixel: Pixel, n_rows: int, columns: Sequence[str] | None = None) -> str:
    """Return what is wrong with a partition, empty if nothing.

    Parameters
    ----------
    path, pixel, n_rows
        The file, and what it must hold: that number of rows, sorted by `_healpix_29`, all inside the pixel.
    columns
        The columns to read, `_healpix_29` among them; all if None.
    """
    try:
        index = read_parquet(path, columns).column(HEALPIX.name).to_numpy()
    except CatalogueError as exc:
        return f"cannot be read ({exc.__cause__ or exc})"
    if index.size != n_rows:
        return f"holds {index.size} rows instead of {n_rows}"
    if (np.diff(index) < 0).any():
        return f"is not sorted by {HEALPIX.name}"
    if index.size and (index[0] < pixel.first_index or index[-1] >= pixel.end_index):
        return f"holds a star outside {pixel}"
    return ""


def unfinish_catalogue(folder: Path) -> None:
    """Make a catalogue unfinished, so that no reader opens it while it is written again."""
    (folder / PROPERTIES).unlink(missing_ok=True)


def finish_catalogue(
    folder: Path,
    name: str,
    columns: Sequence[Column],
    rows: Mapping[Pixel, int],
    provenance: Mapping[str, str],
    epoch: float | None = None,
) -> Catalogue:
    """Write what makes a folder of partitions a HATS catalogue; `hats.properties` last.

    Parameters
    ----------
    folder, name
        Where it lies and what it is called.
    columns
        Its columns, `_healpix_29` first.
    rows
        Number of rows of each partition.
    provenance
        Further properties: where the catalogue came from.
    epoch
        Of its positions, Julian year.
    """
    fields = pa.schema([to_field(column) for column in columns])
    rows = dict(sorted(rows.items(), key=lambda item: item[0].first_index))
    with replacing(folder / "dataset" / "_common_metadata") as temporary:
        pq.write_metadata(fields.with_metadata(_votable_metadata(columns)), temporary)
    _gather_footers(folder, fields, rows)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [["Norder", "Npix", "num_rows"], *((*pixel, n) for pixel, n in rows.items())]
    )
    write_text(folder / "partition_info.csv", text.getvalue())
    _write_skymap(folder, rows)
    size_kb = sum(paths.partition(folder, pixel).stat().st_size for pixel in rows) // 1024
    properties = _properties(name, rows, size_kb) | ({EPOCH: str(epoch)} if epoch else {}) | dict(provenance)
    write_text(folder / "hats.properties", "".join(f"{k}={v}\n" for k, v in properties.items()))
    return Catalogue(folder, name, rows, tuple(columns), epoch)


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


def remove_partitions(folder: Path, keep: Iterable[Pixel]) -> None:
    """Remove partitions that an earlier run left, and files that killed workers left half-written."""
    wanted = {paths.partition(folder, pixel) for pixel in keep}
    for path in folder.glob("dataset/Norder=*/Dir=*/Npix=*.parquet"):
        if path not in wanted:
            path.unlink()
    for path in folder.glob("dataset/Norder=*/Dir=*/.*.part"):
        path.unlink(missing_ok=True)


def _properties(name: str, rows: Mapping[Pixel, int], size_kb: int) -> dict[str, str]:
    return {
        "obs_collection": name,
        "dataproduct_type": "object",
        "hats_nrows": str(sum(rows.values())),
        "hats_col_ra": "ra",
        "hats_col_dec": "dec",
        "hats_col_healpix": HEALPIX.name,
        "hats_col_healpix_order": str(INDEX_ORDER),
        "hats_npix_suffix": ".parquet",
        "hats_order": str(max((pixel.order for pixel in rows), default=0)),
        "hats_skymap_order": str(SKYMAP_ORDER),
        "hats_version": "v1.0",
        "hats_builder": f"stdask {__version__}",
        "hats_estsize": str(size_kb),
    }


def _votable_metadata(columns: Iterable[Column]) -> dict[str, str]:
    """Return units, UCDs and meanings as a VOTable header: the VOParquet convention of IVOA."""
    table = Table()
    for column in columns:
        dtype = VOTABLE_TYPES.get(column.dtype, column.dtype)
        table[column.name] = AstropyColumn([], dtype=dtype, unit=_vounit(column.unit), description=column.description)
    votable = from_table(table)
    ucds = {column.name: column.ucd for column in columns}
    for field in votable.get_first_table().fields:
        field.ucd = ucds[field.name] or None
    xml = io.BytesIO()
    votable.to_xml(xml)
    return {"IVOA.VOTable-Parquet.version": "1.0", "IVOA.VOTable-Parquet.content": xml.getvalue().decode()}


def _vounit(unit: str) -> str | None:
    """Return a unit if the VOUnit standard has it: it knows no dex, which stays in the fields' own metadata."""
    try:
        return u.Unit(unit).to_string("vounit") or None
    except ValueError:
        return None


def _gather_footers(folder: Path, fields: pa.Schema, pixels: Iterable[Pixel]) -> None:
    """Write `dataset/_metadata`: all footers in one file, optional in HATS but required by its Verifier."""
    dataset, footers = folder / "dataset", []
    for pixel in pixels:
        path = paths.partition(folder, pixel)
        footer = pq.read_metadata(path)
        footer.set_file_path(str(path.relative_to(dataset)))
        footers.append(footer)
    with replacing(dataset / "_metadata") as temporary:
        pq.write_metadata(fields, temporary, metadata_collector=footers or None)


def _write_skymap(folder: Path, pixels: Iterable[Pixel]) -> None:
    counts = np.zeros(hp.order2npix(SKYMAP_ORDER), dtype=np.int64)
    for pixel in pixels:
        index = read_parquet(paths.partition(folder, pixel), [HEALPIX.name]).column(0).to_numpy()
        np.add.at(counts, index >> 2 * (INDEX_ORDER - SKYMAP_ORDER), 1)
    path = folder / "skymap.fits"
    with replacing(path) as temporary:
        hp.write_map(str(temporary), counts, nest=True, coord="C", dtype=np.int64, overwrite=True)
