"""Join the tables of a survey in tasks on the workers: afterwards row n of each belongs to the same star."""

from dataclasses import replace
from pathlib import Path

from stdask.config.survey import SurveyDefinition
from stdask.config.survey_files import MAIN
from stdask.display.console import say
from stdask.errors import SurveyError
from stdask.runs.counts import JoinCounts
from stdask.stages.ingest.joins.matching import Joining
from stdask.stages.ingest.joins.tables import check_rows, wanted_columns
from stdask.stages.ingest.joins.tasks import (
    JoinPlan,
    MatchRecord,
    align_block,
    count_used,
    deal_main,
    deal_table,
    match_share,
)
from stdask.stages.ingest.plan import Deal, Item
from stdask.stages.ingest.steps import Steps
from stdask.stages.ingest.unpacking import unpack
from stdask.storage.surveys.files import open_survey
from stdask.storage.surveys.format import SurveyFile
from stdask.storage.surveys.joined import JoinedTables
from stdask.storage.surveys.many import join_files

N_EXAMPLES = 3  # keys that the error for a join without any match shows of each table
ROWS_OF_EXAMPLES = 1000


def prepare_tables(
    steps: Steps, survey: SurveyFile, definition: SurveyDefinition, scratch: Path, rows_per_block: int
) -> tuple[SurveyFile, dict[str, JoinCounts]]:
    """Return a survey that can be read in part, its tables joined row by row, and what was counted in each join.

    Parameters
    ----------
    steps
        Of the ingest.
    survey, definition
        Its table or tables as they are on disk, and how they are joined.
    scratch, rows_per_block
        Folder for pieces; and rows that a task reads at once.

    Raises
    ------
    SurveyError
        If keys cannot be compared, a key repeats in a further table, or nothing matches.
    """
    wanted = wanted_columns(survey, definition)
    if not isinstance(survey, JoinedTables):
        return unpack(steps, MAIN, survey, wanted[MAIN], scratch / "survey"), {}
    main = unpack(steps, MAIN, survey.main, wanted[MAIN], scratch / "survey")
    joined = replace(survey, known_rows=main.n_rows, by_slices=True, main=main, joined={})
    counts = {}
    for join in definition.join:
        if names := wanted.get(join.name):
            places = {"key": [join.key_column], "position": [join.ra, join.dec], "row": []}[join.by]
            names_read = list(dict.fromkeys([*places, *names]))
            table = unpack(steps, join.name, survey.joined[join.name], names_read, scratch / f"{join.name}_unpacked")
            if join.by == "row":
                check_rows(join, main, table)
            else:
                joining = Joining(join, definition.position, joined, table)
                plan = _plan(joining, tuple(names), scratch, rows_per_block)
                table, counts[join.name] = _join(steps, plan)
                say(f"  {join.name}: {counts[join.name]}")
            joined = joined.aligned({join.name: table})
    return joined, counts


def _plan(joining: Joining, names: tuple[str, ...], scratch: Path, rows_per_block: int) -> JoinPlan:
    sizes = joining.main.n_rows, joining.table.n_rows
    n_shares = -(-max(sizes) // rows_per_block)
    return JoinPlan(joining, names, *(Deal(scratch, n_rows, rows_per_block, n_shares) for n_rows in sizes))


def _join(steps: Steps, plan: JoinPlan) -> tuple[SurveyFile, JoinCounts]:
    """Return the columns of the further table in the rows of the main one, and what was counted."""
    joining, name = plan.joining, plan.joining.join.name
    blocks, table_blocks = _items("block", plan.blocks.n_blocks), _items("block", plan.table_blocks.n_blocks)
    shares = _items("share", plan.blocks.n_shares)
    rows, table_rows = _sizes(plan.blocks), _sizes(plan.table_blocks)
    steps.run(f"join_{name}_main", deal_main, blocks, plan, rows=rows)
    steps.run(f"join_{name}_table", deal_table, table_blocks, plan, rows=table_rows)
    found = steps.run(f"join_{name}_match", match_share, shares, plan, kind=MatchRecord)
    n_matched, n_used = sum(one.n_matched for one in found), sum(one.n_used for one in found)
    if not n_matched:
        raise _nothing_matches(joining)
    if joining.by_position:
        n_used = sum(steps.run(f"join_{name}_used", count_used, table_blocks, plan, kind=int))
    steps.run(f"join_{name}_align", align_block, blocks, plan, rows=rows)
    files = [open_survey(plan.aligned(block.number)) for block in blocks]
    counts = JoinCounts(plan.blocks.n_rows, n_matched, plan.table_blocks.n_rows, n_used)
    return join_files(joining.table.path, files), counts


def _items(kind: str, number: int) -> list[Item]:
    return [Item(kind, n) for n in range(number)]


def _sizes(deal: Deal) -> list[int]:
    return [stop - start for start, stop in map(deal.rows, range(deal.n_blocks))]


def _nothing_matches(joining: Joining) -> SurveyError:
    join = joining.join
    sides = (
        (joining.main, joining.columns_of_main, joining.places_in_main),
        (joining.table, joining.columns_of_table, joining.places_in_table),
    )
    texts = []
    for survey, names, places in sides:
        read = survey.read(names, 0, ROWS_OF_EXAMPLES)
        rows = places(read, 0)["row"].slice(0, N_EXAMPLES)
        stars = read.take(rows.combine_chunks()).to_pylist()
        examples = [" ".join(map(str, star.values())) for star in stars]
        shown = ", ".join(examples) or f"none in the first {ROWS_OF_EXAMPLES} rows"
        texts.append(f"{' and '.join(names)} of {survey.path.name}: {shown}")
    how = f"within {join.radius_arcsec:g} arcsec" if joining.by_position else "with the same key"
    return SurveyError(
        f"No row of the table {join.name!r} belongs to a row of the main one, {how}. {'; '.join(texts)}. Check the "
        "columns of its [[join]], and that both files are of the same release."
    )
