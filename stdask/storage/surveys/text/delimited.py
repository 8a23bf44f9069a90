"""Open a text file as its first lines tell: delimited, or in columns of fixed width that dashes mark."""

from collections.abc import Sequence
from pathlib import Path

from stdask.storage.surveys.text.columns import NULL_TEXTS, TextFile
from stdask.storage.surveys.text.csv import CsvFile
from stdask.storage.surveys.text.dialects import read_dialect
from stdask.storage.surveys.text.fixed_width import AlignedFile


def open_delimited(path: Path, delimiter: str | None, nulls: Sequence[str]) -> TextFile:
    """Open a text file whose first lines name its columns.

    Parameters
    ----------
    path
        Packed or not.
    delimiter
        That the definition states; another is looked for if the line of names does not have it.
    nulls
        Further texts that stand for a missing value.

    Raises
    ------
    SurveyError
        If no line names the columns, or two have one name.
    """
    dialect = read_dialect(path, delimiter)
    columns = dict(zip(dialect.names, dialect.units, strict=True))
    kind = AlignedFile if dialect.spans else CsvFile
    return kind(path, None, columns, {}, by_slices=False, nulls=(*NULL_TEXTS, *nulls), dialect=dialect)
