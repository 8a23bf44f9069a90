"""Merge: surveys on the scale of B, together with B, one row a star, with galactocentric coordinates.

1. repeats   each further survey: its stars that an earlier survey has too; each survey without `[duplicates]`: its
             rows that give way to another row of the same star
2. count     each partition of all: how many stars in each cell of the sky; from that the tiles
3. merge     each tile: the stars of all surveys there; rows set aside go to a separate file

The driver holds counts and records, and the row numbers of stars that are in several surveys.
"""

import shutil
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.config.stages import MEAN, MemberList
from stdask.display.console import say
from stdask.display.tables import print_table
from stdask.pairing.in_b import with_pairs
from stdask.pairing.margins import write_collection
from stdask.runs.counts import MergeCounts, PartitionCounts, RowCounts
from stdask.runs.ledger import Ledger, Parts, partition_hashes
from stdask.runs.receipts import FileRecord, Receipt
from stdask.runs.results import part_of
from stdask.runs.stage import Stage, begin_stage
from stdask.runs.surveys.finished import SurveyRun, translated_surveys
from stdask.science.sky.globular_clusters import is_complete
from stdask.science.sky.healpix import Cells, Pixel, add_counts, count_finely, tile_sky
from stdask.stages.merge.cuts import add_up, list_cuts
from stdask.stages.merge.further import find_further, read_correlations, with_errors
from stdask.stages.merge.lists import with_listed, with_listed_elsewhere
from stdask.stages.merge.repeats import find_repeats
from stdask.stages.merge.same_star import find_same_stars
from stdask.stages.merge.sources import Opened, Sources, describe, open_surveys
from stdask.stages.merge.tiles import MergeTile, Side, TileRecord, count_partition, merge_tile
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.catalogue.hats import (
    catalogue_files,
    clear_catalogue,
    finish_catalogue,
    remove_partitions,
    unfinish_catalogue,
)
from stdask.storage.documents import write_declared
from stdask.storage.files import hash_of, sha256

READ_BY_PARTITION = ("ingest_a", "ingest_b", "translate")  # stages of which a tile depends on single partitions


def run(run: Run, workers: Workers) -> Receipt:
    """Merge the translated catalogues with B (Thomas et al. 2024, sect. 4) and count every cut.

    Tiles done before are kept.

    Raises
    ------
    CatalogueError
        If an earlier stage has not been run, or a run of `[[merge.also]]` is not finished.
    ConfigError
        If a run of `[[merge.also]]` does not fit this one, or `max_ebv` is set and a survey has no reddening.
    SurveyError
        If the table of globular clusters or a list of `[[merge.exclude]]` is missing or lacks a column.
    """
    config, runs = run.config.merge, translated_surveys(run)
    further = {name: digest for other in runs for name, digest in other.inputs.items()}
    stage = begin_stage(run, "merge", further)
    if receipt := stage.done():
        return receipt
    repeats = paths.repeats(run.output)
    shutil.rmtree(repeats, ignore_errors=True)  # tables of an earlier merge, perhaps of other surveys
    opened, sources, notes = _open(workers, run, runs, repeats)
    tiles = _tile(workers, stage, opened, sources)
    folder = paths.catalogue(run.output, paths.MERGED)
    records, n_kept = _merge_tiles(workers, stage, tiles, sources, folder)
    rows = {pixel: record.partition.rows for pixel, record in records.items() if record.partition}
    known = {path: written for pixel, r in records.items() for path, written in _files(folder, pixel, r).items()}
    _remove_others(folder, rows, known)
    cuts = list_cuts(opened, aside := add_up(list(records.values())))
    write_declared(folder / paths.CUTS, cuts)
    catalogue = finish_catalogue(folder, paths.MERGED, sources.columns, rows, {"stdask_key": stage.key})
    outputs = [*catalogue_files(folder), *write_collection(workers, catalogue), *repeats.glob("*.parquet")]
    counts = MergeCounts(
        rows=RowCounts(
            sum(part.catalogue.n_rows for part in opened),
            sum(rows.values()),
            {f"{name}: {cut}": n for name, own in aside.items() for cut, n in own.items() if n},
        ),
        by_survey={s.survey: sum(r.by_survey[s.survey] for r in records.values()) for s in sources.surveys},
        n_with_distance=sum(record.n_with_distance for record in records.values()),
        notes=(*_notes(opened, sources, config.exclude, list(records.values()), aside), *notes),
        partitions=PartitionCounts(len(records), n_kept),
    )
    receipt = stage.finish(outputs, counts, known)
    print_table("Cut by cut", [vars(row) for row in cuts], "survey")
    return receipt


