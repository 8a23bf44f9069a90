"""HATS catalogues: one Parquet file a HEALPix pixel, readable by LSDB, CDS tools or any Parquet reader.

Layout and required properties: IVOA Note "HATS" v1.0. `hats.properties` is written last: a catalogue without
it is not finished.
"""

import csv
import io
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import healpy as hp
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stdask.errors import CatalogueError
from stdask.schema import HEALPIX, Column
from stdask.science.sky.healpix import INDEX_ORDER, Pixel
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import COLLECTION, EPOCH, PROPERTIES, Catalogue
from stdask.storage.catalogue.properties import properties_of, write_properties
from stdask.storage.catalogue.votable_header import votable_metadata
from stdask.storage.files import replacing, sha256, write_text
from stdask.storage.tables import fill_parquet, read_parquet, to_column, to_field

SKYMAP_ORDER = 6  # of the map of counts: 55 arcmin, 400 kB


def clear_catalogue(folder: Path) -> None:
    """Remove an earlier catalogue, beginning with the file that marks it as finished."""
    unfinish_catalogue(folder)
    for path in (folder, paths.collection(folder)):
        if path.exists():
            shutil.rmtree(path)


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
        header = votable_metadata(map(to_column, table.schema))
        fill_parquet(temporary, table.take(np.argsort(index, kind="stable")), metadata, header)
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
    for path in (paths.collection(folder) / COLLECTION, folder / PROPERTIES):
        path.unlink(missing_ok=True)


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
    rows = dict(sorted(rows.items(), key=lambda item: item[0].first_index))
    size_kb = _write_index(folder, columns, rows)
    _write_skymap(folder, rows)
    properties = properties_of(name, columns, rows, size_kb) | {
        "hats_skymap_order": str(SKYMAP_ORDER),
        EPOCH: str(epoch) if epoch else "",
    }
    write_properties(folder / PROPERTIES, properties | dict(provenance))
    return Catalogue(folder, name, rows, tuple(columns), epoch)


def finish_collection(catalogue: Catalogue, rows: Mapping[Pixel, int], margin_arcsec: float) -> list[Path]:
    """Write what makes a folder of partitions the margin of a catalogue, and joins the two; return all files.

    Whoever opens the folder of the collection, which lies next to the catalogue, has the catalogue with its margin.

    Parameters
    ----------
    catalogue
        The catalogue.
    rows
        Number of rows of each partition of the margin.
    margin_arcsec
        How far from a pixel the margin reaches at least.
    """
    margin, collection = paths.margin(catalogue.folder), paths.collection(catalogue.folder)
    rows = dict(sorted(rows.items(), key=lambda item: item[0].first_index))
    size_kb = _write_index(margin, catalogue.columns, rows)
    properties = properties_of(f"{catalogue.name}_margin", catalogue.columns, rows, size_kb, "margin") | {
        "hats_primary_table_url": f"../../{catalogue.folder.name}",
        "hats_margin_threshold": str(margin_arcsec),
    }
    write_properties(margin / PROPERTIES, properties)
    joined = {
        "obs_collection": catalogue.name,
        "hats_primary_table_url": f"../{catalogue.folder.name}",
        "all_margins": margin.name,
        "default_margin": margin.name,
    }
    write_properties(collection / COLLECTION, joined)
    return catalogue_files(collection)


def remove_partitions(folder: Path, keep: Iterable[Pixel]) -> None:
    """Remove partitions that an earlier run left, and files that killed workers left half-written."""
    wanted = {paths.partition(folder, pixel) for pixel in keep}
    for path in folder.glob("dataset/Norder=*/Dir=*/Npix=*.parquet"):
        if path not in wanted:
            path.unlink()
    for path in folder.glob("dataset/Norder=*/Dir=*/.*.part"):
        path.unlink(missing_ok=True)


def _write_index(folder: Path, columns: Sequence[Column], rows: Mapping[Pixel, int]) -> int:
    """Write what all partitions have in common, their footers and their list; return their size in kB."""
    fields = pa.schema([to_field(column) for column in columns])
    with replacing(folder / "dataset" / "_common_metadata") as temporary:
        pq.write_metadata(fields.with_metadata(votable_metadata(columns)), temporary)
    _gather_footers(folder, fields, rows)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [["Norder", "Npix", "num_rows"], *((*pixel, n) for pixel, n in rows.items())]
    )
    write_text(folder / "partition_info.csv", text.getvalue())
    return sum(paths.partition(folder, pixel).stat().st_size for pixel in rows) // 1024


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
