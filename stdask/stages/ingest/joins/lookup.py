"""Some rows of a survey of several tables, in this process: what belongs to them is looked up in the further tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask.config.survey import SurveyDefinition
from stdask.config.survey_files import MAIN
from stdask.display.console import progress_bar
from stdask.science.keys.key_matches import NO_ROW
from stdask.science.sky.crossmatch import nearest_rows
from stdask.stages.ingest.joins.matching import KEY, ROW, Joining, match, positions_of
from stdask.stages.ingest.joins.tables import wanted_columns
from stdask.storage.surveys.computed import ComputedColumns
from stdask.storage.surveys.format import SurveyFile, Wanted
from stdask.storage.surveys.joined import JoinedTables, TakenRows


@dataclass(frozen=True)
class LookedUp(SurveyFile):
    """The columns of a further table in the rows of the main one, looked up when they are read.

    Each time the whole table is read, in the memory of the rows that are asked for.
    """

    joining: Joining

    @classmethod
    def of(cls, joining: Joining) -> "LookedUp":
        """Return the further table of a join with the rows of the main one."""
        table = joining.table
        return cls(table.path, joining.main.known_rows, table.columns, table.vectors, by_slices=False, joining=joining)

    def _count(self) -> int:
        return self.joining.main.n_rows

    def _find(self, name: str) -> Wanted:
        self.joining.table.require([name])
        return Wanted(name, name)

    def _tables(self, wanted: Sequence[Wanted], start: int, stop: int) -> Iterator[pa.Table]:
        joining, names = self.joining, [want.name for want in wanted]
        read = joining.main.read(joining.columns_of_main, start, stop)
        main = joining.places_in_main(read, start)
        table = pa.concat_tables(self._candidates(names, main))
        places = np.full(read.num_rows, NO_ROW)
        places[main[ROW].to_numpy() - start] = match(joining, main, table)
        rows = pa.array(places, mask=places == NO_ROW)
        yield pa.table({name: table[f".{name}"].combine_chunks().take(rows) for name in names})

    def _candidates(self, names: Sequence[str], main: pa.Table) -> Iterator[pa.Table]:
        """Yield the rows of the further table that may belong to rows of the main one, and names with a dot."""
        joining, start = self.joining, 0
        read = list(dict.fromkeys([*joining.columns_of_table, *names]))
        yield self._with_columns(joining.table.read(read, 0, 0), names, 0)
        with progress_bar(f"look up {joining.join.name}", joining.table.n_rows, unit="rows") as bar:
            for table in joining.table.batches(read):
                rows = self._with_columns(table, names, start)
                yield rows.filter(pa.array(self._may_belong(rows, main)))
                start += table.num_rows
                bar.advance(table.num_rows)

    def _with_columns(self, read: pa.Table, names: Sequence[str], start: int) -> pa.Table:
        places = self.joining.places_in_table(read, start)
        taken = read.take(pa.array(places[ROW].to_numpy() - start))
        for name in names:
            places = places.append_column(f".{name}", taken[name])
        return places

    def _may_belong(self, rows: pa.Table, main: pa.Table) -> np.ndarray:
        if self.joining.by_position:
            radius = self.joining.join.radius_arcsec
            return nearest_rows(*positions_of(rows), *positions_of(main), radius_arcsec=radius) != NO_ROW
        return pc.is_in(rows[KEY], value_set=main[KEY].combine_chunks()).to_numpy()


def looked_up(survey: SurveyFile, definition: SurveyDefinition) -> SurveyFile:
    """Return a survey of which rows can be read before its tables are joined.

    Parameters
    ----------
    survey, definition
        Its tables as one, and how they are joined.
    """
    if not isinstance(survey, JoinedTables):
        return survey
    joined = replace(survey, joined={})
    for join in definition.join:
        if table := survey.joined.get(join.name):
            own = table if join.by == "row" else LookedUp.of(Joining(join, definition.position, joined, table))
            joined = joined.aligned({join.name: own})
    return joined


def first_rows(survey: SurveyFile, definition: SurveyDefinition, n_rows: int) -> SurveyFile:
    """Return a survey of several tables with its first rows alone, in memory; any other as it is.

    Parameters
    ----------
    survey, definition
        Its tables as one, and how they are joined.
    n_rows
        Number of rows.
    """
    if not isinstance(survey, JoinedTables):
        return survey
    names = ComputedColumns(survey, definition.sentinels).behind(definition.source_columns)
    return TakenRows.of(survey, looked_up(survey, definition).read(names, 0, n_rows))


def take_rows(survey: SurveyFile, definition: SurveyDefinition, rows: np.ndarray) -> SurveyFile:
    """Return some rows of a survey, in memory, with all columns that its definition reads.

    Parameters
    ----------
    survey, definition
        Its tables as one, and how they are joined.
    rows : shape (n_rows,), ascending
        Row numbers of the main table.
    """
    wanted = wanted_columns(survey, definition)
    if not isinstance(survey, JoinedTables):
        return _taken(survey, wanted[MAIN], rows)
    by_row = {join.name for join in definition.join if join.by == "row"}
    tables = {name: table for name, table in survey.joined.items() if name in wanted}
    tables |= {name: _taken(table, wanted[name], rows) for name, table in tables.items() if name in by_row}
    return looked_up(
        replace(survey, known_rows=rows.size, main=_taken(survey.main, wanted[MAIN], rows), joined=tables), definition
    )


def _taken(table: SurveyFile, names: Sequence[str], rows: np.ndarray) -> TakenRows:
    """Return some rows of a table, which is read some rows at a time."""
    parts, start = [table.read(names, 0, 0)], 0
    with progress_bar(f"read rows of {table.path.name}", table.n_rows, unit="rows") as bar:
        for part in table.batches(names):
            own = rows[(rows >= start) & (rows < start + part.num_rows)]
            parts.append(part.take(pa.array(own - start)))
            start += part.num_rows
            bar.advance(part.num_rows)
    return TakenRows.of(table, pa.concat_tables(parts))
