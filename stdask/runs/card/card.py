"""The model card of an ensemble: what it is, what it was taught and how well, and where not to use it.

Source: Mitchell et al. 2019, Model Cards for Model Reporting, FAT* '19, 220.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stdask import schema
from stdask.config.run import Run
from stdask.display import numbers as report_format
from stdask.errors import CatalogueError
from stdask.network.ensemble import Family
from stdask.network.parts import from_parts
from stdask.network.presets import ANY, shape_of
from stdask.runs.card.limits import limits_of
from stdask.runs.counts import FamilyStars, IngestCounts, PairCounts, TrainCounts
from stdask.runs.receipts import C, Receipt, read_receipt
from stdask.schema.evaluation import ALL
from stdask.science.assessment.baselines import SIMPLER
from stdask.science.assessment.metrics import LEVELS
from stdask.science.keys.splits import split_for_member
from stdask.science.translation.dissimilarity import FALSE_ALARMS, N_NEIGHBOURS
from stdask.storage import paths
from stdask.storage.documents import read_ecsv, read_rows
from stdask.storage.ensembles import read_ensemble
from stdask.storage.files import write_text

Rows = list[dict[str, Any]]
TABLES = ("accuracy", "coverage", "attenuation", "domain")  # of evaluate


@dataclass(frozen=True)
class Evaluation:
    """What evaluate found."""

    tables: Mapping[str, Rows] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # where the networks are beaten


def write_card(run: Run) -> None:
    """Write the model card of a run's trained ensemble, from the tables of train and evaluate in the run folder.

    If evaluate has not been run on this ensemble, the card says that it was not evaluated.

    Parameters
    ----------
    run
        Whose stages up to train are done.
    """
    trained = read_receipt(run.output, "train", TrainCounts)
    if trained is None:  # the stage has just failed in a way that its own error tells
        return
    write_text(paths.card(run.output), render(gather(run, trained, _evaluation(run, trained))))


def _evaluation(run: Run, trained: Receipt[TrainCounts]) -> Evaluation | None:
    """Return what evaluate found of this ensemble; None if it has not been run on it."""
    receipt = read_receipt(run.output, "evaluate")
    if receipt is None or receipt.inputs["train"] != trained.digest:
        return None
    tables = {name: read_rows(paths.evaluation(run.output) / f"{name}.ecsv") for name in TABLES}
    return Evaluation(tables, receipt.counts.notes)


def render(content: Mapping[str, Any]) -> str:
    """Return the card."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for name in ("count", "number", "measured", "method"):
        environment.filters[name] = getattr(report_format, name)
    environment.filters["plain"] = plain
    environment.filters["codes"] = lambda names: ", ".join(f"`{name}`" for name in names)
    text = environment.get_template("card.md").render(content)
    return re.sub(r"\n{3,}", "\n\n", text)  # what the template leaves out leaves an empty line


def plain(text: str) -> str:
    """Return a text from a file on one line, with nothing that Markdown or HTML would take for its own."""
    return re.sub(r"[\\`*|]|<(?=[A-Za-z/!?])|(?<!\w)_|_(?!\w)", r"\\\g<0>", " ".join(text.split()))


def gather(run: Run, trained: Receipt[TrainCounts], evaluation: Evaluation | None) -> dict[str, Any]:
    """Return everything the card shows.

    Raises
    ------
    CatalogueError
        If a stage before train is not finished.
    """
    families = [from_parts(*parts) for parts in read_ensemble(paths.ensemble(run.output)).values()]
    usable = _finished(run.output, "pair", PairCounts).counts.usable
    found = evaluation or Evaluation()
    return {
        "a": _survey(run, "a"),
        "b": _survey(run, "b"),
        "train": run.config.train,
        "domain": run.config.domain,
        "seed": run.config.seed,
        "families": [
            _family(run, family, trained.counts.families[family.name], usable[family.name], found)
            for family in families
        ],
        "evaluated": evaluation is not None,
        "neighbours": N_NEIGHBOURS,
        "false_alarms": FALSE_ALARMS,
        "fallbacks": [label for family in families for label in _replaced(family)],
        "scores": _scores(found.tables.get("accuracy", [])),
        "coverage": _coverage(found.tables.get("coverage", [])),
        "slopes": [row for row in found.tables.get("attenuation", []) if _is_ours(row)],
        "notes": trained.counts.notes,
        "limits": limits_of(families, usable, found.tables, found.notes),
        "date": trained.written[:10],
        "versions": trained.versions,
        "files": {name: file.sha256 for name, file in trained.outputs.items()},
    }


