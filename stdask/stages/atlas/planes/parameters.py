"""Where the training stars lie in the planes of the labels, among all stars of both surveys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.atlas import Range
from stdask.figures.parameter_space import PlaneRow, draw_parameter_space
from stdask.science.galaxy.density import Counted, PlaneGrid, add_bins, count_bins
from stdask.science.keys.splits import is_test_star
from stdask.stages.atlas.planes.diagrams import LabelPlane, planes_of
from stdask.stages.atlas.samples import SurveyPair
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.documents import write_figures
from stdask.storage.tables import read_parquet, to_numpy

COARSER = 2  # than the bins of the diagrams: 50 K, 0.04 dex in log g and metallicity, 0.02 dex in [Mg/Fe]


@dataclass(frozen=True)
class Scatter:
    """Two columns of a catalogue, and the bins they are counted in."""

    columns: tuple[str, str]
    grid: PlaneGrid


class TrainingKeys(NamedTuple):
    """Keys of the stars that the intrinsic networks were trained on."""

    in_a: np.ndarray  # shape (n_stars,), uint64
    in_b: np.ndarray


def training_keys(pairs: Path, test_fraction: float, seed: int) -> TrainingKeys:
    """Return the keys of the training stars.

    Parameters
    ----------
    pairs
        Table of the stars in both surveys.
    test_fraction, seed
        That the test stars were chosen with.
    """
    table = read_parquet(pairs, ["STAR_KEY", "STAR_KEY_B", "USED_INTRINSIC"])
    keys_a, keys_b, used = (to_numpy(table, name) for name in table.column_names)
    training = used & ~is_test_star(keys_a, test_fraction, seed)
    return TrainingKeys(keys_a[training], keys_b[training])


def write_parameter_space(
    workers: Workers, output: Path, surveys: SurveyPair, select: Mapping[str, Range], training: TrainingKeys
) -> list[Path]:
    """Draw the training stars in the Kiel diagram and in the abundances: A as it is, B, A translated.

    Nothing is drawn if B measures the labels of no plane.
    Source: Thomas et al. 2024, A&A 690, A54, fig. 4.

    Parameters
    ----------
    workers, output
        Who counts, and the run folder.
    surveys, select
        The surveys, and the cuts of `[atlas]`.
    training
        The stars to compare with all good ones.
    """
    planes, _ = planes_of(surveys, select)
    rows = parameter_rows(workers, output, surveys, planes, training)
    if not rows:
        return []
    titles = (surveys.own_title, surveys.titles[1])
    return write_figures(paths.products(output) / "parameter_space", draw_parameter_space(rows, titles))


def parameter_rows(
    workers: Workers, output: Path, surveys: SurveyPair, planes: Sequence[LabelPlane], training: TrainingKeys
) -> list[PlaneRow]:
    """Count training stars and all good stars in each plane, as A and B measure them and as A is translated."""
    own, (a, b) = surveys.counterparts, surveys.names
    raw, translated, of_b = [], [], []
    for plane in planes:
        (first, second), grid = plane.labels, plane.grid.coarser(COARSER)
        raw.append(Scatter((own.get(first, ""), own.get(second, "")), grid))
        translated.append(Scatter((f"{first}_PRED_50", f"{second}_PRED_50"), grid))
        of_b.append(Scatter((first, second), grid))
    of_a = paths.catalogue(output, paths.translated_name(a, b))
    counts_a = _count(workers, of_a, [*raw, *translated], training.in_a)
    counts_b = _count(workers, paths.catalogue(output, b), of_b, training.in_b)
    return [
        PlaneRow(plane.labels, of_b[n].grid, *np.stack([counts_a[n], counts_b[n], counts_a[len(planes) + n]], axis=1))
        for n, plane in enumerate(planes)
    ]


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
    training = np.isin(star_keys, keys)
    counted = []
    for scatter in scatters:
        first, second = (to_numpy(table, name) for name in scatter.columns)
        bins = np.where(good, scatter.grid.bins_of(first, second), -1)
        counted.append((count_bins(bins[training]), count_bins(bins)))
    return counted
