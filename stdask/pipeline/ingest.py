"""The stage `ingest`: from a survey file to a HATS catalogue, in streams of blocks over the workers.

1. scan      each block: positions and ids; how many stars in each cell of the sky
2. repeats   each share of the stars: rows that give way to another row of the same star
3. convert   each block: the catalogue's columns, cut by partition into pieces
4. write     each partition: its pieces in the order of the file
"""

import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from astropy.table import Table

from stdask.config import Run
from stdask.errors import StdaskError, SurveyError
from stdask.pipeline.cluster import Workers
from stdask.pipeline.ingest_blocks import (
    CELL_ORDER,
    DUPLICATES,
    Block,
    Converted,
    Groups,
    Plan,
    Scan,
    catalogue_fields,
    collect_rejected,
    convert_block,
    find_repeats,
    refine_block,
    scan_block,
    store_in_slices,
    write_tile,
)
from stdask.pipeline.stage import Stage
from stdask.pipeline.tasks import each
from stdask.science.healpix import FINEST_ORDER, INDEX_ORDER, Pixel, tile_sky
from stdask.science.measurements import ERROR_COUNTS, VALUE_COUNTS
from stdask.storage import paths
from stdask.storage.documents import write_ecsv
from stdask.storage.hats import catalogue_files, clear_catalogue, finish_catalogue
from stdask.storage.receipts import Receipt
from stdask.storage.survey_files import checksum, open_survey

ROWS_PER_SHARE = 2_000_000  # of the file, compared at once for repeats: about 200 MB


def run(run: Run, workers: Workers, side: str) -> Receipt:
    """Write the catalogue of survey "a" or "b".

    Parameters
    ----------
    run
        The run.
    workers
        Where the blocks are worked on.
    side
        "a" or "b".

    Raises
    ------
    SurveyError
        If the file is missing, damaged, or does not fit its definition.
    """
    definition, path = run.definition(side), run.survey_file(side)
    stage = Stage(run, f"ingest_{side}", {path.name: checksum(path)})
    if receipt := stage.done():
        return receipt
    try:
        return _ingest(stage, workers, side)
    except StdaskError as exc:
        exc.add_note(f"Survey {definition.name} ({path.name})")
        raise


def _ingest(stage: Stage, workers: Workers, side: str) -> Receipt:
    plan = _prepare(stage, workers, side)
    blocks = _blocks(plan.survey.n_rows, stage.run.config.ingest.rows_per_block)
    sizes = [stop - start for start, stop in blocks]
    scans = dict(each(workers, scan_block, blocks, plan, description="scan", sizes=sizes))
    for kind in DUPLICATES:
        shares = _groups({block: scans[block].shares.get(kind, []) for block in blocks})
        for _ in each(workers, find_repeats, shares, plan, kind, description=f"repeats by {kind}"):
            pass
    plan = replace(plan, tiles=_tile(workers, plan, scans, stage.run.config.ingest.rows_per_partition))
    converted = dict(each(workers, convert_block, blocks, plan, description="convert", sizes=sizes))
    tiles = _groups({block: converted[block].tiles for block in blocks})
    written = each(workers, write_tile, tiles, plan, description="write")
    rows = {plan.tiles[number]: n_rows for (number, _), n_rows in written}
    return _finish(stage, workers, plan, [converted[block] for block in blocks], rows)


