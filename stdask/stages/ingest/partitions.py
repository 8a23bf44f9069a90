"""The last tasks of the stage `ingest`: partitions from their pieces, and the table of all rows set aside."""

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.science.sky.healpix import assign_tiles
from stdask.stages.ingest.plan import Done, IngestPlan, Item
from stdask.storage import paths
from stdask.storage.catalogue.hats import write_partition
from stdask.storage.pieces import read_part
from stdask.storage.tables import in_groups, read_parquet, to_table, write_in_row_groups

ROWS_PER_GROUP = 1_000_000  # of the table of rows set aside, whatever the blocks were: about 50 MB


def write_bundle(bundle: Item, plan: IngestPlan) -> Done:
    """Write some partitions from their pieces, rows of one position in the order of the file."""
    table = read_part(plan.pieces("pieces", plan.n_blocks), bundle.number)
    table = to_table(plan.columns, {name: table[name] for name in table.column_names})
    numbers = assign_tiles(table[schema.HEALPIX.name].to_numpy(), list(plan.tiles))
    files, partitions = [], []
    for number in np.unique(numbers):
        pixel = plan.tiles[number]
        written = write_partition(plan.folder, pixel, table.filter(pa.array(numbers == number)), plan.metadata)
        partitions.append({"pixel": list(pixel), **written._asdict()})
        files.append(paths.partition(plan.folder, pixel))
    return Done(files, {"partitions": partitions})


def collect_rejected(item: Item, plan: IngestPlan) -> Done:  # noqa: ARG001
    """Write the table of all rows set aside, in the order of the file."""
    names = [column.name for column in schema.REJECTED]
    tables = (read_parquet(path).select(names) for path in plan.pieces("rejected", plan.n_blocks))
    named = (to_table(schema.REJECTED, dict(zip(names, table.columns, strict=True))) for table in tables)
    path = plan.folder / paths.REJECTED
    write_in_row_groups(path, schema.REJECTED, in_groups(named, ROWS_PER_GROUP))
    return Done([path], {})
