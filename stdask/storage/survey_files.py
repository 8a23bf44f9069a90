"""Open the files that surveys come in and read some columns of some rows, whatever the format.

A column read here is bool, int64, uint64, float32, float64 or string, in native byte order; text is stripped and
blank text is null; a missing float is NaN, a missing integer, logical or text is null.
"""

import difflib
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
from astropy.io.votable import parse_single_table
from astropy.table import Column as AstropyColumn
from astropy.table import Table, meta

from stdask.errors import StdaskError, SurveyError
from stdask.storage import fits_tables
from stdask.storage.files import sha256

NULL_TEXTS = ["", "null", "NULL", "NA", "N/A"]  # of CSV; "nan" stays a number
ROWS_AT_ONCE = 65_536  # of a Parquet file
EXTENSIONS = ".fits, .fits.gz, .parquet, .csv, .ecsv, .xml or .vot"


@dataclass(frozen=True)
class SurveyFile(ABC):
    """A survey's table on disk: its size, its columns and their units, and a way to read a part of it."""

    path: Path
    n_rows: int
    columns: Mapping[str, str]  # name -> unit as the file spells it, empty for none

    by_slices = True  # a part can be read at the cost of that part

    def require(self, names: Sequence[str]) -> None:
        """Raise if a column is missing.

        Raises
        ------
        SurveyError
            Naming the first missing column, the nearest one there is, and the file.
        """
        for name in names:
            if name not in self.columns:
                near = _nearest(name, list(self.columns))
                hint = f"Did you mean {near!r}?" if near else f"It has {', '.join(self.columns)}."
                raise SurveyError(f"{self.path} has no column {name!r}. {hint}")

    def read(self, names: Sequence[str], start: int = 0, stop: int | None = None) -> pa.Table:
        """Return columns of the rows start <= row < stop, in the order asked for.

        Raises
        ------
        SurveyError
            If a column is missing or of a kind that stdask does not read, or the file is damaged.
        """
        self.require(names)
        stop = self.n_rows if stop is None else min(stop, self.n_rows)
        table = _guarded(self.path, lambda: self._read(names, start, stop))
        columns = {name: _plain(table.column(name), name, self.path) for name in names}
        return pa.table(columns) if columns else table

    @abstractmethod
    def _read(self, names: Sequence[str], start: int, stop: int) -> pa.Table: ...


@dataclass(frozen=True)
class FitsFile(SurveyFile):
    """A FITS binary table, mapped into memory."""

    layout: fits_tables.FitsLayout

    @property
    def by_slices(self) -> bool:  # type: ignore[override]
        """A gzipped file has to be unpacked up to the last row wanted."""
        return self.path.suffix != ".gz"

    def _read(self, names: Sequence[str], start: int, stop: int) -> pa.Table:
        records = fits_tables.map_records(self.path, self.layout)
        return fits_tables.to_table(records[start:stop], self.layout, names)


@dataclass(frozen=True)
class ParquetFile(SurveyFile):
    """A Parquet file, read by row groups."""

    def _read(self, names: Sequence[str], start: int, stop: int) -> pa.Table:
        with pq.ParquetFile(self.path) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            ends = np.cumsum(sizes)
            first = int(np.searchsorted(ends, start, side="right"))
            last = int(np.searchsorted(ends, stop, side="left"))
            groups = list(range(first, min(last + 1, len(sizes))))
            row, parts = int(ends[first] - sizes[first]), []
            # a row group may hold all rows: one that is read whole and then cut needs the memory of all
            for batch in file.iter_batches(ROWS_AT_ONCE, groups, list(names)) if stop > start else ():
                if row + batch.num_rows > start:
                    offset = max(start - row, 0)
                    parts.append(batch.slice(offset, stop - row - offset))
                row += batch.num_rows
                if row >= stop:
                    break
            return pa.Table.from_batches(parts, pa.schema([file.schema_arrow.field(name) for name in names]))


