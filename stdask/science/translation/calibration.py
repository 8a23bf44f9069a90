"""Errors that cover: from held-out residuals to the 1-sigma error of each star, compared with what B would measure.

The draws contain the stated errors of A alone. The disagreement of the networks and the scatter that no input
explains come in addition, and stated errors are often wrong. So the three parts are fitted to residuals of stars on
which the predicting networks were not trained, and their sum is scaled, group by group, until it covers
(split-conformal calibration: Lei et al. 2018, JASA 113, 1094, sect. 2.2; by groups: Vovk et al. 2003, Mondrian
confidence machine).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy.optimize import minimize
from scipy.stats import norm

from stdask.errors import EnsembleError

DWARFS_FROM = 3.5  # log g
METALLICITY_EDGES = (-1.0, -0.4)  # Thomas et al. 2024, appendix B
N_GROUPS = 2 * (len(METALLICITY_EDGES) + 1)
MIN_GROUP = 100  # stars; a smaller group takes the factor of all: its own would be uncertain by over 7 %
LEVELS = (0.6827, 0.9)  # that errors are made to cover
WIDE_LEVEL = 0.99  # of the half-widths; of 100 stars the conformal rank of this share is the last
STARTS = 3  # of a fit, the later ones from where the one before ended
CLIP = 5.0  # robust sigmas: outliers must not set the errors of all
WILD = 3.0  # errors: residuals farther out count as that far in correlations
LOG_SCATTERS = (-6.0, 3.0)  # bounds of the logarithm of the intrinsic scatter, in units of the scale
PENALTY = 1.0  # on the squared weights of the scatter's features, in units of stars


@dataclass(frozen=True)
class SigmaParts:
    """The three parts of the error of each star and label, shape (n_stars, n_labels); they add in quadrature."""

    input_noise: np.ndarray
    members: np.ndarray
    intrinsic: np.ndarray
    wide_factors: np.ndarray  # half-width about the median that holds 99 % of held-out stars, in errors; NaN if unknown

    @property
    def total(self) -> np.ndarray:
        """The 1-sigma error."""
        return np.sqrt(self.input_noise**2 + self.members**2 + self.intrinsic**2)

    @property
    def half_widths(self) -> np.ndarray:
        """The half-width about the median that holds 99 % of held-out stars; NaN where too few of them were known."""
        return self.wide_factors * self.total


@dataclass(frozen=True)
class Calibration:
    """Errors calibrated on held-out stars, for each label.

    The intrinsic scatter is `exp(features @ weights)` in units of `scales`; features are 1, the standardised inputs
    and their squares.
    """

    scales: np.ndarray  # (n_labels,) robust scatter of the held-out residuals
    weights: np.ndarray  # (n_labels, 1 + 2 n_inputs)
    input_factors: np.ndarray  # (n_labels,) of the stated input noise, where no input is missing
    member_factors: np.ndarray  # (n_labels,)
    group_columns: np.ndarray  # (2,) of log g and metallicity among the inputs, -1 for none
    group_factors: np.ndarray  # (n_labels, N_GROUPS)
    missing_factors: np.ndarray  # (n_labels,), on top where an input is missing
    # what ensembles of earlier versions do not have
    wide_factors: np.ndarray | None = None  # (n_labels, N_GROUPS + 1), of the total error; last: an input is missing
    correlation_root: np.ndarray | None = None  # (n_labels, n_labels), of the residuals in units of their errors

    def parts(
        self, inputs: np.ndarray, scaled_inputs: np.ndarray, input_noise: np.ndarray, member_spread: np.ndarray
    ) -> SigmaParts:
        """Return the calibrated error of each star and label, in its three parts.

        Parameters
        ----------
        inputs, scaled_inputs : shape (n_stars, n_inputs)
            In physical units, NaN where missing, and standardised with missing ones 0.
        input_noise, member_spread : shape (n_stars, n_labels)
            Half of the 16-84 % range of the draws; standard deviation (ddof 1) of all members.
        """
        lacking = np.isnan(inputs).any(axis=1, keepdims=True)
        factors = self.group_factors[:, group_numbers(inputs, self.group_columns)].T
        factors = np.where(lacking, factors * self.missing_factors, factors)
        wide = np.full((len(self.scales), N_GROUPS + 1), np.nan) if self.wide_factors is None else self.wide_factors
        # most of the width of a star that lacks an input is the scatter of that input among stars like it, which no
        # survey has over- or understated
        noise_factors = np.where(lacking, 1.0, self.input_factors)
        return SigmaParts(
            factors * noise_factors * input_noise,
            factors * self.member_factors * member_spread,
            factors * self.scales * _own_scatter(_features(scaled_inputs), self.weights.T),
            wide[:, np.where(lacking[:, 0], N_GROUPS, group_numbers(inputs, self.group_columns))].T,
        )


def group_numbers(inputs: np.ndarray, columns: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return the group of each star: giants or dwarfs, by metallicity; a missing value counts as low.

    Parameters
    ----------
    inputs : shape (n_stars, n_inputs)
    columns
        Of log g and of the metallicity among the inputs, -1 for none.
    """
    logg, metallicity = (inputs[:, c] if c >= 0 else np.full(len(inputs), -np.inf) for c in columns)
    dwarfs = np.nan_to_num(logg, nan=-np.inf) >= DWARFS_FROM
    return dwarfs * (N_GROUPS // 2) + np.digitize(np.nan_to_num(metallicity, nan=-np.inf), METALLICITY_EDGES)


def group_names(columns: Sequence[int] | np.ndarray) -> list[str]:
    """Return the groups in words, in the order of their numbers; equal words where a column is lacking.

    Parameters
    ----------
    columns
        Of log g and of the metallicity among the inputs, -1 for none.
    """
    low, high = (f"{edge:g}" for edge in METALLICITY_EDGES)
    kinds = ("giants", "dwarfs") if columns[0] >= 0 else ("", "")
    bins = (f"[Fe/H] < {low}", f"{low} < [Fe/H] < {high}", f"[Fe/H] > {high}") if columns[1] >= 0 else ("", "", "")
    return [", ".join(filter(None, words)) or "all" for words in product(kinds, bins)]


def fit_calibration(
    residuals: np.ndarray,
    inputs: np.ndarray,
    scaled_inputs: np.ndarray,
    input_noise: np.ndarray,
    member_spread: np.ndarray,
    group_columns: Sequence[int],
) -> Calibration:
    """Calibrate the errors on held-out stars.

    Parameters
    ----------
    residuals : shape (n_stars, n_labels)
        Prediction minus B, by networks that were not trained on the star; NaN where B lacks the label.
    inputs, scaled_inputs, input_noise, member_spread
        As for `Calibration.parts`. Stars that lack an input only set the factor of such stars.
    group_columns
        Of log g and of the metallicity among the inputs, -1 for none.
    """
    complete = np.isfinite(inputs).all(axis=1)
    described = (inputs, scaled_inputs, input_noise, member_spread)
    calibration = _fit_complete(residuals[complete], tuple(values[complete] for values in described), group_columns)
    ratios = np.abs(_deviates(residuals[~complete], calibration.parts(*(values[~complete] for values in described))))
    factors = [
        _conformal_factor(own[np.isfinite(own)]) if np.isfinite(own).sum() >= MIN_GROUP else 1.0 for own in ratios.T
    ]
    calibration = replace(calibration, missing_factors=np.array(factors))
    deviates = _deviates(residuals, calibration.parts(*described))
    return replace(
        calibration,
        wide_factors=_wide_factors(np.abs(deviates), group_numbers(inputs, calibration.group_columns), complete),
        correlation_root=_correlation_root(deviates[complete]),
    )


def _deviates(residuals: np.ndarray, parts: SigmaParts) -> np.ndarray:
    """Return residuals in units of their errors; NaN where the error is 0, as for a label that all stars share."""
    total = parts.total
    return np.divide(residuals, total, where=total > 0, out=np.full_like(residuals, np.nan))


def _wide_factors(ratios: np.ndarray, groups: np.ndarray, complete: np.ndarray) -> np.ndarray:
    """Return the half-widths of `WIDE_LEVEL` in units of the errors, shape (n_labels, N_GROUPS + 1).

    A group of fewer than `MIN_GROUP` stars takes the half-width of all complete stars. The last column is that of stars
    that lack an input; NaN stands for fewer than `MIN_GROUP` stars in all.
    """
    common = _wide_factor(ratios[complete])
    factors = [_wide_factor(ratios[complete & (groups == group)]) for group in range(N_GROUPS)]
    own = [np.where(np.isnan(factor), common, factor) for factor in factors]
    return np.stack([*own, _wide_factor(ratios[~complete])], axis=1)


def _wide_factor(ratios: np.ndarray) -> np.ndarray:
    """Return the half-width of `WIDE_LEVEL` of each label of some stars, NaN if there are fewer than `MIN_GROUP`."""
    factors = np.full(ratios.shape[1], np.nan)
    for label, column in enumerate(ratios.T):
        known = column[np.isfinite(column)]
        if known.size >= MIN_GROUP:
            factors[label] = np.quantile(known, _conformal_share(known.size, WIDE_LEVEL), method="inverted_cdf")
    return factors


def _correlation_root(deviates: np.ndarray) -> np.ndarray:
    """Return the square root of the correlation matrix of residuals in units of their errors.

    Of the stars that have all labels; with fewer than `MIN_GROUP` of them there is no correlation. A residual beyond
    `WILD` counts as that far: one outlier must not decide.

    Returns
    -------
    root : shape (n_labels, n_labels)
        Symmetric: independent standard normal deviates times it have the correlations.
    """
    known = np.clip(deviates[np.isfinite(deviates).all(axis=1)], -WILD, WILD)
    if len(known) < MIN_GROUP:
        return np.eye(deviates.shape[1])
    scatter = known.std(axis=0)
    scaled = (known - known.mean(axis=0)) / np.where(scatter > 0, scatter, 1.0)
    correlations = scaled.T @ scaled / len(known)
    np.fill_diagonal(correlations, 1.0)
    sizes, axes = np.linalg.eigh(correlations)
    return (axes * np.sqrt(np.maximum(sizes, 0.0))) @ axes.T


def _fit_complete(
    residuals: np.ndarray,
    described: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    group_columns: Sequence[int],
) -> Calibration:
    """Fit the errors to stars that lack no input; `described` are the parameters of `Calibration.parts`."""
    inputs, scaled_inputs, input_noise, member_spread = described
    n_labels = residuals.shape[1]
    features = _features(scaled_inputs)
    known = np.isfinite(residuals)
    scales = np.array([_robust_scatter(residuals[known[:, n], n]) for n in range(n_labels)])
    fits = [
        _fit_label(
            features[known[:, n]],
            *(values[known[:, n], n] / scales[n] for values in (residuals, input_noise, member_spread)),
        )
        for n in range(n_labels)
    ]
    raw = Calibration(
        scales=scales,
        weights=np.stack([fit[2:] for fit in fits]),
        input_factors=np.exp([fit[0] for fit in fits]),
        member_factors=np.exp([fit[1] for fit in fits]),
        group_columns=np.asarray(group_columns),
        group_factors=np.ones((n_labels, N_GROUPS)),
        missing_factors=np.ones(n_labels),
    )
    ratios = np.abs(_deviates(residuals, raw.parts(*described)))
    groups = group_numbers(inputs, raw.group_columns)
    factors = np.stack([_group_factors(ratios[own, n], groups[own]) for n, own in enumerate(known.T)])
    return replace(raw, group_factors=factors)


def _group_factors(ratios: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the factor of each group for one label, (N_GROUPS,): that of all stars for a group with few."""
    factors = np.full(N_GROUPS, _conformal_factor(ratios))
    for group in range(N_GROUPS):
        if (groups == group).sum() >= MIN_GROUP:
            factors[group] = _conformal_factor(ratios[groups == group])
    return factors


def _features(scaled_inputs: np.ndarray) -> np.ndarray:
    clipped = np.clip(
        scaled_inputs.astype(np.float64), -3, 3
    )  # A parabola must stay bounded outside the range of the stars.
    return np.concatenate([np.ones((len(clipped), 1)), clipped, clipped**2], axis=1)


def _own_scatter(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the intrinsic scatter in units of the scale: bounded where several inputs are far from the mean."""
    return np.exp(np.clip(features @ weights, *LOG_SCATTERS))


def _is_bounded(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Tell where the intrinsic scatter is at one of its bounds."""
    logs = features @ weights
    return (logs <= LOG_SCATTERS[0]) | (logs >= LOG_SCATTERS[1])


def _fit_label(features: np.ndarray, residuals: np.ndarray, noise: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return log factors of noise and spread and the weights: the most likely Gaussian scatter, penalised.

    Raises
    ------
    EnsembleError
        If the fit does not converge.
    """
    squares = np.minimum(residuals**2, CLIP**2)
    start = np.zeros(2 + features.shape[1])
    start[2] = -0.5

    def cost(p: np.ndarray) -> tuple[float, np.ndarray]:
        noise2, spread2 = np.exp(2 * p[0]) * noise**2, np.exp(2 * p[1]) * spread**2
        own2 = _own_scatter(features, p[2:]) ** 2
        variance = noise2 + spread2 + own2
        slope = 0.5 / variance - 0.5 * squares / variance**2  # d cost / d variance
        value = 0.5 * (np.log(variance) + squares / variance).sum()
        free = np.concatenate([p[:2], p[3:]])  # all but the constant
        # A scatter at its bound does not move with the weights.
        own_slope = np.where(_is_bounded(features, p[2:]), 0.0, 2 * slope * own2)
        gradient = np.concatenate([[2 * slope @ noise2, 2 * slope @ spread2], own_slope @ features])
        penalty = 2 * PENALTY * np.concatenate([p[:2], [0.0], p[3:]])
        return value + PENALTY * (free**2).sum(), gradient + penalty

    bounds = [(-4, 2), (-4, 2), *[(-5, 3)] * features.shape[1]]
    for _ in range(STARTS):
        fit = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds)
        if fit.success:
            return fit.x
        start = fit.x  # a line search may end early; from there a new one converges
    raise EnsembleError(
        f"The errors of a label could not be fitted ({fit.message}). This is a bug in stdask: please report it."
    )


def _robust_scatter(residuals: np.ndarray) -> float:
    low, high = np.percentile(residuals, [15.87, 84.13])
    return float((high - low) / 2) or 1.0


def _conformal_factor(ratios: np.ndarray) -> float:
    """Return what to multiply the errors of a label by for them to cover new stars, at one sigma and at 90 %.

    Residuals have longer tails than a Gaussian: what covers 68 % is too small for 90 %. The geometric mean of the
    factors of both misses either by half as much. The rank of a quantile is that of split-conformal calibration.

    Parameters
    ----------
    ratios : shape (n_stars,)
        Absolute residuals in units of the errors.
    """
    factors = []
    for level in LEVELS:
        share = _conformal_share(len(ratios), level)
        factors.append(np.quantile(ratios, share, method="inverted_cdf") / norm.ppf((1 + level) / 2))
    return float(np.sqrt(factors[0] * factors[1]))


def _conformal_share(n_stars: int, level: float) -> float:
    """Return the share whose quantile among `n_stars` held-out stars holds a new star with probability `level`."""
    return min(1.0, np.ceil((n_stars + 1) * level) / n_stars)
