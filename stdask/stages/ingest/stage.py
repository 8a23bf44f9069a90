"""The stage `ingest`: from a survey file to a HATS catalogue, in steps of tasks on the workers.

1. scan      each block of the file: its rows dealt by star and by id
2. repeats   each share of the stars: rows that give way to another row of the same star; and, where errors are to be
             rescaled, how far rows of one star differ
3. count     each share: how many stars in each cell of the sky
4. convert   each block: the catalogue's columns, cut into pieces by bundle, partitions side by side in the sky
5. write     each bundle: its partitions, from their pieces in the order of the file

Tasks hand on what they found in files; the driver keeps a few numbers of each. An interrupted run resumes with the
files of the tasks that were done.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path

import numpy as np

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.config.survey import SurveyDefinition
from stdask.config.survey_files import MAIN
from stdask.display.console import say
from stdask.errors import ClusterError, StdaskError, SurveyError
from stdask.runs.counts import IngestCounts, RowCounts
from stdask.runs.ensemble import open_ensemble
from stdask.runs.ledger import clean_up
from stdask.runs.receipts import FileRecord, Receipt
from stdask.runs.results import written_by
from stdask.runs.stage import Stage, begin_stage
from stdask.science.measurements.repeats import ErrorFactors
from stdask.science.sky.healpix import Cells, Pixel, add_counts, assign_tiles, count_finely, tile_sky
from stdask.stages.ingest.blocks import (
    catalogue_fields,
    convert_block,
    count_share,
    find_repeats,
    read_counts,
    scan_block,
    store_map,
)
from stdask.stages.ingest.counts import add_up_reasons, list_cuts, list_values
from stdask.stages.ingest.joins.join import prepare_tables
from stdask.stages.ingest.joins.tables import fit_definition, open_tables
from stdask.stages.ingest.partitions import collect_rejected, write_bundle
from stdask.stages.ingest.plan import (
    BlockRecord,
    Deal,
    Item,
    PartitionRecord,
    RawSurvey,
    Source,
    Target,
    kinds_of_repeats,
    reasons_in_words,
)
from stdask.stages.ingest.repeats import measure_factors, pair_visits
from stdask.stages.ingest.same_star import count_same_stars, looks_for_same_stars, note_on_same_stars
from stdask.stages.ingest.steps import Steps
from stdask.storage import paths
from stdask.storage.catalogue.hats import (
    catalogue_files,
    clear_catalogue,
    finish_catalogue,
    remove_partitions,
    unfinish_catalogue,
)
from stdask.storage.documents import write_declared, write_ecsv
from stdask.storage.error_factors import factors_table
from stdask.storage.files import hash_of
from stdask.storage.surveys.computed import ComputedColumns

ROWS_PER_SHARE = 1_000_000  # of the file, compared at once for repeats: about 100 MB


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
    definition, files = run.definition(side), run.survey_files(side)
    folder = paths.catalogue(run.output, definition.name)
    try:
        stage = begin_stage(run, f"ingest_{side}")
        survey = open_tables(definition, files)
        # before any earlier output is removed
        definition, notes = fit_definition(definition, survey, run.used_columns(side))
        ebv_map = run.data_dir / definition.ebv_map if definition.ebv_map else None
        factors = _trained_factors(run) if side == "a" else None
        raw = RawSurvey(survey, definition, ebv_map, factors, notes=tuple(notes))
        receipt = stage.done() or ingest(stage, workers, raw, folder, run.config.ingest.rows_per_block)
    except ClusterError:
        raise  # It is not about the survey.
    except StdaskError as exc:
        exc.add_note(f"Survey {definition.name} ({files[MAIN].path.name})")
        raise
    clean_up(run.output, stage.name, folder)  # only now: an interrupted run resumes with these files
    return receipt


def _trained_factors(run: Run) -> Mapping[str, ErrorFactors] | None:
    """Return the factors of the stated errors of A that the ensemble of the run was trained with; None if it has none.

    Then the stars of the run get the numbers that they had in the run that trained it.
    """
    ensemble = run.config.train.ensemble
    return open_ensemble(run.data_dir / ensemble).error_factors if ensemble else None


def ingest(stage: Stage, workers: Workers, raw: RawSurvey, folder: Path, rows_per_block: int) -> Receipt:
    """Write the catalogue of a survey file.

    Parameters
    ----------
    stage
        It has begun. The first of its inputs is the survey file.
    workers
        Where the blocks are worked on.
    raw
        The survey file.
    folder
        Of the catalogue.
    rows_per_block
        Rows of the file that a task reads at once.

    Raises
    ------
    SurveyError
        If the file does not fit its definition.
    """
    for note in filter(None, (raw.survey.remark, *raw.notes)):
        say(f"  {note}", "yellow")
    steps = Steps(stage, workers, rows_per_block)
    definition, scratch = raw.definition, _prepare(folder, steps)
    source = _open(steps, raw, scratch, rows_per_block)
    n_rows = source.survey.n_rows
    deal = Deal(scratch, n_rows, rows_per_block, -(-n_rows // ROWS_PER_SHARE))
    columns = catalogue_fields(source)
    blocks = [Item("block", number) for number in range(deal.n_blocks)]
    shares = [Item("share", number) for number in range(deal.n_shares)]
    rows = [stop - start for start, stop in (deal.rows(block.number) for block in blocks)]
    steps.run("scan", scan_block, blocks, source, deal, rows=rows)
    gone: list[Path] = []
    for kind in kinds_of_repeats(definition):
        steps.run(f"repeats_by_{kind}", find_repeats, shares, deal, kind, gone)
        gone = deal.of_shares("gone")
    notes = (*raw.notes, *_count_same_stars(steps, definition, deal, shares))
    factors = raw.factors if raw.factors is not None else _measure_factors(steps, definition, deal, shares)
    most = stage.settings["ingest"]["rows_per_partition"]
    tiles, bundles = _tile(_count_stars(steps, shares, deal, most), most, rows_per_block)
    # Only what decides the content of a partition: rows added elsewhere in the sky do not change its bytes.
    metadata = {"stdask.settings": steps.parts["settings"], **written_by("ingest")}
    target = Target(folder, metadata, columns, tiles, bundles)
    converted = steps.run("convert", convert_block, blocks, source, deal, factors, target, kind=BlockRecord, rows=rows)
    items = [Item("bundle", number) for number in range(bundles[-1] + 1)]
    written = steps.run("write", write_bundle, items, deal, target, kind=list[PartitionRecord])
    steps.run("set_aside", collect_rejected, [Item("rows", 0)], deal, folder)
    if factors and definition.duplicates:
        write_ecsv(folder / paths.REPEATS, factors_table(factors, definition.duplicates.best))
    return _finish(stage, source, target, converted, [one for own in written for one in own], notes)


def _prepare(folder: Path, steps: Steps) -> Path:
    """Return the folder for pieces, and clear the catalogue's folder of what this run cannot use."""
    scratch = paths.scratch(folder) / hash_of(steps.parts)[:16]
    unfinish_catalogue(folder)
    if not scratch.is_dir():
        clear_catalogue(folder)
        scratch.mkdir(parents=True)
    return scratch


