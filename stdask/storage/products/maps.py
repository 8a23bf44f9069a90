"""Maps as FITS: images with galactocentric axes in kpc, HEALPix tables of the sky; profiles as ECSV tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Column as AstropyColumn
from astropy.table import Table

from stdask import __version__
from stdask.schema import Column
from stdask.schema.products import in_shared_unit
from stdask.science.galaxy.map_grid import MapGrid
from stdask.storage.documents import write_ecsv
from stdask.storage.files import replacing
from stdask.storage.products.provenance import provenance_hdu


@dataclass(frozen=True)
class Axis:
    """One axis of a map: the name and meaning of its coordinate, in kpc."""

    name: str  # at most 8 characters: FITS CTYPE
    description: str


@dataclass(frozen=True)
class MapPlane:
    """One map of one number."""

    name: str
    unit: str
    description: str
    image: np.ndarray  # shape (n_rows, n_columns)


def write_map_images(
    path: Path,
    grid: MapGrid,
    axes: tuple[Axis, Axis],
    maps: Mapping[str, Sequence[MapPlane]],
    provenance: Mapping[str, str | float | int],
) -> None:
    """Write one image a sample and quantity into one FITS file, atomically; the same maps give the same bytes.

    Parameters
    ----------
    path
        The file; an empty primary HDU carries `provenance`. Extensions are called {sample}_{quantity}, with the unit in
        BUNIT.
    grid
        Pixels of the maps.
    axes
        Of the columns and of the rows.
    maps
        Sample -> its maps, the same quantities in each.
    provenance
        FITS keyword -> value.
    """
    images = [_image(sample, plane, grid, axes) for sample, planes in maps.items() for plane in planes]
    _write(path, images, provenance)


def write_sky_maps(
    path: Path, order: int, maps: Mapping[str, Sequence[MapPlane]], provenance: Mapping[str, str | float | int]
) -> None:
    """Write maps of the whole sky into one FITS file, one HEALPix table a sample, as healpy and Aladin read them.

    Parameters
    ----------
    path
        The file.
    order
        12 * 4^order nested pixels in equatorial coordinates (ICRS) cover the sky.
    maps
        Extension name -> one column each; images of shape (n_pixels,).
    provenance
        FITS keyword -> value.
    """
    tables = []
    for name, planes in maps.items():
        columns = [
            fits.Column(
                plane.name, "K" if plane.image.dtype.kind == "i" else "E", plane.unit or None, array=plane.image
            )
            for plane in planes
        ]
        table = fits.BinTableHDU.from_columns(columns, name=name)
        n_pixels = 12 * 4**order
        cards = {
            "PIXTYPE": "HEALPIX",
            "ORDERING": "NESTED",
            "COORDSYS": "C",
            "NSIDE": 1 << order,
            "INDXSCHM": "IMPLICIT",
        }
        for keyword, value in {**cards, "FIRSTPIX": 0, "LASTPIX": n_pixels - 1, "OBJECT": "FULLSKY"}.items():
            table.header[keyword] = value
        tables.append(table)
    _write(path, tables, provenance)


def _write(path: Path, extensions: Sequence[Any], provenance: Mapping[str, str | float | int]) -> None:
    hdus = fits.HDUList([provenance_hdu(provenance), *extensions])
    for hdu in hdus:
        hdu.add_checksum(when="of this HDU")  # without the date that astropy would write
    with replacing(path) as temporary:
        hdus.writeto(temporary, output_verify="exception")


def write_profile(
    path: Path, columns: Sequence[Column], data: Mapping[str, Any], provenance: Mapping[str, Any]
) -> None:
    """Write a table of running medians as ECSV with units, descriptions and provenance.

    Parameters
    ----------
    path
        The file.
    columns
        In the order wanted; each must be a key of `data`. If the rows of a column UNIT have one unit, numbers get it.
    data
        One array of shape (n_rows,) a column.
    provenance
        Kept as the table's meta.
    """
    arrays = [
        AstropyColumn(
            np.asarray(data[column.name], dtype=None if column.dtype == "string" else column.dtype),
            name=column.name,
            unit=column.unit or None,
            description=column.description,
        )
        for column in in_shared_unit(columns, list(data.get("UNIT", ())))
    ]
    write_ecsv(path, Table(arrays, meta={"creator": f"stdask {__version__}", **provenance}))


def _image(sample: str, plane: MapPlane, grid: MapGrid, axes: tuple[Axis, Axis]) -> fits.ImageHDU:
    dtype = np.int32 if plane.image.dtype.kind == "i" else np.float32  # a pixel has fewer than 2^31 stars
    hdu = fits.ImageHDU(plane.image.astype(dtype), name=f"{sample}_{plane.name}")
    header = hdu.header
    header["SAMPLE"], header["QUANTITY"] = sample, (plane.name, plane.description)
    header["BUNIT"] = plane.unit or "count" if dtype is np.int32 else plane.unit
    half = (grid.half_columns, grid.half_rows)
    for number, (axis, n_half) in enumerate(zip(axes, half, strict=True), start=1):
        header[f"CTYPE{number}"] = (axis.name, axis.description)
        header[f"CUNIT{number}"] = "kpc"
        header[f"CRPIX{number}"] = (n_half + 0.5, "the Galactic centre: a corner of pixels")
        header[f"CRVAL{number}"] = 0.0
        header[f"CDELT{number}"] = grid.width_kpc
    return hdu