@dataclass(frozen=True)
class WholeFile(SurveyFile):
    """A text format: read whole, then cut."""

    load: Callable[[Path, Sequence[str] | None], pa.Table]

    by_slices = False

    def _read(self, names: Sequence[str], start: int, stop: int) -> pa.Table:
        return self.load(self.path, names).slice(start, stop - start)


def open_survey(path: Path) -> SurveyFile:
    """Open a survey file; its first bytes tell the format, and for CSV its extension.

    Raises
    ------
    SurveyError
        If the file is missing, a folder, of an unknown format, damaged, or without rows.
    """
    opener = _OPENERS[_format_of(path)]
    survey = _guarded(path, lambda: opener(path))
    if survey.n_rows == 0:
        raise SurveyError(f"{path} has no rows. Name a file with stars in it.")
    return survey


def checksum(path: Path) -> str:
    """Return the SHA-256 of a survey file.

    Raises
    ------
    SurveyError
        If the file is missing, a folder, or of an unknown format.
    """
    _format_of(path)
    return sha256(path)


def _format_of(path: Path) -> str:
    if path.is_dir():
        raise SurveyError(f"{path} is a folder. Name the file of the survey.")
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        raise SurveyError(f"No survey file {path}. Check `file` in run.toml and --data-dir.") from None
    except OSError as exc:
        raise SurveyError(f"Cannot read {path}: {exc}. Check its permissions.") from exc
    if not head:
        raise SurveyError(f"{path} is empty. Fetch the file again.")
    name = path.name.lower()
    if head.startswith(b"SIMPLE  =") or (head.startswith(b"\x1f\x8b") and name.endswith((".fits.gz", ".fit.gz"))):
        return "fits"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"# %ECSV"):
        return "ecsv"
    if b"<VOTABLE" in head or (head.lstrip().startswith(b"<?xml") and name.endswith((".xml", ".vot", ".votable"))):
        return "votable"
    if name.endswith(".csv"):
        return "csv"
    raise SurveyError(f"{path} is no format that stdask reads, or it is damaged. Give a {EXTENSIONS} file.")


def _open_fits(path: Path) -> SurveyFile:
    layout = fits_tables.read_layout(path)
    size = path.stat().st_size
    if path.suffix != ".gz" and size < layout.end:
        raise SurveyError(f"{path} is cut off: {size} bytes of {layout.end}. Fetch the file again.")
    return FitsFile(path, layout.n_rows, {name: c.unit for name, c in layout.columns.items()}, layout)


def _open_parquet(path: Path) -> SurveyFile:
    with pq.ParquetFile(path) as file:
        stored = file.schema_arrow
        return ParquetFile(path, file.metadata.num_rows, dict.fromkeys(stored.names, "") | _parquet_units(stored))


def _open_csv(path: Path) -> SurveyFile:
    with pcsv.open_csv(path) as reader:
        names = reader.schema.names
    convert = pcsv.ConvertOptions(include_columns=names[:1], column_types={names[0]: pa.string()})
    with pcsv.open_csv(path, convert_options=convert) as reader:
        n_rows = sum(batch.num_rows for batch in reader)
    return WholeFile(path, n_rows, dict.fromkeys(names, ""), _load_csv)


def _open_astropy(path: Path, load: Callable[[Path], Table]) -> SurveyFile:
    table = load(path)
    units = {name: str(table[name].unit or "") for name in table.colnames}
    return WholeFile(path, len(table), units, _Astropy(load))


@dataclass(frozen=True)
class _Astropy:
    """Load a file by astropy into Arrow; a class, so that it travels to workers."""

    load: Callable[[Path], Table]

    def __call__(self, path: Path, names: Sequence[str] | None) -> pa.Table:
        table = self.load(path)
        return pa.table({name: _from_astropy(table[name], name) for name in names or table.colnames})


