"""A FITS binary table, written partition by partition: memory does not grow with the catalogue.

Descriptions stand in it twice: in TCOMM cards, which TOPCAT reads, and in astropy's own comments, which
`Table.read` does. A unit that the FITS standard lacks (dex) is a part of the description: readers would warn.
"""

import gzip
import io
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from astropy import units as u
from astropy.io import fits
from astropy.table import Column as AstropyColumn
from astropy.table import Table

from stdask import __version__
from stdask.errors import CatalogueError
from stdask.schema import Column
from stdask.storage.export.excerpt import Excerpt
from stdask.storage.files import replacing
from stdask.storage.products.provenance import provenance_hdu

BLOCK = 2880  # bytes: FITS Standard 4.0, sect. 3.1
# FITS has no half floats and, except for 64 bits with TZERO, no unsigned integers of two or more bytes: next wider type
FORMATS = {"float16": "E", "float32": "E", "float64": "D", "int64": "K", "uint64": "K", "bool": "L"}
FORMATS |= {"uint8": "I", "int8": "I", "int16": "I", "uint16": "J", "int32": "J", "uint32": "K"}
NUMPY = {"E": ">f4", "D": ">f8", "K": ">i8", "J": ">i4", "I": ">i2", "L": "u1"}
NULLS = {form: int(np.iinfo(NUMPY[form]).min) for form in "KJI"}  # TNULL
COMPRESSION = 6  # of gzip: higher levels take longer than they save


def write_fits(path: Path, excerpt: Excerpt) -> None:
    """Write a FITS file; its missing integers are TNULL, missing logicals 0, missing text is empty.

    Parameters
    ----------
    path
        File to write, atomically; compressed if it ends in ".gz".
    excerpt
        What to write; its provenance becomes cards of the primary header.

    Raises
    ------
    CatalogueError
        If a 64-bit unsigned integer is missing: FITS has no value for it. If the name of a column is not of ASCII.
    """
    for column in excerpt.columns:
        if not (column.name.isascii() and column.name.isprintable()):  # FITS standard 4.0, sect. 4.2.1
            raise CatalogueError(
                f"Column {column.name!r} has a name that FITS cannot write: it is limited to ASCII letters. Leave it "
                "out with --columns, or write a Parquet file."
            )
    formats = [_format(column, excerpt.text_bytes) for column in excerpt.columns]
    dtype = np.dtype([(c.name, _dtype(f)) for c, f in zip(excerpt.columns, formats, strict=True)])
    with replacing(path) as temporary:
        plain = temporary.with_suffix(".fits.part") if path.suffix == ".gz" else temporary
        try:
            with plain.open("wb") as file:
                file.write(_primary(excerpt.provenance).tostring().encode("ascii"))
                file.write(_header(excerpt, formats, dtype.itemsize).tostring().encode("ascii"))
                for table in excerpt.tables():
                    file.write(_records(table, dtype).tobytes())
                file.write(bytes(-file.tell() % BLOCK))
            _add_checksum(plain)
            if plain != temporary:
                _compress(plain, temporary)
        finally:
            if plain != temporary:
                plain.unlink(missing_ok=True)


def _add_checksum(path: Path) -> None:
    """Put the sums of the table into the places that its header has for them."""
    with fits.open(path, memmap=True) as hdus:
        place = hdus[1].fileinfo()["hdrLoc"]
        hdus[1].add_checksum(when="of this HDU")  # without the date that astropy would write
        header = hdus[1].header.tostring().encode("ascii")
    with path.open("r+b") as file:
        file.seek(place)
        file.write(header)


def _compress(plain: Path, path: Path) -> None:
    # without name and time, so that the same table gives the same bytes
    with (
        plain.open("rb") as source,
        path.open("wb") as target,
        gzip.GzipFile("", "wb", COMPRESSION, target, mtime=0) as compressed,
    ):
        shutil.copyfileobj(source, compressed, 1 << 20)


def _primary(provenance: Mapping[str, str]) -> fits.Header:
    cards = {name.upper().replace("_", "")[:8]: text for name, text in provenance.items()}
    primary = provenance_hdu(cards)
    primary.header["EXTEND"] = True
    primary.add_checksum(when="of this HDU")
    return primary.header


