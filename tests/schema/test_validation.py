"""The tables of validate name their percentiles and shares as the numbers behind them are."""

from stdask.schema import PERCENTILES
from stdask.schema.rows import columns_of
from stdask.schema.validation import DrawsRow, MissingRow
from stdask.science.assessment.metrics import LEVELS, percentile_errors
from tests.network.made_up import training_stars


def test_the_columns_of_the_draws_are_the_errors_of_the_percentiles_in_their_order():
    values = training_stars(20)[1]
    errors = percentile_errors(values[None].repeat(len(PERCENTILES), axis=0), values[None].repeat(5, axis=0))
    assert [c.name for c in columns_of(DrawsRow)][5:] == list(errors)


def test_the_shares_are_those_of_the_usual_levels():
    names = [c.name for c in columns_of(MissingRow) if "_cover_" in c.name]
    levels = [f"{100 * level:.0f}" for level in LEVELS]
    assert names == [
        f"{interval}_cover_{level}{end}" for interval in ("errors", "draws") for level in levels for end in ("", "_err")
    ]
