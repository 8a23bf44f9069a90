"""What a user could do instead of a network, fitted on the same stars."""

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

PENALTIES = np.logspace(-4, 4, 17)  # chosen by leave-one-out on the training stars


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
