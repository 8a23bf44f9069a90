"""The model card of an ensemble: what it is, how it was trained, how accurate it is, and where not to use it.

Source: Mitchell et al. 2019, Model Cards for Model Reporting, FAT* '19, 220.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stdask.config.run import Run
from stdask.config.survey import SurveyDefinition
from stdask.config.training import TrainConfig
from stdask.display import numbers as report_format
from stdask.display.templates import render
from stdask.errors import CatalogueError
from stdask.network.ensemble import Family
from stdask.network.presets import ANY, shape_of
from stdask.runs.card.head import METHOD, render_head
from stdask.runs.card.limits import limits_of
from stdask.runs.counts import DomainBins, FamilyStars, IngestCounts, PairCounts, TrainCounts
from stdask.runs.ensemble import open_ensemble
from stdask.runs.receipts import C, Receipt, by_file_name, read_receipt
from stdask.schema.evaluation import ALL, TAILS, CoverageRow, EpochRow, EvaluationTables, ScoreRow
from stdask.science.assessment.baselines import SIMPLER
from stdask.science.assessment.metrics import LEVELS
from stdask.science.keys.splits import split_for_member
from stdask.science.translation.dissimilarity import FALSE_ALARMS, N_NEIGHBOURS
from stdask.storage import paths
from stdask.storage.documents import read_declared, read_tables
from stdask.storage.files import write_text

CONSTANTS = {"method": METHOD, "neighbours": N_NEIGHBOURS, "false_alarms": FALSE_ALARMS}


@dataclass(frozen=True)
class Evaluation:
    """What evaluate found."""

    tables: EvaluationTables = field(default_factory=EvaluationTables)
    notes: tuple[str, ...] = ()  # where a simpler method is closer to B, and where the bias of other stars differs


@dataclass(frozen=True)
class CardSurvey:
    """What the card says of a survey."""

    title: str
    reference: str
    notes: str
    files: Mapping[str, str]  # name -> SHA-256
    n_stars: int


@dataclass(frozen=True)
class CardNetwork:
    """What the card says of the networks of a family, apart from what the family itself holds."""

    dropout: float
    dropout_widths: str
    n_parameters: int  # of a member
    ranges: Mapping[str, tuple[float, float]]  # input -> minimum and maximum of the training stars


class CardFamily(NamedTuple):
    """What the card says of a family."""

    own: Family
    network: CardNetwork
    stars: FamilyStars
    split: list[int]  # training and validation stars of a member
    epochs: list[int]  # of each member
    cuts: Mapping[str, int]  # cut -> pairs left
    incomplete: Mapping[str, int]  # label that B lacks for some pairs -> pairs that have it
    domains: Mapping[str, DomainBins]  # those of its inputs and of its labels
    outside: float | None  # share of A outside the domain; None before evaluate


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
    evaluation = None
    evaluated = read_receipt(run.output, "evaluate")
    if evaluated and evaluated.inputs["train"] == trained.digest:
        evaluation = Evaluation(read_tables(paths.evaluation(run.output), EvaluationTables), evaluated.counts.notes)
    path, text = paths.card(run.output), render_card(gather(run, trained, evaluation))
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def render_card(content: Mapping[str, Any]) -> str:
    """Return the card."""
    text = render(Path(__file__).with_name("card.md"), {**content, **CONSTANTS}, {"plain": plain, "codes": codes})
    return re.sub(r"\n{3,}", "\n\n", text)  # what the template leaves out leaves an empty line


def codes(names: Iterable[str]) -> str:
    """Return names as code, separated by commas."""
    return ", ".join(f"`{name}`" for name in names)


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
    ensemble, paired = open_ensemble(paths.ensemble(run.output)), _finished(run.output, "pair", PairCounts).counts
    history = read_declared(paths.history(run.output), EpochRow)
    found = evaluation or Evaluation()
    outside = {row.family: row.outside for row in found.tables.domain}
    train, seed = run.config.train, run.config.seed
    return {
        "head": render_head(ensemble, found.tables.accuracy, trained.versions["stdask"]),
        "a": _survey(run.definition_a, _finished(run.output, "ingest_a", IngestCounts)),
        "b": _survey(run.definition_b, _finished(run.output, "ingest_b", IngestCounts)),
        "train": train,
        "units": ensemble.target.units,
        "domain": run.config.domain,
        "seed": seed,
        "families": [
            CardFamily(
                family,
                _network(family, train),
                trained.counts.families[family.name],
                _split(trained.counts.families[family.name], train.validation_fraction, seed),
                _epochs(history, family.name),
                paired.usable[family.name],
                paired.incomplete(family.name),
                {name: bins for name, bins in trained.counts.domains.items() if name.split()[0] == family.name},
                outside.get(family.name),
            )
            for family in ensemble.families
        ],
        "evaluated": evaluation is not None,
        **_beside_networks(ensemble.families),
        "scores": _scores(found.tables.accuracy),
        "coverage": _coverage(found.tables.coverage),
        "tails": _tails(found.tables.coverage),
        "slopes": [row for row in found.tables.attenuation if row.of == "B" and row.method == "translated"],
        "notes": trained.counts.notes,
        "limits": limits_of(ensemble.families, paired.usable, found.tables, found.notes),
        "date": trained.written[:10],
        "versions": trained.versions,
        "files": {name: file.sha256 for name, file in trained.outputs.items()},
    }


def _finished(output: Path, stage: str, kind: type[C]) -> Receipt[C]:
    if (receipt := read_receipt(output, stage, kind)) is None:
        raise CatalogueError(f"{output} has no finished {stage!r} stage. Run `stdask run` again.")
    return receipt


def _survey(definition: SurveyDefinition, receipt: Receipt[IngestCounts]) -> CardSurvey:
    n_stars = receipt.counts.rows.n_out
    return CardSurvey(definition.title, definition.reference, definition.notes, by_file_name(receipt.inputs), n_stars)


def _network(family: Family, train: TrainConfig) -> CardNetwork:
    shape, domain = shape_of(train), family.input_domain
    low, high = shape["dropout_widths"]
    return CardNetwork(
        dropout=shape["dropout"],
        dropout_widths=f"{low} and more" if high >= ANY else f"{low} to {high}",
        n_parameters=sum(array[0].size for array in family.plan.arrays.values()),
        ranges=dict(zip(family.inputs, zip(domain.minima, domain.maxima, strict=True), strict=True)),
    )


def _beside_networks(families: Sequence[Family]) -> dict[str, list[str]]:
    """Return the labels in which Gaussian processes have a share, and those for which something simpler stands in."""
    labels: dict[str, list[str]] = {"processes": [], "fallbacks": []}
    for family in families:
        shares = np.zeros(len(family.labels)) if family.blend is None else family.blend.shares
        replaced = np.zeros(len(family.labels), dtype=bool) if family.fallback is None else family.fallback.replaced
        own = np.array(family.labels)
        labels["processes"] += own[(shares > 0) & ~replaced].tolist()
        labels["fallbacks"] += own[replaced].tolist()
    return labels


def _split(counts: FamilyStars, validation_fraction: float, seed: int) -> list[int]:
    """Return the numbers of training and validation stars of a member."""
    return [len(part) for part in split_for_member(counts.n_pairs - counts.n_test, validation_fraction, seed, 0)]


def _epochs(history: Iterable[EpochRow], family: str) -> list[int]:
    """Return how many epochs each member took."""
    return np.bincount([row.member for row in history if row.family == family]).tolist()


def _scores(rows: Iterable[ScoreRow]) -> list[list[ScoreRow]]:
    """Return the rows of each label: A as it is, the simpler method with the smallest error, and the networks."""
    labels: dict[tuple[str, str], dict[str, ScoreRow]] = {}
    for row in rows:
        labels.setdefault((row.family, row.label), {})[row.method] = row
    chosen = []
    for methods in labels.values():
        best = min((name for name in SIMPLER if name in methods), key=lambda name: methods[name].mae)
        chosen.append([methods[name] for name in dict.fromkeys(("raw", best, "translated")) if name in methods])
    return chosen


def _coverage(rows: Iterable[CoverageRow]) -> list[tuple[str, str, list[str]]]:
    """Return label, interval, and the per cent of all test stars inside at each level."""
    lines: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        if row.of == "B" and row.group == ALL and row.nominal in LEVELS:
            share = report_format.measured(100 * row.covered, 100 * row.covered_err)
            lines.setdefault((row.family, row.label, row.interval), []).append(share)
    return [(label, interval, shares) for (_, label, interval), shares in lines.items()]


def _tails(rows: Iterable[CoverageRow]) -> list[CoverageRow]:
    """Return how many of all test stars lie within the intervals that tell of the tails of the errors."""
    return [row for row in rows if row.of == "B" and row.group == ALL and row.interval in TAILS and row.n]