def _finished(output: Path, stage: str, kind: type[C]) -> Receipt[C]:
    if (receipt := read_receipt(output, stage, kind)) is None:
        raise CatalogueError(f"{output} has no finished {stage!r} stage. Run `stdask run` again.")
    return receipt


def _survey(run: Run, side: str) -> dict[str, Any]:
    definition, receipt = run.definition(side), _finished(run.output, f"ingest_{side}", IngestCounts)
    return {
        "title": definition.title,
        "reference": definition.reference,
        "notes": definition.notes,
        "files": receipt.inputs,
        "stars": receipt.counts.rows.n_out,
    }


def _family(
    run: Run, family: Family, counts: FamilyStars, cuts: Mapping[str, int], found: Evaluation
) -> dict[str, Any]:
    """Return what the card says of one family."""
    train = run.config.train
    split = split_for_member(counts.n_pairs - counts.n_test, train.validation_fraction, run.config.seed, 0)
    shape = shape_of(train)
    low, high = shape["dropout_widths"]
    outside = [row["outside"] for row in found.tables.get("domain", []) if row["family"] == family.name]
    return {
        "name": family.name,
        "inputs": family.inputs,
        "labels": dict(zip(family.labels, family.counterparts, strict=True)),
        "units": {label: schema.quantity(label, run.definition_b.labels[label].unit).unit for label in family.labels},
        "widths": family.plan.widths,
        "dropout": shape["dropout"],
        "dropout_widths": f"{low} and more" if high >= ANY else f"{low} to {high}",
        "parameters": sum(array[0].size for array in family.plan.arrays.values()),
        "epochs": _epochs(run, family),
        "debiased": family.latent_plan is not None,
        "cuts": cuts,
        "test": counts.n_test,
        "split": [len(part) for part in split],
        "ranges": {
            name: (float(low), float(high))
            for name, low, high in zip(
                family.inputs, family.input_domain.minima, family.input_domain.maxima, strict=True
            )
        },
        "neighbourhood": family.neighbourhood.names,
        "outside": outside[0] if outside else None,
    }


def _replaced(family: Family) -> list[str]:
    """Return the labels for which something simpler stands in."""
    if family.fallback is None:
        return []
    return [label for label, replaced in zip(family.labels, family.fallback.replaced, strict=True) if replaced]


def _epochs(run: Run, family: Family) -> list[int]:
    """Return how many epochs each member took."""
    history = read_ecsv(paths.history(run.output))
    return np.bincount(history["member"][history["family"] == family.name]).tolist()


def _is_ours(row: Mapping[str, Any]) -> bool:
    return row["of"] == "B" and row["method"] == "translated"


def _scores(rows: Rows) -> list[Rows]:
    """Return the rows of each label: A as it is, the simpler method with the smallest error, and the networks."""
    labels: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in rows:
        labels.setdefault((row["family"], row["label"]), {})[row["method"]] = row
    chosen = []
    for methods in labels.values():
        best = min((name for name in SIMPLER if name in methods), key=lambda name: methods[name]["mae"])
        chosen.append([methods[name] for name in dict.fromkeys(("raw", best, "translated")) if name in methods])
    return chosen


def _coverage(rows: Rows) -> list[dict[str, Any]]:
    """Return one line a label and interval, with the per cent of all test stars that are inside at each level."""
    lines: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in rows:
        if row["of"] == "B" and row["group"] == ALL and row["nominal"] in LEVELS:
            key = (row["family"], row["label"], row["interval"])
            share = report_format.measured(100 * row["covered"], 100 * row["covered_err"])
            lines.setdefault(key, row | {"shares": []})["shares"].append(share)
    return list(lines.values())
