"""Which row of a further table belongs to a row of the main one: by key, or by position."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask.config.survey_files import Join
from stdask.config.survey_tables import Position
from stdask.errors import SurveyError
from stdask.science.keys.key_matches import match_keys
from stdask.science.sky.crossmatch import nearest_rows
from stdask.science.sky.positions import check_positions
from stdask.stages.ingest.blocks import degrees
from stdask.stages.ingest.joins.keys import clean_keys, kind_of_keys
from stdask.storage.surveys.format import SurveyFile

ROW, KEY, RA, DEC = "row", "key", "ra", "dec"


@dataclass(frozen=True)
class Joining:
    """A further table that is joined to the main one."""

    join: Join
    position: Position  # of the main table
    main: SurveyFile  # with the tables that were joined before
    table: SurveyFile

    @property
    def by_position(self) -> bool:
        """Whether the nearest position is looked for, and no key."""
        return self.join.by == "position"

    @cached_property
    def kind(self) -> str:
        """What keys are compared as."""
        first = [survey.read([name], 0, 1).column(0).type for survey, (name,) in zip(*self._sides, strict=True)]
        return kind_of_keys(first)

    @property
    def _sides(self) -> tuple[tuple[SurveyFile, SurveyFile], tuple[list[str], list[str]]]:
        return (self.main, self.table), (self.columns_of_main, self.columns_of_table)

    @property
    def columns_of_main(self) -> list[str]:
        """The columns of the key or of the position in the main table."""
        return [self.position.ra, self.position.dec] if self.by_position else [self.join.on]

    @property
    def columns_of_table(self) -> list[str]:
        """The columns of the key or of the position in the further table."""
        return [self.join.ra, self.join.dec] if self.by_position else [self.join.key_column]

    def places_in_main(self, read: pa.Table, start: int) -> pa.Table:
        """Return the row numbers and the keys or positions of rows of the main table, of which `start` is the first.

        Rows without a key or a position are left out.

        Raises
        ------
        SurveyError
            If a value is no key, or no position.
        """
        return self._places(self.main, self.columns_of_main, read, start)

    def places_in_table(self, read: pa.Table, start: int) -> pa.Table:
        """Return the same as `places_in_main` for rows of the further table."""
        return self._places(self.table, self.columns_of_table, read, start)

    def _places(self, survey: SurveyFile, names: Sequence[str], read: pa.Table, start: int) -> pa.Table:
        rows = pa.array(np.arange(start, start + read.num_rows))
        if not self.by_position:
            keys = clean_keys(read[names[0]].combine_chunks(), self.kind, names[0], survey.path, start)
            return pa.table({ROW: rows, KEY: keys}).filter(keys.is_valid())
        own = self.position.units if survey is self.main else ("", "")
        ra, dec = (degrees(read, name, survey.unit(name), unit) for name, unit in zip(names, own, strict=True))
        ra, missing, impossible = check_positions(ra, dec)
        return pa.table({ROW: rows, RA: ra, DEC: dec}).filter(pa.array(~missing & ~impossible))


def match(joining: Joining, main: pa.Table, table: pa.Table) -> np.ndarray:
    """Return the place in `table` for each row of `main`, NO_ROW where there is none.

    Parameters
    ----------
    joining
        How they are joined.
    main, table
        Row numbers with keys or positions; the rows of `table` in the order of its file.

    Raises
    ------
    SurveyError
        If several rows of the table have the key of a row of the main one, and the join does not say which to take.
    """
    if joining.by_position:
        return nearest_rows(*positions_of(main), *positions_of(table), radius_arcsec=joining.join.radius_arcsec)
    codes = pa.chunked_array([*main[KEY].chunks, *table[KEY].chunks], main[KEY].type).combine_chunks()
    codes = codes.dictionary_encode().indices.to_numpy()
    found = match_keys(codes[: main.num_rows], codes[main.num_rows :])
    if found.repeats.size and joining.join.repeats == "error":
        raise _repeated(joining, table, int(found.repeats[0]))
    return found.rows


def positions_of(rows: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Return the right ascensions and declinations of rows with positions, in degrees."""
    return rows[RA].to_numpy(), rows[DEC].to_numpy()


def _repeated(joining: Joining, table: pa.Table, place: int) -> SurveyError:
    key, join = table[KEY][place], joining.join
    rows = table.filter(pc.equal(table[KEY], key))[ROW].to_pylist()
    named = ", ".join(map(str, rows[:3])) + (" and others" if rows[3:] else "")
    return SurveyError(
        f"{joining.table.path}: rows {named} have the same {join.key_column}, {key}, but a star takes one row of the "
        f'table {join.name!r}. Write repeats = "first" in its [[join]] to take the first of them, or remove the others '
        "from the file."
    )
