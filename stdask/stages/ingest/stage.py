"""The stage `ingest`: from a survey file to a HATS catalogue, in steps of tasks on the workers.

1. scan      each block of the file: its rows dealt by star and by id
2. repeats   each share of the stars: rows that give way to another row of the same star; and, where errors are to be
             rescaled, how far rows of one star differ
3. count     each share: how many stars in each cell of the sky
4. convert   each block: the catalogue's columns, cut into pieces by bundle, partitions side by side in the sky
5. write     each bundle: its partitions, from their pieces in the order of the file

Tasks hand on what they found in files; the driver keeps a few numbers of each. A run that was cut off takes up the
files of the tasks that were done.
"""

import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from stdask import __version__
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.config.survey import SurveyDefinition
from stdask.errors import StdaskError, SurveyError
from stdask.runs.counts import IngestCounts, RowCounts
from stdask.runs.ledger import Ledger
from stdask.runs.receipts import FileRecord, Receipt
from stdask.runs.registry import rows_per_partition
from stdask.runs.stage import Stage, begin_stage
from stdask.science.measurements.values import ERROR_COUNTS, VALUE_COUNTS
from stdask.science.sky.healpix import Cells, Pixel, add_counts, assign_tiles, count_finely, tile_sky
from stdask.stages.ingest.blocks import (
    catalogue_fields,
    convert_block,
    count_share,
    find_repeats,
    read_counts,
    scan_block,
    store_in_slices,
    store_map,
)
from stdask.stages.ingest.partitions import collect_rejected, write_bundle
from stdask.stages.ingest.plan import Done, IngestPlan, Item
from stdask.stages.ingest.repeats import factors_table, learn_factors, pair_visits
from stdask.storage import paths
from stdask.storage.catalogue.hats import (
    catalogue_files,
    clear_catalogue,
    finish_catalogue,
    remove_partitions,
    unfinish_catalogue,
)
from stdask.storage.documents import write_ecsv
from stdask.storage.files import hash_of
from stdask.storage.surveys.files import open_survey
from stdask.storage.surveys.format import SurveyFile

ROWS_PER_SHARE = 1_000_000  # of the file, compared at once for repeats: about 100 MB

Record = dict[str, Any]


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
    try:
        stage = begin_stage(run, f"ingest_{side}")
        survey = open_survey(path, definition.file)
        survey.require(definition.source_columns)  # before anything that was made is given up
        if receipt := stage.done():
            _clean_up(stage, definition.name)
            return receipt
        return _ingest(stage, run, workers, side, survey)
    except StdaskError as exc:
        exc.add_note(f"Survey {definition.name} ({path.name})")
        raise


class _Steps:
    """Runs the steps of one ingest; tasks that were done before the run was cut off are not done again."""

    def __init__(self, stage: Stage, workers: Workers, rows_per_block: int) -> None:
        self._stage = stage
        self._workers = workers
        self.parts = {
            **stage.inputs,
            "settings": hash_of(stage.settings),
            "rows_per_block": str(rows_per_block),
            "version": __version__,
        }

    def run(
        self,
        name: str,
        function: Callable[..., Done],
        items: Sequence[Item],
        plan: IngestPlan,
        *shared: Any,
        rows: Sequence[int] | None = None,
    ) -> list[Record]:
        """Run a step; return the record of each item, made now or before, in the order of the items.

        Parameters
        ----------
        name
            Of the step: of its ledger, and before its progress bar.
        function, items, plan, shared
            function(item, plan, *shared) is the task of an item.
        rows
            Of each item.
        """
        ledger = Ledger(self._stage, name)
        records = ledger.kept({str(item): self.parts for item in items})
        todo = [number for number, item in enumerate(items) if str(item) not in records]
        for item, done in each(
            self._workers,
            function,
            [items[number] for number in todo],
            plan,
            *shared,
            description=name.replace("_", " "),
            sizes=rows and [rows[number] for number in todo],
            unit="rows" if rows else "",
        ):
            ledger.add(str(item), self.parts, done.record, done.files)
            records[str(item)] = done.record
        return [records[str(item)] for item in items]


