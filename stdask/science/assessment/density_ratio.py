"""How much denser one population of stars is than another, at the place of each star: the weights of covariate shift.

A classifier that tells the two populations apart knows the ratio of their densities: it is the odds of its probability
times the ratio of their numbers (Qin 1998, Biometrika 85, 619; Sugiyama, Suzuki & Kanamori 2012, Density Ratio
Estimation in Machine Learning, ch. 4). Stars weighted by it are distributed as the other population in all columns
together, so their weighted mean residual estimates the mean residual there (Shimodaira 2000, J. Stat. Plan.
Inference 90, 227). It holds if, among stars of equal columns, being in the first population does not depend on the
residual.
"""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from stdask.science.keys.seeds import integer_seed

LARGEST = 20.0  # weight: without a limit, a few stars in the tails of the first population would decide every mean
FARTHEST = 4.0  # standard deviations: a parabola must stay bounded beyond the stars it was fitted to
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)  # inverse penalties, the simplest first
N_FOLDS = 5
THINNEST = 1e-2  # of a column's spread: a relation between columns that is thinner is one of definition or of rounding


@dataclass(frozen=True)
class DensityRatio:
    """The density of other stars over that of known stars: the exponential of a quadratic form of the columns.

    Columns are whitened, as populations may differ most where a relation between columns is thin: magnitude and
    distance say little by themselves, but together they are the luminosity.
    """

    centres: np.ndarray  # (n_columns,)
    whitening: np.ndarray  # (n_columns, n_columns)
    coefficients: np.ndarray  # (n_features,) of 1, the whitened columns, and their products
    norm: float = 1.0  # mean of the ratios of the known stars, which the weights are divided by

    def weights(self, values: np.ndarray) -> np.ndarray:
        """Return the weight of each star: 1 on average over the known stars, at most `LARGEST` times the norm.

        Parameters
        ----------
        values : shape (n_stars, n_columns), in the units of the columns

        Returns
        -------
        weights : shape (n_stars,); NaN where a column is missing
        """
        logs = _features(values, self.centres, self.whitening) @ self.coefficients
        return np.minimum(np.exp(np.minimum(logs, np.log(LARGEST))), LARGEST) / self.norm


def fit_density_ratio(known: np.ndarray, others: np.ndarray, seed: int) -> DensityRatio:
    """Estimate how much denser other stars are than known stars, by a logistic regression with products of columns.

    The strength of its penalty has the smallest cross-entropy for held-out stars. Without a difference that it can
    learn, all weights are about 1.

    Parameters
    ----------
    known : shape (n_known, n_columns)
        Stars to be weighted, e.g. pairs. A star with a missing value is left out.
    others : shape (n_others, n_columns)
        A random sample of the stars whose distribution they should have. A star with a missing value is left out.
    seed
        Of the folds of the cross-validation.

    Raises
    ------
    ValueError
        If fewer than `N_FOLDS` stars of one of the populations have all columns.
    """
    known, others = (values[np.isfinite(values).all(axis=1)] for values in (known, others))
    if min(len(known), len(others)) < N_FOLDS:
        raise ValueError(f"{len(known)} known and {len(others)} other stars have all columns; {N_FOLDS} are needed")
    values = np.concatenate([known, others]).astype(np.float64)
    centres, whitening = values.mean(axis=0), _fit_whitening(values)
    features = _features(values, centres, whitening)
    is_other = np.repeat([0, 1], [len(known), len(others)])
    # Both populations count the same, however many stars they have: the odds are then the ratio of the densities.
    counts = np.array([len(known), len(others)])
    shares = (len(values) / 2 / counts)[is_other]
    with threadpool_limits(1):  # on a busy machine several threads are slower than one
        strength = _best_strength(features, is_other, shares, seed)
        coefficients = _fit(features, is_other, shares, strength)
    ratio = DensityRatio(centres, whitening, coefficients)
    return replace(ratio, norm=float(ratio.weights(known).mean()))


def effective_number(weights: np.ndarray) -> float:
    """Return how many stars of equal weight would give a mean as certain as that of weighted stars.

    Source: Kish 1965, Survey Sampling, sect. 11.7.

    Parameters
    ----------
    weights : shape (n_stars,)
        0 without stars.
    """
    return float(weights.sum() ** 2 / (weights**2).sum()) if weights.size else 0.0


def _fit_whitening(values: np.ndarray) -> np.ndarray:
    """Return the matrix to multiply columns by that makes them uncorrelated and of variance 1."""
    spreads = np.where(np.ptp(values, axis=0) > 0, values.std(axis=0), 1.0)
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(values / spreads, rowvar=False)))
    return axes / np.sqrt(np.maximum(variances, THINNEST**2)) / spreads[:, None]


def _features(values: np.ndarray, centres: np.ndarray, whitening: np.ndarray) -> np.ndarray:
    """Return 1, the whitened columns, and the products of two of them, squares included."""
    white = np.clip((values - centres) @ whitening, -FARTHEST, FARTHEST)
    first, second = np.triu_indices(white.shape[1])
    return np.concatenate([np.ones((len(white), 1)), white, white[:, first] * white[:, second]], axis=1)


def _best_strength(features: np.ndarray, is_other: np.ndarray, shares: np.ndarray, seed: int) -> float:
    """Return the inverse penalty with the smallest cross-entropy for held-out stars."""
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=integer_seed(seed, "folds of the density ratio"))
    losses = np.zeros(len(STRENGTHS))
    for fit, held_out in folds.split(features, is_other):
        for number, strength in enumerate(STRENGTHS):
            logs = features[held_out] @ _fit(features[fit], is_other[fit], shares[fit], strength)
            chances = 1 / (1 + np.exp(-logs))
            losses[number] += log_loss(is_other[held_out], chances, sample_weight=shares[held_out])
    return STRENGTHS[int(np.argmin(losses))]


def _fit(features: np.ndarray, is_other: np.ndarray, shares: np.ndarray, strength: float) -> np.ndarray:
    """Return the coefficients of the logarithm of the odds, the first one that of the constant, unpenalised."""
    model = LogisticRegression(C=strength, solver="newton-cholesky", max_iter=100)
    model.fit(features[:, 1:], is_other, sample_weight=shares)
    return np.concatenate([model.intercept_, model.coef_[0]])