def _open(
    workers: Workers, run: Run, runs: Sequence[SurveyRun], repeats: Path
) -> tuple[list[Opened], Sources, list[str]]:
    """Return the surveys, what the tasks need to know of them, and what the user should know of their errors."""
    config, b = run.config.merge, run.definition_b
    notes: list[str] = []
    catalogue_b = open_catalogue(paths.catalogue(run.output, b.name))
    errors = [f"{label}_ERR" for label in b.labels] if config.values == MEAN else []
    known = [column.name for column in catalogue_b.columns if column.name in errors]
    runs = with_pairs(workers, runs, catalogue_b, repeats, config.radius_arcsec, known)
    opened = with_listed(open_surveys(runs, b, config), config.exclude, run.data_dir)
    opened = with_listed_elsewhere(find_repeats(workers, opened, repeats, config))
    opened = find_same_stars(workers, opened, runs, repeats, config)
    if config.values == MEAN:
        opened, notes = with_errors(opened, paths.closure(run.output))
    sources = describe(opened, b, config, run.data_dir)
    if config.values == MEAN:
        sources = replace(sources, correlations=read_correlations(paths.closure(run.output)))
        sources = find_further(workers, opened, sources, repeats)
    return opened, sources, notes


def _tile(workers: Workers, stage: Stage, opened: Sequence[Opened], sources: Sources) -> list[MergeTile]:
    """Return the partitions of the merged catalogue: of the rows of all, before any is set aside."""
    catalogues = [part.catalogue for part in opened]
    most = stage.settings["ingest"]["rows_per_partition"]
    cells = _count_stars(workers, catalogues, most)
    total = np.concatenate([[0], np.cumsum(cells.n_stars)])
    pixels = tile_sky(cells.starts, cells.n_stars, most)
    bounds = np.searchsorted(cells.starts, [[pixel.first_index, pixel.end_index] for pixel in pixels])
    sides = list(zip(*(_sides(catalogue, pixels) for catalogue in catalogues), strict=True))
    parts = _parts(stage, opened, sides, sources)
    return [
        MergeTile(pixel, int(total[end] - total[first]), all_sides, own)
        for pixel, (first, end), all_sides, own in zip(pixels, bounds, sides, parts, strict=True)
    ]


def _count_stars(workers: Workers, catalogues: Sequence[Catalogue], most: int) -> Cells:
    """Return the stars of all in cells that hold no more than `most`, unless they are of the finest order."""

    def count(order: int, inside: Cells | None) -> Cells:
        files = [c.path(pixel) for c in catalogues for pixel in c.pixels if inside is None or inside.overlap(pixel)]
        counted = each(workers, count_partition, files, order, inside, description="count stars")
        return add_counts([counts for _, counts in counted])

    return count_finely(count, most)


def _sides(catalogue: Catalogue, tiles: Sequence[Pixel]) -> list[Side]:
    """Return the part of a catalogue in each tile."""
    pixels, rows = catalogue.pixels, catalogue.rows
    before = np.concatenate([[0], np.cumsum(list(rows.values()), dtype=np.int64)])
    firsts = np.searchsorted([p.end_index for p in pixels], [tile.first_index for tile in tiles], side="right")
    stops = np.searchsorted([p.first_index for p in pixels], [tile.end_index for tile in tiles])
    return [
        Side(replace(catalogue, rows={p: rows[p] for p in pixels[first:stop]}), int(before[first]))
        for first, stop in zip(firsts, stops, strict=True)
    ]


def _parts(stage: Stage, opened: Sequence[Opened], sides: Sequence[tuple[Side, ...]], sources: Sources) -> list[Parts]:
    """Return for each tile the hashes of all that it depends on."""
    hashes = [partition_hashes(part.output, part.stage, part.catalogue) for part in opened]
    shared = {name: digest for name, digest in stage.inputs.items() if name.split()[0] not in READ_BY_PARTITION}
    shared |= {"settings": hash_of([stage.settings, sources.described]), **part_of("merge")}
    repeats = [sha256(path) for path in sorted(paths.repeats(stage.output).glob("*.parquet"))]
    if repeats:
        shared["stars in several surveys"] = hash_of(repeats)
    return [
        {
            f"partitions of {part.catalogue.name}": hash_of([own[str(pixel)] for pixel in side.catalogue.pixels])
            for part, own, side in zip(opened, hashes, all_sides, strict=True)
        }
        | {"row numbers": hash_of([side.first_row for side in all_sides if side.catalogue.pixels])}
        | shared
        for all_sides in sides
    ]


