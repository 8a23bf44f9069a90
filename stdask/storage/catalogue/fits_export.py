"""A catalogue as one FITS binary table, written partition by partition: memory does not grow with the catalogue."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.io import fits

from stdask import __version__
from stdask.schema import Column
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.files import replacing

BLOCK = 2880  # bytes: FITS Standard 4.0, sect. 3.1
# FITS has no half floats and, except for 64 bits with TZERO, no unsigned integers of two or more bytes: next wider type
FORMATS = {"float16": "E", "float32": "E", "float64": "D", "int64": "K", "uint64": "K", "bool": "L"}
FORMATS |= {"uint8": "I", "int8": "I", "int16": "I", "uint16": "J", "int32": "J", "uint32": "K"}
NUMPY = {"E": ">f4", "D": ">f8", "K": ">i8", "J": ">i4", "I": ">i2", "L": "u1"}
NULLS = {form: int(np.iinfo(NUMPY[form]).min) for form in "KJI"}  # TNULL


def write_fits(path: Path, catalogue: Catalogue) -> None:
    """Write all rows of a catalogue, in the order of its partitions, with units, UCDs and descriptions.

    Parameters
    ----------
    path
        FITS file to write, atomically.
    catalogue
        The catalogue; its float columns keep NaN, its missing integers become TNULL, missing text is empty.
    """
    formats = [_format(catalogue, column) for column in catalogue.columns]
    dtype = np.dtype([(c.name, _dtype(f)) for c, f in zip(catalogue.columns, formats, strict=True)])
    header = _header(catalogue, formats, dtype.itemsize)
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
        file.write(header.tostring().encode("ascii"))
        for table in catalogue.partitions():
            file.write(_records(table, dtype).tobytes())
        file.write(bytes(-file.tell() % BLOCK))


def _header(catalogue: Catalogue, formats: list[str], row_bytes: int) -> fits.Header:
    header = fits.BinTableHDU(name=catalogue.name).header
    header["NAXIS1"], header["NAXIS2"], header["TFIELDS"] = row_bytes, catalogue.n_rows, len(formats)
    for number, (column, form) in enumerate(zip(catalogue.columns, formats, strict=True), start=1):
        header[f"TTYPE{number}"] = (column.name, column.description[:40])
        header[f"TFORM{number}"] = form
        if column.unit and column.unit != "dex":  # not a unit of the FITS standard: readers would warn
            header[f"TUNIT{number}"] = column.unit.replace(" ", "")
        if column.dtype == "uint64":
            header[f"TZERO{number}"] = 2**63
        elif form in NULLS:
            header[f"TNULL{number}"] = NULLS[form]
        if column.ucd:
            header[f"TUCD{number}"] = column.ucd
        if column.description:
            header[f"TCOMM{number}"] = column.description
    header["CREATOR"] = f"stdask {__version__}"
    return header


def _format(catalogue: Catalogue, column: Column) -> str:
    """Return the TFORM of a column; text is as wide as its longest entry."""
    if column.dtype != "string":
        return FORMATS[column.dtype]
    tables = catalogue.partitions([column.name])
    return f"{max([1, *(pc.max(pc.binary_length(table.column(0))).as_py() or 1 for table in tables)])}A"


def _dtype(form: str) -> str:
    return f"S{form[:-1]}" if form.endswith("A") else NUMPY[form]


def _records(table: pa.Table, dtype: np.dtype) -> np.ndarray:
    records = np.zeros(table.num_rows, dtype=dtype)
    for field in table.schema:
        records[field.name] = _values(table.column(field.name).combine_chunks(), dtype[field.name])
    return records


def _values(column: pa.Array, dtype: np.dtype) -> np.ndarray:
    """Return the values of a column as they stand in the records."""
    if pa.types.is_string(column.type):
        text = column.fill_null("").to_numpy(zero_copy_only=False).astype(str)
        return np.char.encode(text, "ascii", "replace")
    if pa.types.is_boolean(column.type):
        return np.where(column.fill_null(False).to_numpy(zero_copy_only=False), ord("T"), ord("F"))
    if pa.types.is_uint64(column.type):  # TZERO = 2^63: the top bit flipped, as a signed number
        return (column.fill_null(0).to_numpy(zero_copy_only=False) ^ np.uint64(2**63)).view(np.int64)
    if pa.types.is_integer(column.type):
        wider = column.cast(pa.int64()).fill_null(int(np.iinfo(dtype).min))
        return wider.to_numpy(zero_copy_only=False)
    return column.fill_null(np.nan).to_numpy(zero_copy_only=False)
