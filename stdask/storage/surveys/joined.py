"""The tables of a survey as one: further tables next to the main one, their columns named `TABLE.COLUMN`."""

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from stdask.config.survey_files import MAIN
from stdask.errors import SurveyError
from stdask.storage.surveys.format import ROWS_AT_ONCE, SurveyFile, Wanted
from stdask.storage.tables import in_groups


@dataclass(frozen=True)
class JoinedTables(SurveyFile):
    """The main table of a survey with the columns of further ones.

    The names and units of all columns are known from the beginning. Rows can be read once row n of every table belongs
    to the same star.
    """

    main: SurveyFile
    joined: Mapping[str, SurveyFile]
    absent: Mapping[str, Collection[str]]  # table without a file -> columns that are not looked for in the main table

    def owner(self, name: str) -> tuple[str, str]:
        """Return the table that has a column, and what the column or the element of its vectors is called there."""
        for table in self.joined:
            if name.startswith(f"{table}."):
                return table, name.removeprefix(f"{table}.")
        for table, others in self.absent.items():
            own = name.removeprefix(f"{table}.")
            if own != name and own not in others and not self.main.has(name):
                return MAIN, own
        return MAIN, name

    def unit(self, name: str) -> str:
        """Return the unit of a column as its file spells it, empty for none."""
        self.require([name])
        table, own = self.owner(name)
        return self._table(table).unit(own)

    def aligned(self, tables: Mapping[str, SurveyFile]) -> "JoinedTables":
        """Return the same with other tables next to the main one: those whose rows follow its rows."""
        return replace(self, joined=dict(self.joined) | dict(tables))

    def tables(self, names: Sequence[str], start: int, stop: int) -> Iterator[pa.Table]:
        """Yield columns of the rows start <= row < stop, some rows at a time; errors name the file of their table."""
        return self._tables([self._find(name) for name in names], start, stop)

    def _table(self, name: str) -> SurveyFile:
        return self.main if name == MAIN else self.joined[name]

    def _count(self) -> int:
        return self.main.n_rows

    def _lacks(self, name: str) -> bool:
        table, own = self.owner(name)
        return not self._table(table).has(own)

    def _find(self, name: str) -> Wanted:
        table, own = self.owner(name)
        try:
            self._table(table).require([own])
        except SurveyError as exc:
            absent = next((table for table in self.absent if name.startswith(f"{table}.")), None)
            if absent:
                raise SurveyError(
                    f"No file is named for the table {absent!r}, and {self.main.path} has no column {own!r}, which "
                    f'would be {name!r}. Name its file: files = {{ main = "...", {absent} = "..." }}.'
                ) from exc
            raise
        return Wanted(name, name)

    def _tables(self, wanted: Sequence[Wanted], start: int, stop: int) -> Iterator[pa.Table]:
        owners = {want.name: self.owner(want.name) for want in wanted}
        names: dict[str, list[str]] = {}  # table -> columns there, each once
        for table, own in dict.fromkeys(owners.values()):
            names.setdefault(table, []).append(own)
        streams = [
            itertools.chain(
                [self._table(table).read(own, 0, 0)],  # there may be no rows
                in_groups(self._table(table).tables(own, start, stop), ROWS_AT_ONCE),
            )
            for table, own in names.items()
        ]
        for parts in zip(*streams, strict=True):
            by_table = dict(zip(names, parts, strict=True))
            yield pa.table({name: by_table[table].column(own) for name, (table, own) in owners.items()})


@dataclass(frozen=True)
class TakenRows(SurveyFile):
    """Some rows of a table, in memory, under the names that they were read by."""

    taken: pa.Table

    @classmethod
    def of(cls, table: SurveyFile, taken: pa.Table) -> "TakenRows":
        """Return rows that were read from a table."""
        units = {name: table.unit(name) for name in taken.column_names}
        return cls(table.path, taken.num_rows, units, {}, by_slices=True, taken=taken)

    def _tables(self, wanted: Sequence[Wanted], start: int, stop: int) -> Iterator[pa.Table]:
        yield self.taken.select([want.name for want in wanted]).slice(start, stop - start)
