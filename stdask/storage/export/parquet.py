"""One Parquet file with units, UCDs and descriptions in its fields, and as VOParquet says; a row group a partition."""

from pathlib import Path

import pyarrow as pa

from stdask import __version__
from stdask.storage.catalogue.votable_header import votable_metadata
from stdask.storage.export.excerpt import Excerpt
from stdask.storage.files import replacing
from stdask.storage.tables import open_writer, to_field


def write_parquet_table(path: Path, excerpt: Excerpt) -> None:
    """Write a Parquet file.

    Parameters
    ----------
    path
        File to write, atomically.
    excerpt
        What to write; its provenance becomes key-value pairs of the file.
    """
    metadata = {f"stdask.{name}": text for name, text in excerpt.provenance.items()}
    metadata |= {"stdask.version": __version__}
    metadata |= {f"table::len::{name}": str(n) for name, n in excerpt.text_bytes.items()}  # for the memory of astropy
    fields = pa.schema([to_field(column) for column in excerpt.columns], metadata=metadata)
    with replacing(path) as temporary, open_writer(temporary, fields) as writer:
        for table in excerpt.tables():
            if table.num_rows:
                writer.write_table(table.cast(fields))
        writer.add_key_value_metadata(votable_metadata(excerpt.columns))
