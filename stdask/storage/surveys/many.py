"""A survey in many files: their rows one after the other."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from stdask.errors import SurveyError
from stdask.storage.surveys.format import SurveyFile, Wanted
from stdask.storage.surveys.parquet import open_parquet

THREADS = 8  # headers read at once: most of the time is spent waiting for the disk
A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True)
class ManyFiles(SurveyFile):
    """Files with the columns of one survey. A range of rows is read from the files that it lies in.

    It has the columns that all its files have.
    """

    files: tuple[SurveyFile, ...]

    @property
    def parts(self) -> tuple[SurveyFile, ...]:
        """The files, in the order of their rows."""
        return self.files

    def _count(self) -> int:
        return sum(self._sizes)

    @cached_property
    def _sizes(self) -> list[int]:
        """The number of rows of each file."""
        return [file.n_rows for file in self.files]

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
        kinds = self._common_kinds(names)
        yield pa.table({name: pa.array([], kinds[name]) for name in names})
        first = 0
        for file, size in zip(self.files, self._sizes, strict=True):
            own = max(start - first, 0), min(stop - first, size)
            if own[0] < own[1]:
                for table in file.tables(names, *own):
                    yield pa.table({name: _cast(table.column(name), kinds[name], file.path, name) for name in names})
            first += size
            if first >= stop:
                return

    def _common_kinds(self, names: Sequence[str]) -> Mapping[str, pa.DataType]:
        """Return the type that holds the values of a column in all files."""
        if new := [name for name in names if name not in self._kinds]:
            schemas = in_threads(lambda file: file.read(new, 0, 0).schema, self.files)
            for name in new:
                own = [schema.field(name).type for schema in schemas]
                self._kinds[name] = own[0] if len(set(own)) == 1 else self._common_kind(name, own)
        return self._kinds

    def _common_kind(self, name: str, kinds: Sequence[pa.DataType]) -> pa.DataType:
        """Return the common type of a column of different types; files in which all its values are missing have none.

        Raises
        ------
        SurveyError
            Naming both files, if the column is text in one and something else in another.
        """
        pairs = list(zip(kinds, self.files, strict=True))
        first = {kind: file for kind, file in reversed(pairs) if not pa.types.is_floating(kind)}
        for kind in set(kinds) - set(first):  # a column without any value is read as floats, too
            with_values = (pair for pair in pairs if pair[0] == kind and _has_values(pair[1], name))
            first |= dict(itertools.islice(with_values, 1))
        texts = [file for kind, file in first.items() if pa.types.is_string(kind)]
        others = [(file, kind) for kind, file in first.items() if not pa.types.is_string(kind)]
        if texts and others:
            file, kind = others[0]
            raise SurveyError(
                f"Column {name!r} holds text in {texts[0].path} and {kind} in {file.path}. Write it as one of these in "
                "all files."
            )
        return _widest(list(first))

    def _find(self, name: str) -> Wanted:
        if name not in self._agreed:
            with_it = [file for file in self.files if file.has(name)]
            if with_it and len(with_it) < len(self.files):
                without = next(file for file in self.files if not file.has(name))
                raise SurveyError(
                    f"Column {name!r} is in {with_it[0].path}, but not in {without.path}. All files of a survey have "
                    "the columns that are read: correct the file, or name other files."
                )
            if with_it:
                self._check_units(name)
                self._agreed.add(name)
        return super()._find(name)

    def _check_units(self, name: str) -> None:
        first, *others = self.files
        unit = first.unit(name)
        for other in others:
            if (further := other.unit(name)) != unit:
                raise SurveyError(
                    f"Column {name!r} is in {unit or 'no unit'} in {first.path}, but in {further or 'no unit'} in "
                    f"{other.path}. Write it in one unit in all files."
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
    return _joined(path, files)


def _format(file: SurveyFile) -> str:
    return type(file).__name__.removesuffix("File").upper()


def _joined(path: Path, files: Sequence[SurveyFile]) -> ManyFiles:
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
    )


def with_copies(survey: SurveyFile, copies: Mapping[int, Path]) -> SurveyFile:
    """Return a survey that reads Parquet copies instead of some of its files, given by their numbers."""
    opened = dict(zip(copies, in_threads(open_parquet, list(copies.values())), strict=True))
    files = [opened.get(number, file) for number, file in enumerate(survey.parts)]
    return _joined(survey.path, files) if len(files) > 1 else files[0]


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
