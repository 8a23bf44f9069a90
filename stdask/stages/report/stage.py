"""The report: one HTML page with the figures, tables and provenance of a run, readable without a network."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stdask import __version__
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.display.numbers import as_toml
from stdask.display.templates import render
from stdask.runs.counts import ReportCounts
from stdask.runs.receipts import Receipt, read_receipt
from stdask.runs.registry import STAGES, stages_of
from stdask.runs.stage import begin_stage
from stdask.schema.evaluation import EpochRow, EvaluationTables
from stdask.stages.report.content import (
    attenuation_of,
    by_method,
    coverage_of,
    headlines,
    importance_of,
    kept_epochs,
    populations_shown,
    survey_facts,
    tails_of,
)
from stdask.stages.report.figures import Album, evaluation_figures, pair_figure, product_figures
from stdask.stages.report.interactive.choices import sample_titles
from stdask.stages.report.interactive.figures import interactive_figures, page_scripts
from stdask.stages.report.tables import product_tables
from stdask.storage import paths
from stdask.storage.documents import read_declared, read_tables
from stdask.storage.files import hash_of, write_text

TEMPLATE = Path(__file__).with_name("report.html")


def run(run: Run, workers: Workers) -> Receipt:  # noqa: ARG001  all stages are called alike
    """Write OUT/report/index.html from the receipts, tables and figures of the other stages.

    Raises
    ------
    CatalogueError
        If another stage has not been run, or one of its tables is damaged.
    """
    steps = stages_of(run.config)["report"].inputs
    receipts = {name: receipt for name in steps if (receipt := read_receipt(run.output, name))}
    counts = hash_of({name: asdict(receipt.counts) for name, receipt in receipts.items()})
    stage = begin_stage(run, "report", {"counts": counts})
    if receipt := stage.done():
        return receipt
    album = Album()
    content = gather(run, receipts, album)
    page = paths.report(run.output)
    write_text(page, render(TEMPLATE, content))
    left_out = tuple(str(image.path.relative_to(run.output)) for image in album.images if not image.data)
    return stage.finish([page], ReportCounts(n_figures=len(album.images), left_out=left_out))


def gather(run: Run, receipts: Mapping[str, Receipt], album: Album) -> dict[str, Any]:
    """Return everything the page shows."""
    definitions = (run.definition_a, run.definition_b)
    titles = (run.definition_a.title, run.definition_b.title)
    names, products = (run.definition_a.name, run.definition_b.name), paths.products(run.output)
    a, b = (
        survey_facts(own, getattr(run.config.surveys, side).tables.values(), paths.catalogue(run.output, own.name))
        for side, own in zip("ab", definitions, strict=True)
    )
    steps = {name: STAGES[name].title for name in stages_of(run.config)["report"].inputs}
    tables = read_tables(paths.evaluation(run.output), EvaluationTables)
    accuracy, truth = by_method(tables.accuracy), by_method(tables.truth)
    interactive = interactive_figures(products, titles, run.config.atlas.bin_kpc)
    return {
        "version": __version__,
        "a": a,
        "b": b,
        "receipts": receipts,
        "steps": steps,
        "ensemble": run.config.train.ensemble,
        "headline": headlines(accuracy, truth),
        "notes": [(steps[step], note) for step, r in receipts.items() for note in r.counts.notes],
        "extras": {steps[step]: extra for step, receipt in receipts.items() if (extra := receipt.counts.described())},
        "accuracy": accuracy,
        "truth": truth,
        "attenuation": attenuation_of(tables.attenuation),
        "coverage": coverage_of(tables.coverage),
        "tails": tails_of(tables.coverage),
        "importance": importance_of(tables.importance),
        "populations": populations_shown(tables, run.config.atlas.select),
        "training": kept_epochs(read_declared(paths.history(run.output), EpochRow)),
        "separations": pair_figure(paths.pairs(run.output, *names), titles, album),
        "figures": evaluation_figures(paths.evaluation(run.output), titles, album, accuracy),
        "products": product_figures(products, album, interactive),
        "tables": product_tables(products),
        "words": sample_titles(titles),
        "scripts": page_scripts() if any(figure.content for figure in interactive.values()) else [],
        "versions": {k: v for r in receipts.values() for k, v in r.versions.items()},
        "seed": run.config.seed,
        "config": as_toml(run.config.model_dump(mode="json", by_alias=True)),
    }
