"""A trained family of networks with all it needs to translate a star: inputs, scaling, plan, domains."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from stdask.errors import EnsembleError
from stdask.network.blend import Blend
from stdask.network.cpu.engine import CpuEngine
from stdask.network.engines import Engine, make_engine
from stdask.network.plan import Plan
from stdask.schema import PERCENTILES
from stdask.science.translation.calibration import Calibration, SigmaParts
from stdask.science.translation.combining import mean_of_unseen, member_spread, summarise_draws, trimmed_mean
from stdask.science.translation.dissimilarity import Neighbourhood
from stdask.science.translation.gaussian_mixture import Mixture
from stdask.science.translation.imputation import draw_missing
from stdask.science.translation.polynomials import Polynomials
from stdask.science.translation.resampling import measured_behind, resample_inputs, uniform_draws
from stdask.science.translation.scaling import NO_COUNTERPART, Scaling
from stdask.science.translation.validity import Domain

CHUNK_VALUES = 500_000  # network outputs held at once: 2 MB of float32, no slower than 16


@dataclass(frozen=True)
class Draws:
    """How the Monte Carlo realisations are made, and what runs them."""

    n_draws: int
    sampler: str
    seed: int
    include_nominal: bool
    engine: str = "cpu"  # or "gpu", or "auto"
    tf32: bool = False  # on a GPU


@dataclass(frozen=True)
class Fallback:
    """What replaces the networks where it is closer to B: a polynomial for each member and label."""

    replaced: np.ndarray  # (n_labels,), bool
    coefficients: np.ndarray  # (n_members, n_terms, n_labels), as in `Polynomials`


@dataclass(frozen=True)
class Stretch:
    """The line that debiased labels are put on: `to + gain x (label - centre)`, arrays of shape (n_labels,)."""

    centres: np.ndarray
    to: np.ndarray
    gains: np.ndarray


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
    neighbourhood: Neighbourhood  # the inputs and, where A has it, the reddening
    density: Mixture | None  # of the inputs, to draw missing ones from; none: the training mean
    latent_plan: Plan | None = None  # trained on noise-free inputs, if asked for
    stretch: Stretch | None = None  # of the labels of the latent plan
    blend: Blend | None = None  # Gaussian processes, unless the networks alone are closer to B
    fallback: Fallback | None = None  # where train found it closer to B, if asked for
    calibration: Calibration | None = None  # None until train has calibrated the errors on held-out stars

    @property
    def measured(self) -> tuple[str, ...]:
        """The measured columns behind the inputs, whose errors are drawn."""
        return measured_behind(self.inputs)[0]

    @property
    def own_columns(self) -> list[int]:
        """The column of each label's counterpart among the inputs, or `NO_COUNTERPART`."""
        return [self.inputs.index(name) if name else NO_COUNTERPART for name in self.counterparts]


@dataclass(frozen=True)
class Translation:
    """The translation of each star by a family, with its errors and flags."""

    percentiles: np.ndarray  # (n_percentiles, n_stars, n_labels), physical units
    errors: np.ndarray  # (n_stars, n_labels), systematic, as published
    member_spread: np.ndarray  # (n_stars, n_labels), standard deviation (ddof 1) of all members
    members: np.ndarray  # (n_members, n_stars, n_labels), what each member alone gives: their mean is the median
    nominal: np.ndarray  # (n_stars, n_labels), of the measured values, without draws; NaN where an input is missing
    missing_values: np.ndarray  # (n_stars, n_inputs), bool
    missing_errors: np.ndarray  # (n_stars, n_measured), bool: value there, error not
    inputs_inside: np.ndarray  # (n_stars, n_input_pairs), bool
    labels_inside: np.ndarray  # (n_stars, n_label_pairs), bool
    # (n_stars, n_labels), medians over the draws of the mean of the members that had not seen the star
    unseen_medians: np.ndarray | None = None

    @property
    def input_noise(self) -> np.ndarray:
        """Half of the 16-84 % range of the draws, (n_stars, n_labels): the stated errors of A, carried over."""
        low, high = (self.percentiles[PERCENTILES.index(p)] for p in (16, 84))
        return (high - low) / 2


def translate(
    family: Family,
    inputs: np.ndarray,
    errors: np.ndarray,
    star_keys: np.ndarray,
    draws: Draws,
    held_out: np.ndarray | None = None,
) -> Translation:
    """Put stars on the scale of B: draw, predict, combine, flag.

    Source: Thomas et al. 2024, sects. 2.2 and 3.5. On the processor a star's result depends on the
    star alone, to the last bit.

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
    held_out : shape (n_members, n_stars), bool
        True where the star was not among the training stars of the member: asks for `unseen_medians`.
    """
    n_stars, n_labels = len(inputs), len(family.labels)
    percentiles = np.empty((len(PERCENTILES), n_stars, n_labels))
    systematic, spread, unseen, nominal = np.empty((4, n_stars, n_labels))
    members = np.empty((family.plan.n_members, n_stars, n_labels))
    scaling = family.scaling
    for stars, realisations, outputs, undrawn in _draw(family, inputs, errors, star_keys, draws):
        corrections, deviations = trimmed_mean(outputs)
        labels = scaling.to_labels(realisations, corrections)
        percentiles[:, stars], systematic[stars] = summarise_draws(labels, scaling.scales * deviations)
        means = outputs.mean(axis=2)  # over the draws
        spread[stars] = scaling.scales * member_spread(means)
        members[:, stars] = percentiles[2, stars] + scaling.scales * (means - means.mean(axis=0))
        nominal[stars] = scaling.to_labels(inputs[stars], trimmed_mean(undrawn)[0])
        if held_out is not None:
            corrections = mean_of_unseen(outputs, held_out[:, stars])
            unseen[stars] = np.median(scaling.to_labels(realisations, corrections), axis=1)
    missing_values = np.isnan(inputs)
    nominal[missing_values.any(axis=1)] = np.nan
    mixing = measured_behind(family.inputs)[1]
    return Translation(
        percentiles,
        systematic,
        spread,
        members,
        nominal,
        missing_values,
        np.isnan(errors) & ~(missing_values @ np.abs(mixing.T).astype(bool)),
        family.input_domain.contains(inputs),
        family.label_domain.contains(percentiles[2]),
        None if held_out is None else unseen,
    )


