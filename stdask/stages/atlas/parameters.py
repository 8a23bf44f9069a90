"""Atlas: where the training stars lie in the planes of the labels, among all stars of both surveys."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.figures.parameter_space import PlaneRow, draw_parameter_space
from stdask.science.galaxy.density import Counted, PlaneGrid, add_bins, count_bins
from stdask.science.keys.splits import is_test_star
from stdask.stages.atlas.diagrams import planes_of
from stdask.storage import paths
from stdask.storage.catalogue.hats import Catalogue, open_catalogue
from stdask.storage.documents import write_figures
from stdask.storage.tables import read_parquet, to_numpy

COARSER = 2  # than the bins of the diagrams: 50 K, 0.04 dex in log g and metallicity, 0.02 dex in [Mg/Fe]


@dataclass(frozen=True)
class Scatter:
    """Two columns of a catalogue, and the bins they are counted in."""

    columns: tuple[str, str]
    grid: PlaneGrid


def write_parameter_space(run: Run, workers: Workers) -> list[Path]:
    """Draw the training stars in the Kiel diagram and in the abundances: A as it is, B, A translated.

    Without a plane whose labels B measures nothing is drawn.
    Source: Thomas et al. 2024, A&A 690, A54, fig. 4.
    """
    rows = parameter_rows(run, workers)
    if not rows:
        return []
    figure = draw_parameter_space(rows, (run.definition_a.title, run.definition_b.title))
    return write_figures(paths.products(run.output) / "parameter_space", figure)


def parameter_rows(run: Run, workers: Workers) -> list[PlaneRow]:
    """Count training stars and all good stars in each plane, as A and B measure them and as A is translated."""
    planes, _ = planes_of(run)
    own = {item.label: item.source or "" for item in run.config.train.intrinsic}
    raw, translated, of_b = [], [], []
    for plane in planes:
        (first, second), grid = plane.labels, plane.grid.coarser(COARSER)
        raw.append(Scatter((own.get(first, ""), own.get(second, "")), grid))
        translated.append(Scatter((f"{first}_PRED_50", f"{second}_PRED_50"), grid))
        of_b.append(Scatter((first, second), grid))
    a, b = run.definition_a.name, run.definition_b.name
    keys_a, keys_b = _training_keys(run)
    counts_a = _count(workers, paths.catalogue(run.output, paths.translated_name(a, b)), [*raw, *translated], keys_a)
    counts_b = _count(workers, paths.catalogue(run.output, b), of_b, keys_b)
    return [
        PlaneRow(plane.labels, of_b[n].grid, *np.stack([counts_a[n], counts_b[n], counts_a[len(planes) + n]], axis=1))
        for n, plane in enumerate(planes)
    ]


def _training_keys(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return the keys in A and in B of the stars that the intrinsic networks were trained on."""
    path = paths.pairs(run.output, run.definition_a.name, run.definition_b.name)
    table = read_parquet(path, ["STAR_KEY", "STAR_KEY_B", "USED_INTRINSIC"])
    keys_a, keys_b, used = (to_numpy(table, name) for name in table.column_names)
    taught = used & ~is_test_star(keys_a, run.config.train.test_fraction, run.config.seed)
    return keys_a[taught], keys_b[taught]


def _count(workers: Workers, folder: Path, scatters: Sequence[Scatter], keys: np.ndarray) -> list[np.ndarray]:
    """Return for each pair of columns the counts of training stars and of all good ones, (2, n_rows, n_columns)."""
    catalogue: Catalogue = open_catalogue(folder)
    names = {column.name for column in catalogue.columns}
    known = [number for number, scatter in enumerate(scatters) if names.issuperset(scatter.columns)]
    parts: list[tuple[list[Counted], list[Counted]]] = [([], []) for _ in scatters]
    files = [catalogue.path(pixel) for pixel in catalogue.pixels] if known else []
    shared = ([scatters[number] for number in known], keys)
    for _, counted in each(workers, count_stars, files, *shared, description=f"parameters of {catalogue.name}"):
        for number, (training, everything) in zip(known, counted, strict=True):
            parts[number][0].append(training)
            parts[number][1].append(everything)
    return [
        np.stack([add_bins(part, scatter.grid.n_bins).reshape(scatter.grid.shape) for part in both])
        for scatter, both in zip(scatters, parts, strict=True)
    ]


def count_stars(path: Path, scatters: Sequence[Scatter], keys: np.ndarray) -> list[tuple[Counted, Counted]]:
    """Count by bin, for each pair of columns, the good stars of one partition with a key in `keys`, and all of them."""
    used = {name for scatter in scatters for name in scatter.columns}
    table = read_parquet(path, sorted({schema.GOOD.name, schema.STAR_KEY.name} | used))
    good, star_keys = to_numpy(table, schema.GOOD.name), to_numpy(table, schema.STAR_KEY.name)
    taught = np.isin(star_keys, keys)
    counted = []
    for scatter in scatters:
        first, second = (to_numpy(table, name) for name in scatter.columns)
        bins = np.where(good, scatter.grid.bins_of(first, second), -1)
        counted.append((count_bins(bins[taught]), count_bins(bins)))
    return counted
