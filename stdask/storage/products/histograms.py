"""Histograms of stars in a plane of two labels, cell by cell of the Galaxy, as FITS images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from astropy.io import fits

from stdask.schema import Column
from stdask.science.galaxy.density import PlaneGrid
from stdask.storage.files import replacing
from stdask.storage.products.provenance import provenance_hdu

COMPRESSION = "RICE_1"  # without loss, and without the time of day that gzip writes; most bins are empty
COMMENT = 47  # characters that a FITS card has for the comment on a text of up to 18


@dataclass(frozen=True)
class CellAxis:
    """A coordinate that is cut into cells of any sizes."""

    name: str  # at most 3 characters: FITS keywords are made of it
    description: str  # some words: a FITS comment
    unit: str
    edges: Sequence[float]


def write_histograms(
    path: Path,
    grid: PlaneGrid,
    labels: tuple[Column, Column],
    cells: tuple[CellAxis, CellAxis],
    samples: Mapping[str, np.ndarray],
    provenance: Mapping[str, str | float | int],
) -> None:
    """Write one compressed image a sample into one FITS file, atomically; the same counts give the same bytes.

    Parameters
    ----------
    path
        The file; an empty primary HDU carries `provenance`, one image extension each sample.
    grid, labels
        Bins of the plane, and what is along its columns (FITS axis 1) and its rows (axis 2).
    cells
        Of FITS axes 3 and 4, whose cells begin and end at {name}_LOn and {name}_HIn.
    samples
        Extension name -> counts, shape (n_cells_4, n_cells_3, n_rows, n_columns).
    provenance
        FITS keyword -> value.
    """
    images = [_image(name, counts, grid, labels, cells) for name, counts in samples.items()]
    with replacing(path) as temporary:
        fits.HDUList([provenance_hdu(provenance), *images]).writeto(temporary, output_verify="exception")


def _image(
    name: str,
    counts: np.ndarray,
    grid: PlaneGrid,
    labels: tuple[Column, Column],
    cells: tuple[CellAxis, CellAxis],
) -> fits.CompImageHDU:
    hdu = fits.CompImageHDU(
        counts.astype(np.int32),  # a survey has fewer than 2^31 stars
        name=name,
        compression_type=COMPRESSION,
        tile_shape=(1, 1, *grid.shape),
    )
    header = hdu.header
    header["BUNIT"] = ("count", "stars in a bin of a cell")
    for n, (label, low, width) in enumerate(zip(labels, grid.lows, grid.widths, strict=True), start=1):
        header[f"CTYPE{n}"] = (label.name, label.description[:COMMENT])
        header[f"CUNIT{n}"] = label.unit if label.unit != "dex" else ""  # the FITS standard has no dex
        header[f"CRPIX{n}"] = (0.5, "the lower edge of the first bin")
        header[f"CRVAL{n}"], header[f"CDELT{n}"] = low, width
    for n, axis in enumerate(cells, start=3):
        header[f"CTYPE{n}"] = (axis.name, f"{axis.description}: {axis.name}_LOn to {axis.name}_HIn")
        header[f"CRPIX{n}"], header[f"CRVAL{n}"], header[f"CDELT{n}"] = 1.0, 1.0, 1.0
        for number, (low, high) in enumerate(pairwise(axis.edges), start=1):
            header[f"{axis.name}_LO{number}"] = (low, axis.unit)
            header[f"{axis.name}_HI{number}"] = (high, axis.unit)
    return hdu