def _prepare(stage: Stage, workers: Workers, side: str) -> Plan:
    """Clear the catalogue's folder, and try the definition on the file."""
    definition = stage.run.definition(side)
    survey = open_survey(stage.run.survey_file(side))
    names = definition.source_columns
    survey.require(names)
    folder = paths.catalogue(stage.run.output, definition.name)
    clear_catalogue(folder)
    plan = Plan(
        survey=survey,
        units={name: survey.columns[name] for name in names},
        definition=definition,
        folder=folder,
        key=stage.key,
        n_shares=-(-survey.n_rows // ROWS_PER_SHARE),
    )
    if not survey.by_slices:
        copy = plan.piece("survey", 0)
        for _ in each(workers, store_in_slices, [copy], survey, names, description="unpack"):
            plan = replace(plan, survey=open_survey(copy))
    return replace(plan, columns=catalogue_fields(plan))


def _blocks(n_rows: int, rows_per_block: int) -> list[Block]:
    return [(start, min(start + rows_per_block, n_rows)) for start in range(0, n_rows, rows_per_block)]


def _groups(parts: Mapping[Block, Sequence[int]]) -> list[tuple[int, Groups]]:
    """Return for each part where its pieces lie, in the order of the file."""
    groups = defaultdict(list)
    for (start, _), numbers in parts.items():
        for group, number in enumerate(numbers):
            groups[number].append((start, group))
    return sorted(groups.items())


def _tile(workers: Workers, plan: Plan, scans: Mapping[Block, Scan], most: int) -> tuple[Pixel, ...]:
    """Return the partitions: at most `most` rows each, whatever the blocks were."""
    cells, weights = _sum([(scan.cells, scan.n_stars) for scan in scans.values()])
    heavy = weights > most
    index = cells << 2 * (INDEX_ORDER - CELL_ORDER)
    if heavy.any():
        starts = [start for start, _ in scans]
        refined = each(workers, refine_block, starts, plan, cells[heavy], description="count again")
        pixels, counts = _sum([found for _, found in refined])
        index = np.concatenate([index[~heavy], pixels << 2 * (INDEX_ORDER - FINEST_ORDER)])
        weights = np.concatenate([weights[~heavy], counts])
    if not index.size:
        raise SurveyError("no row has both a position and an id. Check the columns of the definition.")
    order = np.argsort(index)
    return tuple(tile_sky(index[order], weights[order], most))


def _sum(counted: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    pixels, inverse = np.unique(np.concatenate([pixels for pixels, _ in counted]), return_inverse=True)
    totals = np.zeros(pixels.size, dtype=np.int64)
    np.add.at(totals, inverse, np.concatenate([n for _, n in counted]))
    return pixels, totals


def _finish(
    stage: Stage, workers: Workers, plan: Plan, converted: Sequence[Converted], rows: dict[Pixel, int]
) -> Receipt:
    folder, definition, n_rows = plan.folder, plan.definition, plan.survey.n_rows
    starts = [start for start, _ in _blocks(n_rows, stage.run.config.ingest.rows_per_block)]
    for _ in each(workers, collect_rejected, [folder / paths.REJECTED], plan, starts, description="set aside"):
        pass
    set_aside = sum((part.set_aside for part in converted), Counter())
    write_ecsv(folder / "cuts.ecsv", _cuts_table(plan, converted, set_aside))
    write_ecsv(folder / "columns.ecsv", _columns_table(plan, converted))
    shutil.rmtree(paths.scratch(folder))
    provenance = {
        "obs_title": definition.title,
        "bib_reference": definition.reference,
        "stdask_survey_file": next(iter(stage.inputs)),
        "stdask_survey_sha256": next(iter(stage.inputs.values())),
    }
    finish_catalogue(folder, definition.name, plan.columns, rows, provenance)
    counts = {
        "in": n_rows,
        "out": sum(rows.values()),
        "set aside": dict(sorted(set_aside.items())),
        "good": sum(part.n_good for part in converted),
        "partitions": len(rows),
    }
    return stage.finish(catalogue_files(folder), counts)


def _cuts_table(plan: Plan, converted: Sequence[Converted], set_aside: Counter[str]) -> Table:
    """Return rows set aside and stars that fail each cut, alone and in turn; the last line is GOOD."""
    lines = [("rows of the file", 0, plan.survey.n_rows)]
    for reason, n_aside in sorted(set_aside.items()):
        lines.append((reason, n_aside, lines[-1][2] - n_aside))
    n_failing = np.sum([part.n_failing for part in converted], axis=0)
    n_left = np.sum([part.n_left for part in converted], axis=0)
    texts = [term.text for term in plan.definition.cuts]
    lines += zip(texts, n_failing.tolist(), n_left.tolist(), strict=True)
    table = Table(rows=lines, names=("cut", "n_failing", "n_left"), dtype=(str, np.int64, np.int64))
    table["cut"].description = "Reason to set a row aside, or quality cut that a GOOD star passes"
    table["n_failing"].description = "Rows that fail it, whatever the other cuts say"
    table["n_left"].description = "Rows left after it and all those above"
    return table


def _columns_table(plan: Plan, converted: Sequence[Converted]) -> Table:
    """Return what became of the values of each measured column."""
    units = {column.name: column.unit for column in plan.columns}
    totals: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for part in converted:
        for place, counts in part.counts.items():
            totals[place].update(counts)
    names = (*VALUE_COUNTS, *ERROR_COUNTS)
    lines = [
        (column, source, plan.units[source], units[column], *(counts[name] for name in names))
        for (column, source), counts in totals.items()
    ]
    dtypes = (str, str, str, str, *(np.int64 for _ in names))
    return Table(rows=lines, names=("column", "source", "unit_in_file", "unit", *names), dtype=dtypes)
