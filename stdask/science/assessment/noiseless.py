"""Errors of translations on the scale of B itself, without the noise of the values that B measured."""

import numpy as np


def errors_on_scale(sigma: np.ndarray, input_noise: np.ndarray, members: np.ndarray, error_of_b: float) -> np.ndarray:
    """Return the 1-sigma error of each translation about the noiseless value on the scale of B.

    Calibrated errors cover what B would measure, so they contain the noise of B. Two translations of a star differ by
    their own errors alone, and so does their mean from the truth: the noise of B has to be taken out again. What
    remains is at least the part that comes from the noise of A and from the networks, which hold no noise of B.

    Parameters
    ----------
    sigma, input_noise, members : shape (n_stars,)
        Calibrated error of each star, and its parts by the measurement errors of A and by the networks.
    error_of_b
        Typical error of B among the training stars; NaN or 0 if it is not known, which leaves the errors as they are.
    """
    least = input_noise**2 + members**2
    noise = error_of_b**2 if np.isfinite(error_of_b) else 0.0
    return np.sqrt(np.maximum(sigma.astype(np.float64) ** 2 - noise, least))