def _open(steps: Steps, raw: RawSurvey, scratch: Path, rows_per_block: int) -> Source:
    """Return the survey as tasks read it: files that can be read in part, and a map that fits into memory."""
    survey, definition = raw.survey, raw.definition
    if raw.factors is not None and definition.duplicates:  # nothing is measured
        duplicates = definition.duplicates.model_copy(update={"rescale_errors": False})
        definition = definition.model_copy(update={"duplicates": duplicates})
    columns = ComputedColumns(survey, definition.sentinels)
    units = {name: columns.unit(name) for name in definition.source_columns}
    survey, joined = prepare_tables(steps, survey, definition, scratch, rows_per_block)
    reddening = None
    if raw.ebv_map:
        copy = Item("map", 0)
        path = scratch / copy.kind / str(copy.number)
        (frame,) = steps.run("map", store_map, [copy], raw.ebv_map, path, kind=str)
        reddening = (path, frame)
    columns = ComputedColumns(survey, definition.sentinels)
    return Source(columns, units, definition, reddening, raw.numbered, joined)


def _count_same_stars(steps: Steps, definition: SurveyDefinition, deal: Deal, shares: Sequence[Item]) -> Iterator[str]:
    """Say how many rows are of a star that an earlier row is of too."""
    if looks_for_same_stars(definition):
        n_rows = sum(steps.run("same_stars", count_same_stars, shares, deal, kind=int))
        if n_rows:
            note = note_on_same_stars(n_rows)
            say(f"  {note}", "yellow")
            yield note


