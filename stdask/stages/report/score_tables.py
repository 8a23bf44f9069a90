"""The tables of evaluate and train, arranged as the page shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stdask.config.atlas import Range
from stdask.display.numbers import DASH, count, measured, method, minus, number, symbol
from stdask.schema.evaluation import (
    ALL,
    CoverageRow,
    DistributionRow,
    EpochRow,
    EvaluationTables,
    ImportanceRow,
    PopulationRow,
    ScoreRow,
    SlopeRow,
)
from stdask.stages.report.content import (
    ByMethod,
    attenuation_of,
    by_method,
    coverage_of,
    importance_of,
    kept_epochs,
    populations_shown,
    tails_of,
)
from stdask.stages.report.shown import ShownTable, heads, named

TRANSLATED = method("translated")
Groups = dict[str, list[tuple[str, ...]]]  # heading -> rows


@dataclass(frozen=True)
class ScoreTables:
    """The tables of evaluate and train, those that there are."""

    accuracy: ShownTable | None
    truth: ShownTable | None
    attenuation: list[ShownTable]
    coverage: list[ShownTable]
    tails: ShownTable | None
    importance: dict[str, ShownTable]
    population: ShownTable | None
    distributions: ShownTable | None
    training: dict[str, ShownTable]


def tables_of_scores(
    tables: EvaluationTables, history: Sequence[EpochRow], select: Mapping[str, Range], where: str
) -> ScoreTables:
    """Return the tables of evaluate and train.

    Parameters
    ----------
    tables, history
        As they were written.
    select
        Of `[atlas]`: without it the atlas has the whole catalogue, and no population of its own.
    where
        How the page names the folder of evaluate's tables.
    """
    shown = populations_shown(tables, select)
    against = "Difference from B, label by label. Robust scatter: 1.4826 times the median absolute deviation."
    known = "Difference from the truth, which is known because these surveys are mocks. B itself: the noise of B."
    file = f"{where}{{}}.ecsv".format
    tails = tails_of(tables.coverage)
    return ScoreTables(
        accuracy=score_table(by_method(tables.accuracy), "t-accuracy", against, file("accuracy"))
        if tables.accuracy
        else None,
        truth=score_table(by_method(tables.truth), "t-truth", known, file("truth")) if tables.truth else None,
        attenuation=[
            slope_table(slopes, of, file("attenuation")) for of, slopes in attenuation_of(tables.attenuation).items()
        ],
        coverage=coverage_tables(tables.coverage, file("coverage")),
        tails=tail_table(tails, file("coverage")) if tails else None,
        importance=importance_tables(tables.importance, file("importance")),
        population=population_table(shown["rows"], file("population")) if shown["rows"] else None,
        distributions=distribution_table(shown["distributions"], file("distributions"))
        if shown["distributions"]
        else None,
        training=training_tables(history, "ensemble/history.ecsv"),
    )


def score_table(scores: ByMethod[ScoreRow], name: str, caption: str, file: str) -> ShownTable:
    """Return how far each method lies from B, or from the truth: a group a label, a row a method."""
    groups: Groups = {}
    for (_, label), methods in scores.items():
        first = next(iter(methods.values()))
        groups[named(label, first.unit, f"{count(first.n)} test stars")] = [
            (
                method(row.method),
                measured(row.bias, row.bias_err, signed=True),
                measured(row.robust, row.robust_err),
                measured(row.mae, row.mae_err),
                DASH if row.method == "translated" else measured(row.behind, row.behind_err, signed=True),
            )
            for row in methods.values()
        ]
    columns = heads("Method", "Offset", "Robust scatter", "Mean absolute error", "Behind the translation")
    return ShownTable(name, caption, columns, groups, file, TRANSLATED)


def slope_table(slopes: ByMethod[SlopeRow], of: str, file: str) -> ShownTable:
    """Return the slopes of calibration and attenuation: a group a label, a row a method."""
    against = "B" if of == "B" else f"the {of}"
    groups: Groups = {
        named(label): [
            (
                method(row.method),
                measured(row.calibration, row.calibration_err),
                measured(row.attenuation, row.attenuation_err),
                f"{count(row.n)} ({count(row.n_clipped)})",
            )
            for row in methods.values()
        ]
        for (_, label), methods in slopes.items()
    }
    columns = heads("Method", "Calibration", "Attenuation", "Stars (outliers left out)")
    return ShownTable(f"t-attenuation-{of}", f"Slopes against {against}.", columns, groups, file, TRANSLATED)


def coverage_tables(rows: Sequence[CoverageRow], file: str) -> list[ShownTable]:
    """Return which shares of the test stars lie inside the intervals: a table a group of stars, all stars first."""
    tables = []
    for number_of, (group, lines) in enumerate(coverage_of(rows).items()):
        groups: Groups = {}
        for line in lines:
            shares = [measured(100 * row.covered, 100 * row.covered_err) for row in line.shares.values()]
            kind = line.first.interval if line.first.of == "B" else f"{line.first.interval}, {line.first.of}"
            groups.setdefault(named(line.first.label), []).append((kind, *shares, count(line.first.n)))
        levels = [f"{100 * level:.0f} % interval" for level in lines[0].shares]
        stars = "all test stars" if group == ALL else f"the test stars: {minus(group)}"
        caption = f"Per cent of {stars} inside the interval."
        name = "t-coverage" if group == ALL else f"t-coverage-{number_of}"
        tables.append(ShownTable(name, caption, heads("Interval", *levels, "Stars"), groups, file))
    return tables


def tail_table(rows: Sequence[CoverageRow], file: str) -> ShownTable:
    """Return which shares of the test stars lie inside the intervals that tell of the tails."""
    groups: Groups = {}
    for row in rows:
        kind = row.interval if row.of == "B" else f"{row.interval}, {row.of}"
        inside = measured(100 * row.covered, 100 * row.covered_err)
        groups.setdefault(named(row.label), []).append((kind, f"{100 * row.nominal:.3g}", inside, count(row.n)))
    caption = "Per cent of all test stars inside the intervals that tell of the tails."
    return ShownTable("t-tails", caption, heads("Interval", "Expected", "Inside", "Stars"), groups, file)


def importance_tables(rows: Sequence[ImportanceRow], file: str) -> dict[str, ShownTable]:
    """Return the importance of the inputs: a table a family, a group an input, a row what depends on it."""
    tables = {}
    for family, content in importance_of(rows).items():
        columns = heads("Label", *map(symbol, content.inputs))
        groups: Groups = {}
        for (label, of, group), line in content.lines.items():
            cells = [
                measured(row.importance, row.importance_err) if (row := line.get(i)) else DASH for i in content.inputs
            ]
            stars = "" if group == ALL else f" ({minus(group)})"
            groups.setdefault(f"{of}{stars}", []).append((symbol(label), *cells))
        caption = f"Importance in per cent, {family} network."
        tables[family] = ShownTable(f"t-importance-{family}", caption, columns, groups, file)
    return tables


def population_table(rows: Sequence[PopulationRow], file: str) -> ShownTable:
    """Return the bias of stars that B does not have, as estimated: a group a label, a row a population."""
    groups: Groups = {}
    for row in rows:
        groups.setdefault(named(row.label, row.unit), []).append(
            (
                row.population if row.group == ALL else f"{row.population}, {row.group}",
                measured(row.bias, row.bias_err, signed=True),
                measured(row.reweighted, row.reweighted_err, signed=True),
                measured(row.shift, row.shift_err, signed=True),
                f"{count(row.n_test)} ({row.n_effective:.0f})",
            )
        )
    caption = (
        "Mean of translated minus B: of the test stars, and as estimated for stars that B does not have. Catalogue: "
        "all of them; atlas: those that are mapped. In brackets: number of equally weighted test stars that would be "
        "as many."
    )
    columns = heads("Stars", "Test stars", "Estimated", "Shift", "Number of test stars")
    return ShownTable("t-population", caption, columns, groups, file)


def distribution_table(rows: Sequence[DistributionRow], file: str) -> ShownTable:
    """Return how the stars that B does not have differ from the pairs: a row a column of A."""
    groups: Groups = {}
    for row in rows:
        groups.setdefault(f"{row.family} network, {row.population}", []).append(
            (
                f"{row.quantity} [{row.unit}]" if row.unit else row.quantity,
                _between(row.pairs, row.pairs_low, row.pairs_high),
                _between(row.stars, row.stars_low, row.stars_high),
                f"{row.separation:.2f}",
            )
        )
    caption = (
        "Median, and in brackets the 16th to the 84th percentile, of the pairs and of the stars that B does not have; "
        "and how far they lie apart on average, rank by rank (Wasserstein distance), in standard deviations of the "
        "pairs."
    )
    return ShownTable("t-distributions", caption, heads("Column", "Pairs", "Other stars", "Apart"), groups, file)


def training_tables(rows: Sequence[EpochRow], file: str) -> dict[str, ShownTable]:
    """Return the epoch whose weights each member kept: a table a family."""
    columns = heads("Member", "Epoch kept", "of", "Training loss", "Validation loss")
    return {
        family: ShownTable(
            f"t-training-{family}",
            f"The epoch whose weights each member of the {family} network kept.",
            columns,
            {"": [_kept(own.best, own.n_epochs) for own in members]},
            file,
        )
        for family, members in kept_epochs(rows).items()
    }


def _kept(best: EpochRow, n_epochs: int) -> tuple[str, ...]:
    return str(best.member), count(best.epoch), count(n_epochs), number(best.loss), number(best.val_loss)


def _between(median: float, low: float, high: float) -> str:
    return f"{number(median)} ({number(low)} to {number(high)})"
