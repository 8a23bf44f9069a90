"""The report: one HTML page with the figures, tables and provenance of a run, readable without a network."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stdask import __version__
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.display import numbers as report_format
from stdask.display.numbers import as_toml
from stdask.runs.counts import ReportCounts
from stdask.runs.receipts import Receipt, read_receipt
from stdask.runs.registry import STAGES
from stdask.runs.stage import begin_stage
from stdask.schema.evaluation import ImportanceRow
from stdask.science.assessment.metrics import LEVELS
from stdask.stages.report.figures import Album, evaluation_figures, pair_figure, product_figures
from stdask.stages.report.interactive import interactive_figures, page_scripts, sample_titles
from stdask.stages.report.tables import product_tables
from stdask.storage import paths
from stdask.storage.documents import read_rows
from stdask.storage.files import hash_of, write_text

STEPS = {name: STAGES[name].title for name in STAGES["report"].inputs}
TABLES = ("accuracy", "truth", "attenuation", "coverage", "importance")  # of evaluate


def run(run: Run, workers: Workers) -> Receipt:  # noqa: ARG001  all stages are called alike
    """Write OUT/report/index.html from the receipts, tables and figures of the other stages.

    Raises
    ------
    CatalogueError
        If another stage has not been run, or one of its tables is damaged.
    """
    receipts = {name: receipt for name in STEPS if (receipt := read_receipt(run.output, name))}
    counts = hash_of({name: asdict(receipt.counts) for name, receipt in receipts.items()})
    stage = begin_stage(run, "report", {"counts": counts})
    if receipt := stage.done():
        return receipt
    album = Album()
    content = gather(run, receipts, album)
    page = paths.report(run.output)
    write_text(page, render(content))
    left_out = tuple(str(image.path.relative_to(run.output)) for image in album.images if not image.data)
    return stage.finish([page], ReportCounts(n_figures=len(album.images), left_out=left_out))


def render(content: dict[str, Any]) -> str:
    """Return the page; everything that comes from files or settings is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("symbol", "count", "number", "measured", "minus", "method"):
        environment.filters[name] = getattr(report_format, name)
    return environment.get_template("report.html").render(content)


def gather(run: Run, receipts: Mapping[str, Receipt], album: Album) -> dict[str, Any]:
    """Return everything the page shows."""
    folder = paths.evaluation(run.output)
    interactive = interactive_figures(run)
    tables = {name: read_rows(folder / f"{name}.ecsv") for name in TABLES}
    accuracy, truth = _by_label(tables["accuracy"]), _by_label(tables["truth"])
    return {
        "version": __version__,
        "a": _survey(run, "a"),
        "b": _survey(run, "b"),
        "receipts": receipts,
        "steps": STEPS,
        "headline": _headline(accuracy, truth),
        "notes": [(STEPS[step], note) for step, r in receipts.items() for note in r.counts.notes],
        "extras": {STEPS[step]: extra for step, receipt in receipts.items() if (extra := receipt.counts.described())},
        "accuracy": accuracy,
        "truth": truth,
        "attenuation": {of: _by_label(rows) for of, rows in _split(tables["attenuation"], "of").items()},
        "coverage": _split(_covered(tables["coverage"]), "group"),
        "importance": _importance(tables["importance"]),
        "training": _training(read_rows(paths.history(run.output))),
        "separations": pair_figure(run, album),
        "figures": evaluation_figures(run, album, accuracy),
        "products": product_figures(run, album, interactive),
        "tables": product_tables(run),
        "words": sample_titles(run),
        "scripts": page_scripts() if any(figure.content for figure in interactive.values()) else [],
        "versions": {k: v for r in receipts.values() for k, v in r.versions.items()},
        "seed": run.config.seed,
        "config": as_toml(_config(run)),
    }


def _config(run: Run) -> dict[str, Any]:
    return run.config.model_dump(mode="json", by_alias=True)


def _survey(run: Run, side: str) -> dict[str, Any]:
    definition = run.definition(side)
    catalogue = paths.catalogue(run.output, definition.name)
    return {
        "title": definition.title,
        "reference": definition.reference,
        "notes": definition.notes,
        "distances": [d.reference for d in definition.distances if d.reference],
        "file": run.survey_file(side).name,
        "cuts": read_rows(catalogue / paths.CUTS),
        "columns": read_rows(catalogue / paths.VALUES),
        "repeats": read_rows(catalogue / paths.REPEATS),
        "merit": definition.duplicates.best if definition.duplicates else "",
    }


def _by_label(rows: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, dict[str, Any]]]:
    """Return the rows of an accuracy table by (family, label) and method, the simplest method first."""
    order = {name: place for place, name in enumerate(report_format.METHODS)}
    grouped: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: order.get(row["method"], len(order))):
        grouped.setdefault((row["family"], row["label"]), {})[row["method"]] = row
    return grouped


def _split(rows: list[dict[str, Any]], column: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows by the value of a column."""
    parts: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        parts.setdefault(row[column], []).append(row)
    return parts


def _covered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one line a label, group and interval, with what it covers at each of the usual levels."""
    lines: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        if row["nominal"] in LEVELS:
            key = tuple(row[name] for name in ("family", "label", "of", "group", "interval"))
            lines.setdefault(key, {**row, "shares": {}})["shares"][row["nominal"]] = row
    return list(lines.values())


def _headline(accuracy: dict[tuple[str, str], Any], truth: dict[tuple[str, str], Any]) -> list[dict[str, Any]]:
    """Return one row a label: scatter before and after, on test stars and against the truth if known."""
    lines = []
    for key in dict.fromkeys([*accuracy, *truth]):
        tested, known = accuracy.get(key, {}), truth.get(key, {})
        raw, translated = tested.get("raw"), tested.get("translated")
        ratio = translated["robust"] / raw["robust"] if raw and translated and raw["robust"] else None
        some = next(iter({**known, **tested}.values()))
        lines.append(
            {"label": key[1], "unit": some["unit"], "raw": raw, "translated": translated, "ratio": ratio}
            | {"truth_raw": known.get("raw"), "truth_translated": known.get("translated")}
        )
    return lines


def _importance(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return a table a family: one line a label or its correction and group, one column an input."""
    families: dict[str, dict[str, Any]] = {}
    for row in rows:
        if not ImportanceRow(**row).is_shown:
            continue
        table = families.setdefault(row["family"], {"inputs": [], "lines": {}})
        if row["input"] not in table["inputs"]:
            table["inputs"].append(row["input"])
        table["lines"].setdefault((row["label"], row["of"], row["group"]), {})[row["input"]] = row
    return families


def _training(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the epoch whose weights each member kept, by family."""
    members: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in rows:
        members.setdefault((row["family"], row["member"]), []).append(row)
    families: dict[str, list[dict[str, Any]]] = {}
    for (family, _), epochs in members.items():
        best = min(epochs, key=lambda row: row["val_loss"])
        families.setdefault(family, []).append(best | {"epochs": len(epochs)})
    return families