def _measure_factors(
    steps: Steps, definition: SurveyDefinition, deal: Deal, shares: Sequence[Item]
) -> dict[str, ErrorFactors]:
    """Return the factors of stated errors from repeat visits; none where the definition does not ask for them."""
    labels = tuple(definition.rescaled_labels)
    if not (definition.duplicates and labels):
        return {}
    steps.run("visits", pair_visits, shares, deal, labels)
    return measure_factors(deal, labels, definition.duplicates.best)


def _count_stars(steps: Steps, shares: Sequence[Item], deal: Deal, most: int) -> Cells:
    """Return the stars in cells that hold no more than `most`, unless they are of the finest order."""

    def count(order: int, inside: Cells | None) -> Cells:
        steps.run(f"count_{order}", count_share, shares, deal, order, inside)
        counted = (read_counts(path) for path in deal.of_shares(f"cells_{order}"))
        return reduce(lambda *both: add_counts(both), counted)  # one after the other: only one share is in memory

    return count_finely(count, most)


def _tile(cells: Cells, most: int, rows_per_block: int) -> tuple[tuple[Pixel, ...], tuple[int, ...]]:
    """Return the partitions, of at most `most` rows each, and for each of them the bundle that one task writes.

    A bundle holds about as many rows as a block, so that a worker that can read the one can write the other.
    """
    if not cells.starts.size:
        raise SurveyError("no row has both a position and an id. Check the columns of the definition.")
    tiles = tile_sky(cells.starts, cells.n_stars, most)
    n_stars = np.bincount(assign_tiles(cells.starts, tiles), cells.n_stars)
    _, bundles = np.unique((np.cumsum(n_stars) - n_stars) // rows_per_block, return_inverse=True)
    return tuple(tiles), tuple(bundles.tolist())


def _finish(
    stage: Stage,
    source: Source,
    target: Target,
    converted: Sequence[BlockRecord],
    partitions: Sequence[PartitionRecord],
    notes: tuple[str, ...],
) -> Receipt:
    folder, definition, n_rows = target.folder, source.definition, source.survey.n_rows
    cuts = [term.text for term in definition.cuts]
    write_declared(folder / paths.CUTS, list_cuts(n_rows, reasons_in_words(definition), cuts, converted, source.joined))
    write_declared(folder / paths.VALUES, list_values(source.units, target.columns, converted))
    rows = {pixel: written.rows for pixel, written in partitions}
    remove_partitions(folder, keep=rows)  # files that killed workers left half-written
    provenance = {
        "obs_title": definition.title,
        "bib_reference": definition.reference,
        "stdask_survey_file": next(iter(stage.inputs)),
        "stdask_survey_sha256": next(iter(stage.inputs.values())),
    }
    finish_catalogue(folder, definition.name, target.columns, rows, provenance, definition.position.epoch)
    counts = IngestCounts(
        rows=RowCounts(n_rows, sum(rows.values()), dict(sorted(add_up_reasons(converted).items()))),
        n_good=sum(block.n_good for block in converted),
        n_partitions=len(rows),
        joined=source.joined,
        notes=notes,
    )
    known = {paths.partition(folder, p): FileRecord(written.bytes, written.sha256) for p, written in partitions}
    scratch = paths.scratch(folder)
    outputs = [path for path in catalogue_files(folder) if not path.is_relative_to(scratch)]
    return stage.finish(outputs, counts, known)
