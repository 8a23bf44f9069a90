"""A trained family of networks with all it needs to translate a star: inputs, scaling, plan, domains."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from stdask.errors import EnsembleError
from stdask.network.inference import Engine
from stdask.network.plan import Plan
from stdask.schema import PERCENTILES
from stdask.science.calibration import Calibration, SigmaParts
from stdask.science.combining import member_spread, summarise_draws, trimmed_mean
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
    calibration: Calibration | None = None  # before train has learnt it from held-out stars

    @property
    def measured(self) -> tuple[str, ...]:
        """The measured columns behind the inputs, whose errors are drawn."""
        return measured_behind(self.inputs)[0]


@dataclass(frozen=True)
class Translation:
    """What a family says of each star, and how far it can be trusted."""

    percentiles: np.ndarray  # (n_percentiles, n_stars, n_labels), physical units
    errors: np.ndarray  # (n_stars, n_labels), systematic, as published
    member_spread: np.ndarray  # (n_stars, n_labels), standard deviation (ddof 1) of all members
    missing_values: np.ndarray  # (n_stars, n_inputs), bool
    missing_errors: np.ndarray  # (n_stars, n_measured), bool: value there, error not
    inputs_inside: np.ndarray  # (n_stars, n_input_pairs), bool
    labels_inside: np.ndarray  # (n_stars, n_label_pairs), bool

    @property
    def input_noise(self) -> np.ndarray:
        """Half of the 16-84 % range of the draws, (n_stars, n_labels): the stated errors of A, carried over."""
        low, high = (self.percentiles[PERCENTILES.index(p)] for p in (16, 84))
        return (high - low) / 2


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
    percentiles = np.empty((len(PERCENTILES), n_stars, n_labels))
    systematic, spread = np.empty((2, n_stars, n_labels))
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
        percentiles[:, stars], systematic[stars], spread[stars] = _predict_draws(family, engine, realisations)
    missing_values = np.isnan(inputs)
    return Translation(
        percentiles,
        systematic,
        spread,
        missing_values,
        np.isnan(errors) & ~(missing_values @ np.abs(mixing.T).astype(bool)),
        family.input_domain.contains(inputs),
        family.label_domain.contains(percentiles[2]),
    )


def sigma_parts(family: Family, inputs: np.ndarray, translation: Translation) -> SigmaParts:
    """Return the calibrated 1-sigma error of each translated star against what B would measure.

    Parameters
    ----------
    family
        With its calibration.
    inputs : shape (n_stars, n_inputs)
        As they were translated.
    translation
        Of these stars.
    """
    if family.calibration is None:
        raise EnsembleError(f"The {family.name} ensemble has no calibration. Remove its folder and run `stdask train`.")
    scaled = family.scaling.scale_inputs(inputs)
    return family.calibration.parts(inputs, scaled, translation.input_noise, translation.member_spread)


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
    return trimmed_mean(predict_members(family, inputs))[0]


def predict_members(family: Family, inputs: np.ndarray) -> np.ndarray:
    """Return what each member says for inputs as they are, without draws, in physical units.

    Parameters
    ----------
    family
        Trained networks.
    inputs : shape (n_rows, n_inputs)

    Returns
    -------
    labels : shape (n_members, n_rows, n_labels)
    """
    n_rows, n_inputs = inputs.shape
    padded = np.zeros((-(-n_rows // PREDICTED_AT_ONCE), PREDICTED_AT_ONCE, n_inputs))
    padded.reshape(-1, n_inputs)[:n_rows] = inputs
    engine = Engine(family.plan, PREDICTED_AT_ONCE, PREDICTED_AT_ONCE)
    labels = family.scaling.to_labels(padded, engine.run(family.scaling.scale_inputs(padded)))
    return labels.reshape(family.plan.n_members, -1, len(family.labels))[:, :n_rows]


def _predict_draws(
    family: Family, engine: Engine, realisations: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return percentiles, systematic error and member spread of a chunk of stars."""
    scaling = family.scaling
    outputs = engine.run(scaling.scale_inputs(realisations))
    corrections, deviations = trimmed_mean(outputs)
    labels = scaling.to_labels(realisations, corrections)
    percentiles, systematic = summarise_draws(labels, scaling.scales * deviations)
    return percentiles, systematic, scaling.scales * member_spread(outputs)


def to_parts(family: Family) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return a family as a JSON-like document and named arrays, for the disk."""
    arrays = {f"plan.{name}": array for name, array in family.plan.arrays.items()}
    arrays |= {f"scaling.{name}": array for name, array in asdict(family.scaling).items()}
    for side, domain in (("input", family.input_domain), ("label", family.label_domain)):
        arrays[f"{side}_domain.minima"] = domain.minima
        arrays[f"{side}_domain.maxima"] = domain.maxima
        arrays[f"{side}_domain.occupied"] = domain.occupied
    if family.calibration is not None:
        arrays |= {f"calibration.{name}": array for name, array in asdict(family.calibration).items()}
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
        calibration=_calibration(arrays),
    )


def _calibration(arrays: Mapping[str, np.ndarray]) -> Calibration | None:
    if "calibration.scales" not in arrays:
        return None
    return Calibration(**{field.name: arrays[f"calibration.{field.name}"] for field in fields(Calibration)})
