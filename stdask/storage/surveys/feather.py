"""Survey files in Feather, which are files of Arrow's IPC format: some record batches at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask.errors import SurveyError
from stdask.storage.surveys.format import SurveyFile, Wanted, check_names, cut
from stdask.storage.surveys.parquet import pick, units_of, vectors_of
from stdask.storage.surveys.places.remote import open_bytes
from stdask.storage.surveys.streams import is_packed


@dataclass(frozen=True)
class FeatherFile(SurveyFile):
    """A file of Arrow's IPC format."""

    sizes: tuple[int, ...]  # rows of its record batches

    def _tables(self, wanted: Sequence[Wanted], start: int, stop: int) -> Iterator[pa.Table]:
        ends = np.cumsum(self.sizes)
        first = min(int(np.searchsorted(ends, start, side="right")), len(self.sizes) - 1)
        last = int(np.searchsorted(ends, stop, side="left"))
        offset = int(ends[first]) - self.sizes[first]
        numbers = sorted({list(self.columns).index(want.column) for want in wanted})
        with open_bytes(self.path) as stream, _reader(stream, numbers) as reader:
            batches = (_batch(reader, number) for number in range(first, min(last + 1, len(self.sizes))))
            tables = (pa.table({want.name: pick(batch, want) for want in wanted}) for batch in batches)
            yield from cut(tables, start - offset, stop - offset)


def open_feather(path: Path) -> FeatherFile:
    """Open a Feather file.

    Raises
    ------
    SurveyError
        If it was packed once more.
    """
    if is_packed(path):
        raise SurveyError(
            f"{path} is a Feather file that was packed once more: it has to be read from its end. Unpack it."
        )
    with open_bytes(path) as stream, _reader(stream, [0]) as reader:
        sizes = tuple(reader.get_batch(number).num_rows for number in range(reader.num_record_batches))
    with open_bytes(path) as stream, pa.ipc.open_file(stream) as reader:
        stored = reader.schema
    check_names(stored.names)
    columns = dict.fromkeys(stored.names, "") | units_of(stored)
    return FeatherFile(path, sum(sizes), columns, vectors_of(stored), by_slices=True, sizes=sizes)


def _batch(reader: pa.ipc.RecordBatchFileReader, number: int) -> pa.RecordBatch:
    """Return a record batch, checked: Arrow follows the offsets of a damaged file anywhere in memory."""
    batch = reader.get_batch(number)
    batch.validate(full=True)
    return batch


def _reader(stream: object, numbers: Sequence[int]) -> pa.ipc.RecordBatchFileReader:
    """Open some columns of a file."""
    return pa.ipc.open_file(stream, options=pa.ipc.IpcReadOptions(included_fields=list(numbers)))
