"""Sorted keys of many bins in one file, of which any range of bins is read without the rest."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask.errors import CatalogueError
from stdask.science.galaxy.binning import range_of_bins
from stdask.storage.files import replacing


def write_keys(path: Path, keys: Mapping[str, np.ndarray]) -> None:
    """Write named arrays of sorted keys, each of shape (n_keys,), uint64, atomically.

    They are the only row of an uncompressed Arrow file: whoever maps it into memory touches what it reads alone.
    """
    columns = {name: pa.LargeListArray.from_arrays([0, len(own)], pa.array(own)) for name, own in keys.items()}
    table = pa.table(columns)
    with replacing(path) as temporary, pa.ipc.new_file(temporary, table.schema) as writer:
        writer.write_table(table)


def read_keys(files: Iterable[Path], names: Iterable[str], first_bin: int, end_bin: int) -> dict[str, np.ndarray]:
    """Return the keys of some bins from all files together, sorted, by name; of bins counted from `first_bin`.

    Raises
    ------
    CatalogueError
        If a file is missing or damaged.
    """
    parts: dict[str, list[np.ndarray]] = {name: [np.empty(0, np.uint64)] for name in names}
    for path in files:
        try:
            with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
                row = reader.get_batch(0)
                for name, found in parts.items():
                    keys = row.column(name).flatten().to_numpy()
                    found.append(range_of_bins(keys, first_bin, end_bin))
        except (OSError, KeyError, pa.ArrowException) as exc:
            raise CatalogueError(f"Cannot read {path}: {exc}. Remove it and start again.") from exc
    return {name: np.sort(np.concatenate(found)) for name, found in parts.items()}
