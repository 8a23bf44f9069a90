"""Evaluate: how the stars to be translated differ from the pairs, and what that does to the bias of their translation.

Weights that make the test stars distributed as these stars estimate the bias of these stars (`density_ratio`). They
depend on the inputs and on what decides which stars both surveys observe: noise, reddening, apparent magnitude and
distance. The networks do not read the latter, so that stars of equal inputs may differ in them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.atlas import Range
from stdask.display.numbers import measured
from stdask.network.ensemble import Family, predict
from stdask.pairing.training_set import stack_columns
from stdask.schema.evaluation import (
    ALL,
    ATLAS,
    CATALOGUE,
    DWARFS,
    GIANTS,
    MIN_GROUP,
    SIGNIFICANT,
    DistributionRow,
    PopulationRow,
)
from stdask.science.assessment.density_ratio import fit_density_ratio
from stdask.science.assessment.populations import (
    common_columns,
    compare_distributions,
    noise_level,
    reweighted_bias,
)
from stdask.science.keys.random_keys import uniforms
from stdask.science.translation.calibration import DWARFS_FROM
from stdask.science.translation.resampling import measured_behind
from stdask.stages.evaluate.scores import EvaluatedFamily
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.tables import read_parquet, to_numpy

SAMPLE_STARS = 20_000  # of catalogue A: ten times the effective test stars of most runs, so they add no error
GRAVITY, DISTANCE = "LOGG", schema.DISTANCE[0].name


@dataclass(frozen=True)
class ReadStars:
    """Good stars of catalogue A: all that are in pairs, and a random sample of those that B does not have."""

    names: tuple[str, ...]
    units: tuple[str, ...]
    keys: np.ndarray  # (n_stars,), uint64
    values: np.ndarray  # (n_stars, n_columns), NaN where missing
    is_alone: np.ndarray  # (n_stars,), bool: not a good star of B

    def of(self, names: Sequence[str]) -> np.ndarray:
        """Return columns of all stars, shape (n_stars, n_columns)."""
        return self.values[:, [self.names.index(name) for name in names]]

    def subset(self, chosen: np.ndarray) -> "ReadStars":
        """Return the stars of a mask of shape (n_stars,), or of their numbers."""
        return replace(self, keys=self.keys[chosen], values=self.values[chosen], is_alone=self.is_alone[chosen])


class Populations(NamedTuple):
    """What a family's pairs and the stars to be translated are like, and the tables of both."""

    quantities: tuple[str, ...]
    units: tuple[str, ...]
    pairs: np.ndarray  # (n_pairs, n_quantities)
    stars: dict[str, np.ndarray]  # population -> (n_stars, n_quantities); without the atlas if it selects nothing
    distributions: list[DistributionRow]
    rows: list[PopulationRow]


def read_stars(
    catalogue: Catalogue, families: Sequence[Family], pairs: pa.Table, seed: int, workers: Workers
) -> ReadStars:
    """Return the stars of A that are compared, in the order of the partitions.

    Parameters
    ----------
    catalogue, families
        Catalogue A, and all families of networks.
    pairs
        The table that pair wrote.
    seed, workers
        Chooses the sample star by star; who reads the catalogue.
    """
    present = [column.name for column in catalogue.columns]
    wanted = {name for family in families for name in (*family.inputs, *_errors(family))}
    wanted |= {GRAVITY, schema.EBV.name, DISTANCE, *_magnitudes(present)}
    columns = [column for column in catalogue.columns if column.name in wanted]
    names = [column.name for column in columns]
    paired, good_in_b = (to_numpy(pairs, name) for name in (schema.STAR_KEY.name, "B_GOOD"))
    files = [catalogue.path(pixel) for pixel in catalogue.pixels]
    share = min(1.0, SAMPLE_STARS / max(1, catalogue.n_rows))
    shared = (names, paired, paired[good_in_b], share, seed)
    found = dict(each(workers, read_partition, files, *shared, description="stars that B does not have"))
    parts = [found[file] for file in files]
    units = tuple(column.unit for column in columns)
    return ReadStars(tuple(names), units, *(np.concatenate([part[n] for part in parts]) for n in range(3)))


