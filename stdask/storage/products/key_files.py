"""Sorted keys of many bins in one file, of which any range of bins is read without the rest."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask.errors import CatalogueError, raise_machine_error
from stdask.science.galaxy.binned import BinnedStars
from stdask.science.galaxy.binning import range_of_bins
from stdask.science.galaxy.weighted import WeightedKeys
from stdask.storage.files import replacing

WEIGHTS = " weights"  # added to the name of keys


def write_keys(path: Path, keys: Mapping[str, np.ndarray | WeightedKeys]) -> None:
    """Write named arrays of sorted keys, each of shape (n_keys,), uint64, with their weights if any, atomically.

    They are the only row of an uncompressed Arrow file: whoever maps it into memory touches what it reads alone.
    """
    arrays: dict[str, np.ndarray] = {}
    for name, own in keys.items():
        arrays |= {name: own.keys, name + WEIGHTS: own.weights} if isinstance(own, WeightedKeys) else {name: own}
    columns = {name: pa.LargeListArray.from_arrays([0, len(own)], pa.array(own)) for name, own in arrays.items()}
    table = pa.table(columns)
    with replacing(path) as temporary, pa.ipc.new_file(temporary, table.schema) as writer:
        writer.write_table(table)


def read_keys(
    files: Iterable[Path], names: Iterable[str], first_bin: int, end_bin: int, weighted: bool = False
) -> dict[str, BinnedStars]:
    """Return the stars of some bins from all files together, by name of their keys; bins counted from `first_bin`.

    Raises
    ------
    CatalogueError
        If a file is missing or damaged.
    """
    n_bins = end_bin - first_bin
    parts: dict[str, list[BinnedStars]] = {name: [] for name in names}
    for path in files:
        try:
            with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
                row = reader.get_batch(0)
                for name, found in parts.items():
                    keys = row.column(name).flatten().to_numpy()
                    first, end = np.searchsorted(keys, np.array([first_bin, end_bin], dtype=np.uint64) << np.uint64(32))
                    weights = row.column(name + WEIGHTS).flatten().to_numpy()[first:end].copy() if weighted else None
                    found.append(BinnedStars(range_of_bins(keys, first_bin, end_bin), n_bins, weights))
        except (OSError, KeyError, pa.ArrowException) as exc:
            raise_machine_error(exc, f"reading {path}")
            raise CatalogueError(f"Cannot read {path}: {exc}. Remove it and start again.") from exc
    return {name: BinnedStars.merge(found, n_bins) for name, found in parts.items()}
