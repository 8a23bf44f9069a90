"""Closure: stars that two translated surveys share, both translated: do they agree within their errors?

B says nothing of most of these stars, so that no network was trained on them.
"""

import shutil
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.display.agreement import notes_of_closure
from stdask.display.console import say
from stdask.display.numbers import measured
from stdask.display.tables import print_table
from stdask.figures.closure import draw_closure, draw_trends
from stdask.runs.counts import ClosureCounts
from stdask.runs.receipts import Receipt
from stdask.runs.stage import begin_stage
from stdask.runs.surveys.finished import translated_surveys
from stdask.schema.closure import EVERYWHERE, OUTSIDE_B, ClosureTables
from stdask.stages.closure.rows import closure_rows, excess_rows
from stdask.stages.closure.stars import common_stars
from stdask.stages.closure.surveys import open_translated
from stdask.storage import paths
from stdask.storage.documents import write_figures, write_tables


def run(run: Run, workers: Workers) -> Receipt:
    """Compare the translations of every two surveys; write tables and figures, and print the offsets.

    Raises
    ------
    CatalogueError
        If an earlier stage has not been run, or a run of `[[merge.also]]` is not finished.
    ConfigError
        If a run of `[[merge.also]]` does not fit this one.
    """
    runs, config = translated_surveys(run), run.config
    further = {name: digest for other in runs for name, digest in other.inputs.items()}
    stage = begin_stage(run, "closure", further)
    if receipt := stage.done():
        return receipt
    stage.remove_old_outputs()
    folder = paths.closure(run.output)
    scratch = paths.scratch(folder)
    surveys = open_translated(workers, runs, run.definition_b, scratch, config.merge.radius_arcsec)
    tables, n_common = ClosureTables(), {}
    for first, second in combinations(surveys, 2):
        for stars in common_stars(workers, (first, second), config.merge, config.seed, scratch / "matching"):
            rows, matrix = closure_rows(stars, run.definition_b.units, config.seed)
            tables.closure.extend(rows)
            tables.matrix.extend(matrix)
            n_common[f"{first.name} and {second.name}, {stars.sample}"] = stars.n_common
    tables.excess.extend(excess_rows(tables.matrix, surveys))
    shutil.rmtree(scratch, ignore_errors=True)
    written = [*write_tables(folder, tables), *_draw(folder, tables)]
    notes = tuple(notes_of_closure(tables.matrix))
    receipt = stage.finish(written, ClosureCounts(n_common=n_common, notes=notes))
    _print(tables, notes)
    return receipt


def _draw(folder: Path, tables: ClosureTables) -> list[Path]:
    texts = {
        row: measured(row.offset, row.offset_err, signed=True)
        for row in tables.closure
        if row.by == EVERYWHERE and row.n
    }
    if not texts:
        return []
    files = write_figures(folder / "closure", draw_closure([*texts], texts))
    if trends := draw_trends(tables.closure):
        files += write_figures(folder / "trends", trends)
    return files


def _print(tables: ClosureTables, notes: Sequence[str]) -> None:
    rows = [vars(row) for row in tables.matrix if row.sample == OUTSIDE_B]
    shown = ("first", "second", "label", "unit", "n", "offset", "offset_err", "scatter", "expected")
    if rows:
        title = "Translations of the same stars, which B does not have: first minus second survey"
        print_table(title, [{name: row[name] for name in shown} for row in rows], "label")
    for note in notes:
        say(f"  {note}", "yellow")