def _merge_tiles(
    workers: Workers, stage: Stage, tiles: Sequence[MergeTile], sources: Sources, folder: Path
) -> tuple[dict[Pixel, TileRecord], int]:
    """Return the record of every tile, and how many of them were made before."""
    ledger = Ledger(stage, TileRecord)
    before = ledger.kept({str(tile): tile.parts for tile in tiles})
    if before:
        unfinish_catalogue(folder)
    else:
        clear_catalogue(folder)
    records = {tile.pixel: before[str(tile)] for tile in tiles if str(tile) in before}
    todo = [tile for tile in tiles if tile.pixel not in records]
    sizes = [tile.n_rows for tile in todo]
    for tile, record in each(workers, merge_tile, todo, sources, folder, description="merge", sizes=sizes):
        ledger.add(str(tile), tile.parts, record, _files(folder, tile.pixel, record))
        records[tile.pixel] = record
    return records, len(before)


def _remove_others(folder: Path, pixels: Iterable[Pixel], files: Container[Path]) -> None:
    """Remove what is of another tiling, or was left half-written by a killed worker."""
    remove_partitions(folder, keep=pixels)
    for path in (folder / paths.REJECTED).iterdir():
        if path not in files:
            path.unlink()


def _files(folder: Path, pixel: Pixel, record: TileRecord) -> dict[Path, FileRecord]:
    """Return size and SHA-256 of each file that a tile's task wrote."""
    files = {paths.rejected_part(folder, pixel): record.rejected}
    if record.partition:
        files[paths.partition(folder, pixel)] = FileRecord(record.partition.bytes, record.partition.sha256)
    return files


def _notes(
    opened: Sequence[Opened],
    sources: Sources,
    lists: Sequence[MemberList],
    records: Sequence[TileRecord],
    aside: Mapping[str, Mapping[str, int]],
) -> Iterator[str]:
    yield from _untranslated(sources)
    yield from _clusters_without_reach(sources)
    yield from _unused_lists(lists, records)
    yield from _empty_surveys(opened, records, aside)


def _untranslated(sources: Sources) -> Iterator[str]:
    """Say which labels are missing for a survey because it was not translated to them."""
    *translated, _ = sources.surveys
    for source in translated:
        if absent := ", ".join(name for name in sources.labels if name not in source.families):
            yield f"{absent}: missing for {source.survey}, which was not translated to it"


def _clusters_without_reach(sources: Sources) -> Iterator[str]:
    """Say how many globular clusters lack what tells which stars are in them."""
    if sources.clusters and (n_lacking := int((~is_complete(sources.clusters)).sum())):
        note = (
            f"{n_lacking} of the {len(sources.clusters.ra_deg)} globular clusters have no half-light radius, distance "
            "or position in the table: none of their stars is left out."
        )
        say(f"  {note}", "yellow")
        yield note


def _unused_lists(lists: Sequence[MemberList], records: Sequence[TileRecord]) -> Iterator[str]:
    """Say which lists of `[[merge.exclude]]` name no star of the surveys."""
    for stars, n_stars in zip(lists, np.sum([record.n_listed for record in records], axis=0), strict=True):
        if not n_stars:
            note = f"None of the stars in {stars.file.name}, {stars.column}, is in the merged surveys."
            say(f"  {note}", "yellow")
            yield note


def _empty_surveys(
    opened: Sequence[Opened], records: Sequence[TileRecord], aside: Mapping[str, Mapping[str, int]]
) -> Iterator[str]:
    """Say which surveys have no star in the merged catalogue, and why most of them were set aside."""
    for part in opened:
        survey = part.source.survey
        if not any(record.by_survey[survey] for record in records):
            cut, n_stars = max(aside[survey].items(), key=lambda own: own[1])
            note = (
                f"No star of {survey} is in the merged catalogue: {n_stars:,} of its {part.catalogue.n_rows:,} stars "
                f"were set aside because of: {cut}. Check its definition with `stdask survey check`."
            )
            say(f"  {note}", "yellow")
            yield note
