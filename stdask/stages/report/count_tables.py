"""The tables of the appendix: rows of each stage, cuts of the surveys, pairs, columns, and where everything is from."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stdask.display.numbers import count, measured, number, symbol
from stdask.runs.counts import PairCounts, TranslateCounts
from stdask.runs.receipts import Receipt
from stdask.stages.report.content import SurveyFacts
from stdask.stages.report.shown import ShownTable, heads

Receipts = Mapping[str, Receipt]


def rows_table(receipts: Receipts, steps: Mapping[str, str]) -> ShownTable:
    """Return rows in and out of each stage: a group a stage, a row a reason why rows were set aside."""
    rows = []
    for step, title in steps.items():
        counted, seconds = receipts[step].counts.rows, number(receipts[step].seconds)
        if not counted:
            rows.append((title, "writes no rows", "", "", seconds))
            continue
        aside = [f"{reason}: {count(n)}" for reason, n in counted.set_aside.items() if n]
        rows.append((title, count(counted.n_in), count(counted.n_out), "; ".join(aside) or "none", seconds))
    caption = "Rows in = rows out + rows set aside, stage by stage."
    columns = heads("Stage", "Rows in", "Rows out", "Set aside", "Seconds", texts=(0, 3))
    return ShownTable("t-counts", caption, columns, {"": rows})


class SurveyTables(NamedTuple):
    """The tables of a survey, those that there are."""

    cuts: ShownTable | None = None
    columns: ShownTable | None = None
    repeats: ShownTable | None = None


def survey_tables(side: str, survey: SurveyFacts, folder: str) -> SurveyTables:
    """Return cuts, columns and error factors of a survey, those that there are.

    Parameters
    ----------
    side
        "a" or "b".
    survey, folder
        What is known of it, and where its catalogue lies in the run folder.
    """
    tables: dict[str, ShownTable] = {}
    if len(survey.cuts) > 1:
        tables["cuts"] = ShownTable(
            f"t-cuts-{side}",
            f"Quality cuts of {survey.title}: stars left after each, in the order of the survey definition. Those left "
            "after the last one are good.",
            heads("Cut", "Stars that fail it", "Left after it"),
            {"": [(row.cut, count(row.n_failing), count(row.n_left)) for row in survey.cuts]},
            f"{folder}/cuts.ecsv",
        )
    if survey.columns:
        names = list(survey.columns[0])
        tables["columns"] = ShownTable(
            f"t-columns-{side}",
            f"Columns of {survey.title}: number of missing, invalid and measured values.",
            heads(*(name.removeprefix("n_").replace("_", " ").capitalize() for name in names), texts=(0, 1, 2)),
            {"": [tuple(number(value) for value in row.values()) for row in survey.columns]},
            f"{folder}/columns.ecsv",
        )
    if survey.repeats:
        tables["repeats"] = _repeats(side, survey, f"{folder}/repeats.ecsv")
    return SurveyTables(**tables)


def _repeats(side: str, survey: SurveyFacts, file: str) -> ShownTable:
    caption = (
        f"Factors by which the stated errors of {survey.title} were multiplied. Two visits of a star differ by the "
        "factor times their stated errors; the factor is 1 where there are too few pairs of visits."
    )
    rows = [
        (
            symbol(row["label"]),
            number(row["low"]),
            number(row["high"]),
            count(row["n_pairs"]),
            measured(row["factor"], row["factor_err"]),
        )
        for row in survey.repeats
    ]
    columns = heads("Label", f"{survey.merit} from", "to below", "Pairs of visits", "Factor")
    return ShownTable(f"t-repeats-{side}", caption, columns, {"": rows}, file)


def pair_tables(receipts: Receipts) -> list[ShownTable]:
    """Return the pairs left after each cut: a table a family of networks."""
    receipt = receipts.get("pair")
    if receipt is None or not isinstance(receipt.counts, PairCounts):
        return []
    tables = []
    for family, left in receipt.counts.usable.items():
        rows = [(cut, count(pairs)) for cut, pairs in left.items()]
        incomplete = receipt.counts.incomplete(family).items()
        rows += [(f"of them, with {symbol(label).striptags()} of B", count(pairs)) for label, pairs in incomplete]
        caption = (
            f"Pairs left after each cut, {family} network; the pairs left after the last cut are divided into "
            "training, validation and test stars."
        )
        tables.append(ShownTable(f"t-usable-{family}", caption, heads("Cut", "Pairs left"), {"": rows}))
    return tables


def flag_table(receipt: Receipt) -> ShownTable:
    """Return for how many stars of the translated catalogue each flag is true."""
    counts = receipt.counts
    assert isinstance(counts, TranslateCounts)
    rows = [
        (flag, count(stars), f"{100 * stars / counts.rows.n_out if counts.rows.n_out else 0:.1f} %")
        for flag, stars in counts.flags.items()
    ]
    caption = "Flags of the translated catalogue: stars for which each is true."
    return ShownTable("t-flags", caption, heads("Flag", "Stars", "Share"), {"": rows})


def input_table(receipts: Receipts, steps: Mapping[str, str]) -> ShownTable:
    """Return the SHA-256 of what each stage read: a group a stage."""
    groups = {
        f"{title}, {receipts[step].written[:16].replace('T', ' ')} UTC": list(receipts[step].inputs.items())
        for step, title in steps.items()
    }
    columns = heads("Input", "SHA-256", texts=(0, 1))
    return ShownTable("t-inputs", "What each stage read, and when it was finished.", columns, groups)


def version_table(receipts: Receipts) -> ShownTable:
    """Return the versions of the software that the stages ran with; where they differ, those of each stage."""
    used: dict[str, dict[str, list[str]]] = {}  # software -> version -> stages
    for stage, receipt in receipts.items():
        for name, version in receipt.versions.items():
            used.setdefault(name, {}).setdefault(version, []).append(stage)
    rows = [(name, _by_stage(versions)) for name, versions in used.items()]
    return ShownTable("t-versions", "Versions.", heads("Software", "Version", texts=(0, 1)), {"": rows})


def _by_stage(versions: Mapping[str, Sequence[str]]) -> str:
    if len(versions) == 1:
        return next(iter(versions))
    return "; ".join(f"{version} ({', '.join(stages)})" for version, stages in versions.items())
