"""A trained family of networks with all it needs to translate a star: inputs, scaling, plan, domains."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from stdask.network.inference import Engine
from stdask.network.plan import Plan
from stdask.science.combining import summarise_draws, trimmed_mean
from stdask.science.resampling import measured_behind, resample_inputs
from stdask.science.scaling import Scaling
from stdask.science.validity import Domain

CHUNK_VALUES = 4_000_000  # network outputs held at once: 16 MB of float32
PREDICTED_AT_ONCE = 1920  # rows, a multiple of every row group of a BLAS


@dataclass(frozen=True)
class Draws:
    """How the Monte Carlo realisations are made."""

    n_draws: int
    sampler: str
    seed: int
    include_nominal: bool
    rows_per_block: int


@dataclass(frozen=True)
class Family:
    """The intrinsic or the extrinsic networks (Thomas et al. 2024, sect. 2)."""

    name: str
    inputs: tuple[str, ...]  # columns of A
    labels: tuple[str, ...]  # of B
    counterparts: tuple[str | None, ...]  # of the labels, in A
    scaling: Scaling
    plan: Plan
    input_domain: Domain
    label_domain: Domain

    @property
    def measured(self) -> tuple[str, ...]:
        """The measured columns behind the inputs, whose errors are drawn."""
        return measured_behind(self.inputs)[0]


@dataclass(frozen=True)
class Translation:
    """What a family says of each star, and how far it can be trusted."""

    percentiles: np.ndarray  # (n_percentiles, n_stars, n_labels), physical units
    errors: np.ndarray  # (n_stars, n_labels), systematic
    missing_values: np.ndarray  # (n_stars, n_inputs), bool
    missing_errors: np.ndarray  # (n_stars, n_measured), bool: value there, error not
    inputs_inside: np.ndarray  # (n_stars, n_input_pairs), bool
    labels_inside: np.ndarray  # (n_stars, n_label_pairs), bool


def translate(
    family: Family, inputs: np.ndarray, errors: np.ndarray, star_keys: np.ndarray, draws: Draws
) -> Translation:
    """Put stars on the scale of B: draw, predict, combine, flag.

    Source: Thomas et al. 2024, sects. 2.2 and 3.5. A star's result depends on the star alone, to the last bit.

    Parameters
    ----------
    family
        Trained networks.
    inputs : shape (n_stars, n_inputs)
        Columns `family.inputs` of A, NaN where missing.
    errors : shape (n_stars, n_measured)
        1-sigma errors of `family.measured`.
    star_keys : shape (n_stars,), uint64
    draws
        Number and kind of the realisations.
    """
    n_stars, n_labels = len(inputs), len(family.labels)
    engine = Engine(family.plan, draws.n_draws, draws.rows_per_block)
    columns, mixing = measured_behind(family.inputs)
    percentiles = np.empty((5, n_stars, n_labels))
    systematic = np.empty((n_stars, n_labels))
    chunk = max(1, CHUNK_VALUES // (draws.n_draws * n_labels * family.plan.n_members))
    for start in range(0, n_stars, chunk):
        stars = slice(start, start + chunk)
        realisations = resample_inputs(
            inputs[stars],
            errors[stars],
            mixing,
            star_keys[stars],
            columns=columns,
            n_draws=draws.n_draws,
            seed=draws.seed,
            sampler=draws.sampler,
            include_nominal=draws.include_nominal,
        )
        percentiles[:, stars], systematic[stars] = _predict_draws(family, engine, realisations)
    missing_values = np.isnan(inputs)
    return Translation(
        percentiles,
        systematic,
        missing_values,
        np.isnan(errors) & ~(missing_values @ np.abs(mixing.T).astype(bool)),
        family.input_domain.contains(inputs),
        family.label_domain.contains(percentiles[2]),
    )


def predict(family: Family, inputs: np.ndarray) -> np.ndarray:
    """Return the labels for inputs as they are, without draws: the combined members, physical units.

    Parameters
    ----------
    family
        Trained networks.
    inputs : shape (n_rows, n_inputs)

    Returns
    -------
    labels : shape (n_rows, n_labels)
    """
    n_rows, n_inputs = inputs.shape
    padded = np.zeros((-(-n_rows // PREDICTED_AT_ONCE), PREDICTED_AT_ONCE, n_inputs))
    padded.reshape(-1, n_inputs)[:n_rows] = inputs
    engine = Engine(family.plan, PREDICTED_AT_ONCE, PREDICTED_AT_ONCE)
    corrections, _ = trimmed_mean(engine.run(family.scaling.scale_inputs(padded)))
    labels = family.scaling.to_labels(padded, corrections)
    return labels.reshape(-1, len(family.labels))[:n_rows]


def _predict_draws(family: Family, engine: Engine, realisations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scaling = family.scaling
    corrections, spreads = trimmed_mean(engine.run(scaling.scale_inputs(realisations)))
    return summarise_draws(scaling.to_labels(realisations, corrections), scaling.scales * spreads)


def to_parts(family: Family) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return a family as a JSON-like document and named arrays, for the disk."""
    arrays = {f"plan.{name}": array for name, array in family.plan.arrays.items()}
    arrays |= {f"scaling.{name}": array for name, array in asdict(family.scaling).items()}
    for side, domain in (("input", family.input_domain), ("label", family.label_domain)):
        arrays[f"{side}_domain.minima"] = domain.minima
        arrays[f"{side}_domain.maxima"] = domain.maxima
        arrays[f"{side}_domain.occupied"] = domain.occupied
    document = {
        "name": family.name,
        "inputs": list(family.inputs),
        "labels": list(family.labels),
        "counterparts": list(family.counterparts),
        "depth": family.plan.depth,
    }
    return document, arrays


def from_parts(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Family:
    """Return the family that `to_parts` took apart."""

    def domain(side: str, names: list[str]) -> Domain:
        parts = [arrays[f"{side}_domain.{part}"] for part in ("minima", "maxima", "occupied")]
        return Domain(tuple(names), *parts)

    plan = {name.removeprefix("plan."): array for name, array in arrays.items() if name.startswith("plan.")}
    return Family(
        name=document["name"],
        inputs=tuple(document["inputs"]),
        labels=tuple(document["labels"]),
        counterparts=tuple(document["counterparts"]),
        scaling=Scaling(**{field.name: arrays[f"scaling.{field.name}"] for field in fields(Scaling)}),
        plan=Plan(document["depth"], plan),
        input_domain=domain("input", document["inputs"]),
        label_domain=domain("label", document["labels"]),
    )
