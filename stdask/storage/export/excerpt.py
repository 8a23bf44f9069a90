"""Rows and columns of a catalogue that are exported, read one partition after the other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from stdask.errors import ExpressionError
from stdask.schema import Column, unique_names
from stdask.science.measurements.expressions import Expression
from stdask.storage.catalogue.catalogue import Catalogue


@dataclass(frozen=True)
class Excerpt:
    """Rows of a catalogue that fulfil a condition, some of its columns, and where they come from."""

    catalogue: Catalogue
    columns: tuple[Column, ...]
    where: Expression | None
    provenance: Mapping[str, str]

    def tables(self, names: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Read one partition after the other.

        Parameters
        ----------
        names
            Columns to read, all of the excerpt by default.
        """
        wanted = [column.name for column in self.columns] if names is None else list(names)
        return self.catalogue.matching(wanted, self.where)

    @property
    def n_rows(self) -> int:
        """Number of rows that fulfil the condition."""
        return self._size[0]

    @property
    def text_bytes(self) -> Mapping[str, int]:
        """Length of the longest entry of each column of text, in bytes; at least 1."""
        return self._size[1]

    @cached_property
    def _size(self) -> tuple[int, dict[str, int]]:
        """Number of rows and lengths of text, of which only the columns needed for them are read."""
        texts = [column.name for column in self.columns if column.dtype == "string"]
        names = texts or (self.where.columns[:1] if self.where else ())
        if not names:
            return self.catalogue.n_rows, {}
        n_rows, lengths = 0, dict.fromkeys(texts, 1)
        for table in self.tables(names):
            n_rows += table.num_rows
            for name in texts:
                lengths[name] = max(lengths[name], pc.max(pc.binary_length(table.column(name))).as_py() or 1)
        return n_rows, lengths


def select(
    catalogue: Catalogue, columns: Sequence[str] | None, where: Expression | None, provenance: Mapping[str, str]
) -> Excerpt:
    """Return the rows and columns that are asked for.

    Parameters
    ----------
    catalogue
        The catalogue to export.
    columns
        Names of its columns, all by default.
    where
        Condition on its columns; all rows by default.
    provenance
        Where the catalogue comes from.

    Raises
    ------
    ConfigError
        If a column is named twice.
    CatalogueError
        If the catalogue lacks a column, or no row fulfils the condition.
    ExpressionError
        If the condition does not fit the columns.
    """
    own = {column.name: column for column in catalogue.columns}
    names = list(own) if columns is None else list(columns)
    unique_names(names, "the columns to export")
    catalogue.require(names, where)
    excerpt = Excerpt(catalogue, tuple(own[name] for name in names), where, provenance)
    if where is not None and not excerpt.n_rows:
        raise ExpressionError(
            f"No star of the catalogue {catalogue.name!r} fulfils {where.text!r} ({catalogue.n_rows:,} were read). "
            "A missing value fulfils nothing."
        )
    return excerpt
