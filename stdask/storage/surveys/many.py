"""A survey in many files: their rows one after the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from stdask.errors import SurveyError
from stdask.storage.surveys.format import SurveyFile, Wanted, explained
from stdask.storage.surveys.parquet import ParquetFile, open_parquet
from stdask.storage.surveys.places.remote import fetched

THREADS = 8  # headers read at once: most of the time is spent waiting for the disk
A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True)
class ManyFiles(SurveyFile):
    """Files with the columns of one survey. A range of rows is read from the files that it lies in.

    It has the columns that all its files have.
    """

    files: tuple[SurveyFile, ...]
    named: tuple[Path, ...]  # the files in messages: those of the user, where copies of them are read

    @property
    def parts(self) -> tuple[SurveyFile, ...]:
        """The files, in the order of their rows."""
        return self.files

    @property
    def remark(self) -> str:
        """What the user should know of how the first file is read."""
        return self.files[0].remark

    def _count(self) -> int:
        return sum(file.n_rows for file in self.files)

    def _limited(self, stop: int) -> int:
        return stop  # files behind it need not be counted

    @cached_property
    def _kinds(self) -> dict[str, pa.DataType]:
        """The common type of each column that has been read so far; it goes with the survey to the workers."""
        return {}

    @cached_property
    def _agreed(self) -> set[str]:
        """The columns of which all files are known to have the same unit and shape."""
        return set()

    def _tables(self, wanted: Sequence[Wanted], start: int, stop: int) -> Iterator[pa.Table]:
        names = [want.name for want in wanted]
        read = list(self._within(start, stop))
        kinds = self._common_kinds(names, [number for number, _, _ in read])
        yield pa.table({name: pa.array([], kinds[name]) for name in names})
        for number, first, last in read:
            for table in self.files[number].tables(names, first, last):
                columns = {name: _cast(table.column(name), kinds[name], self.named[number], name) for name in names}
                yield pa.table(columns)

    def _within(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Yield the numbers of the files that hold the rows start <= row < stop, and which of their rows these are."""
        row = 0
        for number, file in enumerate(self.files):
            if row >= stop:
                return
            if start - row < file.n_rows:
                yield number, max(start - row, 0), min(stop - row, file.n_rows)
            row += file.n_rows

    def _common_kinds(self, names: Sequence[str], read: Sequence[int]) -> Mapping[str, pa.DataType]:
        """Return the type that holds the values of a column in all files.

        The type of a column in a file that cannot be read in part is found by reading all of it, and is therefore that
        of the files `read` alone.
        """
        known = self._kinds if self.by_slices else {}
        numbers = range(len(self.files)) if self.by_slices else read or [0]
        if new := [name for name in names if name not in known]:
            schemas = in_threads(lambda number: self.files[number].read(new, 0, 0).schema, numbers)
            for name in new:
                own = {number: schema.field(name).type for number, schema in zip(numbers, schemas, strict=True)}
                known[name] = _widest(self._kinds_with_values(name, own))
        return known

    def _kinds_with_values(self, name: str, kinds: Mapping[int, pa.DataType]) -> list[pa.DataType]:
        """Return the types of a column in some files, without those of files in which all its values are missing.

        Raises
        ------
        SurveyError
            Naming two files, if the column is text in one and something else in the other.
        """
        if len(set(kinds.values())) == 1:
            return [*set(kinds.values())]
        first = {kind: number for number, kind in reversed(list(kinds.items())) if not pa.types.is_floating(kind)}
        for kind in set(kinds.values()) - set(first):  # a column without any value is read as floats, too
            numbers = (n for n, own in kinds.items() if own == kind and _has_values(self.files[n], name))
            first |= {own: number for number, own in zip(numbers, [kind], strict=False)}
        texts = [number for kind, number in first.items() if pa.types.is_string(kind)]
        others = [number for kind, number in first.items() if not pa.types.is_string(kind)]
        if texts and others:
            raise SurveyError(
                f"Column {name!r} holds text in {self.named[texts[0]]}, but not in {self.named[others[0]]}. Write it "
                "as text or as numbers in all files."
            )
        return list(first)

    @cached_property
    def _known(self) -> frozenset[str]:
        """The columns that any of the files has."""
        return frozenset(name for file in self.files for name in file.columns)

    def _lacks(self, name: str) -> bool:
        return self._known.isdisjoint((name, name.rpartition("[")[0]))

    def _find(self, name: str) -> Wanted:
        if name not in self._agreed and not self._lacks(name):
            has = [file.has(name) for file in self.files]
            if any(has) and not all(has):
                having, lacking = (self.named[has.index(own)] for own in (True, False))
                raise SurveyError(
                    f"Column {name!r} is in {having}, but not in {lacking}. All files of a survey must have "
                    "the columns that are read: correct the file, or name other files."
                )
            if all(has):
                self._check_units(name)
                self._agreed.add(name)
        return super()._find(name)

    def _check_units(self, name: str) -> None:
        units = [file.unit(name) for file in self.files]
        if other := next((number for number, unit in enumerate(units) if unit != units[0]), 0):
            raise SurveyError(
                f"Column {name!r} is in {units[0] or 'no unit'} in {self.named[0]}, but in {units[other] or 'no unit'} "
                f"in {self.named[other]}. Write it in one unit in all files."
            )