def read_partition(
    path: Path, names: Sequence[str], paired: np.ndarray, in_b: np.ndarray, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return keys, columns, and whether they are not in B, of the good stars of a partition that are in pairs or drawn.

    Parameters
    ----------
    path, names
        The file of the partition, and the columns.
    paired, in_b
        Keys of the stars in pairs, and of those of them that are good in B.
    share, seed
        Share of the stars that is drawn, and the seed.
    """
    table = read_parquet(path, [*names, schema.STAR_KEY.name, schema.GOOD.name])
    keys = to_numpy(table, schema.STAR_KEY.name)
    alone = ~np.isin(keys, in_b) & (uniforms(keys, seed, "stars of the populations") < share)
    kept = to_numpy(table, schema.GOOD.name) & (alone | np.isin(keys, paired))
    return keys[kept], stack_columns(table, list(names))[kept], alone[kept]


def compare_populations(
    evaluated: EvaluatedFamily,
    intrinsic: Family,
    stars: ReadStars,
    select: Mapping[str, Range],
    units: Mapping[str, str],
    resampled: tuple[int, int],
) -> Populations:
    """Compare the pairs of a family with the stars that merge would take, and with those that the atlas would map.

    Parameters
    ----------
    evaluated, intrinsic
        The family; and the intrinsic one, which `[atlas] select` is about.
    stars
        Of catalogue A.
    select
        Of `[atlas]`. Without rows for the atlas, stars of A have none of these labels, or too few are left.
    units
        Label -> unit.
    resampled
        Number of bootstraps, and the seed.
    """
    family = evaluated.family
    usable = _lookup(stars, evaluated.stars.star_keys)
    pairs, alone = stars.subset(usable), stars.subset(stars.is_alone & _is_merged(family, stars))
    quantities = _quantities(family, stars)
    of_quantities = tuple(stars.units[stars.names.index(name)] for name in quantities)
    found = Populations(quantities, of_quantities, pairs.of(quantities), {}, [], [])
    for population, cuts in ((CATALOGUE, {}), (ATLAS, select)):
        if not set(cuts) <= set(intrinsic.labels):
            continue
        own, others = _selected(intrinsic, pairs, cuts), _selected(intrinsic, alone, cuts)
        if min(own.sum(), others.sum()) < MIN_GROUP:
            continue
        values = pairs.of(quantities)[own], alone.of(quantities)[others]
        if cuts or population == CATALOGUE:
            found.stars[population] = values[1]
        found.distributions.extend(_distribution_rows(family.name, population, found, *values))
        weights = _weights(family, pairs.subset(own), alone.subset(others), resampled[1])
        known = _Weighted(evaluated, pairs, own, weights, alone.subset(others))
        found.rows.extend(_population_rows(known, population, units, resampled))
    return found


def notes_of_shifts(rows: Iterable[PopulationRow]) -> list[str]:
    """Return a line for each label and population whose bias differs from that of the test stars, in any group."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for row in _distinct(rows):
        if abs(row.shift) > SIGNIFICANT * row.shift_err:
            shift = f"{measured(row.shift, row.shift_err, signed=True)} {row.unit}".rstrip()
            words = shift if row.group == ALL else f"{shift} for {row.group}"
            found.setdefault((row.label, row.population, row.family), []).append(words)
    where = {CATALOGUE: "stars that B does not have", ATLAS: "stars that the atlas maps and B does not have"}
    return [
        f"{label}: the mean error of {where[population]} is estimated to differ from that of the test stars by "
        f"{', '.join(words)} (population.ecsv)"
        for (label, population, _), words in found.items()
    ]


def shown(rows: Iterable[PopulationRow]) -> list[dict[str, str | float]]:
    """Return what is printed of the populations."""
    return [
        {
            "label": f"{row.label} ({row.unit})" if row.unit else row.label,
            "stars": row.population,
            "group": row.group,
            "test stars": row.n_test,
            "effective": round(row.n_effective),
            "bias": row.bias,
            "bias_err": row.bias_err,
            "shift": row.shift,
            "shift_err": row.shift_err,
        }
        for row in _distinct(rows)
    ]


def _distinct(rows: Iterable[PopulationRow]) -> list[PopulationRow]:
    """Return the rows without those of the atlas that say what those of the catalogue say, as nothing is selected."""
    rows = list(rows)
    return [row for row in rows if row.population == CATALOGUE or replace(row, population=CATALOGUE) not in rows]


class _Weighted(NamedTuple):
    """The pairs of a population, and their weights."""

    evaluated: EvaluatedFamily
    pairs: ReadStars  # all usable ones
    chosen: np.ndarray  # (n_pairs,), bool: those of the population
    weights: np.ndarray  # (n_chosen,), NaN where a column is missing
    others: ReadStars


def _population_rows(
    known: _Weighted, population: str, units: Mapping[str, str], resampled: tuple[int, int]
) -> Iterator[PopulationRow]:
    family, stars = known.evaluated.family, known.evaluated.stars
    weights = np.full(len(stars), np.nan)
    weights[known.chosen] = known.weights
    weights = weights[stars.is_test]
    residuals = known.evaluated.predictions["translated"] - known.evaluated.test.labels
    groups, of_others = _groups(known.pairs.subset(stars.is_test)), _groups(known.others)
    for number, label in enumerate(family.labels):
        for group, members in groups.items():
            n_stars = int(of_others[group].sum())
            usable = np.isfinite(weights) & np.isfinite(residuals[:, number])
            tested = members & usable
            few = min(tested.sum(), n_stars) < MIN_GROUP
            if few or (group != ALL and (usable & ~members).sum() < MIN_GROUP):  # or nearly all are in the group
                continue
            result = reweighted_bias(residuals[tested, number], weights[tested], *resampled)
            yield PopulationRow(family.name, label, units[label], population, group, n_stars, *result)


def _distribution_rows(
    family: str, population: str, found: Populations, pairs: np.ndarray, stars: np.ndarray
) -> Iterator[DistributionRow]:
    for number, (quantity, unit) in enumerate(zip(found.quantities, found.units, strict=True)):
        own, others = pairs[:, number], stars[:, number]
        if np.isfinite(own).any() and np.isfinite(others).any():
            d = compare_distributions(own, others)
            (low, median, high), (other_low, other, other_high) = d.pairs, d.stars
            numbers = (d.n_pairs, median, low, high, d.n_stars, other, other_low, other_high, d.distance, d.separation)
            yield DistributionRow(family, population, quantity, unit, *numbers)


def _weights(family: Family, pairs: ReadStars, others: ReadStars, seed: int) -> np.ndarray:
    """Return the weights of the pairs that make them distributed as the others; NaN where a column is missing."""
    columns = [[*own.of(family.inputs).T, *_further_columns(family, own, pairs)] for own in (pairs, others)]
    known, wanted = common_columns(*columns)
    return fit_density_ratio(known, wanted, seed).weights(known)


def _further_columns(family: Family, stars: ReadStars, typical: ReadStars) -> Iterator[np.ndarray]:
    """Yield what the weights depend on in addition to the inputs."""
    errors = _present(_errors(family), stars)
    if errors:
        yield noise_level(stars.of(errors), typical.of(errors))
    for name in _present([schema.EBV.name, *_magnitudes(stars.names)[:1]], stars):
        yield stars.of([name])[:, 0]
    if DISTANCE in stars.names:
        distances = stars.of([DISTANCE])[:, 0]
        yield np.log(np.where(distances > 0, distances, np.nan))  # with the magnitude it is the luminosity


def _quantities(family: Family, stars: ReadStars) -> tuple[str, ...]:
    """Return the columns that are compared: inputs and their errors, log g, reddening, magnitude and distance."""
    wanted = [*family.inputs, GRAVITY, *_errors(family), schema.EBV.name, *_magnitudes(stars.names)[:1], DISTANCE]
    return tuple(_present(dict.fromkeys(wanted), stars))


def _errors(family: Family) -> list[str]:
    """Return the columns of the errors of the inputs; not those of magnitudes, which say little of the spectrum."""
    return [f"{name}_ERR" for name in measured_behind(family.inputs)[0] if name in family.inputs]


def _magnitudes(names: Iterable[str]) -> list[str]:
    """Return the columns of magnitudes, that of Gaia's G first if there is one."""
    names = set(names)
    known = dict.fromkeys(schema.magnitude_name(band) for band in (*schema.GAIA, *schema.BANDS))
    return [name for name in known if name in names]


def _present(names: Iterable[str], stars: ReadStars) -> list[str]:
    return [name for name in names if name in stars.names]


def _lookup(stars: ReadStars, keys: np.ndarray) -> np.ndarray:
    """Return the number of each key among the stars; rows of the same star are alike."""
    order = np.argsort(stars.keys, kind="stable")
    return order[np.searchsorted(stars.keys, keys, sorter=order)]


def _is_merged(family: Family, stars: ReadStars) -> np.ndarray:
    """Tell which stars have all inputs and errors and lie in the domain of inputs, as merge demands."""
    inputs = stars.of(family.inputs)
    known = np.isfinite(inputs).all(axis=1) & np.isfinite(stars.of(_present(_errors(family), stars))).all(axis=1)
    return known & family.input_domain.contains(inputs).all(axis=1)


def _selected(intrinsic: Family, stars: ReadStars, cuts: Mapping[str, Range]) -> np.ndarray:
    """Tell which stars lie within the cuts, by their labels translated without draws."""
    chosen = np.ones(len(stars.keys), dtype=bool)
    if not cuts:
        return chosen
    labels = predict(intrinsic, stars.of(intrinsic.inputs))
    for name, (low, high) in cuts.items():
        values = labels[:, intrinsic.labels.index(name)]
        chosen &= (values > low) & (values < high)
    return chosen


def _groups(stars: ReadStars) -> dict[str, np.ndarray]:
    """Return all stars, giants and dwarfs as masks; the first alone where A has no log g."""
    groups = {ALL: np.ones(len(stars.keys), dtype=bool)}
    if GRAVITY in stars.names:
        gravities = stars.of([GRAVITY])[:, 0]
        groups |= {GIANTS: gravities < DWARFS_FROM, DWARFS: gravities >= DWARFS_FROM}
    return groups
