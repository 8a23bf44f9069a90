"""Evaluate: stars of which something is known from elsewhere, as A measures them, as they are translated, and in B."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.config.stages import KnownStars
from stdask.network.ensemble import Draws, Family, debiased, sigma_parts, translate
from stdask.pairing.known_stars import FoundStars, find_stars, ids_of, seek
from stdask.pairing.training_set import stack_columns
from stdask.schema.known_stars import COMMON, DEBIASED, EVERY, INDEPENDENT, OF_B, RAW, TRANSLATED
from stdask.science.galaxy.errors import jackknife_factor
from stdask.science.sky.crossmatch import match_ids
from stdask.science.translation.scaling import NO_COUNTERPART
from stdask.stages.evaluate.scores import EvaluatedFamily
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.tables import to_numpy

AXES = ("TEFF", "LOGG")  # against which trends are fitted


@dataclass(frozen=True)
class StarsInBoth:
    """The stars of a table that were found in A and in B."""

    n_stars: int  # of the table
    a: FoundStars
    b: FoundStars
    id_columns: tuple[str, str]

    @property
    def ids(self) -> np.ndarray:
        """Id of each star of the table in A or else in B, (n_stars,), str; empty if it is in neither."""
        ids = np.full(self.n_stars, "", dtype=object)
        for found, column in ((self.b, self.id_columns[1]), (self.a, self.id_columns[0])):
            ids[found.rows] = ids_of(found.table, column, as_text=True)
        return ids


@dataclass(frozen=True)
class ComparedStars:
    """Values of the labels of one family, row by row those of a table; NaN where a star is not there or not usable."""

    labels: tuple[str, ...]
    values: Mapping[str, np.ndarray]  # `RAW`, `TRANSLATED`, `OF_B` and perhaps `DEBIASED` -> (n_stars, n_labels)
    errors: Mapping[str, np.ndarray]  # the same, 1 sigma
    networks: np.ndarray  # (n_networks, n_stars, n_labels), of the translation
    axes: Mapping[str, Mapping[str, np.ndarray]]  # of `AXES`, those there are -> values -> (n_stars,)
    in_a: np.ndarray  # (n_stars,), bool
    usable: np.ndarray  # in A, and its flags are as they should be
    in_b: np.ndarray  # and good there
    trained: np.ndarray  # networks of the family were trained on it

    def take(self, stars: np.ndarray) -> "ComparedStars":
        """Return some of the stars, by a mask or by their rows."""
        kinds = {name: {kind: own[stars] for kind, own in of.items()} for name, of in self.axes.items()}
        return replace(
            self,
            values={kind: own[stars] for kind, own in self.values.items()},
            errors={kind: own[stars] for kind, own in self.errors.items()},
            networks=self.networks[:, stars],
            axes=kinds,
            in_a=self.in_a[stars],
            usable=self.usable[stars],
            in_b=self.in_b[stars],
            trained=self.trained[stars],
        )

    def groups(self, kind: str) -> dict[str, np.ndarray]:
        """Return the groups of stars that have rows of their own for some values: name -> mask."""
        groups = {EVERY: np.ones(len(self.usable), dtype=bool)}
        if kind != OF_B:
            groups[INDEPENDENT] = ~self.trained
        return groups | {COMMON: self.usable & self.in_b}

    def networks_of(self, kind: str, number: int) -> np.ndarray:
        """Return what each network gives for a label, by its number; none for values that no network has made."""
        return self.networks[..., number] if kind == TRANSLATED else self.networks[:0, :, number]


def networks_factor(run: Run) -> float:
    """Return the error of a mean of translations over the standard deviation of the means of the networks."""
    return jackknife_factor(1 - run.config.train.validation_fraction)


def find_in_both(
    run: Run,
    workers: Workers,
    table: pa.Table,
    known: KnownStars,
    pairs: pa.Table,
    families: Sequence[Family],
) -> StarsInBoth:
    """Find the stars of a table in the catalogues of A and B, with all that is needed to translate and compare them.

    Parameters
    ----------
    run, workers
        The run, and who reads the catalogues.
    table, known
        As from `read_known_stars`.
    pairs
        The table that pair wrote.
    families
        All families of networks.
    """
    a, b = (open_catalogue(paths.catalogue(run.output, run.definition(side).name)) for side in "ab")
    ids = (run.definition_a.id, run.definition_b.id)
    sought = seek(table, known, a, ids[0], known.id_a)
    found_a = find_stars(workers, a, sought, [*_own_columns(a, ids[0]), *_columns_of_a(a, families)])
    partners = np.zeros(table.num_rows, dtype=np.uint64)
    paired, rows = match_ids(*(to_numpy(own, schema.STAR_KEY.name) for own in (found_a.table, pairs)))
    partners[found_a.rows[paired]] = to_numpy(pairs, "STAR_KEY_B")[rows]
    sought = seek(table, known, b, ids[1], known.id_b).by_key(partners)
    labels = [name for family in families for name in family.labels]
    found_b = find_stars(workers, b, sought, [*_own_columns(b, ids[1]), *_with_errors(b, labels)])
    return StarsInBoth(table.num_rows, found_a, found_b, ids)


def compare_stars(found: StarsInBoth, own: EvaluatedFamily, draws: Draws) -> ComparedStars:
    """Translate the stars that are in A, and put their values beside those of A and B.

    Parameters
    ----------
    found, own, draws
        The stars, the family that translates them, and its draws.
    """
    family, a, b = own.family, found.a.table, found.b.table
    inputs = stack_columns(a, list(family.inputs))
    errors = stack_columns(a, [f"{name}_ERR" for name in family.measured])
    keys = to_numpy(a, schema.STAR_KEY.name)
    translation = translate(family, inputs, errors, keys, draws)
    complete = ~translation.missing_values.any(axis=1) & ~translation.missing_errors.any(axis=1)
    inside = translation.inputs_inside.all(axis=1) & translation.labels_inside.all(axis=1)
    usable, good = to_numpy(a, schema.GOOD.name) & complete & inside, to_numpy(b, schema.GOOD.name)
    # (n_stars of the table, ...) from those that were found, NaN elsewhere
    of_a = _Spread(found.n_stars, found.a.rows[usable], usable)
    of_b = _Spread(found.n_stars, found.b.rows[good], good)
    sigma = sigma_parts(family, inputs, translation).total
    values = {RAW: of_a(_counterparts(family, a)), TRANSLATED: of_a(translation.percentiles[2])}
    if family.latent_plan:
        values[DEBIASED] = of_a(debiased(family, inputs))
    values[OF_B] = of_b(stack_columns(b, list(family.labels)))
    return ComparedStars(
        family.labels,
        values,
        {
            RAW: of_a(_counterparts(family, a, "_ERR")),
            TRANSLATED: of_a(sigma),
            DEBIASED: of_a(np.full_like(sigma, np.nan)),
            OF_B: of_b(_present(b, [f"{name}_ERR" for name in family.labels])),
        },
        np.stack([of_a(member) for member in translation.members]),
        {name: _axis(name, family, values, of_a(_present(a, [name])), of_b(_present(b, [name]))) for name in AXES},
        of_a.mask(found.a.rows),
        of_a.mask(of_a.rows),
        of_b.mask(of_b.rows),
        of_a.mask(found.a.rows[np.isin(keys, own.stars.star_keys[~own.stars.is_test])]),
    )


@dataclass(frozen=True)
class _Spread:
    """Puts values of the stars that were found and chosen into the rows of the table."""

    n_stars: int
    rows: np.ndarray  # of the table, of the stars that were chosen
    chosen: np.ndarray  # (n_found,), bool

    def __call__(self, values: np.ndarray) -> np.ndarray:
        spread = np.full((self.n_stars, *values.shape[1:]), np.nan)
        spread[self.rows] = values[self.chosen]
        return spread

    def mask(self, rows: np.ndarray) -> np.ndarray:
        """Return which rows of the table are among some."""
        return np.isin(np.arange(self.n_stars), rows)


def _axis(
    name: str, family: Family, values: Mapping[str, np.ndarray], of_a: np.ndarray, of_b: np.ndarray
) -> dict[str, np.ndarray]:
    """Return an axis for all values: where it is no label, it is taken as A has it, for the translation too."""
    number = family.labels.index(name) if name in family.labels else None
    own = {kind: of_a[:, 0] if number is None else values[kind][:, number] for kind in values if kind != OF_B}
    return {**own, RAW: of_a[:, 0], OF_B: of_b[:, 0]}


def _counterparts(family: Family, a: pa.Table, ending: str = "") -> np.ndarray:
    """Return the columns of A that the labels have as their counterparts, (n_stars, n_labels); NaN for none."""
    names = [family.inputs[own] if own != NO_COUNTERPART else "" for own in family.own_columns]
    return _present(a, [f"{name}{ending}" if name else "" for name in names])


def _present(table: pa.Table, names: Sequence[str]) -> np.ndarray:
    """Return columns side by side; NaN for those that the table does not have."""
    has = table.column_names
    columns = [to_numpy(table, name) if name in has else np.full(table.num_rows, np.nan) for name in names]
    return np.stack([column.astype(np.float64) for column in columns], axis=-1)


def _own_columns(catalogue: Catalogue, id_column: str) -> list[str]:
    has = [column.name for column in catalogue.columns]
    return [id_column, schema.STAR_KEY.name, schema.GOOD.name, *(name for name in AXES if name in has)]


def _columns_of_a(a: Catalogue, families: Sequence[Family]) -> list[str]:
    inputs = [name for family in families for name in family.inputs]
    return [*_with_errors(a, inputs), *(f"{name}_ERR" for family in families for name in family.measured)]


def _with_errors(catalogue: Catalogue, names: Sequence[str]) -> list[str]:
    has = {column.name for column in catalogue.columns}
    return [own for name in names for own in (name, f"{name}_ERR") if own == name or own in has]
