"""Polynomials in the inputs, as numbers that can be stored: they replace networks that are not closer to B."""

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from stdask.science.translation.known_labels import group_labels

MAX_DEGREE = 3
METHODS = (
    "raw",
    "offset",
    "ridge1",
    "ridge2",
    "ridge3",
)  # those of `science.assessment.baselines` that are polynomials


@dataclass(frozen=True)
class Polynomials:
    """One polynomial of degree 3 at most a label, in standardised inputs; lower degrees have zeros."""

    coefficients: np.ndarray  # (n_terms, n_labels), in the order of `_terms`

    def evaluate(self, scaled_inputs: np.ndarray) -> np.ndarray:
        """Return the polynomials' values, term by term: a star's last bit must not depend on its neighbours.

        Parameters
        ----------
        scaled_inputs : shape (..., n_inputs)

        Returns
        -------
        values : shape (..., n_labels), float64
        """
        x = np.asarray(scaled_inputs, dtype=np.float64)
        values = np.zeros((*x.shape[:-1], self.coefficients.shape[1]))
        for columns, coefficients in zip(_terms(x.shape[-1]), self.coefficients, strict=True):
            if coefficients.any():
                values += np.prod(x[..., list(columns)], axis=-1)[..., None] * coefficients
        return values


def fit_polynomials(scaled_inputs: np.ndarray, corrections: np.ndarray, method: str) -> Polynomials:
    """Fit one of the simple methods of `science.assessment.baselines` to the corrections that networks are trained on.

    Parameters
    ----------
    scaled_inputs : shape (n_stars, n_inputs)
        Standardised.
    corrections : shape (n_stars, n_labels)
        What has to be added to A, in any unit; NaN where B lacks the label.
    method
        One of `METHODS`: "raw" adds nothing, "offset" the median, "ridge1" to "ridge3" are regressions of that
        degree, their penalty chosen by leave-one-out.
    """
    coefficients = np.zeros((len(_terms(scaled_inputs.shape[1])), corrections.shape[1]))
    if method == "offset":
        coefficients[0] = np.nanmedian(corrections, axis=0)
    elif method != "raw":
        for group, stars in group_labels(corrections):
            known = corrections[np.ix_(stars, group)]
            fitted = _fit_ridge(scaled_inputs[stars], known, int(method.removeprefix("ridge")))
            coefficients[: len(fitted), group] = fitted
    return Polynomials(coefficients)


def _fit_ridge(scaled_inputs: np.ndarray, corrections: np.ndarray, degree: int) -> np.ndarray:
    """Return the coefficients of all terms up to a degree, (n_terms, n_labels), the constant first."""
    from sklearn.linear_model import RidgeCV
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    from stdask.science.assessment.baselines import PENALTIES

    monomials = PolynomialFeatures(degree, include_bias=False).fit_transform(scaled_inputs.astype(np.float64))
    scaler = StandardScaler().fit(monomials)
    model = RidgeCV(PENALTIES, alpha_per_target=True).fit(scaler.transform(monomials), corrections)
    slopes = np.atleast_2d(model.coef_).T / scaler.scale_[:, None]
    return np.concatenate([(model.intercept_ - scaler.mean_ @ slopes)[None], slopes])


def _terms(n_inputs: int) -> list[tuple[int, ...]]:
    """Return the inputs that each term multiplies, in scikit-learn's order: (), (0,), ..., (0, 0), (0, 1), ..."""
    return [
        columns
        for degree in range(MAX_DEGREE + 1)
        for columns in combinations_with_replacement(range(n_inputs), degree)
    ]
