"""What is likely to be a mistake in a survey definition, seen in the catalogue that it makes of the first rows."""

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import schema
from stdask.config.survey import SurveyDefinition
from stdask.errors import SurveyError
from stdask.storage.tables import to_numpy

FEW = 0.01  # fraction of the stars: a smaller one with a value, or GOOD, is reported
TO_FILL_IN = "?"  # what `survey new` writes where it finds no column
FARTHEST_KPC = 100.0  # few stars with spectra are farther: a distance in pc that is taken for kpc is
WIDE_DEG = 30.0  # a range of declination that a survey of less than 24 deg in right ascension does not have


def require_complete(definition: SurveyDefinition) -> None:
    """Raise if something in a proposed definition is still to be filled in.

    Raises
    ------
    SurveyError
        Naming all keys of which that is so.
    """
    keys = list(_to_fill_in(definition.model_dump(exclude_unset=True)))
    if keys:
        raise SurveyError(f"{', '.join(keys)}: {TO_FILL_IN!r} stands for a column to name. Name it in the definition.")


def find_faults(definition: SurveyDefinition, rows: pa.Table, table: pa.Table, rejected: pa.Table) -> Iterator[str]:
    """Yield lines on what is likely to be a mistake in a definition.

    Parameters
    ----------
    definition
        The definition.
    rows, table
        Stars as the file has them, and as the catalogue has them.
    rejected
        Rows that are set aside, with their reasons.
    """
    for reason, n_rows in _counted(rejected).items():
        yield f"{n_rows:,} of the rows will be set aside: {reason}"
    if not table.num_rows:
        yield "no row has both a position and an id: check `id` and [position]"
        return
    yield from _repeated(definition, rows, table)
    yield from _positions(table)
    for name in definition.labels:
        yield from _label(name, table)
    yield from _magnitudes(definition, table)
    yield from _distances(table)
    n_good, n_stars = int(to_numpy(table, schema.GOOD.name).sum()), table.num_rows
    if n_good < FEW * n_stars:
        yield f"{n_good:,} of {n_stars:,} stars are GOOD: check `cuts`"


def _to_fill_in(content: object, key: str = "") -> Iterator[str]:
    if content == TO_FILL_IN:
        yield key
    parts: Iterator[tuple[object, object]] = iter(())
    if isinstance(content, Mapping):
        parts = ((f"{key}.{name}" if key else name, own) for name, own in content.items())
    elif isinstance(content, list | tuple):
        parts = ((key, own) for own in content)
    for name, own in parts:
        yield from _to_fill_in(own, str(name))


def _repeated(definition: SurveyDefinition, rows: pa.Table, table: pa.Table) -> Iterator[str]:
    """Say which rows of a star will be kept."""
    duplicates = definition.duplicates
    if duplicates:
        n_rows, n_stars = _numbers(rows[duplicates.by])
        if n_stars < n_rows:
            yield (
                f"{duplicates.by}: {n_rows:,} rows are of {n_stars:,} stars; of each the row with the "
                f"{duplicates.keep} {duplicates.best} will be kept"
            )
    if not duplicates or duplicates.by != definition.id:
        n_rows, n_ids = _numbers(table[definition.id])
        if n_ids < n_rows:
            yield f"{definition.id}: {n_rows:,} rows have {n_ids:,} ids; of each the first row will be kept"
    if not duplicates and definition.gaia_id not in (None, definition.id):
        n_rows, n_stars = _numbers(table[schema.SOURCE_ID.name])
        if n_stars < n_rows:
            yield (
                f"{definition.gaia_id}: {n_rows:,} rows are of {n_stars:,} stars: add [duplicates] to keep the best "
                "row of each"
            )


def _numbers(ids: pa.ChunkedArray) -> tuple[int, int]:
    """Return how many rows have an id, and how many ids there are."""
    known = pc.drop_null(ids)
    return len(known), len(known.unique())


def _positions(table: pa.Table) -> Iterator[str]:
    ra, dec = to_numpy(table, "ra"), to_numpy(table, "dec")
    if table.num_rows < 2:
        return
    if ra.max() <= 2 * np.pi and np.ptp(ra) > 1 and np.abs(dec).max() <= np.pi / 2 and np.ptp(dec) > 0.5:
        yield "the positions look like radians: degrees are needed. State the unit, or name columns in degrees"
    elif ra.max() <= 24 and np.ptp(ra) > 6 and np.ptp(dec) > WIDE_DEG:
        yield "the right ascensions look like hours: degrees are needed. State the unit, or name a column in degrees"


def _label(name: str, table: pa.Table) -> Iterator[str]:
    values = to_numpy(table, name)
    measured, n_stars = np.isfinite(values), table.num_rows
    if measured.mean() < FEW:
        yield f"{name}: {measured.sum():,} of {n_stars:,} stars have a value; check its column, unit and `valid`"
        return
    if n_lacking := _n_without_error(table, name):
        yield f"{name}: {n_lacking:,} values have no error, and draws of these stars need one: set `typical_error`"
    if n_stars > 1 and np.unique(values[measured]).size == 1 < measured.sum():
        yield f"{name}: all {measured.sum():,} values are {values[measured][0]:g}; check its column"


def _magnitudes(definition: SurveyDefinition, table: pa.Table) -> Iterator[str]:
    bands = definition.photometry.magnitudes if definition.photometry else {}
    names = [f"{band}_MAG" for band in bands]
    lacking = {name: n for name in names if name in table.column_names and (n := _n_without_error(table, name))}
    if lacking:
        counts = ", ".join(f"{n:,} of {name}" for name, n in lacking.items())
        yield f"magnitudes without an error: {counts}. As inputs they need one: set `typical_error` in [photometry]"


def _n_without_error(table: pa.Table, name: str) -> int:
    measured, known = (np.isfinite(to_numpy(table, own)) for own in (name, f"{name}_ERR"))
    return int((measured & ~known).sum())


def _distances(table: pa.Table) -> Iterator[str]:
    name = schema.DISTANCE[0].name
    if name in table.column_names and (n_far := int((to_numpy(table, name) > FARTHEST_KPC).sum())):
        farthest = np.nanmax(to_numpy(table, name))
        yield (
            f"{n_far:,} stars are beyond {FARTHEST_KPC:g} kpc, the farthest at {farthest:,.0f} kpc: check `unit` of "
            "[[distances]]"
        )


def _counted(rejected: pa.Table) -> Mapping[str, int]:
    counts = rejected["reason"].value_counts().to_pylist()
    return {one["values"]: one["counts"] for one in counts}
