"""The report: one HTML page with the figures, tables and provenance of a run, readable without a network."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.display.numbers import as_toml
from stdask.display.templates import render
from stdask.runs.counts import ReportCounts, TrainCounts, TranslateCounts
from stdask.runs.receipts import Receipt, read_receipt
from stdask.runs.registry import STAGES, stages_of
from stdask.runs.stage import begin_stage
from stdask.schema.evaluation import EpochRow, EvaluationTables
from stdask.schema.validation import ClusterRow
from stdask.stages.report.closure import closure_content
from stdask.stages.report.content import attenuated, by_method, survey_facts
from stdask.stages.report.count_tables import flag_table, pair_tables, survey_tables
from stdask.stages.report.figures import Album, evaluation_figures, pair_figure, product_figures
from stdask.stages.report.interactive.choices import sample_titles
from stdask.stages.report.interactive.figures import interactive_figures
from stdask.stages.report.known_stars import ShownStars, known_stars
from stdask.stages.report.page import files_of, page_content, run_sections, selection_in_words
from stdask.stages.report.score_tables import tables_of_scores
from stdask.stages.report.tables import product_tables
from stdask.stages.report.usable import UsableStars, usable_stars
from stdask.stages.report.verdicts import verdicts
from stdask.storage import paths
from stdask.storage.documents import read_declared, read_tables
from stdask.storage.files import hash_of, write_text

CLUSTERS_LEFT_OUT = "validate_clusters"  # the check whose table and figure the page shows
TEMPLATE = Path(__file__).with_name("report.html")


def run(run: Run, workers: Workers) -> Receipt:
    """Write OUT/report/index.html from the receipts, tables and figures of the other stages.

    Raises
    ------
    CatalogueError
        If another stage has not been run, or one of its tables is damaged.
    """
    steps = stages_of(run)["report"].inputs
    receipts = {name: receipt for name in steps if (receipt := read_receipt(run.output, name))}
    counts = hash_of({name: asdict(receipt.counts) for name, receipt in receipts.items()})
    stage = begin_stage(run, "report", {"counts": counts, **_validated(run)})
    if receipt := stage.done():
        return receipt
    album = Album(run.output)
    usable = usable_stars(run.output, (run.definition_a.name, run.definition_b.name), workers)
    content = gather(run, receipts, album, usable)
    page = paths.report(run.output)
    write_text(page, render(TEMPLATE, content))
    return stage.finish([page], ReportCounts(n_figures=album.n_images))


def _validated(run: Run) -> dict[str, str]:
    """Return the digest of the clusters that validate has left out in turn, if it has."""
    receipt = read_receipt(run.output, CLUSTERS_LEFT_OUT)
    return {CLUSTERS_LEFT_OUT: receipt.digest} if receipt else {}


def gather(run: Run, receipts: Mapping[str, Receipt], album: Album, usable: UsableStars | None) -> dict[str, Any]:
    """Return everything the page shows."""
    titles = (run.definition_a.title, run.definition_b.title)
    names, products = (run.definition_a.name, run.definition_b.name), paths.products(run.output)
    steps = {name: STAGES[name].title for name in stages_of(run)["report"].inputs}
    tables = read_tables(paths.evaluation(run.output), EvaluationTables)
    accuracy = by_method(tables.accuracy)
    interactive = interactive_figures(products, titles, run.config.atlas.bin_kpc)
    known, closure = _known_stars(run, tables, titles, album), closure_content(run, album)
    sections = run_sections(known_stars=known, closure=closure, maps="atlas" in steps)
    title = " on the scale of ".join(run.merged_titles if run.further else titles)
    content = page_content(title, sections, receipts, steps, interactive)
    content["counts"]["pairs"] = pair_tables(receipts)
    return content | {
        **_surveys(run, receipts),
        "files": files_of(list(sections)),
        "known": known,
        "closure": closure,
        "ensemble": run.config.train.ensemble,
        "verdicts": verdicts(accuracy, by_method(tables.truth), tables.coverage),
        "has_truth": bool(tables.truth),
        "usable": usable,
        "attenuated": attenuated(tables.attenuation),
        "scores": tables_of_scores(
            tables, read_declared(paths.history(run.output), EpochRow), run.config.atlas.select, "evaluation/"
        ),
        "figures": evaluation_figures(paths.evaluation(run.output), titles, album, accuracy),
        "products": product_figures(products, album, interactive),
        "separations": pair_figure(paths.pairs(run.output, *names), titles, album),
        "tables": product_tables(products, sample_titles(titles), "products/"),
        "flags": flag_table(receipts["translate"])
        if isinstance(receipts["translate"].counts, TranslateCounts)
        else None,
        "selection": selection_in_words(run.config.atlas),
        "seed": run.config.seed,
        "config": as_toml(run.config.model_dump(mode="json", by_alias=True)),
        "folders": _places(run),
        **_other_pages(run),
    }


def _places(run: Run) -> dict[str, str]:
    """Return where in the run folder the page sends its readers."""
    names = (run.definition_a.name, run.definition_b.name)
    return {
        "translated": f"catalogues/{paths.translated_name(*names)}",
        "merged": f"{'../../' if run.first else ''}catalogues/{paths.MERGED}",
        "settings": paths.RUN_COPY,
    }


def _other_pages(run: Run) -> dict[str, Any]:
    """Return the reports of the further surveys of a run file by their titles, or where the report of all is."""
    folder = paths.report(run.output).parent
    pages = {part.definition_a.title: paths.report(part.output) for part in run.further}
    return {
        "further": {title: Path(os.path.relpath(page, folder)).as_posix() for title, page in pages.items()},
        "of_all": "../../../report/index.html" if run.first else "",
    }


def _known_stars(run: Run, tables: EvaluationTables, titles: tuple[str, str], album: Album) -> ShownStars:
    """Return what the page says of clusters and benchmark stars, also of clusters that validate has left out."""
    folders = paths.evaluation(run.output), paths.validation(run.output)
    left_out = read_declared(folders[1] / "clusters.ecsv", ClusterRow)
    return known_stars(tables, left_out, folders, titles, album)


def _surveys(run: Run, receipts: Mapping[str, Receipt]) -> dict[str, Any]:
    """Return what the page says of the two surveys and of the stars in both."""
    facts = {}
    for side, own in zip("ab", (run.definition_a, run.definition_b), strict=True):
        files = getattr(run.config.surveys, side).tables.values()
        facts[side] = survey_facts(own, files, paths.catalogue(run.output, own.name))
    train = receipts["train"].counts
    families = train.families if isinstance(train, TrainCounts) and run.config.train.ensemble is None else {}
    rows = [receipts[f"ingest_{side}"].counts.rows for side in "ab"]
    definitions = {"a": run.definition_a.name, "b": run.definition_b.name}
    return facts | {
        "surveys": {side: survey_tables(side, own, f"catalogues/{definitions[side]}") for side, own in facts.items()},
        "n_stars": [counted.n_out if counted else 0 for counted in rows],
        "n_pairs": {family: (stars.n_pairs, stars.n_test) for family, stars in families.items()},
    }
