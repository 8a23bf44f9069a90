"""Every two surveys of a merged catalogue in the same cells of the sky and the Galaxy, before and after: one matrix."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.display.console import say
from stdask.display.numbers import measured
from stdask.figures.consistency import ConsistencyRow, PairOffset, draw_consistency
from stdask.runs.surveys.finished import translated_surveys
from stdask.schema import products as schema_products
from stdask.science.assessment.consistency import UNKNOWN, CellSums, Offset, add_sums, offset_between, sum_in_cells
from stdask.science.galaxy.bins import CELLS
from stdask.science.galaxy.errors import jackknife_factor
from stdask.science.galaxy.map_grid import sky_pixels
from stdask.stages.atlas.comparisons.figures import Row
from stdask.stages.atlas.noise import Columns
from stdask.stages.atlas.products import Products
from stdask.stages.atlas.samples import RAW, Selection
from stdask.stages.atlas.sources import Block
from stdask.stages.atlas.tasks import NO_DISTANCE, columns_of, reasons_of, stars_of
from stdask.storage.documents import write_figures
from stdask.storage.products.maps import write_profile
from stdask.storage.tables import to_numpy

SKY_ORDER = 3  # pixels of 7.3 degrees: with finer ones surveys share few stars, without any they see other directions
SIGNIFICANT = 3  # sigma from which an offset is worth a note
N_SURVEYS = "N_SURVEYS"  # ending of the column of how many surveys are in a mean
NO_CELL, NOT_MEASURED = "no shared\ncell", "not\nmeasured"


class ComparedSurvey(NamedTuple):
    """A survey of a merged catalogue."""

    title: str
    member_factor: float  # from the scatter of its networks to the error that the choice of the pairs causes


@dataclass(frozen=True)
class Compared:
    """What is compared, as the tasks know it."""

    selection: Selection
    surveys: tuple[str, ...]
    labels: tuple[str, ...]

    def quantities(self, label: str) -> list[str]:
        """Return the columns of a label: on one scale, as measured, and of each network."""
        names = [label, f"{label}_{RAW}"]
        if self.selection.config.translation_errors:
            names += [f"{label}_MEMBER_{k}" for k in range(1, self.selection.n_members + 1)]
        return [name for name in names if name in self.selection.source.columns]

    @property
    def all_quantities(self) -> list[str]:
        """The columns of all labels."""
        return [name for label in self.labels for name in self.quantities(label)]

    @property
    def cells_in_pixel(self) -> int:
        """Number of cells of one pixel of the sky: of R and Z, and as many for stars without a distance."""
        return 2 * self.selection.bins.n_bins(CELLS)


@dataclass(frozen=True)
class PairOffsets:
    """A label of two surveys."""

    before: Offset
    after: Offset
    translation: float  # 1-sigma error of `after` by the translations, NaN if it is not known

    def after_within(self, sigma: float) -> float:
        """Return what `after` differs from the truth by at most, by the stars and by the translations."""
        return float(np.hypot(self.after.within(sigma), sigma * np.nan_to_num(self.translation)))

    @property
    def after_error(self) -> float:
        """The 1-sigma error of `after`."""
        return self.after_within(1.0)


def surveys_of(run: Run) -> dict[str, ComparedSurvey]:
    """Return the surveys of a merged catalogue by their names: A, the further ones, B."""
    found = {
        own.definition.name: ComparedSurvey(own.definition.title, jackknife_factor(1 - own.train.validation_fraction))
        for own in translated_surveys(run)
    }
    return found | {run.definition_b.name: ComparedSurvey(run.definition_b.title, 0.0)}


def write_consistency(
    workers: Workers, products: Products, surveys: Mapping[str, ComparedSurvey], units: Mapping[str, str]
) -> tuple[list[Path], list[str]]:
    """Write the offsets of every two surveys of a merge of three or more.

    Parameters
    ----------
    workers, products
        Where stars are added up, and what else the atlas knows of them.
    surveys
        By name, in their order.
    units
        Labels that are compared -> unit.

    Returns
    -------
    files, notes
        What is written, and which surveys still differ.
    """
    labels = tuple(label for label in units if label in products.selection.source.columns)
    if len(surveys) < 3 or not labels:  # of two surveys the seam tells more
        return [], []
    compared = Compared(products.selection, tuple(surveys), labels)
    sums = _add_up(workers, compared)
    factors = [survey.member_factor for survey in surveys.values()]
    found = {label: _offsets(sums, compared, label, factors) for label in labels}
    units = {label: schema.quantity(label, unit).unit for label, unit in units.items()}
    rows = [
        _row(list(surveys), pair, label, units[label], own)
        for label, all_own in found.items()
        for pair, own in all_own.items()
    ]
    table = products.folder / "consistency.ecsv"
    data = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    write_profile(table, schema_products.CONSISTENCY, data, products.meta() | {"sky_order": SKY_ORDER})
    shown = [_shown(label, units[label], own) for label, own in found.items()]
    figure = draw_consistency(shown, [survey.title for survey in surveys.values()])
    notes = [note for label, own in found.items() for note in _notes(label, units[label], own, list(surveys))]
    for note in notes:
        say(f"  {note}", "yellow")
    return [table, *write_figures(table.with_suffix(""), figure)], notes


def _add_up(workers: Workers, compared: Compared) -> list[CellSums]:
    """Return the sums of each survey over all selected stars."""
    blocks = compared.selection.source.blocks
    sizes = [block.n_rows for block in blocks]
    total: list[CellSums] = []
    tasks = each(workers, sum_block, blocks, compared, description="atlas: cells", sizes=sizes, unit="stars")
    for _, found in tasks:
        total = [add_sums(own) for own in zip(total, found, strict=True)] if total else found
    return total


def sum_block(block: Block, compared: Compared) -> list[CellSums]:
    """Add up the selected stars of a block in cells of the sky, R, Z and what stars are selected by; by survey."""
    selection = compared.selection
    numbers = [f"{label}_{N_SURVEYS}" for label in compared.labels] if selection.of_means else []
    names = dict.fromkeys([*columns_of(selection), *compared.all_quantities, *numbers])
    table = selection.source.read(block, list(names))
    surveys = np.array(table.column(schema.SURVEY.name).to_pylist())
    columns = {name: to_numpy(table, name) for name in table.column_names if name != schema.SURVEY.name}
    reasons = reasons_of(columns, selection)
    unplaced = (reasons == NO_DISTANCE) & (selection.config.alpha == "all")  # of the others nothing else is asked
    compared_stars = (reasons == "") | unplaced
    columns, surveys = {name: values[compared_stars] for name, values in columns.items()}, surveys[compared_stars]
    cells = _cells(columns, compared)
    values = np.array([_of_survey(name, columns, surveys, compared) for name in compared.all_quantities])
    return [sum_in_cells(np.where(surveys == survey, cells, -1), values) for survey in compared.surveys]


def _cells(columns: Columns, compared: Compared) -> np.ndarray:
    """Return the cell of each star: of its pixel, R, Z and what stars are selected by; -1 for none.

    Stars without a distance are compared with one another, whatever R and Z they have.
    """
    selection = compared.selection
    bins, stars = selection.bins, stars_of(columns, selection.config)
    unplaced = ~np.isfinite(stars.x_kpc)
    anywhere = [float(edges[:2].mean()) for edges in (bins.cells.radius_edges_kpc, bins.cells.height_edges_kpc)]
    radius, height = (
        np.where(unplaced, own, known) for own, known in zip(anywhere, (stars.radius_kpc, stars.z_kpc), strict=True)
    )
    places = bins.cells.bins(stars._replace(radius_kpc=radius, z_kpc=height))
    pixels = sky_pixels(stars.ra_deg, stars.dec_deg, SKY_ORDER)
    cells = pixels * compared.cells_in_pixel + places + np.where(unplaced, bins.n_bins(CELLS), 0)
    return np.where(places >= 0, cells, -1)


def _of_survey(name: str, columns: Columns, surveys: np.ndarray, compared: Compared) -> np.ndarray:
    """Return a quantity as one survey has it, in a catalogue of means too.

    There, B is taken as it measured its stars, and of a translated survey those stars that no other survey has: means
    of two surveys do not tell what is between them.
    """
    if not compared.selection.of_means:
        return columns[name]
    label = next(label for label in compared.labels if name in compared.quantities(label))
    alone = np.where(columns[f"{label}_{N_SURVEYS}"] > 1, np.nan, columns[name])
    return np.where(surveys == compared.selection.survey_b, columns[f"{label}_{RAW}"], alone)


def _offsets(
    sums: Sequence[CellSums], compared: Compared, label: str, factors: Sequence[float]
) -> dict[tuple[int, int], PairOffsets]:
    """Return the offsets of a label by the numbers of the surveys, which have a factor each for their networks."""
    after, *others = (compared.all_quantities.index(name) for name in compared.quantities(label))
    raw, members = (others[0], others[1:]) if f"{label}_{RAW}" in compared.quantities(label) else (None, others)
    found = {}
    for pair in combinations(range(len(sums)), 2):
        first, second = (sums[number] for number in pair)

        def offset(one: int, other: int, first: CellSums = first, second: CellSums = second) -> Offset:
            return offset_between(first, second, (one, other), compared.cells_in_pixel)

        # The networks of one survey do not know of those of the other: each ensemble moves the offset by itself.
        moved = [[offset(k, after).value for k in members], [offset(after, k).value for k in members]]
        spreads = [np.std(values, ddof=1) if len(values) > 1 else np.nan for values in moved]
        translation = float(np.hypot(factors[pair[0]] * spreads[0], factors[pair[1]] * spreads[1]))
        before = offset(raw, raw) if raw is not None else UNKNOWN
        found[pair] = PairOffsets(before, offset(after, after), translation)
    return found


def _row(names: Sequence[str], pair: tuple[int, int], label: str, unit: str, own: PairOffsets) -> Row:
    return {
        "FIRST": names[pair[0]],
        "SECOND": names[pair[1]],
        "LABEL": label,
        "UNIT": unit,
        "BEFORE": own.before.value,
        "BEFORE_ERR": own.before.error,
        "AFTER": own.after.value,
        "AFTER_ERR": own.after_error,
        "TRANSLATION": own.translation,
        "N_CELLS": own.after.n_cells,
        "N_FIRST": own.after.n_first,
        "N_SECOND": own.after.n_second,
    }


def _shown(label: str, unit: str, found: Mapping[tuple[int, int], PairOffsets]) -> ConsistencyRow:
    before, after = {}, {}
    for pair, own in found.items():
        nothing = NOT_MEASURED if own.after.n_cells else NO_CELL
        before[pair] = _drawn(own.before.value, own.before.error, nothing)
        after[pair] = _drawn(own.after.value, own.after_error, NO_CELL)
    return ConsistencyRow(label, unit, before, after)


def _drawn(value: float, error: float, nothing: str) -> PairOffset:
    text = measured(value, error, signed=True).replace(" ±", "\n±") if np.isfinite(value) else nothing
    return PairOffset(value, error, text)


def _notes(label: str, unit: str, found: Mapping[tuple[int, int], PairOffsets], names: Sequence[str]) -> Iterator[str]:
    """Say which surveys still differ by more than their errors."""
    apart = {pair: own for pair, own in found.items() if abs(own.after.value) > own.after_within(SIGNIFICANT)}
    if apart:
        texts = "; ".join(
            f"{names[first]} minus {names[second]} {measured(own.after.value, own.after_error, signed=True)} {unit}"
            for (first, second), own in apart.items()
        )
        yield (
            f"{label} of surveys differs in shared cells by more than {SIGNIFICANT} sigma after translation: {texts}. "
            "Surveys that select other stars of a cell differ too"
        )
