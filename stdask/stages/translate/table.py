"""Translate one table of stars: from its columns to those that a translation adds."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.network.ensemble import Draws, Family, Translation, debiased, sigma_parts, translate
from stdask.pairing.training_set import stack_columns
from stdask.science.translation.combining import sample_labels
from stdask.science.translation.validity import describe_flags
from stdask.storage.tables import to_numpy


def new_columns(families: Sequence[Family], units: Mapping[str, str]) -> tuple[schema.Column, ...]:
    """Return the columns that a translation adds: Table A.1 of Thomas et al. 2024, and the value of each network.

    Parameters
    ----------
    families
        What translates the stars.
    units
        Unit of each label of B.
    """
    labels = [column for f in families for name in f.labels for column in schema.translated_columns(name, units[name])]
    members = [c for f in families for name in f.labels for c in _member_columns(f, name, units[name])]
    unattenuated = [schema.debiased_column(name, units[name]) for f in families if f.latent_plan for name in f.labels]
    return (*labels, *members, *unattenuated, *schema.flag_columns(family.name for family in families), schema.USE)


def _member_columns(family: Family, label: str, unit: str = "") -> tuple[schema.Column, ...]:
    return schema.member_columns(label, family.plan.n_members, unit)


def inputs_of(families: Sequence[Family]) -> list[str]:
    """Return the columns of A that a translation reads."""
    needed = []
    for family in families:
        needed += [*family.inputs, *family.neighbourhood.names, *(f"{name}_ERR" for name in family.measured)]
    return list(dict.fromkeys([*needed, schema.GOOD.name, schema.STAR_KEY.name]))


def translate_table(table: pa.Table, families: Sequence[Family], draws: Draws) -> dict[str, np.ndarray]:
    """Return the new columns of a partition."""
    keys = table.column("STAR_KEY").to_numpy()
    good = to_numpy(table, schema.GOOD.name)
    new: dict[str, np.ndarray] = {}
    comments = [("fails", ["the cuts of the survey"], ~good[:, None])]
    for family in families:
        inputs = stack_columns(table, list(family.inputs))
        errors = stack_columns(table, [f"{name}_ERR" for name in family.measured])
        translation = translate(family, inputs, errors, keys, draws)
        sigma = sigma_parts(family, inputs, translation)
        root = family.calibration.correlation_root if family.calibration else None
        samples = sample_labels(translation.percentiles[2], sigma.total, keys, family.labels, draws.seed, root)
        for number, label in enumerate(family.labels):
            for percentile, values in zip(schema.PERCENTILES, translation.percentiles, strict=True):
                new[f"{label}_PRED_{percentile}"] = values[:, number]
            new[f"{label}_PRED_ERR"] = translation.errors[:, number]
            for part in ("total", "input_noise", "members", "intrinsic"):
                new[schema.sigma_name(label, part)] = getattr(sigma, part)[:, number]
            new[f"{label}_PRED_HALFWIDTH_99"] = sigma.half_widths[:, number]
            new[f"{label}_PRED_NOMINAL"] = translation.nominal[:, number]
            new[f"{label}_PRED_SAMPLE"] = samples[:, number]
            for column, values in zip(_member_columns(family, label), translation.members, strict=True):
                new[column.name] = values[:, number]
        if family.latent_plan:
            values = debiased(family, inputs).T
            new |= {f"{label}_PRED_DEBIASED": own for label, own in zip(family.labels, values, strict=True)}
        new |= _flags(family, translation)
        surroundings, unlike = _surroundings(family, table)
        new |= surroundings
        comments += [*_comments(family, translation), *unlike]
    return new | {schema.USE.name: _usable(good, new), "QFLAG_COMMENTS": describe_flags(comments)}


def _usable(good: np.ndarray, new: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return which stars are GOOD and have all flags of all families as they should be."""
    fine = [values for name, values in new.items() if name.startswith("QFLAG_")]
    return np.logical_and.reduce(
        [good, *fine, *(~bad for name, bad in new.items() if name.startswith("FLAG_MISSING_"))]
    )


def _flags(family: Family, translation: Translation) -> dict[str, np.ndarray]:
    missing = translation.missing_values.any(axis=1) | translation.missing_errors.any(axis=1)
    inside = [np.all(pairs, axis=1) for pairs in (translation.inputs_inside, translation.labels_inside)]
    return dict(zip(_flag_names([family]), [missing, *inside], strict=True))


def _surroundings(
    family: Family, table: pa.Table
) -> tuple[dict[str, np.ndarray], list[tuple[str, list[str], np.ndarray]]]:
    """Return how similar each star is to the training stars in all inputs, and comments on those that are not."""
    where = family.neighbourhood
    for name in where.names:
        if name not in table.column_names:  # the reddening, which the domain may have but no network reads
            table = table.append_column(name, pa.nulls(table.num_rows, pa.float32()))
    values = stack_columns(table, list(where.names))
    index = where.index(values)
    outside = np.flatnonzero(index > 1)
    worst = where.worst_pairs(values[outside])
    named = np.zeros((len(values), len(where.pair_names)), dtype=bool)
    named[outside] = worst[:, None] == np.array(where.pair_names, dtype=object)
    title = family.name.upper()
    unknown = np.isnan(values) & ~np.isin(where.names, family.inputs)  # missing inputs have a comment of their own
    columns = {
        f"DOMAIN_INDEX_{title}": index,
        f"DOMAIN_DENSITY_{title}": where.density(values),
        f"QFLAG_DOMAIN_{title}": index <= 1,
    }
    return columns, [
        (f"{family.name} input unlike training stars, most in", where.pair_names, named),
        (f"{family.name} domain unknown without", list(where.names), unknown),
    ]


def _flag_names(families: Sequence[Family]) -> list[str]:
    kinds = ("FLAG_MISSING_INPUTS", "QFLAG_INPUT", "QFLAG_OUTPUT")
    return [f"{kind}_{family.name.upper()}" for family in families for kind in kinds]


def counted_flags(families: Sequence[Family]) -> list[str]:
    """Return the flags whose stars the receipt counts."""
    return [schema.USE.name, *_flag_names(families), *(f"QFLAG_DOMAIN_{family.name.upper()}" for family in families)]


def _comments(family: Family, translation: Translation) -> list[tuple[str, list[str], np.ndarray]]:
    # a pair with a missing input is outside, but "missing" says it better
    unknown = np.stack(
        [translation.missing_values[:, [i, j]].any(axis=1) for i, j in family.input_domain.pairs], axis=-1
    )
    outside = f"{family.name} {{}} outside"
    return [
        (f"{family.name} input missing", list(family.inputs), translation.missing_values),
        (f"{family.name} input without error", list(family.measured), translation.missing_errors),
        (outside.format("input"), family.input_domain.pair_names, ~translation.inputs_inside & ~unknown),
        (outside.format("output"), family.label_domain.pair_names, ~translation.labels_inside),
    ]
