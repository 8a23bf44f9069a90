"""The matching of the stage `pair`, a piece of the sky or a share of the ids at a time: no process sees all stars.

By position, a tile of the sky is matched together with a margin, whose stars may be nearer to those inside.
By id, the stars of both catalogues are dealt into shares by a hash of their ids, and each share is matched.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask.pipeline.cluster import Workers
from stdask.pipeline.pair_rows import Part, gather, parts_of
from stdask.pipeline.tasks import each
from stdask.schema import HEALPIX
from stdask.science.crossmatch import cells_around, match_ids, match_positions
from stdask.science.healpix import INDEX_ORDER, Pixel
from stdask.science.star_keys import star_keys
from stdask.storage import paths
from stdask.storage.hats import Catalogue
from stdask.storage.pieces import read_part, write_pieces
from stdask.storage.tables import read_parquet

STARS_AT_ONCE = 1_000_000  # of both catalogues in one task: a few hundred MB
MARGIN = 2  # radii: a star of B one radius outside a tile may have a nearer star of A another radius off


class Tile(NamedTuple):
    """A piece of the sky, and the partitions of A and of B that reach into it or its margin."""

    pixel: Pixel
    parts: tuple[list[Part], list[Part]]

    def __str__(self) -> str:
        """Return the name of its pixel."""
        return str(self.pixel)


class Block(NamedTuple):
    """Partitions of one catalogue whose stars are dealt in one task."""

    side: int  # 0 for A, 1 for B
    path: Path  # of the file they are dealt into
    parts: list[Part]

    def __str__(self) -> str:
        """Return whose partitions they are."""
        return f"{'AB'[self.side]} from {self.parts[0].pixel} to {self.parts[-1].pixel}"


def match_sky(workers: Workers, a: Catalogue, b: Catalogue, radius_arcsec: float) -> np.ndarray:
    """Match mutual nearest neighbours on the sky, tile by tile.

    Parameters
    ----------
    workers
        Where the tiles are worked on.
    a, b
        The catalogues.
    radius_arcsec
        Greatest separation.

    Returns
    -------
    rows : shape (n_pairs, 2), int64
        Rows of A and of B in the order of their catalogues, ascending in those of A.
    """
    shared = ((a.folder, b.folder), radius_arcsec)
    tiles = cut_sky(a, b, MARGIN * radius_arcsec)
    return _ordered(rows for _, rows in each(workers, match_tile, tiles, *shared, description="match positions"))


def match_stars(
    workers: Workers, a: Catalogue, b: Catalogue, columns: tuple[str, str], radius_arcsec: float, scratch: Path
) -> np.ndarray:
    """Match rows with equal ids, and mutual nearest neighbours on the sky of which one has no id.

    A star without an id in one of two surveys would else be two stars of the merged catalogue.

    Parameters
    ----------
    workers, a, b, columns, scratch
        As in `match_shares`.
    radius_arcsec
        Greatest separation of stars without an id.

    Returns
    -------
    rows : shape (n_pairs, 2), int64
        Rows of A and of B in the order of their catalogues, ascending in those of A; none of either twice.
    """
    shutil.rmtree(scratch, ignore_errors=True)  # of a run that was cut off
    same = match_shares(workers, a, b, columns, scratch)
    shutil.rmtree(scratch)
    near = match_sky(workers, a, b, radius_arcsec)
    near = near[~np.isin(near[:, 0], same[:, 0]) & ~np.isin(near[:, 1], same[:, 1])]
    if not near.size:
        return same
    ids = (
        gather(workers, side, [name], near[:, n])[name]
        for n, (side, name) in enumerate(zip((a, b), columns, strict=True))
    )
    nameless = pc.or_(*(column.is_null() for column in ids)).to_numpy()
    return _ordered([same, near[nameless]])


def match_shares(workers: Workers, a: Catalogue, b: Catalogue, columns: tuple[str, str], scratch: Path) -> np.ndarray:
    """Match rows with equal ids, share by share; of repeated ids the first row is taken.

    Parameters
    ----------
    workers
        Where the shares are worked on.
    a, b
        The catalogues.
    columns
        Of whole numbers or text in A and in B, null for stars without an id.
    scratch
        Folder for the stars dealt into shares.

    Returns
    -------
    rows : shape (n_pairs, 2), int64
        Rows of A and of B in the order of their catalogues, ascending in those of A.
    """
    n_shares = -(-(a.n_rows + b.n_rows) // STARS_AT_ONCE)
    blocks = [_blocks(side, parts_of(catalogue), scratch) for side, catalogue in enumerate((a, b))]
    sizes = [sum(part.n_rows for part in block.parts) for side in blocks for block in side]
    shared = ((a.folder, b.folder), columns, n_shares)
    for _ in each(
        workers, deal_ids, [*blocks[0], *blocks[1]], *shared, description="deal ids", sizes=sizes, unit="stars"
    ):
        pass
    files = [[block.path for block in side] for side in blocks]
    return _ordered(rows for _, rows in each(workers, match_share, range(n_shares), *files, description="match ids"))


def cut_sky(a: Catalogue, b: Catalogue, margin_arcsec: float) -> list[Tile]:
    """Cut A's part of the sky into tiles with few enough stars of both, leaving out those without a star of B near.

    Tiles are A's partitions, split in four where B's are so much finer that they would hold too many stars.
    """
    parts = (parts_of(a), parts_of(b))
    bounds = [np.array([(p.pixel.first_index, p.pixel.end_index) for p in own]) for own in parts]
    tiles, stack = [], [part.pixel for part in reversed(parts[0])]
    while stack:
        pixel = stack.pop()
        order, cells = cells_around(pixel, margin_arcsec)
        near = [[own[n] for n in _overlapping(o, order, cells)] for own, o in zip(parts, bounds, strict=True)]
        n_stars = sum(part.n_rows for side in near for part in side)
        if n_stars > STARS_AT_ONCE and any(p.pixel.order > pixel.order for side in near for p in side):
            stack += [Pixel(pixel.order + 1, 4 * pixel.pixel + child) for child in (3, 2, 1, 0)]
        elif near[1]:
            tiles.append(Tile(pixel, (near[0], near[1])))
    return tiles


def match_tile(tile: Tile, folders: tuple[Path, Path], radius_arcsec: float) -> np.ndarray:
    """Return the rows of A and B that are one star in a tile of the sky: (n_pairs, 2), int64."""
    order, cells = cells_around(tile.pixel, MARGIN * radius_arcsec)
    a, b = (_read_around(f, parts, order, cells) for f, parts in zip(folders, tile.parts, strict=True))
    ra_a, dec_a, ra_b, dec_b = (side[name].to_numpy() for side in (a, b) for name in ("ra", "dec"))
    rows_a, rows_b, _ = match_positions(ra_a, dec_a, ra_b, dec_b, radius_arcsec)
    index = a[HEALPIX.name].to_numpy()[rows_a]
    inside = (index >= tile.pixel.first_index) & (index < tile.pixel.end_index)
    return np.stack([a["row"].to_numpy()[rows_a[inside]], b["row"].to_numpy()[rows_b[inside]]], axis=1)


def deal_ids(block: Block, folders: tuple[Path, Path], columns: tuple[str, str], n_shares: int) -> None:
    """Write the ids of a block and their rows, dealt into shares."""
    name = columns[block.side]
    tables = [_read_rows(folders[block.side], part, [name]).rename_columns(["id", "row"]) for part in block.parts]
    table = pa.concat_tables(tables)
    table = table.filter(pc.is_valid(table["id"]))
    # the first of each: a value that stands for no id in millions of rows would fill one share
    codes = table["id"].combine_chunks().dictionary_encode().indices.to_numpy()
    table = table.take(np.unique(codes, return_index=True)[1])
    shares = (star_keys(table["id"].to_numpy()) % np.uint64(n_shares)).astype(np.int64)
    write_pieces(block.path, table, shares, n_shares)


def match_share(share: int, files_a: list[Path], files_b: list[Path]) -> np.ndarray:
    """Return the rows of A and B with equal ids in a share: (n_pairs, 2), int64."""
    a, b = read_part(files_a, share), read_part(files_b, share)
    rows_a, rows_b = match_ids(a["id"].to_numpy(), b["id"].to_numpy())
    return np.stack([a["row"].to_numpy()[rows_a], b["row"].to_numpy()[rows_b]], axis=1)


def _ordered(found: Iterable[np.ndarray]) -> np.ndarray:
    rows = np.concatenate([np.empty((0, 2), dtype=np.int64), *found])
    return rows[np.argsort(rows[:, 0])]


def _blocks(side: int, parts: list[Part], scratch: Path) -> list[Block]:
    """Put partitions together until one more would be too much for a task."""
    blocks: list[Block] = []
    n_rows = STARS_AT_ONCE
    for part in parts:
        n_rows += part.n_rows
        if n_rows > STARS_AT_ONCE:
            blocks.append(Block(side, scratch / "ab"[side] / f"{len(blocks)}.arrow", []))
            n_rows = part.n_rows
        blocks[-1].parts.append(part)
    return blocks


def _overlapping(bounds: np.ndarray, order: int, cells: np.ndarray) -> np.ndarray:
    """Return which of some disjoint ranges of the order-29 index, (n, 2), ascending, overlap any of the cells."""
    shift = 2 * (INDEX_ORDER - order)
    first = np.searchsorted(bounds[:, 1], cells << shift, side="right")
    end = np.searchsorted(bounds[:, 0], (cells + 1) << shift, side="left")
    return np.unique(np.concatenate([np.arange(f, e) for f, e in zip(first, end, strict=True)]))


def _read_around(folder: Path, parts: list[Part], order: int, cells: np.ndarray) -> pa.Table:
    """Read positions and rows of the stars of some partitions that lie in any of the cells."""
    tables = []
    for part in parts:
        table = _read_rows(folder, part, [HEALPIX.name, "ra", "dec"])
        own_cells = table[HEALPIX.name].to_numpy() >> 2 * (INDEX_ORDER - order)
        tables.append(table.filter(pa.array(np.isin(own_cells, cells))))
    return pa.concat_tables(tables)


def _read_rows(folder: Path, part: Part, columns: list[str]) -> pa.Table:
    """Read columns of a partition, and as a last one the rows in the whole catalogue."""
    table = read_parquet(paths.partition(folder, part.pixel), columns)
    return table.append_column("row", pa.array(np.arange(part.first_row, part.first_row + table.num_rows)))
