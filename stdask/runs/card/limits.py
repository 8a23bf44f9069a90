"""Model card: the limits of an ensemble in plain words, read off the cuts of its pairs and the tables of evaluate."""

from collections.abc import Iterable, Mapping, Sequence

from stdask import schema
from stdask.display.numbers import measured
from stdask.network.ensemble import Family
from stdask.schema.evaluation import (
    ALL,
    CALIBRATED,
    DRAWN,
    MIN_GROUP,
    TAILS,
    THREE_SIGMA,
    WIDE,
    EvaluationTables,
    SlopeRow,
)
from stdask.science.assessment.metrics import LEVELS
from stdask.science.translation.calibration import group_names

WORDS = {
    CALIBRATED: "calibrated error",
    DRAWN: "range of the draws",
    WIDE: "half-width of 99 %",
    THREE_SIGMA: "interval of 3 sigma",
}
SIGNIFICANT = 2.0  # errors: by chance alone, one number in twenty differs by more


def limits_of(
    families: Sequence[Family], cuts: Mapping[str, Iterable[str]], tables: EvaluationTables, notes: Sequence[str]
) -> list[str]:
    """Return the limits as sentences.

    Parameters
    ----------
    families
        The networks.
    cuts
        Family -> names of the cuts of its pairs.
    tables, notes
        Of evaluate; both empty before it.
    """
    limits = [
        "The labels are those that B would give: errors of B's scale are errors of theirs.",
        "They are valid for the releases of A and B named above, and for no other.",
    ]
    if all(family.name != "extrinsic" for family in families):
        limits.append("There are no extrinsic networks: velocities are not translated.")
    limits += _of_reddening(families, cuts)
    for row in tables.attenuation:
        if row.of == "B" and row.method == "translated":
            limits += _of_slopes(row)
    for family in families:
        limits += _of_coverage(family, tables) + _of_groups(family, tables)
    return limits + [f"{note}." for note in notes]


def _of_reddening(families: Sequence[Family], cuts: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the limit that a cut in E(B-V) sets, where something dereddened is an input."""
    if not any(schema.derived_quantity(name) for family in families for name in family.inputs):
        return []
    reddening = dict.fromkeys(cut for names in cuts.values() for cut in names if cut.startswith("E(B-V)"))
    return [f"All training stars have {cut}: the colours of more reddened stars may mislead." for cut in reddening]


def _of_slopes(row: SlopeRow) -> list[str]:
    """Return what the two slopes of a label say, where they differ from 1."""
    limits = []
    label, slope, error = row.label, row.attenuation, row.attenuation_err
    if 1 - slope > SIGNIFICANT * error:
        limits.append(
            f"`{label}` is attenuated, with slope {measured(slope, error)}: where stars differ by 1 in B, their "
            "translations differ by this on average. The noise of B is a part of it."
        )
    slope, error = row.calibration, row.calibration_err
    if abs(slope - 1) > SIGNIFICANT * error:
        limits.append(f"`{label}`: where translations differ by 1, stars differ by {measured(slope, error)} in B.")
    return limits


def _of_coverage(family: Family, tables: EvaluationTables) -> list[str]:
    """Return which errors of a family are too small or too large."""
    limits = []
    for row in tables.coverage:
        excess = row.covered - row.nominal
        usual = row.family == family.name and row.of == "B" and row.group == ALL
        usual &= row.nominal in LEVELS or row.interval in TAILS
        if usual and abs(excess) > SIGNIFICANT * row.covered_err:
            what = WORDS[row.interval]
            limits.append(
                f"`{row.label}`: the {what} is too {'wide' if excess > 0 else 'narrow'}: it contains "
                f"{measured(100 * row.covered, 100 * row.covered_err)} % of the test stars instead of "
                f"{100 * row.nominal:.3g} %."
            )
    return limits


def _of_groups(family: Family, tables: EvaluationTables) -> list[str]:
    """Return the groups of stars that have too few test stars to measure their errors."""
    tested = {row.group for row in tables.coverage if row.family == family.name}
    if not tested or family.calibration is None:
        return []
    few = [name for name in dict.fromkeys(group_names(family.calibration.group_columns)) if name not in tested]
    if not few:
        return []
    return [f"The accuracy of these stars is not known, for lack of {MIN_GROUP} test stars each: {'; '.join(few)}."]
