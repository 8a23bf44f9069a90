"""Rows of one catalogue that are one star: which of them give way to another, found by id and on the sky.

No process holds a whole catalogue: rows are dealt into shares by a hash of their id, and compared tile by tile of the
sky where one of two rows has no id.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.pairing.matching import STARS_AT_ONCE, IdBlock, SkyTile, blocks_of, cut_sky, read_rows
from stdask.pairing.rows import parts_of
from stdask.schema import HEALPIX, STAR_KEY
from stdask.science.keys.star_keys import star_keys
from stdask.science.sky.crossmatch import cells_around, close_pairs
from stdask.science.sky.healpix import INDEX_ORDER
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.pieces import read_part, write_pieces

KEY = STAR_KEY.name


@dataclass(frozen=True)
class Order:
    """Which of the rows of a star stays: that of the lowest rank, of equal ones the first of the catalogue.

    Parameters
    ----------
    columns
        Of the catalogue, that `rank` reads besides the keys.
    rank
        Returns whole numbers, (n_rows,), of a table of these columns.
    """

    columns: tuple[str, ...]
    rank: Callable[[pa.Table], np.ndarray]


def find_repeated(
    workers: Workers, catalogue: Catalogue, id_column: str | None, order: Order, radius_arcsec: float, scratch: Path
) -> np.ndarray:
    """Return the keys of the rows that give way to another row of their star: (n_rows,), uint64, ascending.

    Two rows are one star if they have the same id or, if one has none, lie within the radius of each other.

    Parameters
    ----------
    workers, catalogue
        Where the rows are compared, and the catalogue.
    id_column
        Of whole numbers or text, null for rows without an id; None if there is none.
    order
        Which row stays.
    radius_arcsec
        Largest separation.
    scratch
        Folder for the rows dealt into shares.
    """
    found: list[np.ndarray] = [np.empty(0, dtype=np.uint64)]
    n_nameless = catalogue.n_rows
    if id_column:
        shutil.rmtree(scratch, ignore_errors=True)  # left by an interrupted run
        n_shares = -(-catalogue.n_rows // STARS_AT_ONCE)
        blocks = blocks_of(0, parts_of(catalogue), scratch)
        dealt = each(workers, deal_rows, blocks, catalogue.folder, id_column, order, n_shares, description="deal rows")
        n_nameless = sum(n for _, n in dealt)
        files = [block.path for block in blocks]
        found += [keys for _, keys in each(workers, compare_ids, range(n_shares), files, description="compare ids")]
        shutil.rmtree(scratch)
    if n_nameless:
        tiles = cut_sky(catalogue, catalogue, 2 * radius_arcsec)
        shared = (catalogue.folder, id_column, order, radius_arcsec)
        found += [keys for _, keys in each(workers, compare_near, tiles, *shared, description="compare positions")]
    return np.unique(np.concatenate(found))


def deal_rows(block: IdBlock, folder: Path, id_column: str, order: Order, n_shares: int) -> int:
    """Write the rows of a block that have an id, dealt into shares; return how many have none."""
    names = list(dict.fromkeys([id_column, KEY, *order.columns]))
    table = pa.concat_tables([read_rows(folder, part, names) for part in block.parts]).combine_chunks()
    rows = pa.table(
        {"id": table[id_column], "row": table["row"], "key": table[KEY], "rank": pa.array(order.rank(table))}
    )
    known = rows.filter(pc.is_valid(rows["id"]))
    shares = (star_keys(known["id"].to_numpy()) % np.uint64(n_shares)).astype(np.int64)
    write_pieces(block.path, known, shares, n_shares)
    return rows.num_rows - known.num_rows


def compare_ids(share: int, files: Sequence[Path]) -> np.ndarray:
    """Return the keys of the rows of a share that give way to another row of their id."""
    table = read_part(files, share)
    codes = table["id"].combine_chunks().dictionary_encode().indices.to_numpy()
    rank, row, key = (table[name].to_numpy() for name in ("rank", "row", "key"))
    best_first = np.lexsort((row, rank, codes))
    repeated = np.diff(codes[best_first], prepend=-1) == 0
    return key[best_first][repeated]


def compare_near(tile: SkyTile, folder: Path, id_column: str | None, order: Order, radius_arcsec: float) -> np.ndarray:
    """Return the keys of the rows in a tile of the sky that give way to a row near them, of which one has no id."""
    names = [HEALPIX.name, KEY, "ra", "dec", *([id_column] if id_column else []), *order.columns]
    depth, cells = cells_around(tile.pixel, 2 * radius_arcsec)
    tables = []
    for part in tile.parts[0]:
        table = read_rows(folder, part, list(dict.fromkeys(names)))
        inside = np.isin(table[HEALPIX.name].to_numpy() >> 2 * (INDEX_ORDER - depth), cells)
        tables.append(table.filter(pa.array(inside)))
    table = pa.concat_tables(tables).combine_chunks()
    pairs = close_pairs(table["ra"].to_numpy(), table["dec"].to_numpy(), radius_arcsec)
    if id_column:
        named = table[id_column].is_valid().to_numpy()
        pairs = pairs[~named[pairs].all(axis=1)]
    rank, row, index = order.rank(table)[pairs], table["row"].to_numpy()[pairs], table[HEALPIX.name].to_numpy()
    first_stays = (rank[:, 0] < rank[:, 1]) | ((rank[:, 0] == rank[:, 1]) & (row[:, 0] < row[:, 1]))
    gone = np.unique(np.where(first_stays, pairs[:, 1], pairs[:, 0]))
    own = (index[gone] >= tile.pixel.first_index) & (index[gone] < tile.pixel.end_index)
    return table[KEY].to_numpy()[gone[own]]