def debiased(family: Family, inputs: np.ndarray) -> np.ndarray:
    """Return labels without attenuation, shape (n_stars, n_labels); NaN where an input is missing.

    Their networks were trained on noise-free inputs (`science.translation.deconvolution`; Fuller 1987, Measurement
    Error Models, sect. 1.2). They are meant for means of groups of equal truth, such as a cluster. The value of a
    single star is noisier than its translation, and their distribution is not that of B.

    Parameters
    ----------
    family
        With its `latent_plan`.
    inputs : shape (n_stars, n_inputs)
    """
    if family.latent_plan is None or family.stretch is None:
        raise EnsembleError(f"The {family.name} ensemble has no debiased networks. Set [train] debias = true.")
    latent = replace(family, plan=family.latent_plan, blend=None, fallback=None)
    stretch = family.stretch
    labels = stretch.to + stretch.gains * (predict(latent, inputs) - stretch.centres)
    return np.where(np.isnan(inputs).any(axis=1, keepdims=True), np.nan, labels)


def sigma_parts(family: Family, inputs: np.ndarray, translation: Translation) -> SigmaParts:
    """Return the calibrated 1-sigma error of each translated star, compared with what B would measure.

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
    """Return the labels of each member for inputs as they are, without draws, in physical units.

    Parameters
    ----------
    family
        Trained networks.
    inputs : shape (n_rows, n_inputs)

    Returns
    -------
    labels : shape (n_members, n_rows, n_labels)
    """
    return family.scaling.to_labels(inputs, _run(family, CpuEngine(family.plan), inputs))


class _Chunk(NamedTuple):
    """Some stars, drawn and run."""

    stars: slice
    realisations: np.ndarray  # (n_stars, n_draws, n_inputs), physical units
    outputs: np.ndarray  # (n_members, n_stars, n_draws, n_labels)
    undrawn: np.ndarray  # (n_members, n_stars, n_labels), outputs for the measured values


def _draw(
    family: Family, inputs: np.ndarray, errors: np.ndarray, star_keys: np.ndarray, draws: Draws
) -> Iterator[_Chunk]:
    """Yield the draws of all stars and the outputs of each member, as many stars at a time as memory allows."""
    engine = make_engine(family.plan, draws.engine, draws.tf32)
    columns, mixing = measured_behind(family.inputs)
    chunk = max(1, CHUNK_VALUES // (draws.n_draws * len(family.labels) * family.plan.n_members))
    for start in range(0, len(inputs), chunk):
        stars = slice(start, min(start + chunk, len(inputs)))
        uniform = _uniform(family, star_keys[stars], columns, draws)
        realisations = resample_inputs(
            inputs[stars], errors[stars], mixing, uniform, columns=columns, include_nominal=draws.include_nominal
        )
        _fill_missing(family, realisations, inputs[stars], star_keys[stars], draws)
        yield _Chunk(stars, realisations, _run(family, engine, realisations), _run(family, engine, inputs[stars]))


def _fill_missing(
    family: Family, realisations: np.ndarray, inputs: np.ndarray, star_keys: np.ndarray, draws: Draws
) -> None:
    """Draw the missing inputs, in place, from their distribution given the present inputs of the star."""
    rows = np.flatnonzero(np.isnan(inputs).any(axis=1))
    if family.density is None or not rows.size:
        return
    uniform = _uniform(family, star_keys[rows], _imputed(family), draws)
    drawn = draw_missing(family.density, inputs[rows], uniform[..., 0], ndtri(uniform[..., 1:]))
    realisations[rows] = np.where(np.isnan(realisations[rows]), drawn, realisations[rows])


def _imputed(family: Family) -> list[str]:
    """Return what is drawn for a star with missing inputs, in addition to its measured columns."""
    return ["component", *(f"missing {name}" for name in family.inputs)]


def _uniform(family: Family, star_keys: np.ndarray, columns: Sequence[str], draws: Draws) -> np.ndarray:
    # One sequence for all dimensions: the draws of measured columns do not depend on which inputs are missing.
    dimensions = [*family.measured, *_imputed(family)]
    return uniform_draws(star_keys, draws.n_draws, columns, draws.seed, draws.sampler, dimensions)


def _run(family: Family, engine: Engine, inputs: np.ndarray) -> np.ndarray:
    """Return the outputs of each member, (n_members, ..., n_labels), in units of the scaling."""
    scaled = family.scaling.scale_inputs(inputs)
    outputs = engine.run(scaled)
    if family.blend is not None:
        family.blend.mix(outputs, scaled)
    if family.fallback is not None:
        replaced = family.fallback.replaced
        for member, coefficients in enumerate(family.fallback.coefficients):
            outputs[member][..., replaced] = Polynomials(coefficients[:, replaced]).evaluate(scaled)
    return outputs
