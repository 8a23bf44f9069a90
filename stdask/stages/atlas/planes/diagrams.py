"""Kiel and abundance diagrams of A translated and of B, in cells of the Galaxy.

They show where the two surveys observe different stars, and whether they agree where they observe the same. Labels of
translated stars have the scatter of those of B: they are the samples, not the medians.
Source: Thomas et al. 2024, figs. 13 and 14.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.atlas import ABUNDANCES, METALLICITIES, AtlasConfig, Range
from stdask.display.console import say
from stdask.figures.diagrams import GalaxyCells, draw_diagrams
from stdask.science.galaxy.binning import slices_of
from stdask.science.galaxy.density import Counted, PlaneGrid, add_bins, count_bins
from stdask.stages.atlas.samples import SurveyPair
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.documents import write_figures
from stdask.storage.products.histograms import CellAxis, write_histograms
from stdask.storage.tables import read_parquet, to_numpy

HEIGHT_EDGES_KPC = (0.0, 0.5, 1.0, 2.0)  # of |Z|: Thomas et al. 2024, sect. 4.1, after Hayden et al. 2015
SAMPLES = ("A_ONLY", "ALONE")  # A translated, and B: the names that the maps use
# the lower edges lie between the values that catalogues of whole kelvins and hundredths of dex hold
KIEL = PlaneGrid((2999.5, -0.505), (25.0, 0.02), (200, 300))
CHEMISTRY = PlaneGrid((-3.005, -0.605), (0.02, 0.01), (200, 160))
RADIUS, HEIGHT = schema.GALACTOCENTRIC[3].name, schema.GALACTOCENTRIC[2].name


@dataclass(frozen=True)
class LabelPlane:
    """Two labels of B, their bins, and the cuts that a star passes to be counted."""

    name: str
    labels: tuple[str, str]  # across, up
    grid: PlaneGrid
    select: Mapping[str, Range]


@dataclass(frozen=True)
class Diagrams:
    """The planes that B measures, the number of stars of A and B in each bin of each cell, and notes for the user."""

    cells: GalaxyCells
    planes: tuple[LabelPlane, ...]
    counts: Mapping[str, np.ndarray]  # by plane: (2, n_slices, n_rings, n_rows, n_columns), int64; A, B
    notes: tuple[str, ...]


def diagrams(workers: Workers, catalogue: Catalogue, surveys: SurveyPair, config: AtlasConfig) -> Diagrams:
    """Count the stars of the merged catalogue in the Kiel diagram and in the abundances of every cell.

    Stars in the Kiel diagram pass `[atlas] select` except for its cuts on the labels of the diagram itself, so that
    the diagram shows where these cuts are.

    Parameters
    ----------
    workers, catalogue
        Who counts, and the merged catalogue.
    surveys, config
        The surveys in it, and `[atlas]`.
    """
    cells = GalaxyCells(config.ring_edges_kpc, HEIGHT_EDGES_KPC)
    planes, notes = planes_of(surveys, config.select)
    parts: dict[str, list[Counted]] = {plane.name: [] for plane in planes}
    files = [catalogue.path(pixel) for pixel in catalogue.pixels] if planes else []
    shared = (planes, cells, surveys.names[1])
    sizes = list(catalogue.rows.values())
    for _, counted in each(workers, count_partition, files, *shared, description="atlas: diagrams", sizes=sizes):
        for name, part in counted.items():
            parts[name].append(part)
    counts = {}
    for plane in planes:
        shape = (len(SAMPLES), *cells.shape, *plane.grid.shape)
        counts[plane.name] = add_bins(parts[plane.name], int(np.prod(shape))).reshape(shape)
        notes += _notes_of(plane, counts[plane.name], surveys.titles)
    drawn = tuple(plane for plane in planes if counts[plane.name].any())
    for note in notes:
        say(f"  {note}", "yellow")
    return Diagrams(cells, drawn, counts, tuple(notes))


def write_diagrams(
    found: Diagrams, folder: Path, surveys: SurveyPair, select: Mapping[str, Range], key: str
) -> list[Path]:
    """Write each plane as a FITS file of counts and as a figure; return the files.

    Parameters
    ----------
    found, folder
        Diagrams, and where to write them.
    surveys, select
        The surveys, and the cuts of `[atlas]`.
    key
        Key of the stage, for the header.
    """
    outputs = []
    for plane in found.planes:
        path = folder / f"diagram_{plane.name}.fits"
        counts = found.counts[plane.name]
        columns = [schema.measured_columns(label, surveys.units[label])[0] for label in plane.labels]
        cells = (
            CellAxis("R", "cylindrical radius", "kpc", found.cells.ring_edges_kpc),
            CellAxis("Z", "distance from the midplane", "kpc", found.cells.height_edges_kpc),
        )
        samples = dict(zip(SAMPLES, counts, strict=True))
        write_histograms(
            path, plane.grid, (columns[0], columns[1]), cells, samples, _provenance(plane, surveys.names, key)
        )
        figure = draw_diagrams(plane.labels, plane.grid, counts, found.cells, surveys.titles, select)
        outputs += [path, *write_figures(path.with_suffix(""), figure)]
    return outputs


def planes_of(surveys: SurveyPair, select: Mapping[str, Range]) -> tuple[tuple[LabelPlane, ...], list[str]]:
    """Return the planes whose labels B measures, and a note for each of which it does not."""
    planes, notes = [], []
    for name, grid, wanted in (
        ("kiel", KIEL, (("TEFF",), ("LOGG",))),
        ("abundances", CHEMISTRY, (METALLICITIES, ABUNDANCES)),
    ):
        first, second = (next(iter(surveys.labels(names)), "") for names in wanted)
        if not first or not second:
            lacking = " and ".join(" or ".join(n) for n, got in zip(wanted, (first, second), strict=True) if not got)
            notes.append(f"{surveys.titles[1]} does not measure {lacking}: no diagram of the {name} plane")
            continue
        cuts = {label: limits for label, limits in select.items() if name != "kiel" or label not in (first, second)}
        planes.append(LabelPlane(name, (first, second), grid, cuts))
    return tuple(planes), notes


def count_partition(path: Path, planes: Sequence[LabelPlane], cells: GalaxyCells, survey_b: str) -> dict[str, Counted]:
    """Count the stars of one partition by sample, cell and bin of each plane."""
    # medians are too narrow a distribution, so translated stars stand where B would have measured them
    samples = {label: schema.sample_name(label) for plane in planes for label in plane.labels}
    used = {*samples.values(), *(name for plane in planes for name in plane.select)}
    table = read_parquet(path, sorted({RADIUS, HEIGHT, schema.SURVEY.name} | used))
    of_b = pc.equal(table.column(schema.SURVEY.name), survey_b).to_numpy(zero_copy_only=False)
    values = {name: to_numpy(table, name) for name in {RADIUS, HEIGHT} | used}
    rings = slices_of(values[RADIUS], cells.ring_edges_kpc)
    slices = slices_of(np.abs(values[HEIGHT]), cells.height_edges_kpc)
    n_slices, n_rings = cells.shape
    places = (of_b * n_slices + slices) * n_rings + rings
    inside = (rings >= 0) & (slices >= 0)
    counted = {}
    for plane in planes:
        bins = plane.grid.bins_of(*(values[samples[label]] for label in plane.labels))
        kept = inside & (bins >= 0)
        for name, (low, high) in plane.select.items():
            kept &= (values[name] > low) & (values[name] < high)
        counted[plane.name] = count_bins(places[kept] * plane.grid.n_bins + bins[kept])
    return counted


def _notes_of(plane: LabelPlane, counts: np.ndarray, titles: tuple[str, str]) -> list[str]:
    """Return a note if the diagram is empty or has stars of one survey only."""
    labels = " and ".join(plane.labels)
    if not counts.any():
        return [f"no selected star with {labels} in the cells: no diagram of the {plane.name} plane"]
    return [
        f"{plane.name} diagram: no selected star of {title} with {labels}"
        for title, own in zip(titles, counts, strict=True)
        if not own.any()
    ]


def _provenance(plane: LabelPlane, names: tuple[str, str], key: str) -> dict[str, str | float | int]:
    cards: dict[str, str | float | int] = {
        "SURVEYA": names[0],
        "SURVEYB": names[1],
        "STAGEKEY": key,
    }
    for number, (name, (low, high)) in enumerate(plane.select.items(), start=1):
        cards[f"SELECT{number}"] = f"{low:g} < {name} < {high:g}"
    return cards
