"""How many rows are of a star that an earlier row is of too, in a survey whose definition has no `[duplicates]`."""

import numpy as np
import pyarrow as pa

from stdask.config.survey import SurveyDefinition
from stdask.science.keys.star_keys import star_keys
from stdask.stages.ingest.plan import Deal, Done, Item
from stdask.storage.pieces import read_part
from stdask.storage.tables import write_parquet

KIND = "same_star"  # of the files that the blocks leave


def looks_for_same_stars(definition: SurveyDefinition) -> bool:
    """Tell whether rows of one star are counted: not where the definition says which one stays."""
    return definition.duplicates is None and definition.gaia_id != definition.id


def identify_stars(ids: pa.Array, gaia_ids: pa.Array | None, index: np.ndarray) -> pa.Table:
    """Return for each row a number of its star, and the key of its own id.

    Parameters
    ----------
    ids, gaia_ids : (n_rows,)
        Own ids, and those of Gaia, null where there is none; None without such a column.
    index : shape (n_rows,), int64
        Pixels of 0.4 mas, which stand for the star where it has no id of Gaia.
    """
    stars = -1 - index
    if gaia_ids is not None:
        numbers = gaia_ids.fill_null(0).to_numpy()
        stars = np.where(numbers > 0, numbers, stars)
    return pa.table({"star": stars, "id": star_keys(ids.to_numpy(zero_copy_only=False))})


def count_same_stars(share: Item, deal: Deal) -> Done[int]:
    """Return how many rows of a share have another id than an earlier row of their star."""
    table = read_part(deal.of_blocks(KIND), share.number)
    n_ids = table.group_by(["star", "id"]).aggregate([]).num_rows
    n_more = n_ids - len(table["star"].unique())
    path = deal.piece(f"{KIND}_counts", share.number)
    write_parquet(path, pa.table({"n": [n_more]}))
    return Done([path], n_more)


def note_on_same_stars(n_rows: int) -> str:
    """Return what to do about rows of one star."""
    return (
        f"{n_rows:,} rows have the Gaia id or the position of an earlier row. Add [duplicates] to the definition to "
        "choose the row of each star; without it, merge keeps the first row of survey A that can be used."
    )
