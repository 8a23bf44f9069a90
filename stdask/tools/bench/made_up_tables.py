"""Made-up tables of a survey, as many rows as wanted: each alone, or all of them as one wide table.

A value follows from the number of its star and the name of its column alone, so both have the same content.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits

from stdask.config.survey import SurveyDefinition
from stdask.config.survey_files import MAIN
from stdask.display.console import progress_bar
from stdask.science.keys.star_keys import mix, star_keys
from stdask.science.measurements.expressions import columns_of

ROW_BYTES = 800  # about a row of GALAH DR3's main table with its abundances
FURTHER_BYTES = 200  # of a row of a further table
ROWS_AT_ONCE = 20_000  # made up
REPEAT_EVERY = 20  # rows: a second spectrum of the star before
WITHOUT_EVERY = 20  # one star in so many has no row in a further table, and as many of its rows belong to no star
STEP = 1_000_003  # a prime: numbers of stars in an order of their own
MISSING = -9999


def write_wide(path: Path, definition: SurveyDefinition, n_rows: int, joined: bool = False) -> None:
    """Write one FITS table with the columns of all tables of a survey.

    Parameters
    ----------
    path, definition
        The table, and what its columns mean.
    n_rows
        Number of rows.
    joined
        As the tables of `write_tables` give it once they are joined: some stars lack the columns of further tables.
    """
    columns = _columns(definition)

    def stars(numbers: np.ndarray) -> dict[str, np.ndarray]:
        made: dict[str, np.ndarray] = {}
        for table, own in columns.items():
            lacking = joined & (table != MAIN) & (numbers < n_rows // WITHOUT_EVERY)
            for name in own:
                values = _values(definition, table, name, numbers)
                missing = values.dtype.type(np.nan if values.dtype.kind == "f" else MISSING)
                plain = name if table == MAIN else definition.in_one_table(f"{table}.{name}")
                made.setdefault(plain, np.where(lacking, missing, values))  # a key is there already
        return made

    _write(path, n_rows, ROW_BYTES, stars)


def write_tables(files: Mapping[str, Path], definition: SurveyDefinition, n_rows: int) -> None:
    """Write each table of a survey to a FITS file of its own: equally many rows, in another order.

    Parameters
    ----------
    files
        Table -> file.
    definition, n_rows
        Of the survey, and rows of each table.
    """
    for table, names in _columns(definition).items():

        def stars(numbers: np.ndarray, table: str = table, names: Sequence[str] = names) -> dict[str, np.ndarray]:
            if table != MAIN:
                numbers = numbers * STEP % n_rows + n_rows // WITHOUT_EVERY
            return {name: _values(definition, table, name, numbers) for name in names}

        _write(files[table], n_rows, ROW_BYTES if table == MAIN else FURTHER_BYTES, stars)


def _columns(definition: SurveyDefinition) -> dict[str, list[str]]:
    """Return the columns of each table that the definition reads, or that it is joined by."""
    tables: dict[str, list[str]] = {name: [] for name in (MAIN, *(join.name for join in definition.join))}
    texts = [*definition.source_columns, *(join.on for join in definition.join)]
    for name in [own for text in texts for own in columns_of(text)]:
        table, _, own = name.rpartition(".")
        tables[table or MAIN].append(own)
    for join in definition.join:
        tables[join.name].append(join.key_column)
    return {table: list(dict.fromkeys(names)) for table, names in tables.items()}


def _values(definition: SurveyDefinition, table: str, name: str, numbers: np.ndarray) -> np.ndarray:
    """Return a column of some stars, which are numbered from 0."""
    own = name if table == MAIN else f"{table}.{name}"
    spectra = numbers - (numbers % REPEAT_EVERY == 1)  # both spectra of a star have its number
    keys = {join.key_column: join.on for join in definition.join if join.name == table}
    if keys.get(name, own) == definition.id:
        return 1 + numbers
    if keys.get(name, own) == definition.gaia_id:
        return 1 + spectra
    terms = [*definition.cuts, *(term for label in definition.labels.values() for term in label.good)]
    terms += [term for distance in definition.distances for term in distance.accept]
    operations = {column: term.op for term in terms for column in term.columns}
    if operations.get(own) == "is_null":
        return np.full(numbers.size, np.nan, np.float32)
    if operations.get(own) in ("=", "in", "bits_clear"):
        return np.zeros(numbers.size, np.int16)
    stars = spectra if definition.gaia_id in keys.values() else numbers
    shares = mix(star_keys(stars) ^ star_keys(np.array([own], dtype=object))) / 2.0**64
    if own == definition.position.ra:
        return 360 * shares
    if own == definition.position.dec:
        return np.degrees(np.arcsin(2 * shares - 1))
    ranges = {label.column: label.valid for label in definition.labels.values() if label.valid}
    low, high = ranges.get(own, (1.0, 40.0))
    return (low + (high - low) * shares).astype(np.float32)


def _write(
    path: Path,
    n_rows: int,
    row_bytes: int,
    stars: Callable[[np.ndarray], Mapping[str, np.ndarray]],
) -> None:
    """Write a FITS table of made-up stars, some at a time, with what else a row is long."""
    kinds = [(name, values.dtype.newbyteorder(">")) for name, values in stars(np.zeros(0, np.int64)).items()]
    dtype = np.dtype([*kinds, ("other", f"S{max(1, row_bytes - np.dtype(kinds).itemsize)}")])
    header = fits.BinTableHDU(np.zeros(0, dtype)).header
    header["NAXIS2"] = n_rows
    stream = fits.StreamingHDU(str(path), header)
    with progress_bar(f"make up {path.name}", n_rows, unit="rows") as bar:
        for first in range(0, n_rows, ROWS_AT_ONCE):
            numbers = np.arange(first, min(first + ROWS_AT_ONCE, n_rows))
            records = np.zeros(numbers.size, dtype)
            for name, values in stars(numbers).items():
                records[name] = values
            stream.write(records.view(np.uint8))
            bar.advance(numbers.size)
    stream.close()