def _read_ecsv(path: Path) -> Table:
    return Table.read(path, format="ascii.ecsv")


def _read_votable(path: Path) -> Table:
    return parse_single_table(path).to_table(use_names_over_ids=True)


_OPENERS: dict[str, Callable[[Path], SurveyFile]] = {
    "fits": _open_fits,
    "parquet": _open_parquet,
    "csv": _open_csv,
    "ecsv": lambda path: _open_astropy(path, _read_ecsv),
    "votable": lambda path: _open_astropy(path, _read_votable),
}


def _load_csv(path: Path, names: Sequence[str] | None) -> pa.Table:
    convert = pcsv.ConvertOptions(include_columns=names, null_values=NULL_TEXTS, strings_can_be_null=True)
    return pcsv.read_csv(path, convert_options=convert)


def _parquet_units(stored: pa.Schema) -> dict[str, str]:
    """Return the units in the fields' metadata, in astropy's header, or in a VOParquet header (IVOA)."""
    metadata = {k.decode(): v for k, v in (stored.metadata or {}).items()}
    units = {}
    if "table_meta_yaml" in metadata:
        header = meta.get_header_from_yaml(metadata["table_meta_yaml"].decode().splitlines())
        units = {column["name"]: str(column.get("unit", "")) for column in header["datatype"]}
    if "IVOA.VOTable-Parquet.content" in metadata:
        votable = parse_single_table(io.BytesIO(metadata["IVOA.VOTable-Parquet.content"]))
        units |= {field.name: str(field.unit or "") for field in votable.fields}
    units |= {f.name: f.metadata[b"unit"].decode() for f in stored if b"unit" in (f.metadata or {})}
    return {name: unit for name, unit in units.items() if name in stored.names}


def _from_astropy(column: AstropyColumn, name: str) -> pa.Array:
    if not isinstance(column, AstropyColumn) or column.ndim > 1:
        raise SurveyError(f"column {name!r} is no plain column. Name one of single numbers, logicals or text.")
    values = np.ma.getdata(column)
    missing = np.ma.getmaskarray(column)
    if values.dtype.kind == "O":
        return pa.array([None if m else v for v, m in zip(values, missing, strict=True)])
    return pa.array(values.astype(values.dtype.newbyteorder("=")), mask=missing, from_pandas=False)


def _plain(column: pa.ChunkedArray, name: str, path: Path) -> pa.Array:
    """Return a column in one of the five types, its missing values told apart in one way."""
    array = column.combine_chunks()
    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.cast(kind.value_type), kind.value_type
    if pa.types.is_boolean(kind) or pa.types.is_uint64(kind):
        return array
    if pa.types.is_integer(kind):
        return array.cast(pa.int64())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind):
        wide = pa.float32() if kind in (pa.float16(), pa.float32()) else pa.float64()
        return array.cast(wide, safe=False).fill_null(np.nan)
    if pa.types.is_nested(kind):
        raise SurveyError(f"{path}: column {name!r} holds {kind} a row. Name one of numbers, logicals or text.")
    try:
        text = pc.utf8_trim_whitespace(array.cast(pa.string()))
    except pa.ArrowInvalid as exc:
        raise SurveyError(f"{path}: column {name!r} is not UTF-8 text. Write the file in UTF-8.") from exc
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _nearest(name: str, known: list[str]) -> str | None:
    lower = {other.lower(): other for other in known}
    near = difflib.get_close_matches(name.lower(), list(lower), n=1)
    return lower[near[0]] if near else None


def _guarded(path: Path, action: Callable[[], Any]) -> Any:
    try:
        return action()
    except StdaskError as exc:
        if str(path) not in str(exc):
            exc.add_note(str(path))
        raise
    except Exception as exc:  # a damaged file can raise anything in the four parsers
        reason = " ".join(str(exc).split()) or type(exc).__name__
        raise SurveyError(f"Cannot read {path}: {reason}. Check the file or fetch it again.") from exc