def _ingest(stage: Stage, run: Run, workers: Workers, side: str, survey: SurveyFile) -> Receipt:
    rows_per_block, most = run.config.ingest.rows_per_block, rows_per_partition(run.config)
    steps = _Steps(stage, workers, rows_per_block)
    plan = _prepare(stage, steps, run.definition(side), survey, rows_per_block, run.data_dir)
    blocks = [Item("block", number) for number in range(plan.n_blocks)]
    shares = [Item("share", number) for number in range(plan.n_shares)]
    rows = [stop - start for start, stop in (plan.rows(block.number) for block in blocks)]
    steps.run("scan", scan_block, blocks, plan, rows=rows)
    for kind in plan.kinds:
        steps.run(f"repeats_by_{kind}", find_repeats, shares, plan, kind)
    if plan.definition.duplicates and plan.definition.rescaled_labels:
        steps.run("visits", pair_visits, shares, plan)
        plan = replace(plan, factors=learn_factors(plan, plan.definition.duplicates.best))
    plan = _tiled(plan, _count_stars(steps, shares, plan, most), most)
    converted = steps.run("convert", convert_block, blocks, plan, rows=rows)
    bundles = [Item("bundle", number) for number in range(plan.bundles[-1] + 1)]
    written = steps.run("write", write_bundle, bundles, plan)
    steps.run("set_aside", collect_rejected, [Item("rows", 0)], plan)
    return _finish(stage, plan, converted, [one for record in written for one in record["partitions"]])


