"""What the first screen says of each label: whether the networks are worth it, and whether the errors are right."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stdask.display.numbers import decimals, measured
from stdask.schema.evaluation import ALL, CALIBRATED, SIGNIFICANT, CoverageRow, ScoreRow
from stdask.science.assessment.baselines import SIMPLER
from stdask.science.assessment.metrics import LEVELS
from stdask.stages.report.content import ByMethod

BETTER, EQUAL, WORSE = "better", "equal", "worse"


class Verdict(NamedTuple):
    """How the translation of one label compares with what a user would try instead, on the same test stars."""

    label: str
    unit: str
    raw: ScoreRow | None  # None where A has no such label
    translated: ScoreRow
    kind: str
    words: str
    why: str  # the numbers behind the words
    covered: CoverageRow | None  # stars inside their calibrated 68 % interval
    truth_raw: ScoreRow | None  # about the truth of a mock
    truth_translated: ScoreRow | None


def verdicts(accuracy: ByMethod[ScoreRow], truth: ByMethod[ScoreRow], coverage: Sequence[CoverageRow]) -> list[Verdict]:
    """Return one verdict a label that was translated and tested."""
    covered = {
        (row.family, row.label): row
        for row in coverage
        if (row.of, row.group, row.interval, row.nominal) == ("B", ALL, CALIBRATED, LEVELS[0])
    }
    found = []
    for key, methods in accuracy.items():
        if translated := methods.get("translated"):
            known = truth.get(key, {})
            raw, of_truth = methods.get("raw"), (known.get("raw"), known.get("translated"))
            kind = _compare(methods)
            found.append(Verdict(key[1], translated.unit, raw, translated, *kind, covered.get(key), *of_truth))
    return found


def _compare(methods: Mapping[str, ScoreRow]) -> tuple[str, str, str]:
    """Return the kind of a verdict, its words, and the numbers behind them."""
    simpler = {name: row for name, row in methods.items() if name in SIMPLER}
    if not simpler:
        return EQUAL, "Not compared with simpler methods", ""
    name, best = min(simpler.items(), key=lambda item: item[1].behind)
    places, difference = decimals(best.behind_err), measured(best.behind, best.behind_err, signed=True)
    why = (
        f"mean absolute error {best.mae - best.behind:.{places}f}, {SIMPLER[name]} {best.mae:.{places}f} "
        f"(difference {difference})"
    )
    if all(row.behind > SIGNIFICANT * row.behind_err for row in simpler.values()):
        return BETTER, "Better than every simpler method", why
    if best.behind < -SIGNIFICANT * best.behind_err:
        return WORSE, f"Worse than {SIMPLER[name]}", why
    return EQUAL, f"As good as {SIMPLER[name]}", why
