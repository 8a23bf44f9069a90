"""Translate: every partition of A through the ensemble, on the workers."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.config.run import Run, TrainConfig
from stdask.errors import EnsembleError
from stdask.network.ensemble import Family
from stdask.pairing.margins import write_collection
from stdask.runs.counts import PartitionCounts, RowCounts, TranslateCounts
from stdask.runs.ensemble import Ensemble, open_ensemble
from stdask.runs.ledger import Ledger, Parts, partition_hashes
from stdask.runs.receipts import FileRecord, Receipt
from stdask.runs.results import part_of
from stdask.runs.stage import Stage, begin_stage
from stdask.science.sky.healpix import Pixel
from stdask.stages.translate.forecast import SAMPLE_STARS, Workload, forecast, require_memory, say_forecast
from stdask.stages.translate.table import counted_flags, inputs_of, new_columns
from stdask.stages.translate.tasks import (
    Pieces,
    RowRange,
    Task,
    TranslatedPartition,
    TranslationJob,
    cut_partition,
    rows_per_task,
    work_on,
)
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.catalogue.hats import catalogue_files, finish_catalogue, remove_partitions, unfinish_catalogue
from stdask.storage.files import hash_of
from stdask.storage.tables import read_parquet


def run(run: Run, workers: Workers) -> Receipt:
    """Translate the catalogue of A to the scale of B; partitions that are done are kept.

    Raises
    ------
    EnsembleError
        If the ensemble was trained for other inputs than the catalogue has.
    """
    config = run.config
    stage = begin_stage(run, "translate")
    if receipt := stage.done():
        return receipt
    source = open_catalogue(paths.catalogue(run.output, run.definition_a.name))
    ensemble = open_ensemble(paths.ensemble(run.output))
    check_inputs(ensemble.families, source, config.train)
    draws = replace(ensemble.draws, engine=config.translate.engine, tf32=config.translate.tf32)
    folder = paths.catalogue(run.output, paths.translated_name(run.definition_a.name, run.definition_b.name))
    return translate_catalogue(stage, workers, config.cluster, source, replace(ensemble, draws=draws), folder)


def translate_catalogue(
    stage: Stage,
    workers: Workers,
    cluster: ClusterConfig,
    source: Catalogue,
    ensemble: Ensemble,
    folder: Path,
    provenance: Mapping[str, str] | None = None,
    with_margin: bool = True,
) -> Receipt:
    """Translate every partition of a catalogue; those that are done are kept.

    Parameters
    ----------
    stage
        It has begun. Its inputs are `train`, the ensemble, and `ingest_a`, the catalogue, which has a receipt of that
        name.
    workers, cluster
        Where the partitions are translated, and the memory there.
    source, ensemble
        The catalogue, and what translates it.
    folder
        Of the translated catalogue, which gets its name.
    provenance
        Further properties of the translated catalogue.
    with_margin
        Write its margin, too. A catalogue that is moved afterwards gets it there: a margin names its catalogue.
    """
    families, n_draws = ensemble.families, ensemble.draws.n_draws
    columns = (*source.columns, *new_columns(families, ensemble.target.units))
    schema.unique_names([column.name for column in columns], f"the columns of {folder.name}")
    job = TranslationJob(source.folder, folder, families, ensemble.digest, ensemble.draws, columns)
    unfinish_catalogue(folder)
    made, kept = translate_partitions(workers, stage, cluster, source, job, rows_per_task(families, n_draws))
    records = made | kept
    remove_partitions(folder, keep=source.pixels)
    shutil.rmtree(paths.scratch(folder), ignore_errors=True)
    rows = {pixel: record.rows for pixel, record in records.items()}
    properties = {"stdask_key": stage.key, "stdask_source": source.name, **(provenance or {})}
    catalogue = finish_catalogue(folder, folder.name, columns, rows, properties, source.epoch)
    outputs = [*catalogue_files(folder), *(write_collection(workers, catalogue) if with_margin else ())]
    counts = TranslateCounts(
        rows=RowCounts(source.n_rows, sum(rows.values())),
        flags={flag: sum(record.flags[flag] for record in records.values()) for flag in counted_flags(families)},
        n_workers=len(workers.started.scheduler_info(n_workers=-1)["workers"]) if workers.started else 0,
        partitions=PartitionCounts(len(rows), len(kept)),
    )
    known = {paths.partition(folder, p): FileRecord(r.bytes, r.sha256) for p, r in records.items()}
    return stage.finish(outputs, counts, known)


def check_inputs(families: Sequence[Family], source: Catalogue, train: TrainConfig) -> None:
    """Raise if the ensemble does not fit the run file or the catalogue.

    Raises
    ------
    EnsembleError
        Naming the family, and what it was trained for or the column that is not there.
    """
    present = {column.name for column in source.columns}
    for family in families:
        asked = (train.inputs(family.name), tuple(item.label for item in train.labels(family.name)))
        if (family.inputs, family.labels) != asked:
            trained, wanted = (
                " -> ".join(map(", ".join, networks)) for networks in ((family.inputs, family.labels), asked)
            )
            raise EnsembleError(
                f"The {family.name} ensemble was trained for {trained}, but the run file asks for {wanted}. "
                "Run `stdask train` first."
            )
        if missing := [name for name in inputs_of([family]) if name not in present]:
            raise EnsembleError(
                f"The {family.name} ensemble reads {missing[0]!r}, which the catalogue {source.name} does not have. "
                "It was trained for another survey: run `stdask train` for this pair."
            )


Partitions = dict[Pixel, TranslatedPartition]


def translate_partitions(
    workers: Workers, stage: Stage, cluster: ClusterConfig, source: Catalogue, job: TranslationJob, most_rows: int
) -> tuple[Partitions, Partitions]:
    """Translate every partition; return those translated now, and those kept from an interrupted run.

    Parameters
    ----------
    workers, stage, cluster
        Who does the work, for which stage, and what memory they have.
    source, job
        The catalogue of A, and what all tasks share.
    most_rows
        That a task translates: a larger partition is cut into row ranges.
    """
    ledger = Ledger(stage, TranslatedPartition)
    parts = _parts(stage, source)
    before = ledger.kept({str(pixel): own for pixel, own in parts.items()})
    kept = {pixel: before[str(pixel)] for pixel in parts if str(pixel) in before}
    todo = {pixel: n_rows for pixel, n_rows in source.rows.items() if pixel not in kept}
    made: Partitions = {}
    if todo and not workers.in_process:  # where the forecast would take as long as the work
        _forecast(cluster, source, todo, job, most_rows)
    for pixel, record in _translated(workers, stage, todo, parts, job, most_rows):
        ledger.add(str(pixel), parts[pixel], record, [paths.partition(job.target, pixel)])
        made[pixel] = record
    return made, kept


def _translated(
    workers: Workers,
    stage: Stage,
    todo: Mapping[Pixel, int],
    parts: Mapping[Pixel, Parts],
    job: TranslationJob,
    most_rows: int,
) -> Iterator[tuple[Pixel, TranslatedPartition]]:
    """Yield the partitions as they are finished; large ones are translated in pieces, which are then joined."""
    cut = {pixel: cut_partition(pixel, n_rows, most_rows) for pixel, n_rows in todo.items() if n_rows > most_rows}
    whole = [pixel for pixel in todo if pixel not in cut]
    tasks: list[Task] = [*whole]
    sizes = [todo[pixel] for pixel in whole]
    ledger = Ledger(stage, int, "pieces")
    there = ledger.kept({str(rows): parts[pixel] for pixel, own in cut.items() for rows in own}) if cut else {}
    waiting: dict[Pixel, set[RowRange]] = {}
    for pixel, ranges in cut.items():
        lacking = [rows for rows in ranges if str(rows) not in there]
        waiting[pixel] = set(lacking)
        tasks += lacking or [Pieces(pixel, ranges)]
        sizes += [rows.end - rows.start for rows in lacking] or [0]
    for task, record in each(workers, work_on, tasks, job, description="translate", sizes=sizes, unit="stars"):
        if isinstance(task, RowRange):
            ledger.add(str(task), parts[task.pixel], task.end - task.start, [job.piece(task)])
            waiting[task.pixel].remove(task)
            if not waiting[task.pixel]:
                tasks.append(Pieces(task.pixel, cut[task.pixel]))
            continue
        pixel = task.pixel if isinstance(task, Pieces) else task
        yield pixel, record
        for rows in task.ranges if isinstance(task, Pieces) else ():
            job.piece(rows).unlink(missing_ok=True)


def _forecast(
    cluster: ClusterConfig, source: Catalogue, todo: Mapping[Pixel, int], job: TranslationJob, most_rows: int
) -> None:
    """Print what the partitions will cost; refuse those too large for a worker."""
    largest = max(todo, key=todo.__getitem__)
    sample = read_parquet(source.path(largest)).slice(0, SAMPLE_STARS)
    load = Workload(sum(todo.values()), todo[largest], most_rows)
    cost = forecast(job.families, job.draws, sample, job.columns, load)
    say_forecast(cost, cluster)
    require_memory(cost, cluster)


def _parts(stage: Stage, source: Catalogue) -> dict[Pixel, Parts]:
    """Return for each partition all that its translation depends on."""
    hashes = partition_hashes(stage.output, "ingest_a", source)
    shared = {"ensemble": stage.inputs["train"], "settings": hash_of(stage.settings), **part_of("translate")}
    return {pixel: {"input partition": hashes[str(pixel)], **shared} for pixel in source.pixels}