def _prepare(
    stage: Stage,
    steps: _Steps,
    definition: SurveyDefinition,
    survey: SurveyFile,
    rows_per_block: int,
    data_dir: Path,
) -> IngestPlan:
    """Try the definition on the file, and clear the catalogue's folder of what this run cannot use."""
    folder = paths.catalogue(stage.output, definition.name)
    scratch = paths.scratch(folder) / hash_of(steps.parts)[:16]
    unfinish_catalogue(folder)  # not finished from now on
    if not scratch.is_dir():
        clear_catalogue(folder)
        scratch.mkdir(parents=True)
    plan = IngestPlan(
        survey=survey,
        units={name: survey.unit(name) for name in definition.source_columns},
        definition=definition,
        folder=folder,
        scratch=scratch,
        # of what decides its content: rows added elsewhere in the sky leave a partition as it is, byte by byte
        metadata={"stdask.settings": steps.parts["settings"], "stdask.version": __version__},
        rows_per_block=rows_per_block,
        n_shares=-(-survey.n_rows // ROWS_PER_SHARE),
    )
    if not survey.by_slices:
        copy = Item("survey", 0)
        steps.run("unpack", store_in_slices, [copy], plan)
        plan = replace(plan, survey=open_survey(plan.piece(*copy)))
    if definition.ebv_map:
        copy = Item("map", 0)
        (record,) = steps.run("map", store_map, [copy], plan, data_dir / definition.ebv_map)
        plan = replace(plan, reddening=(plan.piece(*copy), record["frame"]))
    return replace(plan, columns=catalogue_fields(plan))


def _count_stars(steps: _Steps, shares: Sequence[Item], plan: IngestPlan, most: int) -> Cells:
    """Return the stars in cells that hold no more than `most`, unless they are of the finest order."""

    def count(order: int, inside: Cells | None) -> Cells:
        steps.run(f"count_{order}", count_share, shares, plan, order, inside)
        counted = (read_counts(path) for path in plan.pieces(f"cells_{order}", plan.n_shares))
        return reduce(lambda *both: add_counts(both), counted)  # one after the other: no two shares are in memory

    return count_finely(count, most)


def _tiled(plan: IngestPlan, cells: Cells, most: int) -> IngestPlan:
    """Return the plan with its partitions, of at most `most` rows each, and the bundles that one task writes.

    A bundle holds about as many rows as a block, so that a worker that can read the one can write the other.
    """
    if not cells.starts.size:
        raise SurveyError("no row has both a position and an id. Check the columns of the definition.")
    tiles = tile_sky(cells.starts, cells.n_stars, most)
    n_stars = np.bincount(assign_tiles(cells.starts, tiles), cells.n_stars)
    _, bundles = np.unique((np.cumsum(n_stars) - n_stars) // plan.rows_per_block, return_inverse=True)
    return replace(plan, tiles=tuple(tiles), bundles=tuple(bundles.tolist()))


def _finish(stage: Stage, plan: IngestPlan, converted: Sequence[Record], partitions: Sequence[Record]) -> Receipt:
    folder, definition, n_rows = plan.folder, plan.definition, plan.survey.n_rows
    set_aside: Counter[str] = sum((Counter(part["set aside"]) for part in converted), Counter())
    write_ecsv(folder / "cuts.ecsv", _cuts_table(plan, converted, set_aside))
    write_ecsv(folder / "columns.ecsv", _columns_table(plan, converted))
    if plan.factors and definition.duplicates:
        write_ecsv(folder / paths.REPEATS, factors_table(plan.factors, definition.duplicates.best))
    written = {Pixel(*one["pixel"]): one for one in partitions}
    rows = {pixel: one["rows"] for pixel, one in written.items()}
    remove_partitions(folder, keep=rows)  # halves that killed workers left
    provenance = {
        "obs_title": definition.title,
        "bib_reference": definition.reference,
        "stdask_survey_file": next(iter(stage.inputs)),
        "stdask_survey_sha256": next(iter(stage.inputs.values())),
    }
    finish_catalogue(folder, definition.name, plan.columns, rows, provenance, definition.position.epoch)
    counts = IngestCounts(
        rows=RowCounts(n_rows, sum(rows.values()), dict(sorted(set_aside.items()))),
        n_good=sum(part["good"] for part in converted),
        n_partitions=len(rows),
    )
    known = {paths.partition(folder, p): FileRecord(one["bytes"], one["sha256"]) for p, one in written.items()}
    scratch = paths.scratch(folder)
    outputs = [path for path in catalogue_files(folder) if not path.is_relative_to(scratch)]
    receipt = stage.finish(outputs, counts, known)
    _clean_up(stage, definition.name)  # only now: a run cut off before goes on with what is there
    return receipt


def _clean_up(stage: Stage, name: str) -> None:
    """Remove the pieces and the ledgers that speak of them."""
    shutil.rmtree(paths.scratch(paths.catalogue(stage.output, name)), ignore_errors=True)
    ledgers = paths.ledger(stage.output, stage.name, "*")
    for path in ledgers.parent.glob(ledgers.name):
        path.unlink()


def _cuts_table(plan: IngestPlan, converted: Sequence[Record], set_aside: Counter[str]) -> Table:
    """Return rows set aside and stars that fail each cut, alone and in turn; the last line is GOOD."""
    lines = [("rows of the file", 0, plan.survey.n_rows)]
    for reason, text in plan.reasons.items():
        if n_aside := set_aside[reason]:
            lines.append((text, n_aside, lines[-1][2] - n_aside))
    n_failing = np.sum([part["failing"] for part in converted], axis=0)
    n_left = np.sum([part["left"] for part in converted], axis=0)
    texts = [term.text for term in plan.definition.cuts]
    lines += zip(texts, n_failing.tolist(), n_left.tolist(), strict=True)
    table = Table(rows=lines, names=("cut", "n_failing", "n_left"), dtype=(str, np.int64, np.int64))
    table["cut"].description = "Reason to set a row aside, or quality cut that a GOOD star passes"
    table["n_failing"].description = "Rows that fail it, whatever the other cuts say"
    table["n_left"].description = "Rows left after it and all those above"
    return table


def _columns_table(plan: IngestPlan, converted: Sequence[Record]) -> Table:
    """Return what became of the values of each measured column."""
    units = {column.name: column.unit for column in plan.columns}
    totals: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for part in converted:
        for column, source, counts in part["values"]:
            totals[column, source].update(counts)
    names = (*VALUE_COUNTS, *ERROR_COUNTS)
    lines = [
        (column, source, plan.units.get(source, ""), units[column], *(counts[name] for name in names))
        for (column, source), counts in totals.items()
    ]
    dtypes = (str, str, str, str, *(np.int64 for _ in names))
    return Table(rows=lines, names=("column", "source", "unit_in_file", "unit", *names), dtype=dtypes)