def _header(excerpt: Excerpt, formats: list[str], row_bytes: int) -> fits.Header:
    header = fits.BinTableHDU(name=excerpt.catalogue.name).header
    header["NAXIS1"], header["NAXIS2"], header["TFIELDS"] = row_bytes, excerpt.n_rows, len(formats)
    for number, (column, form) in enumerate(zip(excerpt.columns, formats, strict=True), start=1):
        header[f"TTYPE{number}"] = column.name
        header[f"TFORM{number}"] = form
        if unit := _fits_unit(column.unit):
            header[f"TUNIT{number}"] = unit
        if column.dtype == "uint64":
            header[f"TZERO{number}"] = 2**63
        elif form in NULLS:
            header[f"TNULL{number}"] = NULLS[form]
        if column.ucd:
            header[f"TUCD{number}"] = column.ucd
        if text := _description(column):
            header[f"TCOMM{number}"] = text
    header["RADESYS"] = "ICRS"
    if excerpt.catalogue.epoch is not None:
        header["REFEPOCH"] = (excerpt.catalogue.epoch, "epoch of the positions, Julian year")
    header["CREATOR"] = f"stdask {__version__}"
    for line in _astropy_comments(excerpt.columns):
        header.add_comment(line)
    header["CHECKSUM"], header["DATASUM"] = "0" * 16, "0"  # their places, so that the header keeps its length
    return header


def _astropy_comments(columns: tuple[Column, ...]) -> list[str]:
    """Return the comments from which astropy takes the descriptions, as it writes them itself."""
    like = Table([AstropyColumn([], column.name, float, description=_description(column)) for column in columns])
    file = io.BytesIO()
    like.write(file, format="fits")
    file.seek(0)
    return list(fits.getheader(file, 1).get("COMMENT", []))


def _description(column: Column) -> str:
    text = column.description
    if column.unit and not _fits_unit(column.unit):
        text = f"{text} [{column.unit}]".lstrip()
    return text.encode("ascii", "replace").decode()


def _fits_unit(unit: str) -> str:
    """Return a unit as the FITS standard spells it, empty if it cannot."""
    try:
        return u.Unit(unit).to_string("fits")
    except ValueError:
        return ""


def _format(column: Column, text_bytes: Mapping[str, int]) -> str:
    """Return the TFORM of a column; text is as wide as its longest entry."""
    return FORMATS[column.dtype] if column.dtype != "string" else f"{text_bytes[column.name]}A"


def _dtype(form: str) -> str:
    return f"S{form[:-1]}" if form.endswith("A") else NUMPY[form]


def _records(table: pa.Table, dtype: np.dtype) -> np.ndarray:
    records = np.zeros(table.num_rows, dtype=dtype)
    for field in table.schema:
        records[field.name] = _values(table.column(field.name).combine_chunks(), field.name, dtype[field.name])
    return records


def _values(column: pa.Array, name: str, dtype: np.dtype) -> np.ndarray:
    """Return the values of a column as they stand in the records."""
    if pa.types.is_string(column.type):
        text = column.fill_null("").to_numpy(zero_copy_only=False).astype(str)
        return np.char.encode(text, "ascii", "replace")
    if pa.types.is_boolean(column.type):
        known = np.where(column.fill_null(False).to_numpy(zero_copy_only=False), ord("T"), ord("F"))
        return np.where(column.is_valid().to_numpy(zero_copy_only=False), known, 0)
    if pa.types.is_uint64(column.type):  # TZERO = 2^63: the top bit flipped, as a signed number
        if column.null_count:
            raise CatalogueError(
                f"Column {name!r} has {column.null_count} missing values, which FITS cannot say of 64-bit unsigned "
                "integers. Leave it out with --columns, or write a Parquet file."
            )
        return (column.to_numpy(zero_copy_only=False) ^ np.uint64(2**63)).view(np.int64)
    if pa.types.is_integer(column.type):
        wider = column.cast(pa.int64()).fill_null(int(np.iinfo(dtype).min))
        return wider.to_numpy(zero_copy_only=False)
    return column.fill_null(np.nan).to_numpy(zero_copy_only=False)
