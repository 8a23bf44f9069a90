"""What a user could do instead of a network, fitted on the same stars."""

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Kernel, WhiteKernel
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from threadpoolctl import threadpool_limits

from stdask.science.keys.seeds import generator, integer_seed
from stdask.science.translation.known_labels import group_labels
from stdask.science.translation.scaling import NO_COUNTERPART

SIMPLER = {  # methods, the simplest first, as the subject of a sentence
    "raw": "A as it is",
    "offset": "a constant offset",
    "ridge1": "a linear ridge regression",
    "ridge2": "a quadratic ridge regression",
    "ridge3": "a cubic ridge regression",
    "trees": "a sum of gradient-boosted trees",
    "gp": "a Gaussian process",
}
PENALTIES = np.logspace(-4, 4, 17)  # chosen by leave-one-out on the training stars
GP_STARS = 2000  # that a Gaussian process knows: its cost grows with their cube
GP_TUNING_STARS = 500  # of them, that choose its length scales and noise: some 50 factorisations


def fit_baselines(
    inputs: np.ndarray, labels: np.ndarray, own_input: Sequence[int], new_inputs: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """Predict labels by all methods simpler than a network, the simplest first.

    `raw` is A as it is; `offset` adds the median of B - A; `ridge1`, `ridge2` and `ridge3` are ridge regressions
    of that degree, `trees` gradient-boosted ones, `gp` a Gaussian process. All but `raw` are fitted to B - A, or to
    B where A has no such label, which `raw` and `offset` then leave NaN. Each label is fitted on all stars that have
    it.

    Parameters
    ----------
    inputs : shape (n_stars, n_inputs)
        Of the training stars, finite.
    labels : shape (n_stars, n_labels)
        Of the training stars, NaN where missing.
    own_input
        For each label the column of its counterpart in `inputs`, or `NO_COUNTERPART`.
    new_inputs : shape (n_new, n_inputs)
    seed
        Of the stars that the trees validate on and that the Gaussian process knows.

    Returns
    -------
    predicted
        Method -> shape (n_new, n_labels), in the units of `labels`.
    """
    own = np.asarray(own_input)
    raw = np.where(own == NO_COUNTERPART, np.nan, new_inputs[:, own])
    known_start = np.where(own == NO_COUNTERPART, 0.0, inputs[:, own])
    new_start = np.where(own == NO_COUNTERPART, 0.0, new_inputs[:, own])
    corrections = labels - known_start
    predicted = {"raw": raw, "offset": raw + np.nanmedian(corrections, axis=0)}
    fitted = {method: np.empty_like(new_start) for method in SIMPLER if method not in predicted}
    with threadpool_limits(1):  # on a busy machine threads wait for one another a hundred times longer than they work
        for group, stars in group_labels(corrections):
            known = (inputs[stars], corrections[np.ix_(stars, group)], new_inputs)
            for degree in (1, 2, 3):
                fitted[f"ridge{degree}"][:, group] = fit_ridge(*known, degree)
            fitted["trees"][:, group] = _fit_trees(*known, seed)
            fitted["gp"][:, group] = _fit_gaussian_process(*known, seed)
    return predicted | {method: new_start + values for method, values in fitted.items()}


def fit_ridge(inputs: np.ndarray, labels: np.ndarray, new_inputs: np.ndarray, degree: int) -> np.ndarray:
    """Predict labels by a ridge regression on all monomials of the inputs up to `degree`.

    Parameters
    ----------
    inputs : shape (n_stars, n_inputs)
        Of the training stars.
    labels : shape (n_stars, n_labels)
        Of the training stars.
    new_inputs : shape (n_new, n_inputs)
    degree
        2 for a quadratic one.

    Returns
    -------
    predicted : shape (n_new, n_labels)
    """
    model = make_pipeline(
        StandardScaler(),
        PolynomialFeatures(degree, include_bias=False),
        StandardScaler(),
        RidgeCV(PENALTIES, alpha_per_target=True),
    )
    return model.fit(inputs, labels).predict(new_inputs).reshape(len(new_inputs), -1)


def _fit_trees(inputs: np.ndarray, labels: np.ndarray, new_inputs: np.ndarray, seed: int) -> np.ndarray:
    """Boost trees of least absolute error (Friedman 2001, Annals of Statistics 29, 1189, algorithm 3)."""
    model = HistGradientBoostingRegressor(  # small steps of small trees, for samples of hundreds of stars
        loss="absolute_error",
        learning_rate=0.05,
        max_iter=500,
        max_leaf_nodes=8,
        min_samples_leaf=10,
        early_stopping=True,
        validation_fraction=0.2,
        n_iter_no_change=20,
        random_state=integer_seed(seed, "boosted trees"),
    )
    return np.stack([model.fit(inputs, label).predict(new_inputs) for label in labels.T], axis=-1)


def _fit_gaussian_process(inputs: np.ndarray, labels: np.ndarray, new_inputs: np.ndarray, seed: int) -> np.ndarray:
    """Predict by Gaussian processes with a length scale for each input, and white noise.

    Source: Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, sects. 2.2 and 5.1 (automatic
    relevance determination), the hyperparameters by maximum marginal likelihood (sect. 5.4.1).
    """
    chosen = generator(seed, "stars of the Gaussian process").permutation(len(inputs))[:GP_STARS]
    input_scaler, label_scaler = StandardScaler().fit(inputs[chosen]), StandardScaler().fit(labels[chosen])
    x, y = input_scaler.transform(inputs[chosen]), label_scaler.transform(labels[chosen])
    new = input_scaler.transform(new_inputs)
    predicted = []
    for label in y.T:
        kernel = _tuned_kernel(x[:GP_TUNING_STARS], label[:GP_TUNING_STARS])
        predicted.append(GaussianProcessRegressor(kernel, optimizer=None).fit(x, label).predict(new))
    return label_scaler.inverse_transform(np.stack(predicted, axis=-1))


def _tuned_kernel(inputs: np.ndarray, label: np.ndarray) -> Kernel:
    kernel = ConstantKernel() * RBF(np.ones(inputs.shape[1])) + WhiteKernel()
    with warnings.catch_warnings():
        # a length scale or a noise at its bound means an input or a scatter that does not matter: no fault, and
        # nothing to do for whoever runs this
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GaussianProcessRegressor(kernel).fit(inputs, label).kernel_
