"""Survey files in FITS: one binary table, or several side by side; a packed file is unpacked while it is read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from stdask.errors import SurveyError
from stdask.storage.surveys.fits_tables import (
    FitsColumn,
    FitsLayout,
    read_first_layout,
    read_layouts,
    read_records,
    to_array,
)
from stdask.storage.surveys.format import ROWS_AT_ONCE, SurveyFile, Wanted
from stdask.storage.surveys.streams import is_packed, open_stream

BYTES_AT_ONCE = 1 << 24  # of records in memory: those of surveys with spectra are long


@dataclass(frozen=True)
class FitsFile(SurveyFile):
    """FITS binary tables; row n of each is one star."""

    layouts: tuple[FitsLayout, ...]
    places: Mapping[str, tuple[int, FitsColumn]]  # name -> number of its table, and how to read it
    others: Mapping[str, frozenset[str]]  # tables that were not asked for, where none was, with their columns

    def require(self, names: Sequence[str]) -> None:
        """Raise if a column is missing, as `SurveyFile.require`; say if another table of the file has all of them."""
        try:
            super().require(names)
        except SurveyError as exc:
            wanted = {name.lower() for name in names}
            if table := next((own for own, columns in self.others.items() if wanted <= columns), None):
                raise SurveyError(
                    f"{exc} Only the first table of the file was read, {self.layouts[0].name}. The table {table} has "
                    f"{', '.join(map(repr, names))}: if that is the table of the stars, set [file] hdus = "
                    f"[{json.dumps(table)}]."
                ) from exc
            raise

    @property
    def remark(self) -> str:
        """Which of several tables is read."""
        if not self.others:
            return ""
        return (
            f"{self.path.name}: its first table is read, {self.layouts[0].name}, and not {', '.join(self.others)}. "
            "Name tables in [file] hdus to read others."
        )

    def _tables(self, wanted: Sequence[Wanted], start: int, stop: int) -> Iterator[pa.Table]:
        n_at_once = max(min(ROWS_AT_ONCE, BYTES_AT_ONCE // sum(layout.dtype.itemsize for layout in self.layouts)), 1)
        with ExitStack() as stack:
            sources = [
                read_records(stack.enter_context(open_stream(self.path)), layout, start, stop, n_at_once)
                for layout in self.layouts
            ]
            for records in zip(*sources, strict=True):
                columns = {}
                for want in wanted:
                    number, column = self.places[want.column]
                    try:
                        columns[want.name] = to_array(records[number], column, want.element)
                    except SurveyError as exc:
                        exc.add_note(f"{self.path}: column {want.name!r}")
                        raise
                yield pa.table(columns)


def open_fits(path: Path, hdus: Sequence[str]) -> FitsFile:
    """Open tables of a FITS file by name, the first one if none is named.

    Columns of several are called TABLE.COLUMN.

    Raises
    ------
    SurveyError
        If a table is missing, truncated or compressed, or has another number of rows; or if the first one has no rows
        and another has some.
    """
    packed = is_packed(path)
    others: dict[str, frozenset[str]] = {}
    with open_stream(path) as stream:
        if hdus:
            layouts = read_layouts(stream, list(dict.fromkeys(hdus)))
        else:
            layout, others = read_first_layout(stream, only=packed)
            layouts = [layout]
    size, end = path.stat().st_size, max(layout.end for layout in layouts)
    if not packed and 0 < size < end:  # 0 if a server does not state it
        raise SurveyError(f"{path} is cut off: {size} bytes of {end}. Fetch the file again.")
    sizes = {layout.name: layout.n_rows for layout in layouts}
    if len(set(sizes.values())) > 1:
        counted = ", ".join(f"{name} has {n}" for name, n in sizes.items())
        raise SurveyError(f"{path}: not all tables of [file] hdus have as many rows: {counted}. Name those that have.")
    places = {
        f"{layout.name}.{name}" if len(layouts) > 1 else name: (number, column)
        for number, layout in enumerate(layouts)
        for name, column in layout.columns.items()
    }
    return FitsFile(
        path,
        layouts[0].n_rows,
        columns={name: column.unit for name, (_, column) in places.items()},
        vectors={name: column.shape for name, (_, column) in places.items() if column.shape},
        by_slices=not packed,
        layouts=tuple(layouts),
        places=places,
        others=others,
    )