def join_files(path: Path, files: Sequence[SurveyFile]) -> ManyFiles:
    """Return one survey of many files.

    Parameters
    ----------
    path
        What names them in messages: a folder, a pattern.
    files
        In the order of their rows.

    Raises
    ------
    SurveyError
        If they are of several formats, naming two that differ.
    """
    first, *others = files
    if other := next((file for file in others if type(file) is not type(first)), None):
        raise SurveyError(
            f"{path} holds files of several formats: {first.path.name} is {_format(first)}, {other.path.name} is "
            f'{_format(other)}. Name files of one format by a pattern, e.g. "{path.name}/*{other.path.suffix}".'
        )
    return _joined(path, files, [file.path for file in files])


def _format(file: SurveyFile) -> str:
    return type(file).__name__.removesuffix("File").upper()


def _joined(path: Path, files: Sequence[SurveyFile], named: Sequence[Path]) -> ManyFiles:
    sizes = [file.known_rows for file in files]
    known = [size for size in sizes if size is not None]
    first, *others = files
    common = {name for name in first.columns if all(name in other.columns for other in others)}
    return ManyFiles(
        path,
        sum(known) if len(known) == len(sizes) else None,
        columns={name: unit for name, unit in first.columns.items() if name in common},
        vectors={name: n for name, n in first.vectors.items() if name in common},
        by_slices=all(file.by_slices for file in files),
        files=(first, *(_sharing(file, first) for file in others)),
        named=tuple(named),
    )


def copy_file(file: SurveyFile, names: Sequence[str], path: Path) -> None:
    """Copy columns of a file to a Parquet file, which can be read in part.

    Of a Parquet file on another machine only these columns are read; other remote files are fetched, next to the copy.

    Raises
    ------
    SurveyError, RemoteError
        If the file cannot be read.
    """
    if isinstance(file, ParquetFile):
        file.copy(names, path)
        return
    with explained(file.path), fetched(file.path, path.parent) as local:
        replace(file, path=local).copy(names, path)


def with_copies(survey: SurveyFile, copies: Mapping[int, Path]) -> SurveyFile:
    """Return a survey that reads Parquet copies instead of some of its files, given by their numbers."""
    opened = dict(zip(copies, in_threads(open_parquet, list(copies.values())), strict=True))
    files = [opened.get(number, file) for number, file in enumerate(survey.parts)]
    if len(files) == 1:
        return files[0]
    return _joined(survey.path, files, [file.path for file in survey.parts])


def _sharing(file: SurveyFile, first: SurveyFile) -> SurveyFile:
    """Return a file that shares what is equal with another one: thousands of them are sent to the workers."""
    if type(file) is not type(first):
        return file
    own, others = (vars(one) for one in (file, first))
    return replace(file, **{name: others[name] for name in (f.name for f in fields(file)) if own[name] == others[name]})


def in_threads(function: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """Return what a function gives for each item, several of them at once."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(function, items))


def _has_values(file: SurveyFile, name: str) -> bool:
    """Tell whether any value of a column of floats is not missing."""
    return any(not pc.all(pc.is_nan(table.column(name))).as_py() for table in file.batches([name]) if table.num_rows)


def _widest(kinds: Sequence[pa.DataType]) -> pa.DataType:
    """Return the type that holds the values of all plain types given; float64 without any."""
    if len(kinds) == 1:
        return kinds[0]
    if not kinds or any(pa.types.is_floating(kind) for kind in kinds):
        return pa.float64()
    return pa.int64()


def _cast(column: pa.ChunkedArray, kind: pa.DataType, path: Path, name: str) -> pa.ChunkedArray:
    if column.type == kind:
        return column
    if pa.types.is_floating(column.type) and not pa.types.is_floating(kind):  # all its values are missing
        return pa.chunked_array([pa.nulls(len(column), kind)])
    try:
        return column.cast(kind, safe=pa.types.is_integer(kind))
    except pa.ArrowInvalid as exc:
        raise SurveyError(f"{path}: column {name!r} is {column.type}, in other files {kind}: {exc}.") from exc
