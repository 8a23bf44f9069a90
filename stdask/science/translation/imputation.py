"""Missing inputs, drawn from their distribution given the star's other inputs."""

import numpy as np

from stdask.science.translation.gaussian_mixture import Mixture, condition, multiply, pick_components


def draw_missing(mixture: Mixture, inputs: np.ndarray, uniforms: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Draw each star's missing inputs from their distribution given its present ones.

    The published method sets a missing input to the training mean in every draw (Thomas et al. 2024, sect. 3.5):
    the label then lacks the scatter of that input, and its percentiles are too narrow.
    Drawn given the others, the input varies as it does among stars like this one: multiple imputation, Rubin
    1987, Multiple Imputation for Nonresponse in Surveys, from the conditional distribution of a Gaussian mixture.

    A star's draws depend on that star alone, to the last bit, never on its neighbours in the partition.

    Parameters
    ----------
    mixture
        Of the inputs of the training stars.
    inputs : shape (n_stars, n_inputs)
        In the units of the mixture; NaN where missing.
    uniforms : shape (n_stars, n_draws), in (0, 1)
        Each picks the component of its draw.
    normals : shape (n_stars, n_draws, n_inputs)
        Those of the missing inputs become their scatter in the component.

    Returns
    -------
    draws : shape (n_stars, n_draws, n_inputs)
        Present inputs as they are. A star that misses all of them draws from the whole mixture.
    """
    draws = np.repeat(inputs[:, None], uniforms.shape[1], axis=1)
    patterns, which = np.unique(np.isnan(inputs), axis=0, return_inverse=True)
    for number, missing in enumerate(patterns):
        rows = np.flatnonzero(which == number)
        if missing.any():
            draws[np.ix_(rows, np.arange(uniforms.shape[1]), missing)] = _draw_pattern(
                mixture, inputs[rows], missing, uniforms[rows], normals[rows]
            )
    return draws


def _draw_pattern(
    mixture: Mixture, inputs: np.ndarray, missing: np.ndarray, uniforms: np.ndarray, normals: np.ndarray
) -> np.ndarray:
    """Return draws of the missing inputs of stars that miss the same, shape (n_stars, n_draws, n_missing)."""
    given = condition(mixture, inputs, ~missing)
    components = pick_components(given.responsibilities, uniforms)
    draws = np.empty((*uniforms.shape, int(missing.sum())))
    for component in range(len(mixture.weights)):
        stars, numbers = np.nonzero(components == component)
        scatter = multiply(given.factors[component], normals[stars, numbers][:, missing])
        draws[stars, numbers] = given.means[stars, component] + scatter
    return draws
