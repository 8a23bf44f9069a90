"""The first tasks of the stage `ingest`: what a worker does with one block of the file or one share of the stars."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import schema
from stdask.config.survey import SurveyDefinition
from stdask.errors import SurveyError
from stdask.schema import Column
from stdask.science.keys.star_keys import star_keys
from stdask.science.measurements.cuts import count_cuts
from stdask.science.measurements.duplicates import superseded
from stdask.science.measurements.repeats import ErrorFactors
from stdask.science.measurements.survey_columns import Counts, catalogue_columns
from stdask.science.measurements.units import conversion_factor
from stdask.science.sky.dereddening import reddening_at
from stdask.science.sky.healpix import Cells, assign_tiles, count_cells, sky_index
from stdask.science.sky.positions import check_positions
from stdask.stages.ingest.plan import (
    DUPLICATES,
    IMPOSSIBLE,
    NO_ID,
    NO_POSITION,
    BlockRecord,
    ColumnCounts,
    Deal,
    Done,
    Item,
    Source,
    Target,
    kinds_of_repeats,
)
from stdask.stages.ingest.repeats import stated_visits
from stdask.stages.ingest.same_star import KIND as SAME_STAR
from stdask.stages.ingest.same_star import identify_stars, looks_for_same_stars
from stdask.storage.pieces import read_part, write_pieces
from stdask.storage.reddening_maps import store_reddening_map
from stdask.storage.tables import dtype_name, read_parquet, to_table, write_parquet

SEXAGESIMAL = re.compile(r"\s*[+-]?\d{1,3}\s*[:hd ]\s*\d{1,2}\s*[:m' ]")  # 17:20:07.4, 17h20m07.4s, +57 54 32
NO_STAR = pa.array(["None", "nan", "NaN", "null", "NULL", "NA", "N/A", "--", "-", "<NA>"])  # ids of no star of Gaia
ROWS_TRIED = 1000  # of the file, on which the definition is tried
ROWS_CONVERTED = 50_000  # of a block, at once: 50 to 100 MB of a hundred columns


class Placed(NamedTuple):
    """The rows of a block that have a position and an id."""

    rows: np.ndarray  # (n_placed,), row numbers of the survey file
    table: pa.Table  # their columns
    ids: pa.Array
    ra: np.ndarray
    dec: np.ndarray
    rejected: pa.Table  # the other rows


def store_map(item: Item, source: Path, path: Path) -> Done[str]:  # noqa: ARG001
    """Copy a map of E(B-V) to an array that each worker maps into memory; return its frame."""
    frame = store_reddening_map(source, path)
    return Done([path], frame)


def catalogue_fields(source: Source) -> tuple[Column, ...]:
    """Return the columns of the catalogue, after trying the definition on the first rows.

    Raises
    ------
    SurveyError
        If a unit or a kind of column does not fit the definition.
    """
    definition = source.definition
    table, _, _ = convert(source, place((0, ROWS_TRIED), source, definition.source_columns))
    dtypes = {field.name: dtype_name(field.type) for field in table.schema}
    own = Column(definition.id, dtypes[definition.id], "", "meta.id;meta.main", f"Id in {definition.title}")
    kept = [Column(name, dtypes[name], source.units[name]) for name in definition.keep]
    numbers = (schema.ROW,) if source.numbered else ()
    return (schema.HEALPIX, own, *definition.catalogue_columns, *kept, *numbers)


def scan_block(block: Item, source: Source, deal: Deal) -> Done[None]:
    """Deal the rows of a block that have a position and an id, by star and by id."""
    definition, duplicates = source.definition, source.definition.duplicates
    names = [definition.id, definition.position.ra, definition.position.dec]
    names += [duplicates.by, duplicates.best] if duplicates else []
    same_stars = looks_for_same_stars(definition)
    names += [definition.gaia_id] if same_stars and definition.gaia_id else []
    if definition.rescaled_labels:
        names += definition.source_columns
    placed = place(deal.rows(block.number), source, list(dict.fromkeys(names)))
    index = sky_index(placed.ra, placed.dec)
    rows = pa.table({"row": placed.rows, "id": placed.ids, "key": placed.ids, schema.HEALPIX.name: index})
    files = [deal.piece("id", block.number)]
    _deal(files[0], rows.drop_columns("id"), rows["id"], deal.n_shares)
    if same_stars:
        gaia_ids = _identity(placed.table, definition.gaia_id, definition) if definition.gaia_id else None
        stars_of_rows = identify_stars(placed.ids, gaia_ids, index)
        files.append(deal.piece(SAME_STAR, block.number))
        _deal(files[1], stars_of_rows, stars_of_rows["star"], deal.n_shares)
    if duplicates:
        columns = source.columns(placed.table)
        best = columns.merits(duplicates.best)
        merits = best if duplicates.keep == "highest" else -best
        stars = _identity(placed.table, duplicates.by, definition)
        named = rows.set_column(2, "key", stars).append_column("merit", pa.array(merits)).filter(pc.is_valid(stars))
        files.append(deal.piece("star", block.number))
        _deal(files[1], named.drop_columns(schema.HEALPIX.name), named["key"], deal.n_shares)
        if definition.rescaled_labels:
            visits = stated_visits(placed.rows, stars, best, definition, columns)
            files.append(deal.piece("visits", block.number))
            _deal(files[2], visits, visits["key"], deal.n_shares)
    return Done(files, None)


def find_repeats(share: Item, deal: Deal, kind: str, gone: Sequence[Path]) -> Done[None]:
    """Write which rows of a share of the stars give way to another row, dealt to the blocks they come from.

    A row that gives way to another row of its star is not compared with the rows of its id: `gone` are the files of
    such rows, dealt by id.
    """
    table = read_part(deal.of_blocks(kind), share.number)
    if kind == "id":
        table = table.append_column("id", table["key"])
    if gone:
        table = table.filter(pc.invert(pc.is_in(table["row"], read_part(gone, share.number)["row"])))
    codes = table["key"].combine_chunks().dictionary_encode().indices.to_numpy()
    merits = table["merit"].to_numpy() if "merit" in table.column_names else np.zeros(codes.size)
    repeats = table.filter(pa.array(superseded(codes, merits)))
    files = [deal.piece(f"repeats_{kind}", share.number)]
    rejected = _rejection(repeats["row"], repeats["id"], DUPLICATES[kind])
    write_pieces(files[0], rejected, repeats["row"].to_numpy() // deal.rows_per_block, deal.n_blocks)
    if kind == "star":
        files.append(deal.piece("gone", share.number))
        _deal(files[1], repeats.select(["row"]), repeats["id"], deal.n_shares)
    return Done(files, None)


def count_share(share: Item, deal: Deal, order: int, among: Cells | None) -> Done[None]:
    """Count a share of the stars by pixel of `order`, in all of the sky or in some coarser cells of it."""
    index = read_part(deal.of_blocks("id"), share.number, [schema.HEALPIX.name]).column(0).to_numpy()
    cells = count_cells(index if among is None else index[among.hold(index)], order)
    path = deal.piece(f"cells_{order}", share.number)
    write_parquet(path, pa.table(cells._asdict()))
    return Done([path], None)


def read_counts(path: Path) -> Cells:
    """Return what `count_share` counted."""
    return Cells(*(column.to_numpy() for column in read_parquet(path, Cells._fields).columns))


def convert_block(
    block: Item, source: Source, deal: Deal, factors: Mapping[str, ErrorFactors], target: Target
) -> Done[BlockRecord]:
    """Turn a block into catalogue rows, cut by bundle into pieces, and note the rows set aside.

    Parameters
    ----------
    block, source, deal, target
        The block, and what is done with the rows of the file.
    factors
        Of the stated errors of labels, from repeat visits.
    """
    number = block.number
    kinds = kinds_of_repeats(source.definition)
    repeats = pa.concat_tables([read_part(deal.of_shares(f"repeats_{kind}"), number) for kind in kinds])
    converted = _convert_rows(deal.rows(number), source, repeats["row"].to_numpy(), factors)
    rejected, table = pa.concat_tables([repeats, converted.rejected]), converted.table
    files = [deal.piece("rejected", number), deal.piece("pieces", number)]
    write_parquet(files[0], rejected.sort_by("row"))
    tiles = assign_tiles(table[schema.HEALPIX.name].to_numpy(), list(target.tiles))
    write_pieces(files[1], table, np.array(target.bundles)[tiles], target.bundles[-1] + 1)
    record = BlockRecord(
        n_good=pc.sum(table[schema.GOOD.name]).as_py() or 0,
        n_failing=converted.n_failing,
        n_left=converted.n_left,
        set_aside=Counter(rejected["reason"].to_pylist()),
        values=converted.values,
    )
    return Done(files, record)


class _Converted(NamedTuple):
    """The rows of a block as the catalogue has them."""

    table: pa.Table
    rejected: pa.Table  # rows without a position or an id
    n_failing: list[int]
    n_left: list[int]
    values: list[ColumnCounts]


def _convert_rows(
    block: tuple[int, int], source: Source, gone: np.ndarray, factors: Mapping[str, ErrorFactors]
) -> _Converted:
    """Convert the rows of a block, some at a time, without those that are `gone`."""
    read = source.survey.read(source.definition.source_columns, *block)
    tables, rejected, cuts, counted = [], [], [], Counter[tuple[str, str, str]]()
    for first in range(0, read.num_rows, ROWS_CONVERTED):
        placed = _placed(read.slice(first, ROWS_CONVERTED), block[0] + first, source)
        rejected.append(placed.rejected)
        table, counts, passing = convert(source, _taken(placed, ~np.isin(placed.rows, gone)), factors)
        tables.append(table)
        cuts.append(count_cuts(passing, table.num_rows))
        counted.update({(*names, kind): n for names, lost in counts.items() for kind, n in lost.items()})
    n_failing, n_left = np.sum(cuts, axis=0).tolist()
    return _Converted(pa.concat_tables(tables), pa.concat_tables(rejected), n_failing, n_left, _by_column(counted))


def _by_column(counted: Mapping[tuple[str, str, str], int]) -> list[ColumnCounts]:
    columns: dict[tuple[str, str], dict[str, int]] = {}
    for (column, source, kind), n in counted.items():
        columns.setdefault((column, source), {})[kind] = n
    return [ColumnCounts(*names, counts) for names, counts in columns.items()]


def place(block: tuple[int, int], source: Source, names: Sequence[str]) -> Placed:
    """Read columns of the rows start <= row < stop and set aside those without a position or an id."""
    return _placed(source.survey.read(names, *block), block[0], source)


def _placed(table: pa.Table, start: int, source: Source) -> Placed:
    definition = source.definition
    rows = np.arange(start, start + table.num_rows)
    ids = _identity(table, definition.id, definition)
    position = definition.position
    ra, dec = (
        degrees(table, name, source.units.get(name, ""), unit)
        for name, unit in zip((position.ra, position.dec), position.units, strict=True)
    )
    ra, missing, impossible = check_positions(ra, dec)
    nameless = ids.is_null().to_numpy(zero_copy_only=False)
    faults = {NO_POSITION: missing, IMPOSSIBLE: impossible, NO_ID: nameless & ~missing & ~impossible}
    rejected = [_rejection(pa.array(rows[f]), ids.filter(pa.array(f)), reason) for reason, f in faults.items()]
    placed = Placed(rows, table, ids, ra, dec, pa.concat_tables(rejected))
    return _taken(placed, ~np.logical_or.reduce(list(faults.values())))


def _taken(placed: Placed, kept: np.ndarray) -> Placed:
    mask = pa.array(kept)
    return Placed(
        placed.rows[kept],
        placed.table.filter(mask),
        placed.ids.filter(mask),
        placed.ra[kept],
        placed.dec[kept],
        placed.rejected,
    )


def convert(
    source: Source, placed: Placed, factors: Mapping[str, ErrorFactors] | None = None
) -> tuple[pa.Table, Counts, list[np.ndarray]]:
    """Return the catalogue's columns of some rows, counts of the survey's values, and which rows pass each cut."""
    definition = source.definition
    columns = source.columns(placed.table)
    arrays, counts, passing = catalogue_columns(definition, columns, _reddening(source, placed), factors)
    ids = placed.ids.to_numpy(zero_copy_only=False)
    data: dict[str, np.ndarray | pa.Array] = {
        schema.HEALPIX.name: sky_index(placed.ra, placed.dec),
        definition.id: placed.ids,
        schema.STAR_KEY.name: star_keys(ids),
        "ra": placed.ra,
        "dec": placed.dec,
        **arrays,
    }
    if definition.gaia_id:
        data[schema.SOURCE_ID.name] = _identity(placed.table, definition.gaia_id, definition)
    own = to_table(definition.catalogue_columns, data)
    table = pa.table(
        {schema.HEALPIX.name: data[schema.HEALPIX.name], definition.id: placed.ids}
        | dict(zip(own.column_names, own.columns, strict=True))
        | {name: placed.table[name] for name in definition.keep}
        | ({schema.ROW.name: placed.rows} if source.numbered else {})
    )
    return table, counts, passing


def _reddening(source: Source, placed: Placed) -> np.ndarray | None:
    if source.reddening is None:
        return None
    path, frame = source.reddening
    return reddening_at(placed.ra, placed.dec, np.load(path, mmap_mode="r", allow_pickle=False), frame)


def _identity(table: pa.Table, name: str, definition: SurveyDefinition) -> pa.Array:
    """Return a column of ids: int64 or string, null where a star has none."""
    column = table[name].combine_chunks()
    if name == definition.gaia_id and pc.is_null(column, nan_is_null=True).to_numpy(zero_copy_only=False).all():
        return pa.nulls(len(column), pa.int64())  # a text file without any value does not say what they are
    if not (pa.types.is_integer(column.type) or pa.types.is_string(column.type)):
        raise SurveyError(f"Column {name!r} holds {column.type}, but ids are integers or text. Name another column.")
    if name != definition.gaia_id and pa.types.is_string(column.type):
        return column
    if pa.types.is_string(column.type):
        column = pc.if_else(pc.is_in(column, NO_STAR), pa.scalar(None, pa.string()), column)
    try:
        numbers = column.cast(pa.int64())
    except pa.ArrowInvalid as exc:
        raise SurveyError(
            f"Column {name!r}: {exc}. Name a column of 64-bit integers, or of text if these are not ids of Gaia."
        ) from exc
    if name != definition.gaia_id:
        return numbers
    return pc.if_else(pc.greater(numbers, 0), numbers, pa.scalar(None, pa.int64()))


def degrees(table: pa.Table, name: str, *units: str) -> np.ndarray:
    """Return a column of right ascensions or declinations, NaN where missing.

    The units are that of the file and that of the definition, empty for none.

    Raises
    ------
    SurveyError
        If it holds no numbers, or its unit is none of angles.
    """
    column = table[name].combine_chunks()
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        text = next((value for value in column.to_pylist() if isinstance(value, str)), "")
        if SEXAGESIMAL.match(text):
            raise SurveyError(
                f"Column {name!r} of the position holds text in sexagesimal notation, such as {text!r}. Name a column "
                "of numbers, or add one to the file, e.g. SkyCoord(ra, dec, unit=('hourangle', 'deg')).ra.deg of "
                "astropy."
            )
        raise SurveyError(f"Column {name!r} of the position holds {column.type}. Name a column of numbers in degrees.")
    try:
        factor = conversion_factor(units, "deg")
    except SurveyError as exc:
        exc.add_note(f"Column {name!r}")
        raise
    return column.cast(pa.float64()).fill_null(np.nan).to_numpy() * factor


def _deal(path: Path, rows: pa.Table, keys: pa.ChunkedArray, n_shares: int) -> None:
    """Write rows dealt to the shares: all rows of one key go to the same share."""
    numbers = star_keys(keys.to_numpy()) % np.uint64(n_shares)
    write_pieces(path, rows, numbers.astype(np.int64), n_shares)


def _rejection(rows: pa.Array, ids: pa.Array, reason: str) -> pa.Table:
    reasons = pa.repeat(reason, len(rows))
    return pa.table({"row": rows, "id": ids.cast(pa.string()), "reason": reasons})
