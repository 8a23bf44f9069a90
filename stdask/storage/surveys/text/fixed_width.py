"""Survey files in columns of fixed width: tables of the AAS (MRT) and of CDS, and columns that dashes mark.

Source: Standards for Astronomical Catalogues, version 2.0 (CDS, 2000).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from stdask.storage.surveys.format import SurveyFile, Wanted, cut
from stdask.storage.surveys.streams import open_stream
from stdask.storage.surveys.text.byte_by_byte import Field, find_head, read_readme
from stdask.storage.surveys.text.columns import TextFile, clean_text, parse_text
from stdask.storage.surveys.text.dialects import TextDialect
from stdask.storage.surveys.text.rows import lines_of

# Columns in degrees, and those of hours, or of a sign and degrees, minutes and seconds; seconds may be absent.
IN_DEGREES = {"RAdeg": (15.0, "", ("RAh", "RAm", "RAs")), "DEdeg": (1.0, "DE-", ("DEd", "DEm", "DEs"))}


@dataclass(frozen=True)
class AlignedFile(TextFile):
    """A table in columns of fixed width, of which dashes under the names mark the width."""

    dialect: TextDialect

    def _texts(self, names: Sequence[str]) -> Iterator[pa.Table]:
        spans = [self.dialect.spans[self.dialect.names.index(name)] for name in names]
        for lines in _lines(self.path, self.dialect):
            yield pa.table([pc.utf8_slice_codeunits(lines, *span) for span in spans], names=names)


@dataclass(frozen=True)
class CdsFile(SurveyFile):
    """A table of the AAS or of CDS. Positions in hours, minutes and seconds are there in degrees too."""

    dialect: TextDialect
    fields: Mapping[str, Field]
    nulls: tuple[str, ...]  # further texts that stand for a missing value

    def _tables(self, wanted: Sequence[Wanted], start: int, stop: int) -> Iterator[pa.Table]:
        lines = _lines(self.path, self.dialect)
        yield from cut((pa.table({w.name: self._column(part, w.name) for w in wanted}) for part in lines), start, stop)

    def _count(self) -> int:
        return sum(len(lines) for lines in _lines(self.path, self.dialect))

    def _column(self, lines: pa.Array, name: str) -> pa.Array:
        if name not in self.fields:
            return self._degrees(lines, *IN_DEGREES[name])
        field = self.fields[name]
        text = clean_text(
            pc.utf8_slice_codeunits(lines, field.start, field.stop), pa.array([*field.nulls, *self.nulls])
        )
        values = text if field.kind == pa.string() else parse_text(name, text, field.kind)
        for null in field.null_numbers:
            values = pc.if_else(pc.equal(values, pa.scalar(null, field.kind)), pa.scalar(None, field.kind), values)
        return values

    def _degrees(self, lines: pa.Array, factor: float, sign: str, parts: Sequence[str]) -> pa.Array:
        total = pa.scalar(0.0)
        for number, part in enumerate(parts):
            if part in self.fields:
                total = pc.add(total, pc.divide(self._column(lines, part).cast(pa.float64()), 60.0**number))
        degrees = pc.multiply(total, factor)
        if not sign:
            return degrees
        return pc.if_else(pc.equal(self._column(lines, sign).fill_null(""), "-"), pc.negate(degrees), degrees)


def open_mrt(path: Path, nulls: Sequence[str]) -> CdsFile:
    """Open a machine-readable table of the AAS, which describes its columns before its rows.

    Parameters
    ----------
    path
        Packed or not.
    nulls
        Further texts that stand for a missing value.

    Raises
    ------
    SurveyError
        If its description has no columns, or no rows follow it.
    """
    fields, n_head = find_head(path)
    return _open(path, fields, n_head, nulls)


def open_cds(path: Path, readme: Path, nulls: Sequence[str]) -> CdsFile:
    """Open a table of CDS, the columns of which a file `ReadMe` describes.

    Parameters
    ----------
    path, readme
        The table, packed or not, and the file that describes it.
    nulls
        Further texts that stand for a missing value.

    Raises
    ------
    SurveyError
        If there is no such description.
    """
    return _open(path, read_readme(readme, path.name), 0, nulls)


def _open(path: Path, fields: Sequence[Field], n_head: int, nulls: Sequence[str]) -> CdsFile:
    columns = {field.name: field.unit for field in fields}
    for name, (_, sign, parts) in IN_DEGREES.items():
        if name not in columns and columns.keys() >= {*parts[:1], *([sign] if sign else [])}:
            columns[name] = "deg"
    # One character is one byte in latin-1; lines that begin with # are rows.
    dialect = TextDialect(tuple(columns), tuple(columns.values()), "", n_head, "latin-1", comment="")
    own = {field.name: field for field in fields}
    return CdsFile(path, None, columns, {}, by_slices=False, dialect=dialect, fields=own, nulls=tuple(nulls))


def _lines(path: Path, dialect: TextDialect) -> Iterator[pa.Array]:
    with open_stream(path) as source:
        for lines in lines_of(source, dialect):
            yield pa.array(lines, pa.binary()).cast(pa.string())
