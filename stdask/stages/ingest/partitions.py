"""The last tasks of the stage `ingest`: write partitions from their pieces, and the table of all rows set aside."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.science.sky.healpix import assign_tiles
from stdask.stages.ingest.plan import Deal, Done, Item, PartitionRecord, Target
from stdask.storage import paths
from stdask.storage.catalogue.hats import write_partition
from stdask.storage.pieces import read_part
from stdask.storage.tables import in_groups, read_parquet, to_table, write_in_row_groups

ROWS_PER_GROUP = 1_000_000  # of the table of rows set aside, for any size of the blocks: about 50 MB


def write_bundle(bundle: Item, deal: Deal, target: Target) -> Done[list[PartitionRecord]]:
    """Write some partitions from their pieces, rows of one position in the order of the file."""
    table = read_part(deal.of_blocks("pieces"), bundle.number)
    table = to_table(target.columns, {name: table[name] for name in table.column_names})
    numbers = assign_tiles(table[schema.HEALPIX.name].to_numpy(), list(target.tiles))
    records = []
    for number in np.unique(numbers):
        pixel = target.tiles[number]
        written = write_partition(target.folder, pixel, table.filter(pa.array(numbers == number)), target.metadata)
        records.append(PartitionRecord(pixel, written))
    return Done([paths.partition(target.folder, record.pixel) for record in records], records)


def collect_rejected(item: Item, deal: Deal, folder: Path) -> Done[None]:  # noqa: ARG001
    """Write the table of all rows set aside, in the order of the file."""
    names = [column.name for column in schema.REJECTED]
    tables = (read_parquet(path).select(names) for path in deal.of_blocks("rejected"))
    named = (to_table(schema.REJECTED, dict(zip(names, table.columns, strict=True))) for table in tables)
    path = folder / paths.REJECTED
    write_in_row_groups(path, schema.REJECTED, in_groups(named, ROWS_PER_GROUP))
    return Done([path], None)
